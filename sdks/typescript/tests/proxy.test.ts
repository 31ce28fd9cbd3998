// `proxy.fetch` is a `fetch`: what goes in goes to the provider, what the provider says comes out.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { HTTPClient, Passthrough } from "@passthrough/sdk";
import { CREDENTIAL } from "./credential.js";
import { answer, listen } from "./listening.js";
import { gone, release } from "./shop.js";
import { apiKey, apis, connected, sdk, url } from "./world.js";

let token = "";
before(async () => {
  token = await connected();
});

type Echo = { method: string; path: string; headers: { [name: string]: string }; body: string };

test("method, path, query, headers and body go through, whatever form the call has", async () => {
  const fetch = sdk.proxy.fetch(token);
  const init = { method: "PUT", headers: { "X-Own": "1", Authorization: "Bearer other" }, body: "words" };
  const path = "/a%2Fb/c?x=1&x=2&y=%20";
  const forms: Promise<Response>[] = [
    fetch(path, init),
    fetch(`https://api.example.com${path}`, init),
    fetch(new URL(path, "https://api.example.com"), init),
    fetch(new Request(`https://api.example.com${path}`, init)),
    fetch(new Request(`https://api.example.com${path}`), init),
  ];
  for (const response of await Promise.all(forms)) {
    const echo = (await response.json()) as Echo;
    assert.deepEqual([echo.method, echo.path, echo.body], ["PUT", path, "words"]);
    assert.equal(echo.headers["x-own"], "1");
    assert.equal(echo.headers["authorization"], `Bearer ${CREDENTIAL}`);
    const all = JSON.stringify(echo);
    assert.ok(!all.includes(token) && !all.includes(apiKey), "the provider sees nothing of ours");
  }
  const known = (await (await fetch("/x", init)).json()) as Echo;
  assert.equal(known.headers["content-length"], "5", "a body that is no stream keeps its length");
});

test("an answer is the provider's, of any status, and seems to come from where it was asked for", async () => {
  const fetch = sdk.proxy.fetch(token);
  for (const status of [201, 304, 404, 429, 500]) {
    const address = `https://api.example.com/status/${status}`;
    const response = await fetch(address, { headers: { "Passthrough-Retries": "0" } });
    assert.equal(response.status, status);
    assert.equal(response.url, address);
    assert.equal(response.redirected, false);
    assert.equal(response.headers.get("passthrough-source"), "provider");
  }
  const bytes = new Uint8Array(await (await fetch("/bytes")).arrayBuffer());
  assert.deepEqual([...bytes], [0, 1, 254, 255]);
  assert.equal((await fetch("/bytes", { method: "HEAD" })).headers.get("content-disposition"), "attachment");
});

test("forms, blobs and bytes are sent as fetch sends them", async () => {
  const fetch = sdk.proxy.fetch(token);
  const form = new FormData();
  form.set("file", new File(["words"], "notes.txt"));
  const sent = async (body: NonNullable<RequestInit["body"]>) =>
    (await (await fetch("/x", { method: "POST", body })).json()) as Echo;
  assert.match((await sent(form)).headers["content-type"] ?? "", /^multipart\/form-data; boundary=/);
  assert.match((await sent(new URLSearchParams({ a: "1" }))).headers["content-type"] ?? "", /urlencoded/);
  assert.equal((await sent(new Blob(["words"], { type: "text/csv" }))).headers["content-type"], "text/csv");
  assert.equal((await sent(new TextEncoder().encode("words"))).body, "words");
});

test("an answer is streamed: the first words are here before the last are written", async () => {
  const response = await sdk.proxy.fetch(token)("/drip/stream");
  assert.ok(response.body);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, "data: one\n\n");
  release.get("stream")?.();
  assert.equal((await reader.read()).value, "data: two\n\n");
  assert.equal((await reader.read()).done, true);
});

test("a request is streamed: the provider answers before its body has ended", async () => {
  let end = () => {};
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("first"));
      end = () => controller.close();
    },
  });
  const response = await sdk.proxy.fetch(token)("/first-chunk", { method: "POST", body });
  assert.deepEqual(await response.json(), { first: "first" });
  end();
});

test("a Request's body is sent with its length where it is short, and as a stream where it is not", async () => {
  const fetch = sdk.proxy.fetch(token);
  const sent = async (body: NonNullable<RequestInit["body"]>, duplex = {}) => {
    const request = new Request("https://api.example.com/x", { method: "POST", body, ...duplex });
    const { headers, body: arrived } = (await (await fetch(request)).json()) as Echo;
    return { length: headers["content-length"], arrived };
  };
  assert.deepEqual(await sent("words"), { length: "5", arrived: "words" });
  assert.deepEqual(await sent(new Blob(["words"])), { length: "5", arrived: "words" });
  const long = "x".repeat(300_000);
  assert.equal((await sent(long)).arrived, long);
  let slowly = 0;
  const slow = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      if (++slowly === 4) return controller.close();
      controller.enqueue(new TextEncoder().encode(String(slowly)));
    },
  });
  assert.deepEqual(await sent(slow, { duplex: "half" }), { length: undefined, arrived: "123" });
  const again = await fetch(new Request("https://api.example.com/redirect/307?to=/end", { method: "POST", body: "words" }));
  assert.equal(((await again.json()) as Echo).body, "words");
});

test("an AbortSignal ends the provider's request, before and while the answer comes", async () => {
  const fetch = sdk.proxy.fetch(token);
  await assert.rejects(fetch("/x", { signal: AbortSignal.abort() }), { name: "AbortError" });
  const controller = new AbortController();
  const response = await fetch("/drip/aborted", { signal: controller.signal });
  controller.abort();
  await assert.rejects(response.text(), { name: "AbortError" });
  while (!gone.has("aborted")) await new Promise((resolve) => setTimeout(resolve, 5));
  const request = new Request("https://api.example.com/x", { signal: controller.signal });
  await assert.rejects(fetch(request), { name: "AbortError" });
});

test("redirects are followed through the connection, as the Fetch standard has it", async () => {
  const fetch = sdk.proxy.fetch(token);
  const post = { method: "POST", body: "words", headers: { "Content-Type": "text/plain" } };
  const cases: [status: number, method: string, body: string][] = [
    [301, "GET", ""],
    [302, "GET", ""],
    [303, "GET", ""],
    [307, "POST", "words"],
    [308, "POST", "words"],
  ];
  for (const [status, method, body] of cases) {
    const response = await fetch(`https://api.example.com/redirect/${status}?to=/end?x=1`, post);
    const echo = (await response.json()) as Echo;
    assert.deepEqual([echo.method, echo.path, echo.body], [method, "/end?x=1", body], String(status));
    assert.equal(echo.headers["authorization"], `Bearer ${CREDENTIAL}`);
    assert.equal(echo.headers["content-type"], body ? "text/plain" : undefined);
    assert.deepEqual([response.redirected, response.url], [true, "https://api.example.com/end?x=1"]);
  }
  const kept = await fetch("/redirect/301?to=/end", { method: "DELETE" });
  assert.equal(((await kept.json()) as Echo).method, "DELETE");
  const stream = new Blob(["words"]).stream();
  await assert.rejects(fetch("/redirect/307", { method: "POST", body: stream }), TypeError);
  await assert.rejects(fetch("/loop"), /too often/);
});

test("redirect: manual gives the redirect, redirect: error fails", async () => {
  const fetch = sdk.proxy.fetch(token);
  const manual = await fetch("/redirect/302?to=/end", { redirect: "manual" });
  assert.deepEqual([manual.status, manual.headers.get("location")], [302, "/end"]);
  await assert.rejects(fetch("/redirect/302?to=/end", { redirect: "error" }), TypeError);
  await assert.rejects(fetch(new Request("https://api.example.com/redirect/302", { redirect: "error" })), TypeError);
});

test("a redirect to another origin is followed only where that is allowed, and takes no secret along", async () => {
  const store = await listen((request, response) => answer(response, 200, { headers: request.headers }));
  const path = `/redirect/302?to=${encodeURIComponent(`${store.url}/file`)}`;
  const headers = { Authorization: "Bearer other", Cookie: "a=b", "X-Own": "1" };
  await assert.rejects(sdk.proxy.fetch(token)(path, { headers }), new RegExp(store.url));
  assert.equal(store.seen.length, 0);

  const hooked: string[] = [];
  const httpClient = new HTTPClient().addHook("beforeRequest", (request) => void hooked.push(request.url));
  const other = new Passthrough({ serverURL: url, apiKey, httpClient });
  const response = await other.proxy.fetch(token, { redirectOrigins: [store.url] })(path, { headers });
  const seen = ((await response.json()) as Echo).headers;
  assert.deepEqual([seen["authorization"], seen["cookie"], seen["connection-token"]], [undefined, undefined, undefined]);
  assert.equal(hooked.length, 1, "hooks may add secrets, so they are not asked");
  store.close();
});

test("with baseURL the path is what follows it, and nothing else is called", async () => {
  const below = await connected("/v2");
  const fetch = sdk.proxy.fetch(below, { baseURL: "https://api.example.com/v2/" });
  for (const address of ["https://api.example.com/v2/orders?x=1", "/orders?x=1"]) {
    const response = await fetch(address);
    assert.equal(((await response.json()) as Echo).path, "/v2/orders?x=1");
    assert.equal(response.url, "https://api.example.com/v2/orders?x=1");
  }
  assert.equal(((await (await fetch("https://api.example.com/v2")).json()) as Echo).path, "/v2/");
  const seen = apis.shop.seen.length;
  for (const address of ["https://api.example.com/v1/x", "https://api.example.com/v20", "https://other.example/v2/x"]) {
    await assert.rejects(fetch(address), TypeError);
  }
  assert.equal(apis.shop.seen.length, seen);
});

test("options become headers of the server's", async () => {
  const fast = sdk.proxy.fetch(token, { timeoutMs: 50, retries: 0, throttle: "refuse" });
  const late = await fast("/slow?ms=5000");
  assert.equal(late.status, 504);
  assert.equal(late.headers.get("passthrough-source"), "passthrough");
  const named = await sdk.proxy.fetch(token, { base: "uploads" })("/x");
  assert.equal(named.status, 400);
});

test("without a usable key or token nothing is sent", async () => {
  await assert.rejects(sdk.proxy.fetch("")("/x"), { name: "SDKValidationError" });
  await assert.rejects(new Passthrough({ serverURL: url, apiKey: " " }).proxy.fetch(token)("/x"), {
    name: "SDKValidationError",
  });
});

test("raw gives the bytes of a 2xx as they come, and the envelope of anything else", async () => {
  const ask = (path: string) => sdk.raw({ xConnectionToken: token, passThroughRequestDto: { method: "GET", path } });
  const bytes = await ask("/bytes");
  assert.ok(bytes.source === "provider");
  assert.equal(bytes.response.headers.get("content-type"), "application/pdf");
  assert.deepEqual([...new Uint8Array(await bytes.response.arrayBuffer())], [0, 1, 254, 255]);
  const large = await ask("/large");
  assert.ok(large.source === "provider");
  assert.equal((await large.response.text()).length, 200_000);
  const missing = await ask("/status/404");
  assert.ok(missing.source === "envelope");
  assert.deepEqual([missing.response.statusCode, missing.response.response], [404, { status: 404 }]);
});

test("no URL leaves the proxy for the rest of the API", async () => {
  const others = ["x:../../api-keys", "x:/..\\..\\connections", "x:@other.example/", "file:///etc/passwd", "data:text/plain,hi"];
  const climbing = ["/..%2f..%2fapi-keys", "/a/..%5C..%5c..%5capi-keys", "/%2e%2e%2f%2E%2e%2fapi-keys", "/%2e%2e%2f"];
  const sent: string[] = [];
  const httpClient = new HTTPClient().addHook("beforeRequest", (request) => void sent.push(new URL(request.url).pathname));
  const told = new Passthrough({ serverURL: `${url}/`, apiKey, httpClient });
  for (const options of [{}, { baseURL: "https://api.example.com/v2" }, { baseURL: "x:/" }]) {
    const fetch = told.proxy.fetch(token, options);
    for (const address of [...others, ...climbing]) {
      await assert.rejects(fetch(address, { method: "DELETE" }), TypeError, address);
      if (!address.startsWith("/")) await assert.rejects(fetch(new Request(address)), TypeError, address);
    }
  }
  assert.deepEqual(sent, []);
  const fetch = told.proxy.fetch(token);
  for (const address of ["/../../connections", "/..\\..\\connections", "/%2e%2e/%2e%2e/connections", "/a%2F..%2Fb", "/a%2Fb"]) {
    await fetch(address);
  }
  const paths = ["/connections", "/connections", "/connections", "/a%2F..%2Fb", "/a%2Fb"];
  assert.deepEqual(sent, paths.map((path) => `/v1/proxy${path}`));
});

test("a redirect to another origin takes harmless headers along and no others", async () => {
  const store = await listen((request, response) => answer(response, 200, { headers: request.headers }));
  const harmless = { accept: "a/b", "content-type": "c/d", "user-agent": "me", range: "bytes=0-1", "if-none-match": '"e"' };
  const secret = {
    "api-key": "s", "x-api-key": "s", "x-shopify-access-token": "s", "private-token": "s", "connection-token": "s",
    "passthrough-throttle": "wait", cookie: "s", "x-own": "s",
  };
  const fetch = sdk.proxy.fetch(token, { redirectOrigins: [store.url] });
  const path = `/redirect/307?to=${encodeURIComponent(`${store.url}/file`)}`;
  const response = await fetch(path, { method: "POST", body: "words", headers: { ...harmless, ...secret } });
  const seen = ((await response.json()) as Echo).headers;
  for (const [name, value] of Object.entries(harmless)) assert.equal(seen[name], value, name);
  for (const name of ["authorization", ...Object.keys(secret)]) assert.equal(seen[name], undefined, name);
  store.close();
});
