import type { HTTPClient } from "./http.js";
import type { Logger } from "./logger.js";

/** How long to wait between tries. Times are in milliseconds. */
export type BackoffStrategy = {
  /** Before the second try. */
  initialInterval: number;
  /** The longest wait. A longer `Retry-After` of the server is nevertheless honoured. */
  maxInterval: number;
  /** Each wait is this many times as long as the one before. */
  exponent: number;
  /** No further try begins when this much time has passed since the first one. */
  maxElapsedTime: number;
};

export type RetryConfig =
  | { strategy: "none" }
  | {
      strategy: "backoff";
      /** Where absent: 500, 60 000, 1.5 and 3 600 000. */
      backoff?: BackoffStrategy | undefined;
      /** Whether to try again, too, where no answer came. */
      retryConnectionErrors?: boolean | undefined;
      /**
       * Whether to repeat, too, what may change something and may have been done already: a call that is no `GET`,
       * `HEAD` or `OPTIONS`, after a failure that does not say that nothing was sent. It may then be done twice.
       */
      repeatWrites?: boolean | undefined;
    };

/** What can be set for a single call. */
export type RequestOptions = {
  /**
   * Passed on to `fetch`; headers go to the Passthrough server, not to the provider. The headers that the call itself
   * is made of (authentication, content type) cannot be replaced by it. Redirects are never followed: `redirect` is
   * `error` or, whatever else it says, `manual`.
   */
  fetchOptions?: Omit<RequestInit, "method" | "body"> | undefined;
  /** In place of the SDK's `retryConfig`. */
  retries?: RetryConfig | undefined;
  /** Statuses to try again after, such as `["429", "5XX"]`. Where absent: 429, 500, 502, 503 and 504. */
  retryCodes?: string[] | undefined;
  /** Deadline of the whole call in milliseconds: repetitions, waiting and the answer's body included. */
  timeoutMs?: number | undefined;
};

/** What can be set for all calls. */
export type SDKOptions = {
  /** `sk_…`, or a function that gives it for each call. Where absent: the variable `PASSTHROUGH_API_KEY`. */
  apiKey?: string | (() => string | Promise<string>) | undefined;
  /**
   * Where the server is; a path in it is kept. Where absent: the variable `PASSTHROUGH_SERVER_URL`, or else
   * `http://127.0.0.1:8080`.
   */
  serverURL?: string | URL | undefined;
  /**
   * Allows `http://` to another machine. API key, connection token and all bodies then travel in clear, so this is for
   * networks that are protected otherwise.
   */
  allowPlainHTTP?: boolean | undefined;
  /** Sends the requests: for hooks, or for another `fetch`. */
  httpClient?: HTTPClient | undefined;
  /** When calls are repeated. Where absent, for ten seconds at most, and only what does no harm if it is done twice. */
  retryConfig?: RetryConfig | undefined;
  /** For calls that say nothing else. Where absent there is no deadline on this side; the server has its own. */
  timeoutMs?: number | undefined;
  /** Told of requests and answers, such as `console`. Sees no secrets, no bodies and no queries. */
  debugLogger?: Logger | undefined;
};
