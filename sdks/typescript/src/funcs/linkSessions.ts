import { operation } from "../lib/operation.js";

/** Makes a link at which an end user authorises an account. */
export const linkSessionsCreate = /* @__PURE__ */ operation("post", "/v1/link-sessions");

/** How far a link has come. */
export const linkSessionsGet = /* @__PURE__ */ operation("get", "/v1/link-sessions/{id}");
