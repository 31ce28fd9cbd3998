import { operation } from "../lib/operation.js";

/** The whole catalog, by code. */
export const providersList = /* @__PURE__ */ operation("get", "/v1/providers");

/** One provider, with what a form for its credential needs. */
export const providersGet = /* @__PURE__ */ operation("get", "/v1/providers/{code}");
