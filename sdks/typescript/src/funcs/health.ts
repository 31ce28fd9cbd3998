import { operation } from "../lib/operation.js";

/** Whether the process lives. */
export const healthLive = /* @__PURE__ */ operation("get", "/healthz");

/** Whether it should get requests; an `SDKError` of 503 where not. */
export const healthReady = /* @__PURE__ */ operation("get", "/readyz");
