import { operation } from "../lib/operation.js";

/** The keys of the environment, revoked ones too, newest first. */
export const apiKeysList = /* @__PURE__ */ operation("get", "/v1/api-keys");

/** Makes a key; `key` is shown this once. */
export const apiKeysCreate = /* @__PURE__ */ operation("post", "/v1/api-keys");

/** Revokes a key at once. A key may revoke itself. */
export const apiKeysRevoke = /* @__PURE__ */ operation("delete", "/v1/api-keys/{id}");
