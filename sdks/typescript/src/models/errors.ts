import type { ErrorBody } from "./schemas.js";

/**
 * The server answered 4xx or 5xx: its own failure, or that of something in front of it. What the provider answered,
 * whatever its status, is a result and no error.
 */
export class SDKError extends Error {
  override readonly name = "SDKError";
  readonly statusCode: number;
  readonly contentType: string;
  /** To branch on. This and what follows is absent where the answer is not the server's own. */
  readonly code?: ErrorBody["code"];
  /** More, by code: see the API's page of errors. */
  readonly detail?: ErrorBody["detail"];
  /** To be found in the server's records and log. */
  readonly requestId?: ErrorBody["requestId"];
  /** Who is at fault: `caller`, `connection`, `provider` or `passthrough`. */
  readonly origin?: ErrorBody["origin"];
  /** Whether anything reached the provider: `no`, `unknown` or `yes`. */
  readonly sent?: ErrorBody["sent"];
  /** Whether the very same request may succeed later, and repeating it is safe. */
  readonly retryable?: ErrorBody["retryable"];
  // Private names: an answer may hold a token, and neither JSON.stringify nor console.log shows these.
  readonly #body: string;
  readonly #rawResponse: Response;

  constructor(rawResponse: Response, body: string) {
    const contentType = rawResponse.headers.get("content-type") ?? "";
    const own = ownError(body);
    super(
      own
        ? `${own.message} (${rawResponse.status} ${own.code}, ${own.requestId})`
        : `the server answered ${rawResponse.status} with ${contentType || "no content type"}`,
    );
    this.statusCode = rawResponse.status;
    this.contentType = contentType;
    this.#body = body;
    this.#rawResponse = rawResponse;
    if (own) {
      const { code, detail, requestId, origin, sent, retryable } = own;
      Object.assign(this, { code, detail, requestId, origin, sent, retryable });
    }
  }

  /** As it came. */
  get body(): string {
    return this.#body;
  }

  /** Its body can still be read. */
  get rawResponse(): Response {
    return this.#rawResponse;
  }
}

function ownError(body: string): ErrorBody | undefined {
  try {
    const value: Partial<ErrorBody> | null = JSON.parse(body);
    return value?.code && value.requestId ? (value as ErrorBody) : undefined;
  } catch {
    return undefined;
  }
}

/** Something has another form than was agreed: an argument of the call (nothing was sent), or the answer. */
export class SDKValidationError extends Error {
  override readonly name = "SDKValidationError";
  readonly #rawValue: string | undefined;

  constructor(
    readonly issues: { path: string; message: string }[],
    rawValue?: string,
  ) {
    super(issues.map(({ path, message }) => `${path} ${message}`).join("; "));
    this.#rawValue = rawValue;
  }

  /** The answer's body, where it is the answer that is wrong. */
  get rawValue(): string | undefined {
    return this.#rawValue;
  }
}

/** There is no answer. `cause` is what the runtime said. */
export class HTTPClientError extends Error {
  override name = "HTTPClientError";
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
  }
}

/** The server could not be reached, or the connection to it broke. */
export class ConnectionError extends HTTPClientError {
  override readonly name = "ConnectionError";
}

/** The deadline of the call passed. */
export class RequestTimeoutError extends HTTPClientError {
  override readonly name = "RequestTimeoutError";
}

/** The caller's `AbortSignal` was raised. */
export class RequestAbortedError extends HTTPClientError {
  override readonly name = "RequestAbortedError";
}

/** The runtime refuses to make such a request; nothing was sent. */
export class InvalidRequestError extends HTTPClientError {
  override readonly name = "InvalidRequestError";
}

/** Anything else, such as an error that a hook threw. */
export class UnexpectedClientError extends HTTPClientError {
  override readonly name = "UnexpectedClientError";
}

/** Everything that a call can fail with. */
export type RequestError =
  | SDKError
  | SDKValidationError
  | HTTPClientError
  | ConnectionError
  | RequestTimeoutError
  | RequestAbortedError
  | InvalidRequestError
  | UnexpectedClientError;
