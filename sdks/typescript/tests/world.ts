// What all tests share: the real server, with a data folder of its own, and the APIs that it can reach.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { Passthrough } from "@passthrough/sdk";
import { github } from "./apis/github.js";
import { openai } from "./apis/openai.js";
import { stripe } from "./apis/stripe.js";
import { CREDENTIAL } from "./credential.js";
import { listen } from "./listening.js";
import { shop } from "./shop.js";

const repository = new URL("../../../../", import.meta.url);
const binary = process.env["PASSTHROUGH_BINARY"] ?? new URL("target/debug/passthrough", repository).pathname;
const folder = mkdtempSync(join(tmpdir(), "passthrough-sdk-"));

export const apis = {
  shop: await listen(shop),
  openai: await listen(openai),
  stripe: await listen(stripe),
  github: await listen(github),
};

// The catalog's own files, with nothing changed but where the API is.
mkdirSync(join(folder, "providers"));
for (const code of ["openai", "stripe", "github"] as const) {
  const file = readFileSync(new URL(`providers/${code}.toml`, repository), "utf8");
  const moved = file.replace(/^base_url = .*$/m, `base_url = "${apis[code].url}"`);
  writeFileSync(join(folder, "providers", `${code}.toml`), moved);
}

const server = await started();
export const { url, apiKey } = server;

/** An SDK at the real server. */
export const sdk = new Passthrough({ serverURL: url, apiKey });

after(async () => {
  for (const api of Object.values(apis)) api.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** A new connection to the shop; its token. */
export async function connected(path = ""): Promise<string> {
  const { token } = await sdk.connections.create({
    provider: "custom",
    auth: "bearer",
    credentials: { token: CREDENTIAL },
    variables: { base_url: apis.shop.url + path },
  });
  return token;
}

async function started(): Promise<{ url: string; apiKey: string; stop: () => Promise<void> }> {
  const environment = { ...process.env };
  for (const name of Object.keys(environment)) if (name.startsWith("PASSTHROUGH_")) delete environment[name];
  Object.assign(environment, {
    PASSTHROUGH_UPSTREAM__ALLOW: "127.0.0.0/8",
    PASSTHROUGH_UPSTREAM__ALLOW_HTTP: "127.0.0.0/8",
    // Small, so that a test can come to them.
    PASSTHROUGH_LIMITS__ENVELOPE_REQUEST_BYTES: "100000",
    PASSTHROUGH_LIMITS__ENVELOPE_RESPONSE_BYTES: "100000",
    // Tests make origins fail on purpose.
    PASSTHROUGH_UPSTREAM__BREAKER_FAILURES: "0",
  });
  const folders = ["--data-dir", join(folder, "data"), "--providers", join(folder, "providers")];
  const child = spawn(binary, ["serve", "--listen", "127.0.0.1:0", ...folders], { env: environment });
  // Whatever becomes of the tests, no server is left behind.
  process.once("exit", () => child.kill("SIGKILL"));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let apiKey = "";
  let said = "";
  const url = await new Promise<string>((resolve, reject) => {
    child.once("error", () => reject(new Error(`${binary} does not run; hint: cargo build, or set PASSTHROUGH_BINARY`)));
    child.once("exit", () => reject(new Error(`the server ended: ${said}`)));
    // The key comes on one stream, the address on the other, in whatever order.
    const look = () => {
      const address = /listening on (\S+)/.exec(said)?.[1];
      if (address && apiKey.endsWith("\n")) resolve(address);
    };
    child.stdout.on("data", (chunk) => ((apiKey += chunk), look()));
    child.stderr.on("data", (chunk) => ((said += chunk), look()));
  });
  const stop = () => {
    child.kill("SIGTERM");
    return ended;
  };
  return { url, apiKey: apiKey.trim(), stop };
}
