// What is published: small, fresh, for any runtime, and whole.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { createContext, runInContext } from "node:vm";
import { Passthrough } from "@passthrough/sdk";
import { build } from "esbuild";
import { apiKey, connected, url } from "./world.js";

const root = new URL("../../", import.meta.url).pathname;
const files = (folder: string, ending: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(ending));
const read = (...path: string[]) => readFileSync(join(root, ...path), "utf8");

test("the generated types are those of openapi.json", async () => {
  const { generate } = await import(join(root, "scripts/generate.mjs"));
  for (const [name, text] of Object.entries<string>(await generate())) {
    assert.ok(read("src/models", name) === text, `src/models/${name} is stale; hint: npm run generate`);
  }
});

test("a bundle that uses passthroughRequest alone is small, and has nothing else in it", async (context) => {
  const { bundle, LIMIT } = await import(join(root, "scripts/bundle-size.mjs"));
  const { gzipped, modules } = await bundle();
  context.diagnostic(`${gzipped} of ${LIMIT} bytes, gzipped`);
  assert.ok(gzipped <= LIMIT, `${gzipped} bytes`);
  for (const unused of ["sdk.js", "operation.js", "proxyFetch.js", "webhooks.js", "connections.js"]) {
    assert.ok(!modules.some((name: string) => name.endsWith(unused)), unused);
  }
});

test("of a resource's functions only those that are used are kept", async () => {
  const contents = `export { connectionsGet } from "@passthrough/sdk/funcs/connections.js"`;
  const stdin = { contents, resolveDir: root };
  const { outputFiles } = await build({ stdin, bundle: true, format: "esm", platform: "neutral", write: false });
  const text = outputFiles[0]?.text ?? "";
  assert.ok(text.includes('"/v1/connections/{id}"') && !text.includes("rotate-token"));
});

test("the source asks nothing of Node.js, and looks at the environment in one place", () => {
  for (const name of files("src", ".ts")) {
    const source = read("src", name).replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    assert.doesNotMatch(source, /\bfrom "(?!\.)|\brequire\(|\bBuffer\b/, name);
    if (name !== "lib/env.ts") assert.doesNotMatch(source, /\bprocess\b|\bDeno\b/, name);
  }
  assert.equal(JSON.parse(read("package.json")).dependencies, undefined);
});

/** The whole SDK in a world that has the web's standards, and besides them only what is given. */
async function elsewhere(given: object): Promise<typeof import("@passthrough/sdk")> {
  const stdin = { contents: `export * from "@passthrough/sdk"`, resolveDir: root };
  const bundled = await build({ stdin, bundle: true, format: "iife", globalName: "sdk", platform: "browser", write: false });
  const { URL, URLSearchParams, Headers, Request, Response, AbortSignal, ReadableStream, fetch } = globalThis;
  const web = { URL, URLSearchParams, Headers, Request, Response, AbortSignal, ReadableStream, fetch, TypeError, setTimeout, clearTimeout };
  const context = createContext({ ...web, ...given });
  return runInContext(`${bundled.outputFiles[0]?.text}; sdk`, context);
}

test("it runs where there is no environment, as in browsers", async () => {
  const browser = await elsewhere({});
  const bare = new browser.Passthrough();
  assert.equal(bare.serverURL, "http://127.0.0.1:8080");
  await assert.rejects(bare.connections.list(), { name: "SDKValidationError", message: "apiKey is missing" });
  const sdk = new browser.Passthrough({ serverURL: url, apiKey });
  const request = { xConnectionToken: await connected(), passThroughRequestDto: { method: "GET", path: "/status/200" } } as const;
  assert.equal((await sdk.request(request)).statusCode, 200);
});

test("the environment is read in Node.js, Bun and Deno, and options come first", async () => {
  const variables: { [name: string]: string } = { PASSTHROUGH_API_KEY: apiKey, PASSTHROUGH_SERVER_URL: url };
  const get = (name: string) => variables[name];
  for (const given of [{ process: { env: variables } }, { Deno: { env: { get } } }]) {
    const { Passthrough } = await elsewhere(given);
    const sdk = new Passthrough();
    assert.equal(sdk.serverURL, url);
    assert.equal((await sdk.apiKeys.list()).results.length > 0, true);
    assert.equal(new Passthrough({ serverURL: "https://other.example/base/" }).serverURL, "https://other.example/base");
    await assert.rejects(new Passthrough({ apiKey: "sk_other" }).apiKeys.list(), { statusCode: 401 });
  }
  Object.assign(process.env, variables);
  assert.ok(await new Passthrough().apiKeys.list());
  for (const name of Object.keys(variables)) delete process.env[name];
});

test("an environment that may not be read is an empty one", async () => {
  const denied = { env: { get: () => assert.fail("not allowed") } };
  const { Passthrough } = await elsewhere({ Deno: denied });
  assert.equal(new Passthrough().serverURL, "http://127.0.0.1:8080");
});

test("every module can be imported and required, with .js and without", async () => {
  const require = createRequire(join(root, "package.json"));
  const modules = files("dist/esm", ".js").map((name) => name.slice(0, -".js".length));
  assert.ok(modules.includes("funcs/passthroughRequest") && modules.includes("models/components"));
  for (const name of modules) {
    for (const path of [`@passthrough/sdk/${name}`, `@passthrough/sdk/${name}.js`]) {
      const names = Object.keys(require(path)).filter((key) => key !== "__esModule");
      assert.deepEqual(Object.keys(await import(path)).toSorted(), names.toSorted(), path);
    }
  }
  assert.equal(require("@passthrough/sdk").Passthrough.name, "Passthrough");
});

test("public types have no any", () => {
  for (const name of files("dist/esm", ".d.ts")) {
    assert.doesNotMatch(read("dist/esm", name).replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, ""), /\bany\b/, name);
  }
});

test("the package holds what was built, a README and the licence, and nothing else", () => {
  const packed = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts", "--loglevel=error"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  // The npm of Node.js 20 gives an array, later ones an object by name.
  const [entry] = Object.values<{ files: { path: string }[] }>(JSON.parse(packed));
  const names = entry?.files.map(({ path }) => path) ?? [];
  for (const name of ["README.md", "LICENSE", "dist/esm/index.d.ts", "dist/commonjs/package.json"]) {
    assert.ok(names.includes(name), name);
  }
  assert.deepEqual(names.filter((name) => !/^(dist\/.*\.(d\.ts|js)|dist\/commonjs\/package\.json|README\.md|LICENSE|package\.json)$/.test(name)), []);
  assert.ok(existsSync(join(root, "LICENSE")));
});

test("serverURL is a web address without secrets, and not plain http to another machine", () => {
  const make = (serverURL: string, allowPlainHTTP?: boolean) => () => new Passthrough({ serverURL, apiKey, allowPlainHTTP });
  const wrong: [string, RegExp][] = [
    ["127.0.0.1:8080", /no URL/],
    ["/only/path", /no URL/],
    ["ftp://h", /begin with/],
    ["javascript:alert(1)", /begin with/],
    ["https://user:hunter2@h", /user name/],
    ["https://user@h", /user name/],
    ["https://user:hunter2@h:port", /no URL/],
    ["https://h/?a=1", /query/],
    ["https://h/?", /query/],
    ["https://h/#a", /query/],
    ["http://h.example", /plain http/],
    ["http://10.0.0.1:8080", /plain http/],
    ["http://127.0.0.1.example", /plain http/],
    ["http://localhost.example", /plain http/],
  ];
  for (const [serverURL, message] of wrong) {
    assert.throws(make(serverURL), (error: Error) => {
      assert.equal(error.name, "SDKValidationError", serverURL);
      assert.match(error.message, message);
      assert.ok(!inspect(error, { showHidden: true }).includes("hunter2"));
      return true;
    });
  }
  for (const right of ["https://h.example/a/", "http://localhost:1", "http://127.9.9.9", "http://[::1]:8080"]) make(right)();
  assert.equal(make("http://h.example", true)().serverURL, "http://h.example");
});
