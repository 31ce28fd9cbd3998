import { operation } from "../lib/operation.js";
import type { CreateIntegration } from "../models/components.js";

/** A page of integrations, by key. */
export const integrationsList = /* @__PURE__ */ operation("get", "/v1/integrations");

/** Sets up a provider with your OAuth client. */
export const integrationsCreate = /* @__PURE__ */ operation<"post", "/v1/integrations", CreateIntegration>("post", "/v1/integrations");

/** One integration. */
export const integrationsGet = /* @__PURE__ */ operation("get", "/v1/integrations/{key}");

/** Changes an integration. What is absent stays; `null` clears. */
export const integrationsUpdate = /* @__PURE__ */ operation("patch", "/v1/integrations/{key}");

/** Deletes an integration that no connection uses. */
export const integrationsDelete = /* @__PURE__ */ operation("delete", "/v1/integrations/{key}");
