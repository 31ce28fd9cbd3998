/** `console` is one. */
export type Logger = { log(message: string, ...details: unknown[]): void };

// Values of all other headers are hidden, so that a header nobody thought of cannot give a secret away.
const HARMLESS = new Set([
  "accept", "content-length", "content-type", "date", "retry-after", "user-agent",
  "passthrough-request-id", "passthrough-source", "passthrough-retries", "passthrough-timeout-ms",
  "passthrough-throttle", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset",
]);

/** Headers as they may be shown to a person. */
export function redacted(headers: Headers): { [name: string]: string } {
  const shown: { [name: string]: string } = {};
  headers.forEach((value, name) => {
    shown[name] = HARMLESS.has(name) ? value : "***";
  });
  return shown;
}

/** The URL without its query, user and fragment: some APIs take their key in the query. */
export function place(url: string): string {
  const { origin, pathname, search } = new URL(url);
  return origin + pathname + (search && "?***");
}
