import { operation } from "../lib/operation.js";

/** A page of records, newest first. One with few or no entries may have a `next` nevertheless. */
export const requestsList = /* @__PURE__ */ operation("get", "/v1/requests");

/** The record of one passthrough. */
export const requestsGet = /* @__PURE__ */ operation("get", "/v1/requests/{id}");
