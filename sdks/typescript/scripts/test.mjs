// Builds the SDK, then checks the types of tests and examples while the tests run on what was built.
import { spawn } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { build } from "esbuild";

process.chdir(new URL("..", import.meta.url).pathname);

function run(...command) {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), { stdio: "inherit" });
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`failed: ${command.join(" ")}`))));
  });
}

await run("node", "scripts/build.mjs");
await rm(".build", { recursive: true, force: true });
const sources = (await readdir("tests", { recursive: true })).filter((name) => name.endsWith(".ts"));
await build({
  entryPoints: sources.map((name) => `tests/${name}`),
  outdir: ".build/tests",
  outbase: "tests",
  format: "esm",
  target: "es2022",
  sourcemap: "inline",
});

const outcomes = await Promise.allSettled([
  run("node_modules/.bin/tsc", "--project", "tests"),
  run("node_modules/.bin/tsc", "--project", "tests/consumer"),
  run("node", "--enable-source-maps", "--test", "--test-reporter=spec", ...process.argv.slice(2), ".build/tests/main.js"),
]);
for (const { reason } of outcomes) if (reason) console.error(`error: ${reason.message}`);
if (outcomes.some(({ status }) => status === "rejected")) process.exit(1);
