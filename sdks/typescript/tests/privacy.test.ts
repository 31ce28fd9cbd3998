// Secrets are not shown: not in debug logs, not in what is printed, not in errors. And what hooks see.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { HTTPClient, Passthrough, PassthroughCore } from "@passthrough/sdk";
import { passthroughRequest } from "@passthrough/sdk/funcs/passthroughRequest.js";
import { listen } from "./listening.js";
import { apiKey, connected, sdk, url } from "./world.js";

test("a debug log has no secret, no body and no query, but tells what happened", async () => {
  const lines: unknown[][] = [];
  const debugLogger = { log: (...line: unknown[]) => void lines.push(line) };
  const told = new Passthrough({ serverURL: url, apiKey, debugLogger });
  const token = await connected();
  const secret = "a-secret-in-the-body";
  const passThroughRequestDto = { method: "POST", path: `/echo?key=${secret}`, body: { secret } } as const;
  const fetchOptions = { headers: { "X-Gateway-Key": secret, Cookie: secret } };
  await told.request({ xConnectionToken: token, passThroughRequestDto }, { fetchOptions });
  await told.proxy.fetch(token)(`/echo?key=${secret}`, { headers: { "X-Api-Key": secret } });
  const made = await told.connections.create({ provider: "custom", auth: "bearer", credentials: { token: secret }, variables: { base_url: url } });
  await told.connections.list({ externalId: secret });
  const key = await told.apiKeys.create({ name: "other" });
  await told.request({ xConnectionToken: "con_tkn_unknown", passThroughRequestDto }, { fetchOptions }).catch(() => {});
  const log = inspect(lines, { depth: 9 });
  for (const hidden of [apiKey, token, secret, made.token, key.key, "con_tkn_unknown"]) {
    assert.ok(!log.includes(hidden), `${hidden} is in ${log}`);
  }
  for (const shown of ["POST", "/v1/passthrough", "/v1/proxy/echo?***", "200", "404", "passthrough-request-id", "***"]) {
    assert.ok(log.includes(shown), `${shown} is missing in ${log}`);
  }
});

test("printing or serialising the SDK or an error of it shows no secret", async () => {
  const token = await connected();
  const shows = [inspect(sdk, { depth: 9, showHidden: true }), JSON.stringify({ ...sdk })];
  const request = { xConnectionToken: token, passThroughRequestDto: { method: "GET", path: "/%zz" } } as const;
  for (const core of [sdk, new Passthrough({ serverURL: "http://127.0.0.1:9", apiKey, retryConfig: { strategy: "none" } })]) {
    const { error } = await passthroughRequest(core, request);
    assert.ok(error);
    shows.push(inspect(error, { depth: 9, showHidden: true }), String(error), JSON.stringify(error));
  }
  for (const shown of shows) assert.ok(!shown.includes(apiKey) && !shown.includes(token), shown);
});

test("hooks see each request, may replace it, and see answers and failures", async () => {
  const seen: string[] = [];
  const beforeRequest = (request: Request) => {
    seen.push(`before ${request.method}`);
    const replaced = new Request(request);
    replaced.headers.set("Passthrough-Retries", "0");
    return replaced;
  };
  const httpClient = new HTTPClient()
    .addHook("beforeRequest", beforeRequest)
    .addHook("response", (response, request) => void seen.push(`${response.status} ${request.headers.get("passthrough-retries")}`))
    .addHook("requestError", (error) => void seen.push(`failed ${(error as Error).name}`));
  const core = new PassthroughCore({ serverURL: url, apiKey, httpClient });
  const request = { xConnectionToken: await connected(), passThroughRequestDto: { method: "GET", path: "/status/503" } } as const;
  const answered = await passthroughRequest(core, request);
  assert.equal(answered.value?.attempts, 1);
  httpClient.removeHook("beforeRequest", beforeRequest);
  const closed = new PassthroughCore({ serverURL: "http://127.0.0.1:9", apiKey, httpClient });
  await passthroughRequest(closed, request, { retries: { strategy: "none" } });
  assert.deepEqual(seen, ["before POST", "200 0", "failed TypeError"]);
});

test("another fetch can be used", async () => {
  const urls: string[] = [];
  const httpClient = new HTTPClient({
    fetcher: (input, init) => {
      urls.push((input as Request).url);
      return fetch(input, init);
    },
  });
  await new Passthrough({ serverURL: url, apiKey, httpClient }).providers.get({ code: "stripe" });
  assert.deepEqual(urls, [`${url}/v1/providers/stripe`]);
});

test("an answer that cannot be read is not shown, and can be read by name", async () => {
  const cut = '{"id":"conn_1","token":"con_tkn_SECRET",';
  for (const status of [201, 500]) {
    const server = await listen((_, response) => void response.writeHead(status).end(cut));
    const core = new Passthrough({ serverURL: server.url, apiKey, retryConfig: { strategy: "none" } });
    const error = await core.connections.create({ credentials: {} }).then(() => assert.fail(), (thrown) => thrown);
    for (const shown of [inspect(error, { depth: 9, showHidden: true }), String(error), JSON.stringify({ ...error, error })]) {
      assert.ok(!shown.includes("SECRET"), shown);
    }
    assert.equal(status === 201 ? error.rawValue : error.body, cut);
    if (status === 500) assert.equal(await error.rawResponse.text(), cut);
    server.close();
  }
});
