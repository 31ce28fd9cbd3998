import { operation } from "../lib/operation.js";

/** A page of deliveries, newest first. */
export const webhookDeliveriesList = /* @__PURE__ */ operation("get", "/v1/webhook-deliveries");

/** One delivery. */
export const webhookDeliveriesGet = /* @__PURE__ */ operation("get", "/v1/webhook-deliveries/{id}");

/** Sends it again, whatever came of it. */
export const webhookDeliveriesReplay = /* @__PURE__ */ operation("post", "/v1/webhook-deliveries/{id}/replay");
