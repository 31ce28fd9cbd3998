import { operation } from "../lib/operation.js";

/** Gives the connection for the token that an end user came back with. Once. */
export const publicTokenExchange = /* @__PURE__ */ operation("post", "/v1/public-token/exchange");
