// The page that this SDK answers: its two programs, and its table of parameters, options and errors, row by row.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { errors as exported, type RequestOptions, type RetryConfig } from "@passthrough/sdk";
import { PassthroughCore } from "@passthrough/sdk/core.js";
import { passthroughRequest } from "@passthrough/sdk/funcs/passthroughRequest.js";
import { HTTPClient } from "@passthrough/sdk/lib/http.js";
import { PassThroughRequestDtoMethod } from "@passthrough/sdk/models/components";
import * as errors from "@passthrough/sdk/models/errors";
import type * as operations from "@passthrough/sdk/models/operations";
import { transform } from "esbuild";
import { answer, listen } from "./listening.js";
import { apiKey, connected, sdk, url } from "./world.js";

const examples = new URL("../../examples/", import.meta.url);
const built = new URL("../examples/", import.meta.url);

/** Runs a program of the page, with its placeholders as they are or filled in, as ESM or as CommonJS. */
async function run(name: string, format: "esm" | "cjs", fill: { [placeholder: string]: string } = {}) {
  let source = readFileSync(new URL(`${name}.ts`, examples), "utf8");
  for (const [placeholder, value] of Object.entries(fill)) {
    assert.ok(source.includes(placeholder), placeholder);
    source = source.replace(placeholder, value);
  }
  const { code } = await transform(source, { loader: "ts", format });
  mkdirSync(built, { recursive: true });
  const file = new URL(`${name}-${Object.keys(fill).length}.${format === "esm" ? "mjs" : "cjs"}`, built);
  writeFileSync(file, code);
  return new Promise<{ exit: number; out: string; err: string }>((resolve) => {
    const env = { PATH: process.env["PATH"], PASSTHROUGH_SERVER_URL: url };
    execFile(process.execPath, [file.pathname], { env }, (error, out, err) => {
      resolve({ exit: typeof error?.code === "number" ? error.code : 0, out, err });
    });
  });
}

for (const name of ["page-class", "page-function"]) {
  for (const format of ["esm", "cjs"] as const) {
    test(`the program ${name} prints the provider's answer, as ${format}`, async () => {
      const fill = { "<YOUR_API_KEY_HERE>": apiKey, "<value>": await connected() };
      const { exit, out, err } = await run(name, format, fill);
      assert.equal(exit, 0, err);
      assert.match(out, /statusCode: 200/);
      assert.match(out, name === "page-class" ? /path: '\/dev'/ : /path: '\/usr\/src'/);
    });
  }

  test(`the program ${name} with its placeholders as they are ends with an SDKError of 401`, async () => {
    const { exit, err } = await run(name, "esm");
    assert.equal(exit, 1);
    assert.match(err, /SDKError/);
    assert.match(err, /statusCode: 401/);
    assert.ok(!err.includes("YOUR_API_KEY_HERE"), "the key is not shown");
  });
}

const get: operations.RequestRequest["passThroughRequestDto"] = { method: PassThroughRequestDtoMethod.Get, path: "/dev" };
type Echo = { headers: { [name: string]: string } };

test("row `request`: operations.RequestRequest, required", async () => {
  const request: operations.RequestRequest = { xConnectionToken: await connected(), passThroughRequestDto: get };
  const result: operations.RequestResponseBody<Echo> = await sdk.passthrough.request<Echo>(request);
  assert.equal(result.statusCode, 200);
  assert.equal(result.response.headers["authorization"], "Bearer the-customers-own-secret");

  const missing = [undefined, {}, { xConnectionToken: "x" }, { passThroughRequestDto: get }];
  for (const wrong of missing as unknown as operations.RequestRequest[]) {
    const answered = await passthroughRequest(sdk, wrong);
    assert.ok(answered.error instanceof errors.SDKValidationError);
  }
});

test("row `options`: may be left out, in the class's method and in the function", async () => {
  const request = { xConnectionToken: await connected(), passThroughRequestDto: get };
  assert.equal((await sdk.passthrough.request(request)).statusCode, 200);
  assert.equal((await sdk.passthrough.request(request, {})).statusCode, 200);
  const answered = await passthroughRequest(sdk, request);
  assert.ok(answered.ok && answered.value.statusCode === 200);
});

test("row `options.fetchOptions`: extra headers reach the server", async () => {
  const request = { xConnectionToken: await connected(), passThroughRequestDto: { ...get, path: "/status/503" } };
  const ask = (headers: NonNullable<RequestInit["headers"]>) => sdk.passthrough.request(request, { fetchOptions: { headers } });
  // The server itself repeats a 503 twice, unless a header of the call says otherwise.
  assert.equal((await ask({ "Passthrough-Retries": "0" })).attempts, 1);
  assert.equal((await ask([["Passthrough-Retries", "1"]])).attempts, 2);
  assert.equal((await ask(new Headers({ "Passthrough-Retries": "1" }))).attempts, 2);
  await assert.rejects(ask({ "Passthrough-Retris": "0" }), { statusCode: 400 });
});

test("row `options.fetchOptions`: every option of Request is passed on", async () => {
  let seen: Request | undefined;
  const httpClient = new HTTPClient().addHook("beforeRequest", (request) => void (seen = request));
  const core = new PassthroughCore({ serverURL: url, apiKey, httpClient });
  const fetchOptions: NonNullable<RequestOptions["fetchOptions"]> = {
    cache: "no-store",
    credentials: "omit",
    integrity: "",
    keepalive: true,
    mode: "cors",
    redirect: "error",
    referrer: "about:client",
    referrerPolicy: "no-referrer",
    headers: { "X-Extra": "1", Authorization: "Bearer other" },
    signal: new AbortController().signal,
  };
  const request = { xConnectionToken: await connected(), passThroughRequestDto: get };
  const answered = await passthroughRequest(core, request, { fetchOptions });
  assert.ok(answered.ok);
  for (const name of ["cache", "credentials", "keepalive", "mode", "redirect", "referrerPolicy"] as const) {
    assert.equal(seen?.[name], fetchOptions[name], name);
  }
  assert.equal(seen?.headers.get("x-extra"), "1");
  assert.equal(seen?.headers.get("authorization"), `Bearer ${apiKey}`, "what the call is made of is not replaced");
});

test("row `options.fetchOptions`: method and body are not allowed", async () => {
  // @ts-expect-error: the method is the call's own
  const method: RequestOptions = { fetchOptions: { method: "PUT" } };
  // @ts-expect-error: and so is the body
  const body: RequestOptions = { fetchOptions: { body: "x" } };
  const request = { xConnectionToken: await connected(), passThroughRequestDto: get };
  // Where nobody checks types, they change nothing.
  assert.equal((await sdk.passthrough.request(request, method)).statusCode, 200);
  assert.equal((await sdk.passthrough.request(request, body)).statusCode, 200);
});

test("row `options.retries`: retries under certain failure conditions", async () => {
  const gateway = await listen((_, response) => answer(response, gateway.seen.length < 3 ? 503 : 200, { statusCode: 204 }));
  const core = new PassthroughCore({ serverURL: gateway.url, apiKey });
  const retries: RetryConfig = {
    strategy: "backoff",
    backoff: { initialInterval: 1, maxInterval: 50, exponent: 1.1, maxElapsedTime: 5000 },
    retryConnectionErrors: false,
  };
  const request = { xConnectionToken: "con_tkn_x", passThroughRequestDto: get };
  const answered = await passthroughRequest(core, request, { retries });
  assert.equal(answered.value?.statusCode, 204);
  assert.equal(gateway.seen.length, 3);
  const once = await passthroughRequest(core, request, { retries: { strategy: "none" } });
  assert.ok(once.ok);
  gateway.close();
});

test("table of errors: SDKError for every status from 400 to 599, of any content type", async () => {
  assert.equal(exported.SDKError, errors.SDKError);
  const types = ["application/json", "text/html; charset=utf-8", "application/problem+json", "image/png", ""];
  const gateway = await listen((request, response) => {
    const status = Number(request.headers["x-status"]);
    const type = types[status % types.length];
    response.writeHead(status, type ? { "content-type": type } : {});
    response.end(`body of ${status}`);
  });
  const core = new PassthroughCore({ serverURL: gateway.url, apiKey, retryConfig: { strategy: "none" } });
  const request = { xConnectionToken: "con_tkn_x", passThroughRequestDto: get };
  for (let status = 400; status <= 599; status++) {
    const fetchOptions = { headers: { "X-Status": String(status) } };
    const { error } = await passthroughRequest(core, request, { fetchOptions });
    // The one status that `fetch` keeps for itself: a question of a forward proxy, by the Fetch standard a network error.
    if (status === 407) {
      assert.ok(error instanceof errors.ConnectionError);
      continue;
    }
    assert.ok(error instanceof errors.SDKError && error instanceof Error, `${status}: ${error}`);
    assert.equal(error.statusCode, status);
    assert.equal(error.contentType, types[status % types.length]);
    assert.equal(error.body, `body of ${status}`);
    assert.equal(error.rawResponse.status, status);
    assert.equal(await error.rawResponse.text(), `body of ${status}`);
    assert.match(error.message, new RegExp(String(status)));
  }
  gateway.close();
});
