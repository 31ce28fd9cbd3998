import { operation } from "../lib/operation.js";

/** A page of events, newest first. */
export const eventsList = /* @__PURE__ */ operation("get", "/v1/events");

/** One event. */
export const eventsGet = /* @__PURE__ */ operation("get", "/v1/events/{id}");

/** Sends an event again to every endpoint that wants its type. */
export const eventsReplay = /* @__PURE__ */ operation("post", "/v1/events/{id}/replay");
