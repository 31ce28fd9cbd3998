// What is tried again, and when. A server that stands in for ours where it has to fail on cue.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HTTPClient, Passthrough, type RequestOptions, type RetryConfig } from "@passthrough/sdk";
import * as errors from "@passthrough/sdk/models/errors";
import { answer, type Handler, listen, type Listening } from "./listening.js";
import { apiKey, connected, sdk, url } from "./world.js";

const backoff = { initialInterval: 1, maxInterval: 20, exponent: 1.1, maxElapsedTime: 3000 };
const retries: RetryConfig = { strategy: "backoff", backoff, retryConnectionErrors: true };
type Method = "GET" | "HEAD" | "OPTIONS" | "POST" | "PUT" | "PATCH" | "DELETE";

/** How often it was asked, when it fails `failures` times by `fail`. */
async function asked(method: Method, failures: number, fail: Handler, options: RequestOptions = { retries }) {
  const server = await listen((request, response) =>
    server.seen.length <= failures ? fail(request, response) : answer(response, 200, { statusCode: 200 }),
  );
  const core = new Passthrough({ serverURL: server.url, apiKey: "sk_x" });
  const started = Date.now();
  const error: unknown = await core
    .request({ xConnectionToken: "con_tkn_x", passThroughRequestDto: { method, path: "/" } }, options)
    .then(() => undefined, (thrown) => thrown);
  server.close();
  return { times: server.seen.length, error, ms: Date.now() - started };
}

/** A failure of ours. */
function ours(status: number, sent: string, retryable: boolean, reason?: string): Handler {
  const error = { code: "bad_gateway", message: "no", requestId: "req_1", origin: "provider", sent, retryable };
  return (_, response) => answer(response, status, { ...error, ...(reason && { detail: { reason } }) });
}

const bare: Handler = (_, response) => void response.writeHead(502, { "content-type": "text/html" }).end("<h1>502</h1>");
const broken: Handler = (_, response) => void response.destroy();
const writes = ["POST", "PUT", "PATCH", "DELETE"] as const;
const reads = ["GET", "HEAD", "OPTIONS"] as const;

test("a read is repeated after a failure, whoever answered it", async () => {
  for (const method of reads) {
    for (const fail of [bare, broken, ours(502, "unknown", false), ours(503, "no", true)]) {
      const { times, error } = await asked(method, 2, fail);
      assert.deepEqual([times, error], [3, undefined], method);
    }
  }
});

test("a write is not repeated that may have been sent", async () => {
  for (const method of writes) {
    for (const fail of [bare, broken, ours(502, "unknown", false), ours(504, "yes", false)]) {
      const { times, error } = await asked(method, 2, fail);
      assert.equal(times, 1, method);
      assert.ok(error instanceof errors.SDKError || error instanceof errors.ConnectionError);
    }
  }
});

test("a write is repeated that was not sent, as the server says", async () => {
  for (const method of writes) assert.equal((await asked(method, 2, ours(503, "no", true))).times, 3, method);
});

test("a write is repeated where nobody listened: nothing was sent", async () => {
  const closed = await listen(() => {});
  closed.close();
  let server: Listening | undefined;
  const httpClient = new HTTPClient().addHook("requestError", async () => {
    // It comes up after the first failure.
    server ??= await listen((_, response) => answer(response, 200, { statusCode: 200 }), Number(new URL(closed.url).port));
  });
  const core = new Passthrough({ serverURL: closed.url, apiKey: "sk_x", httpClient });
  const request = { xConnectionToken: "x", passThroughRequestDto: { method: "POST", path: "/" } } as const;
  assert.equal((await core.request(request)).statusCode, 200);
  assert.equal(server?.seen.length, 1);
  server?.close();
});

test("a write is repeated where the caller says so", async () => {
  const told = { retries: { ...retries, repeatWrites: true } };
  for (const fail of [bare, broken, ours(502, "unknown", false)]) {
    assert.equal((await asked("POST", 2, fail, told)).times, 3);
  }
});

test("what the server calls hopeless is not repeated, unless its status was asked for", async () => {
  const hopeless = [
    ours(502, "no", false, "blocked_address"),
    ours(502, "yes", false, "too_large"),
    ours(500, "no", false),
    ours(404, "no", false),
    ours(504, "yes", false, "total_timeout"),
  ];
  for (const fail of hopeless) assert.equal((await asked("GET", 1, fail)).times, 1);
  for (const [index, code] of ["502", "5XX", "500", "4xx", "504"].entries()) {
    const fail = hopeless[index];
    assert.ok(fail);
    assert.equal((await asked("GET", 1, fail, { retries, retryCodes: [code] })).times, 2, code);
  }
});

test("retryCodes are those after which a call is repeated, and no others", async () => {
  const fail: Handler = (_, response) => answer(response, 503, {});
  assert.equal((await asked("GET", 1, fail, { retries, retryCodes: ["429"] })).times, 1);
  assert.equal((await asked("GET", 1, fail, { retries, retryCodes: [] })).times, 1);
  assert.equal((await asked("GET", 1, fail, { retries, retryCodes: ["429", "503"] })).times, 2);
});

test("connection errors are repeated only with retryConnectionErrors", async () => {
  assert.equal((await asked("GET", 1, broken, { retries: { strategy: "backoff", backoff } })).times, 1);
});

test("Retry-After is waited for, in seconds and as a date, and longer than maxInterval", async () => {
  const seconds = await asked("GET", 1, (_, response) => answer(response, 429, {}, { "retry-after": "0.4" }));
  assert.equal(seconds.times, 2);
  assert.ok(seconds.ms >= 390, `${seconds.ms} ms`);
  const date = await asked("GET", 1, (_, response) => {
    answer(response, 503, {}, { "retry-after": new Date(Date.now() + 2000).toUTCString() });
  });
  assert.equal(date.times, 2);
  assert.ok(date.ms >= 950, `${date.ms} ms`);
});

test("a Retry-After beyond maxElapsedTime ends it at once", async () => {
  const { times, error, ms } = await asked("GET", 1, (_, response) => answer(response, 429, {}, { "retry-after": "60" }));
  assert.equal(times, 1);
  assert.ok(error instanceof errors.SDKError && error.statusCode === 429);
  assert.ok(ms < 30_000, "it did not wait");
});

test("intervals grow by the exponent, up to maxInterval, until maxElapsedTime", async () => {
  const at: number[] = [];
  const fail: Handler = (_, response) => {
    at.push(Date.now());
    answer(response, 503, {});
  };
  const shape = { initialInterval: 20, maxInterval: 100, exponent: 3, maxElapsedTime: 500 };
  const { error } = await asked("GET", 100, fail, { retries: { strategy: "backoff", backoff: shape } });
  assert.ok(error instanceof errors.SDKError);
  const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
  // Between half of the interval and all of it; a busy machine only makes them longer.
  for (const [index, least] of [10, 30, 50, 50].entries()) assert.ok((gaps[index] ?? 0) >= least - 2, `${gaps}`);
  assert.ok(at.length >= 5 && at.length < 12, `${gaps}`);
});

test("timeoutMs and an abort end the waiting, too", async () => {
  const fail: Handler = (_, response) => answer(response, 503, {}, { "retry-after": "2" });
  const late = await asked("GET", 9, fail, { retries, timeoutMs: 100 });
  assert.ok(late.error instanceof errors.RequestTimeoutError, String(late.error));
  const fetchOptions = { signal: AbortSignal.abort() };
  const aborted = await asked("GET", 9, fail, { retries, fetchOptions });
  assert.ok(aborted.error instanceof errors.RequestAbortedError);
});

test("without any configuration reads are repeated, writes are not, and `none` is none", async () => {
  assert.equal((await asked("GET", 1, bare, {})).times, 2);
  assert.equal((await asked("POST", 1, bare, {})).times, 1);
  assert.equal((await asked("GET", 1, bare, { retries: { strategy: "none" } })).times, 1);
});

test("retryConfig of the SDK holds for all calls that say nothing else, resources included", async () => {
  const server = await listen((_, response) => answer(response, server.seen.length === 1 ? 503 : 200, { results: [] }));
  const core = new Passthrough({ serverURL: server.url, apiKey: "sk_x", retryConfig: retries });
  await core.connections.list();
  assert.equal(server.seen.length, 2);
  server.seen.length = 0;
  await assert.rejects(core.connections.list({}, { retries: { strategy: "none" } }), { statusCode: 503 });
  server.seen.length = 0;
  await assert.rejects(core.connections.create({ credentials: {} }), { statusCode: 503 });
  server.close();
});

test("the real server's word is understood: a write goes again that did not reach the provider, and no other", async () => {
  const closed = await listen(() => {});
  closed.close();
  const { token } = await sdk.connections.create({
    provider: "custom",
    auth: "none",
    credentials: {},
    variables: { base_url: closed.url },
  });
  let provider: Listening | undefined;
  let sent = 0;
  const httpClient = new HTTPClient()
    .addHook("beforeRequest", () => void (sent += 1))
    .addHook("response", async () => {
      // The provider comes up after the first failure.
      provider ??= await listen((_, response) => answer(response, 200, "up"), Number(new URL(closed.url).port));
    });
  const told = new Passthrough({ serverURL: url, apiKey, httpClient });
  const post = { method: "POST", path: "/" } as const;
  const patient = { retries: { ...retries, backoff: { ...backoff, maxElapsedTime: 60_000 } } };
  const result = await told.request({ xConnectionToken: token, passThroughRequestDto: post }, patient);
  assert.deepEqual([result.response, sent], ["up", 2]);
  provider?.close();

  sent = 0;
  const breaks = { xConnectionToken: await connected(), passThroughRequestDto: { ...post, path: "/break" } };
  await assert.rejects(told.request(breaks, patient), { statusCode: 502, retryable: false });
  assert.equal(sent, 1);
});

test("a Retry-After never shortens the growing pause, and one that is none is not looked at", async () => {
  const shape = { initialInterval: 100, maxInterval: 1000, exponent: 2, maxElapsedTime: 400 };
  const past = ["Thu, 01 Jan 1970 00:00:00 GMT", "Thursday, 01-Jan-70 00:00:00 GMT", "Thu Jan  1 00:00:00 1970"];
  const none = ["0", "0.0", "-1", "-3600", "5, 5", "1,2", "abc", "1e9", "0x99", "2099-01-01", "Jan 1 2099", "5 s", "."];
  for (const value of [...past, ...none]) {
    const fail: Handler = (_, response) => answer(response, 503, {}, { "retry-after": value });
    const { times } = await asked("GET", 100, fail, { retries: { strategy: "backoff", backoff: shape } });
    assert.ok(times >= 2 && times <= 4, `${value}: ${times}`);
  }
  const later = new Date(Date.now() + 3_600_000).toUTCString();
  const [, day, month, year, time] = later.split(" ");
  const asctime = `${later.slice(0, 3)} ${month} ${day?.replace(/^0/, " ")} ${time} ${year}`;
  const rfc850 = `Sunday, ${day}-${month}-${year?.slice(2)} ${time} GMT`;
  for (const value of [later, asctime, rfc850, "99999999999"]) {
    const fail: Handler = (_, response) => answer(response, 503, {}, { "retry-after": value });
    assert.equal((await asked("GET", 100, fail)).times, 1, value);
  }
  const unclear = { ...shape, initialInterval: NaN };
  assert.equal((await asked("GET", 3, bare, { retries: { strategy: "backoff", backoff: unclear } })).times, 1);
});

test("a write is repeated where connecting failed, and not where a connection that stood did", async () => {
  const of = (error: object) => Object.assign(new Error("no"), error);
  const connecting = [
    of({ code: "EHOSTUNREACH", syscall: "connect" }),
    of({ code: "ETIMEDOUT", syscall: "connect" }),
    of({ code: "ENOTFOUND", syscall: "getaddrinfo" }),
    of({ code: "UND_ERR_CONNECT_TIMEOUT" }),
    of({ code: "ECONNREFUSED", errors: [of({ code: "ECONNREFUSED", syscall: "connect" })] }),
  ];
  const standing = [
    of({ code: "EHOSTUNREACH", syscall: "read" }),
    of({ code: "ENETUNREACH", syscall: "write" }),
    of({ code: "ECONNREFUSED", syscall: "read" }),
    of({ code: "EHOSTUNREACH" }),
    of({ code: "ECONNRESET", syscall: "read" }),
    of({ code: "ECONNREFUSED", errors: [of({ syscall: "connect" }), of({ syscall: "read" })] }),
  ];
  for (const cause of [...connecting, ...standing]) {
    let times = 0;
    const fetcher = async () => {
      if (++times === 1) throw Object.assign(new TypeError("fetch failed"), { cause });
      return Response.json({ statusCode: 200 });
    };
    const core = new Passthrough({ serverURL: url, apiKey, httpClient: new HTTPClient({ fetcher }), retryConfig: retries });
    const request = { xConnectionToken: "x", passThroughRequestDto: { method: "POST", path: "/" } } as const;
    await core.request(request).catch(() => {});
    assert.equal(times, connecting.includes(cause) ? 2 : 1, JSON.stringify(cause));
  }
});
