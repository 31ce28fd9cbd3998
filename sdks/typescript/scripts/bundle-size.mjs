// Prints what a page has to load that uses `passthroughRequest` and nothing else: minified and gzipped, in bytes.
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** The most that it may be. */
export const LIMIT = 6 * 1024;

export async function bundle() {
  const result = await build({
    stdin: {
      contents: `
        import { PassthroughCore } from "@passthrough/sdk/core.js";
        import { passthroughRequest } from "@passthrough/sdk/funcs/passthroughRequest.js";
        globalThis.ask = (options, request) => passthroughRequest(new PassthroughCore(options), request);`,
      resolveDir: new URL("..", import.meta.url).pathname,
    },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    write: false,
    metafile: true,
  });
  const { contents } = result.outputFiles[0];
  const modules = Object.keys(result.metafile.inputs);
  return { minified: contents.length, gzipped: gzipSync(contents, { level: 9 }).length, modules };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { minified, gzipped } = await bundle();
  console.log(`passthroughRequest alone: ${gzipped} bytes gzipped (limit ${LIMIT}), ${minified} minified`);
  if (gzipped > LIMIT) process.exit(1);
}
