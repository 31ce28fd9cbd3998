import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { HTTPClient, Passthrough } from "@passthrough/sdk";
import * as errors from "@passthrough/sdk/models/errors";
import type { PassThroughRequestDto } from "@passthrough/sdk/models/components";
import { answer, listen } from "./listening.js";
import { gone } from "./shop.js";
import { apiKey, connected, sdk, url } from "./world.js";

async function failure(call: Promise<unknown>): Promise<errors.RequestError> {
  return call.then(
    () => assert.fail("it did not fail"),
    (error) => error,
  );
}

async function ask(dto: PassThroughRequestDto, from = sdk): Promise<errors.RequestError> {
  return failure(from.request({ xConnectionToken: await connected(), passThroughRequestDto: dto }));
}

test("any status of the provider is a value", async () => {
  const xConnectionToken = await connected();
  for (const status of [200, 201, 301, 400, 401, 404, 429, 500]) {
    const passThroughRequestDto = { method: "POST", path: `/status/${status}` } as const;
    const result = await sdk.request<{ status: number }>({ xConnectionToken, passThroughRequestDto });
    assert.equal(result.statusCode, status);
    assert.deepEqual(result.response, { status });
    assert.equal(result.responseEncoding, "json");
    assert.equal(result.headers["x-from"], "shop");
  }
});

test("the server's own failures are SDKErrors that say all that the server said", async () => {
  const closed = await listen(() => {});
  closed.close();
  const { token: nowhere } = await sdk.connections.create({
    provider: "custom",
    credentials: { token: "x" },
    auth: "bearer",
    variables: { base_url: closed.url },
  });
  const get = { method: "GET", path: "/" } as const;
  const wrong = new Passthrough({ serverURL: url, apiKey: "sk_wrong" });
  const body = "x".repeat(100_001);
  const cases: [call: Promise<errors.RequestError>, status: number, code: string, sent: string, origin: string][] = [
    [ask({ method: "GET", path: "/%zz" }), 400, "bad_request", "no", "caller"],
    [ask(get, wrong), 401, "unauthorized", "no", "caller"],
    [failure(sdk.request({ xConnectionToken: "con_tkn_x", passThroughRequestDto: get })), 404, "not_found", "no", "caller"],
    [ask({ method: "POST", path: "/", body }), 413, "payload_too_large", "no", "caller"],
    [ask({ method: "GET", path: "/large" }), 502, "bad_gateway", "yes", "provider"],
    [ask({ method: "POST", path: "/break" }), 502, "bad_gateway", "yes", "provider"],
    [ask({ method: "POST", path: "/slow?ms=2000", timeoutMs: 30 }), 504, "gateway_timeout", "unknown", "provider"],
    [
      failure(
        sdk.request(
          { xConnectionToken: nowhere, passThroughRequestDto: get },
          { retries: { strategy: "none" } },
        ),
      ),
      502,
      "bad_gateway",
      "no",
      "provider",
    ],
  ];
  for (const [call, status, code, sent, origin] of cases) {
    const error = await call;
    assert.ok(error instanceof errors.SDKError, String(error));
    const { statusCode, contentType, requestId, retryable } = error;
    assert.deepEqual([statusCode, error.code, error.origin], [status, code, origin], error.message);
    assert.ok(error.sent === sent || status === 504 || status === 502, `${status} sent=${error.sent}`);
    assert.equal(contentType, "application/json");
    assert.match(requestId ?? "", /^req_/);
    assert.equal(error.rawResponse.headers.get("passthrough-request-id"), requestId);
    assert.equal(typeof retryable, "boolean");
    assert.ok(error.message.includes(code) && error.message.includes(requestId ?? "?"), error.message);
  }
});

test("a field that is no field is named, with the one that was probably meant", async () => {
  const error = await ask({ method: "POST", path: "/", boddy: "x" } as PassThroughRequestDto);
  assert.ok(error instanceof errors.SDKError);
  assert.deepEqual((error.detail as { suggestion: string }[])[0]?.suggestion, "body");
});

test("what is wrong before anything is sent is an SDKValidationError or an InvalidRequestError", async () => {
  const get = { method: "GET", path: "/" } as const;
  const validation: Promise<unknown>[] = [
    sdk.request({ xConnectionToken: "", passThroughRequestDto: get }),
    sdk.request({ xConnectionToken: "two\nlines", passThroughRequestDto: get }),
    sdk.request({ xConnectionToken: "x", passThroughRequestDto: { ...get, path: "no-slash" } }),
    sdk.connections.get({ id: "" }),
    sdk.connections.get({ id: ".." }),
    new Passthrough({ serverURL: url, apiKey: "sk_two\nlines" }).request({ xConnectionToken: "x", passThroughRequestDto: get }),
  ];
  for (const call of validation) {
    const error = await failure(call);
    assert.ok(error instanceof errors.SDKValidationError, String(error));
    assert.ok(!error.message.includes("lines"), "a secret is not shown");
  }
  const circular: { [name: string]: unknown } = {};
  circular["itself"] = circular;
  const invalid = [ask({ method: "POST", path: "/", body: circular }), ask({ method: "POST", path: "/", body: { n: 1n } })];
  for (const error of await Promise.all(invalid)) assert.ok(error instanceof errors.InvalidRequestError, String(error));
  for (const headers of [{ "not a name": "x" }, { "X-Gateway-Key": "a secret\nof two lines" }]) {
    const options = { fetchOptions: { headers } };
    const error = await failure(sdk.request({ xConnectionToken: "x", passThroughRequestDto: get }, options));
    assert.ok(error instanceof errors.InvalidRequestError, String(error));
    assert.ok(!inspect(error, { showHidden: true }).includes("a secret"));
  }
});

test("a timeoutMs that is none is an InvalidRequestError, and one without end is fine", async () => {
  for (const timeoutMs of [-1, NaN]) {
    const error = await failure(sdk.providers.list({}, { timeoutMs }));
    assert.ok(error instanceof errors.InvalidRequestError, String(error));
  }
  for (const timeoutMs of [Infinity, 2 ** 40]) assert.ok(await sdk.providers.list({}, { timeoutMs }));
});

test("an answer of another form than was agreed is an SDKValidationError with the answer", async () => {
  const other = await listen((request, response) =>
    request.url?.startsWith("/html") ? void response.end("<html>") : answer(response, 200, { hello: "world" }),
  );
  for (const [path, raw] of [["", '{"hello":"world"}'], ["/html", "<html>"]]) {
    const elsewhere = new Passthrough({ serverURL: other.url + path, apiKey });
    const error = await ask({ method: "GET", path: "/" }, elsewhere);
    assert.ok(error instanceof errors.SDKValidationError, String(error));
    assert.equal(error.rawValue, raw);
  }
  other.close();
});

test("a redirect of the server is an SDKError: the tokens are not carried to another place", async () => {
  const thief = await listen((_, response) => answer(response, 200, { statusCode: 200 }));
  const moved = await listen((_, response) => void response.writeHead(307, { location: thief.url }).end());
  const error = await ask({ method: "GET", path: "/" }, new Passthrough({ serverURL: moved.url, apiKey }));
  assert.ok(error instanceof errors.SDKError && error.statusCode === 307);
  assert.equal(thief.seen.length, 0);
  thief.close();
  moved.close();
});

test("nobody listening is a ConnectionError, and so is a connection that breaks", async () => {
  const closed = await listen(() => {});
  closed.close();
  const retryConfig = { strategy: "none" } as const;
  const nowhere = await ask({ method: "GET", path: "/" }, new Passthrough({ serverURL: closed.url, apiKey, retryConfig }));
  assert.ok(nowhere instanceof errors.ConnectionError, String(nowhere));
  assert.ok(nowhere.cause instanceof TypeError);
  assert.match(nowhere.message, new RegExp(`ECONNREFUSED.*:${new URL(closed.url).port}`));
  const broken = await listen((_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("{");
    setTimeout(() => response.destroy(), 20);
  });
  const half = await ask({ method: "GET", path: "/" }, new Passthrough({ serverURL: broken.url, apiKey, retryConfig }));
  assert.ok(half instanceof errors.ConnectionError, String(half));
  broken.close();
});

test("timeoutMs bounds the whole call and is a RequestTimeoutError; the provider's request is given up", async () => {
  const request = {
    xConnectionToken: await connected(),
    passThroughRequestDto: { method: "POST", path: "/drip/timeout" } as const,
  };
  const error = await failure(sdk.request(request, { timeoutMs: 50 }));
  assert.ok(error instanceof errors.RequestTimeoutError, String(error));
  const impatient = new Passthrough({ serverURL: url, apiKey, timeoutMs: 50 });
  assert.ok((await failure(impatient.request(request))) instanceof errors.RequestTimeoutError);
  while (!gone.has("timeout")) await new Promise((resolve) => setTimeout(resolve, 5));
});

test("an AbortSignal of the caller is a RequestAbortedError, before and during the call", async () => {
  const request = {
    xConnectionToken: await connected(),
    passThroughRequestDto: { method: "GET", path: "/drip/abort" } as const,
  };
  const before = await failure(sdk.request(request, { fetchOptions: { signal: AbortSignal.abort() } }));
  assert.ok(before instanceof errors.RequestAbortedError, String(before));
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  const options = { fetchOptions: { signal: controller.signal }, timeoutMs: 60_000 };
  const during = await failure(sdk.request(request, options));
  assert.ok(during instanceof errors.RequestAbortedError, String(during));
  while (!gone.has("abort")) await new Promise((resolve) => setTimeout(resolve, 5));
});

test("a hook's failure, and that of a function that gives the key, are UnexpectedClientErrors and not repeated", async () => {
  let calls = 0;
  const httpClient = new HTTPClient().addHook("beforeRequest", () => {
    calls += 1;
    throw new TypeError("a mistake in a hook");
  });
  const hooked = await ask({ method: "GET", path: "/" }, new Passthrough({ serverURL: url, apiKey, httpClient }));
  assert.ok(hooked instanceof errors.UnexpectedClientError, String(hooked));
  assert.equal(calls, 1);
  const vault = new Passthrough({ serverURL: url, apiKey: () => Promise.reject(new TypeError("the vault is closed")) });
  const keyless = await ask({ method: "GET", path: "/" }, vault);
  assert.ok(keyless instanceof errors.UnexpectedClientError, String(keyless));
});

test("fetchOptions cannot have a redirect followed", async () => {
  const thief = await listen((_, response) => answer(response, 200, { statusCode: 200 }));
  const moved = await listen((_, response) => void response.writeHead(307, { location: thief.url }).end());
  const core = new Passthrough({ serverURL: moved.url, apiKey, retryConfig: { strategy: "none" } });
  const request = { xConnectionToken: "con_tkn_x", passThroughRequestDto: { method: "GET", path: "/" } } as const;
  for (const redirect of [undefined, "follow", "manual"] as (RequestRedirect | undefined)[]) {
    const fetchOptions = { redirect } as { redirect: RequestRedirect };
    const error = await failure(core.request(request, { fetchOptions }));
    assert.ok(error instanceof errors.SDKError && error.statusCode === 307, String(error));
  }
  const refused = await failure(core.request(request, { fetchOptions: { redirect: "error" } }));
  assert.ok(refused instanceof errors.ConnectionError, String(refused));
  assert.equal(thief.seen.length, 0);
  thief.close();
  moved.close();
});
