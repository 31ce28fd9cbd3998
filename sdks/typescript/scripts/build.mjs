// Builds dist: each module of src by itself, as ESM and as CommonJS, and the types, which are the same for both.
import { execFileSync } from "node:child_process";
import { cp, readdir, rm, writeFile } from "node:fs/promises";
import { build } from "esbuild";

process.chdir(new URL("..", import.meta.url).pathname);
await rm("dist", { recursive: true, force: true });

const sources = (await readdir("src", { recursive: true })).filter((name) => name.endsWith(".ts"));
const options = { entryPoints: sources.map((name) => `src/${name}`), outbase: "src", target: "es2022" };
await Promise.all([
  build({ ...options, outdir: "dist/esm", format: "esm" }),
  // Neutral: nothing of Node.js's is assumed.
  build({ ...options, outdir: "dist/commonjs", format: "cjs", platform: "neutral" }),
]);
await cp("../../LICENSE", "LICENSE");
await writeFile("dist/commonjs/package.json", '{"type": "commonjs"}\n');

execFileSync("node_modules/.bin/tsc", ["--emitDeclarationOnly", "--outDir", "dist/esm"], { stdio: "inherit" });
await cp("dist/esm", "dist/commonjs", {
  recursive: true,
  filter: (name) => name.endsWith(".d.ts") || !/\.\w+$/.test(name),
});
