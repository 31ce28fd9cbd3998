import type { PassthroughCore } from "../core.js";
import { envelope } from "../lib/envelope.js";
import type { RequestOptions } from "../lib/options.js";
import type { Result } from "../lib/result.js";
import { json } from "../lib/send.js";
import { type RequestError, SDKValidationError } from "../models/errors.js";
import type { RequestRequest, RequestResponseBody } from "../models/operations.js";

/** Makes a passthrough request. Any answer of the provider is a value, with its `statusCode`; failures are errors. */
export function passthroughRequest<T = unknown>(
  core: PassthroughCore,
  request: RequestRequest,
  options?: RequestOptions,
): Promise<Result<RequestResponseBody<T>, RequestError>> {
  return envelope(core, "/v1/passthrough", request, options, async (response) => {
    const value = await json<RequestResponseBody<T>>(response);
    if (typeof value?.statusCode === "number") return value;
    const issue = { path: "the answer", message: "is no passthrough response; is serverURL that of a Passthrough server?" };
    throw new SDKValidationError([issue], JSON.stringify(value));
  });
}
