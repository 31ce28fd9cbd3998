import { SDKValidationError, UnexpectedClientError } from "./models/errors.js";
import { env } from "./lib/env.js";
import { HTTPClient } from "./lib/http.js";
import type { Logger } from "./lib/logger.js";
import type { RetryConfig, SDKOptions } from "./lib/options.js";

const LOCAL = "http://127.0.0.1:8080";

/**
 * What standalone functions need: where the server is, and the API key. One instance serves a whole application. It has
 * no methods for calls, so that a bundler keeps only the functions that are used.
 */
export class PassthroughCore {
  /** Without a slash at its end. */
  readonly serverURL: string;
  readonly httpClient: HTTPClient;
  readonly retryConfig: RetryConfig | undefined;
  readonly timeoutMs: number | undefined;
  readonly debugLogger: Logger | undefined;
  // A private name: neither JSON.stringify nor console.log shows it.
  readonly #apiKey: SDKOptions["apiKey"];

  constructor(options: SDKOptions = {}) {
    const given = options.serverURL ?? env("PASSTHROUGH_SERVER_URL") ?? LOCAL;
    this.serverURL = checked(given, options.allowPlainHTTP === true);
    this.httpClient = options.httpClient ?? new HTTPClient();
    this.retryConfig = options.retryConfig;
    this.timeoutMs = options.timeoutMs;
    this.debugLogger = options.debugLogger;
    this.#apiKey = options.apiKey ?? env("PASSTHROUGH_API_KEY");
  }

  /** The value of the `Authorization` header. Rejects with `SDKValidationError` where there is no usable key. */
  async authorization(): Promise<string> {
    return `Bearer ${headerValue("apiKey", await given(this.#apiKey))}`;
  }
}

/** None of the messages holds the URL: there may be a password in it. */
function checked(given: string | URL, allowPlainHTTP: boolean): string {
  const wrong = (message: string) => new SDKValidationError([{ path: "serverURL", message }]);
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    throw wrong("is no URL such as http://127.0.0.1:8080");
  }
  if (!/^https?:$/.test(url.protocol)) throw wrong("must begin with https:// or http://");
  if (url.username || url.password) throw wrong("must not hold a user name or password");
  if (/[?#]/.test(url.href)) throw wrong("must not hold a query or fragment");
  // Whoever listens on the way would have the key to every connection of the environment.
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol === "http:" && !loopback && !allowPlainHTTP) {
    throw wrong("is plain http to another machine: use https, or allowPlainHTTP");
  }
  return url.origin + url.pathname.replace(/\/+$/, "");
}

async function given(key: SDKOptions["apiKey"]): Promise<string | undefined> {
  try {
    return typeof key === "function" ? await key() : key;
  } catch (error) {
    throw new UnexpectedClientError("the function that gives the API key failed", error);
  }
}

/**
 * The secret, if a header can carry it. Runtimes put a value that they refuse into the text of their error; ours only
 * names the place.
 */
export function headerValue(name: string, secret: unknown): string {
  const trimmed = typeof secret === "string" ? secret.trim() : "";
  if (/^[\x21-\x7e]+$/.test(trimmed)) return trimmed;
  throw new SDKValidationError([
    { path: name, message: trimmed ? "has characters that no token has" : "is missing" },
  ]);
}
