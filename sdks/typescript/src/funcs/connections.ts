import { operation } from "../lib/operation.js";
import type { CreateConnection } from "../models/components.js";

/** A page of connections, newest first. */
export const connectionsList = /* @__PURE__ */ operation("get", "/v1/connections");

/** Stores a customer's credential; `token` is shown this once. */
export const connectionsCreate = /* @__PURE__ */ operation<"post", "/v1/connections", CreateConnection>("post", "/v1/connections");

/** One connection. */
export const connectionsGet = /* @__PURE__ */ operation("get", "/v1/connections/{id}");

/** Changes a connection. What is absent stays; `null` clears. */
export const connectionsUpdate = /* @__PURE__ */ operation("patch", "/v1/connections/{id}");

/** Deletes a connection and its credential. */
export const connectionsDelete = /* @__PURE__ */ operation("delete", "/v1/connections/{id}");

/** Asks the provider whether the credential is alive. */
export const connectionsVerify = /* @__PURE__ */ operation("post", "/v1/connections/{id}/verify");

/** Gets a new credential from the provider now. */
export const connectionsRefresh = /* @__PURE__ */ operation("post", "/v1/connections/{id}/refresh");

/** Gives the connection another token; the old one is refused from then on. */
export const connectionsRotateToken = /* @__PURE__ */ operation("post", "/v1/connections/{id}/rotate-token");

/** The connection of a connection token. */
export const connectionsGetCurrent = /* @__PURE__ */ operation("get", "/v1/connections/current");

/** Changes the connection of a connection token. */
export const connectionsUpdateCurrent = /* @__PURE__ */ operation("patch", "/v1/connections/current");

/** Deletes the connection of a connection token. */
export const connectionsDeleteCurrent = /* @__PURE__ */ operation("delete", "/v1/connections/current");
