import type { PassthroughCore } from "../core.js";
import {
  ConnectionError,
  HTTPClientError,
  InvalidRequestError,
  type RequestError,
  RequestAbortedError,
  RequestTimeoutError,
  SDKError,
  SDKValidationError,
  UnexpectedClientError,
} from "../models/errors.js";
import { place, redacted } from "./logger.js";
import type { RequestOptions } from "./options.js";
import { done, failed, type Result } from "./result.js";
import { pauseBeforeNext } from "./retries.js";

// Timers take no more than 31 bits: a longer time would be none at all.
const LONGEST_MS = 2 ** 31 - 1;

/** One call of the server's API. */
export type Call = {
  method: string;
  /** Behind the server's URL, with its query. */
  path: string;
  /** Besides the API key, and above what the caller's `fetchOptions` say. */
  headers?: { [name: string]: string };
  /** JSON text. */
  body?: string | undefined;
  /** It changes nothing: it may be sent again whatever became of it. */
  safe: boolean;
};

/** One exchange, told to the debug logger. Everything that the SDK sends goes through here. */
export async function exchange(core: PassthroughCore, request: Request): Promise<Response> {
  const logger = core.debugLogger;
  if (!logger) return core.httpClient.request(request);
  const what = `${request.method} ${place(request.url)}`;
  const started = Date.now();
  logger.log(`passthrough: ${what}`, redacted(request.headers));
  try {
    const response = await core.httpClient.request(request);
    logger.log(`passthrough: ${what}: ${response.status} after ${Date.now() - started} ms`, redacted(response.headers));
    return response;
  } catch (error) {
    logger.log(`passthrough: ${what}: no answer after ${Date.now() - started} ms: ${(error as Error)?.name}`);
    throw error;
  }
}

/**
 * Sends the call, repeats it as far as that is allowed, and reads the answer by `read`. A status of 4xx or 5xx is an
 * `SDKError`; nothing is thrown.
 */
export async function send<T>(
  core: PassthroughCore,
  call: Call,
  options: RequestOptions = {},
  read: (response: Response) => T | Promise<T>,
): Promise<Result<T, RequestError>> {
  const signal = deadline(options.fetchOptions?.signal, options.timeoutMs ?? core.timeoutMs);
  const started = Date.now();
  for (let tries = 1; ; tries++) {
    let error: RequestError;
    try {
      return done(await once(core, call, options, signal, read));
    } catch (thrown) {
      error = named(thrown, signal);
    }
    const config = options.retries ?? core.retryConfig;
    const pause = pauseBeforeNext(error, call.safe, tries, Date.now() - started, config, options.retryCodes);
    if (pause === undefined) return failed(error);
    core.debugLogger?.log(`passthrough: again in ${Math.round(pause)} ms: ${error.name}`);
    await sleep(pause, signal);
    if (signal?.aborted) return failed(named(signal.reason, signal));
  }
}

async function once<T>(
  core: PassthroughCore,
  call: Call,
  options: RequestOptions,
  signal: AbortSignal | undefined,
  read: (response: Response) => T | Promise<T>,
): Promise<T> {
  // Health is told to everybody.
  const authorization = call.path.startsWith("/v1/") ? await core.authorization() : undefined;
  const request = requestOf(core, { ...call.headers, ...(authorization && { authorization }) }, call, options, signal);
  const response = await exchange(core, request);
  if (response.status < 200 || response.status > 299) {
    throw new SDKError(response, await response.clone().text());
  }
  return read(response);
}

function requestOf(
  core: PassthroughCore,
  own: { [name: string]: string },
  call: Call,
  { fetchOptions }: RequestOptions,
  signal: AbortSignal | undefined,
): Request {
  const headers = headersOf(fetchOptions?.headers);
  try {
    if (!headers.has("accept")) headers.set("accept", "application/json");
    if (call.body !== undefined) headers.set("content-type", "application/json");
    for (const [name, value] of Object.entries(own)) headers.set(name, value);
    return new Request(core.serverURL + call.path, {
      ...fetchOptions,
      // A redirect that is followed takes the connection token along, wherever it leads.
      redirect: fetchOptions?.redirect === "error" ? "error" : "manual",
      method: call.method,
      headers,
      body: call.body ?? null,
      signal: signal ?? null,
    });
  } catch (error) {
    throw new InvalidRequestError(`no request can be made of this: ${(error as Error).message}`, error);
  }
}

/** Without the runtime's own words, which hold the value that it refuses. */
function headersOf(given: RequestInit["headers"]): Headers {
  try {
    return new Headers(given);
  } catch {
    throw new InvalidRequestError("fetchOptions.headers has a name or a value that no header can have");
  }
}

/** The body of a call. */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    throw new InvalidRequestError(`the request cannot be written as JSON: ${(error as Error).message}`, error);
  }
}

/** The answer as JSON. */
export async function json<T>(response: Response): Promise<T> {
  const text = await response.text();
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new SDKValidationError([{ path: "the answer", message: "is not JSON" }], text);
  }
}

function deadline(signal: AbortSignal | null | undefined, timeoutMs: number | undefined): AbortSignal | undefined {
  if (timeoutMs === undefined) return signal ?? undefined;
  if (!(timeoutMs >= 0)) throw new InvalidRequestError("timeoutMs is no number of milliseconds");
  const timeout = AbortSignal.timeout(Math.min(timeoutMs, LONGEST_MS));
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

/** Runtimes reject with what they like; here it gets one of our names. */
function named(thrown: unknown, signal: AbortSignal | undefined): RequestError {
  if (thrown instanceof SDKError || thrown instanceof SDKValidationError || thrown instanceof HTTPClientError) {
    return thrown;
  }
  if (signal?.aborted) {
    return signal.reason?.name === "TimeoutError"
      ? new RequestTimeoutError("the deadline of the call passed", thrown)
      : new RequestAbortedError("the call was aborted", thrown);
  }
  // By the Fetch standard a network error is a TypeError, while the answer's body is read as well.
  if (thrown instanceof TypeError) {
    // Node.js says "fetch failed" of everything; what failed, and where, is one further down.
    const { message, code } = (thrown.cause ?? {}) as { message?: string; code?: string };
    const why = message || code ? ` (${message || code})` : "";
    return new ConnectionError(`no answer from the server: ${thrown.message}${why}`, thrown);
  }
  return new UnexpectedClientError(`the call failed: ${String(thrown)}`, thrown);
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(wake, Math.min(ms, LONGEST_MS));
    function wake() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", wake);
      resolve();
    }
    if (signal?.aborted) wake();
    else signal?.addEventListener("abort", wake);
  });
}
