import { ConnectionError, type RequestError, SDKError } from "../models/errors.js";
import type { BackoffStrategy, RequestOptions, RetryConfig } from "./options.js";

const CODES = ["429", "500", "502", "503", "504"];
const BACKOFF: BackoffStrategy = { initialInterval: 500, maxInterval: 60_000, exponent: 1.5, maxElapsedTime: 3_600_000 };

/** What holds where nobody said anything: a caller waits ten seconds longer at the most. */
const UNASKED: RetryConfig = {
  strategy: "backoff",
  backoff: { ...BACKOFF, maxElapsedTime: 10_000 },
  retryConnectionErrors: true,
};

/**
 * How long to wait before the call is tried again, in milliseconds; `undefined` where it is not.
 *
 * `safe` says that the call changes nothing. `tries` were made, the first of them `elapsed` milliseconds ago.
 */
export function pauseBeforeNext(
  error: RequestError,
  safe: boolean,
  tries: number,
  elapsed: number,
  configured: RetryConfig | undefined,
  codes: RequestOptions["retryCodes"],
): number | undefined {
  const config = configured ?? UNASKED;
  if (config.strategy === "none") return undefined;
  const harmless = safe || config.repeatWrites === true;
  if (error instanceof SDKError) {
    if (!matches(error.statusCode, codes ?? CODES)) return undefined;
    if (!mayRepeat(error, harmless, codes !== undefined)) return undefined;
  } else if (error instanceof ConnectionError) {
    if (!config.retryConnectionErrors || !(harmless || neverSent(error.cause))) return undefined;
  } else {
    return undefined;
  }
  const backoff = config.backoff ?? BACKOFF;
  const pause = Math.max(asked(error), growing(backoff, tries));
  return elapsed + pause <= backoff.maxElapsedTime ? pause : undefined;
}

function matches(status: number, codes: string[]): boolean {
  const text = String(status);
  return codes.some((code) => (/^\dxx$/i.test(code) ? code[0] === text[0] : code === text));
}

/** The server says what is known. Without its word, as from a gateway in front of it, anything may have happened. */
function mayRepeat(error: SDKError, harmless: boolean, codeWasAskedFor: boolean): boolean {
  const nothingSent = error.sent === "no";
  // `sent` is about the provider alone: the server may have changed something of its own before it failed.
  if (nothingSent && error.retryable === true) return true;
  const reason = (error.detail as { reason?: unknown } | undefined)?.reason;
  // The provider has answered, and would answer the same again; or the server knows that nothing will change; or the
  // caller's own deadline has passed.
  const hopeless = nothingSent || reason === "decode" || reason === "too_large" || reason === "total_timeout";
  return harmless && (codeWasAskedFor || !hopeless);
}

type Reason = { code?: unknown; syscall?: unknown; errors?: unknown[]; cause?: Reason };

/** Some runtimes say, on the error or its cause, what failed. A connection that stood may end with EHOSTUNREACH, too. */
function neverSent(error: unknown): boolean {
  const given = (error ?? {}) as Reason;
  const { code, syscall, errors } = given.cause ?? given;
  // Each address of the host that was tried.
  if (errors?.length) return errors.every(neverSent);
  if (syscall !== undefined) return syscall === "connect" || syscall === "getaddrinfo";
  return /^(ECONNREFUSED|ConnectionRefused|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT)$/.test(String(code));
}

const DATES = [
  /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT$/,
  /^[A-Z][a-z]+day, \d\d-[A-Z][a-z]{2}-\d\d [\d:]{8} GMT$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4}$/,
];

/** `Retry-After` in milliseconds: seconds, or a date in one of its three forms (RFC 9110, 10.2.3). Else 0. */
function asked(error: RequestError): number {
  const value = (error instanceof SDKError && error.rawResponse.headers.get("retry-after")) || "";
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  if (!DATES.some((form) => form.test(value))) return 0;
  // The last form does not say that it is in GMT.
  return Date.parse(value.replace(/( GMT)?$/, " GMT")) - Date.now() || 0;
}

/** Between half of the interval and all of it, so that callers who failed together do not come again together. */
function growing({ initialInterval, maxInterval, exponent }: BackoffStrategy, tries: number): number {
  return Math.min(initialInterval * exponent ** (tries - 1), maxInterval) * (0.5 + Math.random() / 2);
}
