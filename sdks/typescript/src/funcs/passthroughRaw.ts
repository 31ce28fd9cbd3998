import type { PassthroughCore } from "../core.js";
import { envelope } from "../lib/envelope.js";
import type { RequestOptions } from "../lib/options.js";
import type { Result } from "../lib/result.js";
import { json } from "../lib/send.js";
import type { PassthroughResponse } from "../models/components.js";
import type { RequestError } from "../models/errors.js";
import type { RawResponseBody, RequestRequest } from "../models/operations.js";

/** Makes a passthrough request and gives the bytes of a 2xx as they come. `timeoutMs` runs until their end. */
export function passthroughRaw<T = unknown>(
  core: PassthroughCore,
  request: RequestRequest,
  options?: RequestOptions,
): Promise<Result<RawResponseBody<T>, RequestError>> {
  return envelope(core, "/v1/passthrough/raw", request, options, async (response): Promise<RawResponseBody<T>> =>
    response.headers.get("passthrough-source") === "envelope"
      ? { source: "envelope", response: await json<PassthroughResponse<T>>(response) }
      : { source: "provider", response },
  );
}
