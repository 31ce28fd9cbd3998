import type { PassThroughRequestDto, PassthroughResponse } from "./components.js";

/** The argument of `passthrough.request` and `passthrough.raw`. */
export type RequestRequest = {
  /** The connection token, `con_tkn_…`. */
  xConnectionToken: string;
  passThroughRequestDto: PassThroughRequestDto;
};

/** What `passthrough.request` gives; `T` is the type that you know the provider's body to have. */
export type RequestResponseBody<T = unknown> = PassthroughResponse<T>;

/**
 * What `passthrough.raw` gives. `provider`: the provider's 2xx with its bytes, to be read from the `Response`;
 * `envelope`: what `passthrough.request` would have given.
 */
export type RawResponseBody<T = unknown> =
  | { source: "provider"; response: Response }
  | { source: "envelope"; response: PassthroughResponse<T> };
