import { Passthrough } from "@passthrough/sdk";
import sdk = require("@passthrough/sdk");
import errors = require("@passthrough/sdk/models/errors");

const passthrough: Passthrough = new sdk.Passthrough();
export const status = passthrough.health.live().then(
  (health) => health.status,
  (error) => (error instanceof errors.SDKError ? error.body : error.message),
);
