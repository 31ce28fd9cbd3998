import { headerValue, type PassthroughCore } from "../core.js";
import { InvalidRequestError, type RequestError, SDKValidationError } from "../models/errors.js";
import type { RequestRequest } from "../models/operations.js";
import type { RequestOptions } from "./options.js";
import { failed, type Result } from "./result.js";
import { jsonText, send } from "./send.js";

/** A passthrough request, at one of the two doors that take it as JSON. */
export async function envelope<T>(
  core: PassthroughCore,
  path: string,
  request: RequestRequest,
  options: RequestOptions | undefined,
  read: (response: Response) => T | Promise<T>,
): Promise<Result<T, RequestError>> {
  try {
    const dto = request?.passThroughRequestDto;
    const issues = [];
    if (typeof dto?.method !== "string") issues.push({ path: "method", message: "is missing" });
    if (typeof dto?.path !== "string") issues.push({ path: "path", message: "is missing" });
    else if (!dto.path.startsWith("/")) issues.push({ path: "path", message: "does not begin with /" });
    // The rest is judged by the server, in one place for all languages.
    if (issues.length) throw new SDKValidationError(issues);
    const call = {
      method: "POST",
      path,
      headers: { "connection-token": headerValue("xConnectionToken", request.xConnectionToken) },
      body: jsonText(dto),
      // What is sent to us is always a POST: the method that the provider sees decides.
      safe: /^(GET|HEAD|OPTIONS)$/.test(dto.method),
    };
    return await send(core, call, options, read);
  } catch (error) {
    if (error instanceof SDKValidationError || error instanceof InvalidRequestError) return failed(error);
    throw error;
  }
}
