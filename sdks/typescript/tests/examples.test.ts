// The programs of the README and of the quick start, as they stand there.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { transform } from "esbuild";
import { goOn } from "./apis/openai.js";
import { CREDENTIAL } from "./credential.js";
import { apiKey, sdk, url } from "./world.js";

const root = new URL("../../", import.meta.url);
const pages = {
  "README.md": readFileSync(new URL("README.md", root), "utf8"),
  "docs/QUICKSTART.md": readFileSync(new URL("../../docs/QUICKSTART.md", root), "utf8"),
};

async function run(name: string, variables: { [name: string]: string }): Promise<string> {
  const source = readFileSync(new URL(`examples/${name}.ts`, root), "utf8");
  for (const [page, text] of Object.entries(pages)) {
    if (page === "docs/QUICKSTART.md" && name !== "quickstart") continue;
    assert.ok(text.includes(`\n\`\`\`typescript\n${source}\`\`\`\n`), `${page} does not have examples/${name}.ts`);
  }
  const folder = new URL(".build/examples/", root);
  mkdirSync(folder, { recursive: true });
  const file = new URL(`${name}.mjs`, folder);
  writeFileSync(file, (await transform(source, { loader: "ts" })).code);
  const env = { PATH: process.env["PATH"], PASSTHROUGH_SERVER_URL: url, PASSTHROUGH_API_KEY: apiKey, ...variables };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [file.pathname], { env }, (error, out, err) => (error ? reject(new Error(err)) : resolve(out)));
  });
}

test("the quick start prints who the customer is", async () => {
  assert.equal(await run("quickstart", { GITHUB_TOKEN: CREDENTIAL }), "200 us\n");
});

test("the program with OpenAI's SDK prints the words", async () => {
  const credentials = { api_key: CREDENTIAL };
  const { token } = await sdk.connections.create({ provider: "openai", auth: "key", credentials });
  const impatience = setInterval(() => goOn.now(), 20);
  try {
    assert.equal(await run("openai", { CONNECTION_TOKEN: token }), "Hello there");
  } finally {
    clearInterval(impatience);
  }
});
