// Other people's SDKs, as they come from npm, through a connection. None of them has the customer's credential.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Octokit } from "octokit";
import OpenAI from "openai";
import Stripe from "stripe";
import { files } from "./apis/github.js";
import { goOn } from "./apis/openai.js";
import { CREDENTIAL } from "./credential.js";
import { apiKey, apis, connected, sdk } from "./world.js";

const tokens = { openai: "", stripe: "", github: "" };

before(async () => {
  const credentials = { openai: "api_key", stripe: "api_key", github: "token" };
  const auth = { openai: "key", stripe: "key", github: "token" };
  for (const provider of ["openai", "stripe", "github"] as const) {
    const credential = { [credentials[provider]]: CREDENTIAL };
    const made = await sdk.connections.create({ provider, auth: auth[provider], credentials: credential });
    tokens[provider] = made.token;
  }
});

after(() => files.close());

test("openai works with proxy.fetch, streams included", async () => {
  const client = new OpenAI({ apiKey: "unused", fetch: sdk.proxy.fetch(tokens.openai) });
  const models = await client.models.list();
  assert.deepEqual(models.data.map((model) => model.id), ["small"]);

  const question = { model: "small", messages: [{ role: "user" as const, content: "Hi" }] };
  const whole = await client.chat.completions.create(question);
  assert.equal(whole.choices[0]?.message.content, "Hello there");

  const words: string[] = [];
  for await (const chunk of await client.chat.completions.create({ ...question, stream: true })) {
    words.push(chunk.choices[0]?.delta.content ?? "");
    // The provider waits for this: a first word that were held back until the end would never come.
    goOn.now();
  }
  assert.deepEqual(words, ["Hello", " there"]);

  const file = await client.files.create({ purpose: "assistants", file: new File(["words"], "notes.txt") });
  assert.equal(file.filename, "notes.txt");
  await assert.rejects(client.models.retrieve("none"), OpenAI.NotFoundError);
  const last = apis.openai.seen.at(-1);
  assert.ok(!JSON.stringify(last?.headers).includes(apiKey), "the provider must not see our API key");
});

test("openai works with a base URL", async () => {
  const client = new OpenAI({
    apiKey,
    baseURL: `${sdk.proxy.baseURL}/v1`,
    defaultHeaders: { "Connection-Token": tokens.openai },
  });
  const question = { model: "small", messages: [{ role: "user" as const, content: "Hi" }] };
  const words: string[] = [];
  for await (const chunk of await client.chat.completions.create({ ...question, stream: true })) {
    words.push(chunk.choices[0]?.delta.content ?? "");
    goOn.now();
  }
  assert.deepEqual(words, ["Hello", " there"]);
});

test("openai takes a failure of ours for a refused key", async () => {
  const client = new OpenAI({ apiKey: "unused", maxRetries: 0, fetch: sdk.proxy.fetch("con_tkn_wrong") });
  await assert.rejects(client.models.list(), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.headers.get("passthrough-source"), "passthrough");
    return true;
  });
});

test("stripe works with proxy.fetch", async () => {
  const httpClient = Stripe.createFetchHttpClient(sdk.proxy.fetch(tokens.stripe) as typeof fetch);
  const client = new Stripe("unused", { httpClient, telemetry: false });
  const made = await client.customers.create({ email: "jo@example.com", metadata: { plan: "gold" } });
  assert.equal(made.email, "jo@example.com");
  assert.equal(made.metadata["plan"], "gold");
  assert.ok(made.metadata["key"], "the idempotency key went through");

  const ids: string[] = [];
  for await (const customer of client.customers.list({ limit: 2 })) ids.push(customer.id);
  assert.deepEqual(ids, ["cus_1", "cus_2", "cus_3"]);

  await assert.rejects(client.charges.create({ amount: 1, currency: "eur" }), (error) => {
    assert.ok(error instanceof Stripe.errors.StripeCardError);
    assert.equal(error.code, "card_declined");
    assert.equal(error.requestId, "req_stripe");
    return true;
  });
});

test("octokit works with proxy.fetch", async () => {
  const fetch = sdk.proxy.fetch(tokens.github, {
    baseURL: "https://api.github.com",
    redirectOrigins: [files.url],
  });
  const client = new Octokit({ request: { fetch } });
  const repository = { owner: "us", repo: "house" };

  const issues = await client.paginate(client.rest.issues.listForRepo, { ...repository, per_page: 1 });
  assert.deepEqual(issues.map((issue) => issue.number), [1, 2]);
  const issue = await client.rest.issues.create({ ...repository, title: "A door squeaks" });
  assert.equal(issue.status, 201);
  assert.equal(issue.data.title, "A door squeaks");
  const answer = await client.graphql<{ viewer: { login: string } }>("{ viewer { login } }");
  assert.equal(answer.viewer.login, "us");

  const archive = await client.rest.repos.downloadZipballArchive({ ...repository, ref: "main" });
  assert.equal(Buffer.from(archive.data as ArrayBuffer).toString(), "PK");
  const headers = JSON.stringify(files.seen.at(-1)?.headers);
  assert.ok(!headers.includes(tokens.github) && !headers.includes(apiKey), "no secret goes to where a redirect leads");

  await assert.rejects(client.rest.repos.get({ owner: "us", repo: "none" }), { status: 404 });
});

test("OpenAI's SDK repeats a POST by itself, unless maxRetries is 0", async () => {
  const through = sdk.proxy.fetch(await connected("/status/503"));
  let times = 0;
  const fetch: typeof globalThis.fetch = (input, init) => {
    times += 1;
    return through(input, init);
  };
  for (const [options, expected] of [[{}, 3], [{ maxRetries: 0 }, 1]] as const) {
    times = 0;
    const openai = new OpenAI({ apiKey: "unused", fetch, ...options });
    await assert.rejects(openai.chat.completions.create({ model: "m", messages: [] }), { status: 503 });
    assert.equal(times, expected);
  }
});
