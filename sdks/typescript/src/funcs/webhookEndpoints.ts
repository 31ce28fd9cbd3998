import { operation } from "../lib/operation.js";

/** A page of endpoints, newest first. */
export const webhookEndpointsList = /* @__PURE__ */ operation("get", "/v1/webhook-endpoints");

/** Makes an endpoint; `secret` is shown this once. */
export const webhookEndpointsCreate = /* @__PURE__ */ operation("post", "/v1/webhook-endpoints");

/** One endpoint. */
export const webhookEndpointsGet = /* @__PURE__ */ operation("get", "/v1/webhook-endpoints/{id}");

/** Changes an endpoint. What is absent stays. */
export const webhookEndpointsUpdate = /* @__PURE__ */ operation("patch", "/v1/webhook-endpoints/{id}");

/** Deletes an endpoint and its deliveries. */
export const webhookEndpointsDelete = /* @__PURE__ */ operation("delete", "/v1/webhook-endpoints/{id}");

/** Gives it another `secret`; the old one signs, too, for a day. */
export const webhookEndpointsRotateSecret = /* @__PURE__ */ operation("post", "/v1/webhook-endpoints/{id}/rotate-secret");

/** Sends it a `webhook.test`. */
export const webhookEndpointsTest = /* @__PURE__ */ operation("post", "/v1/webhook-endpoints/{id}/test");
