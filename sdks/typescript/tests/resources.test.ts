// Everything else that the API offers, once each against the real server.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { all, Passthrough } from "@passthrough/sdk";
import { PassthroughCore } from "@passthrough/sdk/core.js";
import { connectionsGet, connectionsList } from "@passthrough/sdk/funcs/connections.js";
import type { Connection } from "@passthrough/sdk/models/components";
import { CREDENTIAL } from "./credential.js";
import { apiKey, apis, connected, sdk, url } from "./world.js";

const custom = (more: object = {}) => ({
  provider: "custom",
  auth: "bearer",
  credentials: { token: CREDENTIAL },
  variables: { base_url: apis.shop.url },
  ...more,
});

test("connections", async () => {
  const made = await sdk.connections.create(custom({ externalId: "customer-42", tags: ["b", "a"] }));
  assert.match(made.token, /^con_tkn_/);
  const { token, ...connection } = made;
  // How its credential is, is said where one connection is read by itself.
  const { credential, ...read } = await sdk.connections.get({ id: made.id });
  assert.deepEqual(read, connection);
  assert.equal(credential?.since, made.createdAt);
  assert.deepEqual(await sdk.connections.getCurrent({ xConnectionToken: token }), { ...connection, credential });
  const found = await sdk.connections.list({ externalId: "customer-42", tag: "a", status: "connected", limit: 5 });
  assert.deepEqual(found.results, [connection]);

  const renamed: Connection = await sdk.connections.update({ id: made.id, name: "Jo", tags: [] });
  assert.deepEqual([renamed.name, renamed.tags, renamed.externalId], ["Jo", [], "customer-42"]);
  const cleared = await sdk.connections.updateCurrent({ xConnectionToken: token, externalId: null });
  assert.ok(!cleared.externalId);

  const other = await sdk.connections.rotateToken({ id: made.id });
  assert.notEqual(other.token, token);
  await assert.rejects(sdk.connections.getCurrent({ xConnectionToken: token }), { statusCode: 404, code: "not_found" });
  await assert.rejects(sdk.connections.verify({ id: made.id }), { statusCode: 400, code: "bad_request" });
  await assert.rejects(sdk.connections.refresh({ id: made.id }), { name: "SDKError" });
  assert.equal(await sdk.connections.deleteCurrent({ xConnectionToken: other.token }), undefined);
  await assert.rejects(sdk.connections.delete({ id: made.id }), { statusCode: 404 });
});

test("a credential is verified at the provider", async () => {
  const { id } = await sdk.connections.create({ provider: "openai", auth: "key", credentials: { api_key: CREDENTIAL } });
  const { result, statusCode } = await sdk.connections.verify({ id });
  assert.deepEqual([result, statusCode], ["alive", 200]);
  await sdk.connections.delete({ id });
});

test("a list can be gone through whole, by method and by function", async () => {
  const tag = "paged";
  for (let n = 0; n < 5; n++) await sdk.connections.create(custom({ tags: [tag] }));
  const byMethod: string[] = [];
  for await (const { id } of sdk.connections.all({ tag, limit: 2 })) byMethod.push(id);
  const core = new PassthroughCore({ serverURL: url, apiKey });
  const byFunction: string[] = [];
  for await (const { id } of all(core, connectionsList, { tag, limit: 2 })) byFunction.push(id);
  assert.equal(new Set(byMethod).size, 5);
  assert.deepEqual(byMethod, byFunction);
  const keyless = all(new PassthroughCore({ serverURL: url, apiKey: "sk_wrong" }), connectionsList);
  await assert.rejects(keyless.next(), { statusCode: 401 });
});

test("a standalone function gives a result and throws nothing", async () => {
  const core = new PassthroughCore({ serverURL: url, apiKey });
  const none = await connectionsGet(core, { id: "conn_/../x?y#z" });
  assert.ok(!none.ok && none.error.name === "SDKError");
  const missing = await connectionsGet(core, {} as { id: string });
  assert.ok(!missing.ok && missing.error.name === "SDKValidationError");
});

test("providers", async () => {
  const { results } = await sdk.providers.list({ category: "payments" });
  assert.ok(results.some(({ code }) => code === "stripe"));
  const stripe = await sdk.providers.get({ code: "stripe" });
  assert.equal(stripe.auth["key"]?.fields["api_key"]?.secret, true);
});

test("integrations", async () => {
  const made = await sdk.integrations.create({ provider: "github", key: "github-2", clientId: "id", clientSecret: "secret" });
  assert.equal(made.hasClientSecret, true);
  assert.ok(!JSON.stringify(made).includes('"secret"'));
  assert.deepEqual(await sdk.integrations.get({ key: "github-2" }), made);
  const renamed = await sdk.integrations.update({ key: "github-2", name: "Other" });
  assert.equal(renamed.name, "Other");
  assert.ok((await sdk.integrations.list({ provider: "github" })).results.some(({ key }) => key === "github-2"));
  await sdk.integrations.delete({ key: "github-2" });
  await assert.rejects(sdk.integrations.get({ key: "github-2" }), { statusCode: 404 });
});

test("link sessions and public tokens", async () => {
  const made = await sdk.linkSessions.create({ providers: ["stripe"], externalId: "customer-7" });
  assert.ok(made.url.startsWith(url));
  const session = await sdk.linkSessions.get({ id: made.id });
  assert.deepEqual([session.integrations, session.externalId], [["stripe"], "customer-7"]);
  assert.ok(await sdk.linkSessions.create());
  await assert.rejects(sdk.publicToken.exchange({ publicToken: "pub_tkn_x" }), { statusCode: 404 });
});

test("events", async () => {
  const { id } = await sdk.connections.create(custom());
  const { results } = await sdk.events.list({ type: "connection.created", connection: id });
  const [event] = results;
  assert.ok(event && event.data["connectionId"] === id);
  assert.deepEqual(await sdk.events.get({ id: event.id }), event);
  assert.deepEqual(await sdk.events.replay({ id: event.id }), { deliveries: 0 });
});

test("API keys", async () => {
  const made = await sdk.apiKeys.create({ name: "billing", expiresAt: "2099-01-01T00:00:00.000Z" });
  const other = new Passthrough({ serverURL: url, apiKey: async () => made.key });
  assert.ok((await other.apiKeys.list()).results.some(({ id }) => id === made.id));
  await sdk.apiKeys.revoke({ id: made.id });
  await assert.rejects(other.apiKeys.list(), { statusCode: 401, code: "unauthorized" });
});

test("records", async () => {
  const request = { xConnectionToken: await connected(), passThroughRequestDto: { method: "GET", path: "/status/418" } } as const;
  const { requestId } = await sdk.request(request);
  const retries = { strategy: "backoff", backoff: { initialInterval: 100, maxInterval: 100, exponent: 1, maxElapsedTime: 10_000 } } as const;
  // It appears within a second.
  const record = await sdk.requests.get({ id: requestId }, { retries, retryCodes: ["404"] });
  assert.deepEqual([record.statusCode, record.door, record.path], [418, "envelope", "/status/418"]);
  assert.ok((await sdk.requests.list({ status: "4xx" })).results.some(({ id }) => id === requestId));
});

test("health needs no API key", async () => {
  const anybody = new Passthrough({ serverURL: `${url}/` });
  assert.deepEqual(await anybody.health.live(), { status: "ok" });
  assert.deepEqual(await anybody.health.ready(), { status: "ok" });
});

test("every operation of openapi.json has a function, and every function an operation", () => {
  const funcs = new URL("../../src/funcs/", import.meta.url);
  const source = readdirSync(funcs).map((name) => readFileSync(new URL(name, funcs), "utf8")).join("");
  const written = [...source.matchAll(/operation(?:<.*>)?\("(\w+)", "([^"]+)"\)/g)].map(([, method, path]) => `${method} ${path}`);
  const { paths } = JSON.parse(readFileSync(new URL("../../../../openapi.json", import.meta.url), "utf8"));
  // The dialects are for other people's SDKs.
  const isOurs = ({ tags: [tag] }: { tags: string[] }) => tag !== "Panora" && tag !== "Terminal's dialect";
  const offered = Object.entries<{ [method: string]: { tags: string[] } }>(paths).flatMap(([path, item]) =>
    Object.entries(item).filter(([, operation]) => isOurs(operation)).map(([method]) => `${method} ${path}`)
  );
  // These are functions of their own, and the rest is for monitors and people.
  const apart = /^post \/v1\/passthrough(\/raw)?$| \/v1\/proxy\/| \/metrics$| \/(docs|openapi\.json)$/;
  assert.deepEqual(written.toSorted(), offered.filter((operation) => !apart.test(operation)).toSorted());
});
