// Writes what in src/models is generated from the repository's openapi.json: schema.ts, all of it as types, and
// schemas.ts, a name for each schema. A test fails where the committed files are not what this would write.
import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../../openapi.json", import.meta.url);
const models = new URL("../src/models/", import.meta.url);

const HEAD = "// Generated from openapi.json by `npm run generate`. Not edited by hand.\n\n";

// Names that everybody's code has already.
const RENAMED = { Record: "RequestRecord", Event: "PassthroughEvent" };

/** Takes out what is not for this SDK: the dialects, which are for other people's, and what is for those alone. */
function withoutDialects(document) {
  const tags = ["Panora", "Terminal's dialect"];
  const ofDialect = (item) => Object.values(item).every((operation) => operation.tags?.some((tag) => tags.includes(tag)));
  const [theirs, ours] = [true, false].map((wanted) =>
    Object.fromEntries(Object.entries(document.paths).filter(([, item]) => ofDialect(item) === wanted))
  );
  const named = (part, found = new Map()) => {
    for (const [place, kind, name] of JSON.stringify(part).matchAll(/"#\/components\/(\w+)\/([^"]+)"/g)) {
      if (!found.has(place)) named(document.components[kind][name], found.set(place, { kind, name }));
    }
    return found;
  };
  const kept = named(ours);
  const gone = [...named(theirs)].filter(([place]) => !kept.has(place));
  for (const [, { kind, name }] of gone) delete document.components[kind][name];
  document.paths = ours;
}

export async function generate() {
  const document = JSON.parse(await readFile(source, "utf8"));
  withoutDialects(document);
  // Types are looked up by path and method. Operation ids would make a second table of them, in which two operations
  // of one id are one.
  for (const item of Object.values(document.paths)) {
    for (const operation of Object.values(item)) delete operation.operationId;
  }
  const tree = await openapiTS(document, {
    alphabetize: true,
    // A field that the server fills in may be left out of a request.
    defaultNonNullable: false,
  });
  const aliases = Object.entries(document.components.schemas)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => {
      const comment = schema.description ? `/** ${schema.description.replaceAll("\n", " ")} */\n` : "";
      const alias = RENAMED[name] ?? name.replaceAll("_", "");
      return `${comment}export type ${alias} = Schemas["${name}"];\n`;
    });
  return {
    "schema.ts": HEAD + astToString(tree),
    "schemas.ts": `${HEAD}import type { components } from "./schema.js";\n\n` +
      `type Schemas = components["schemas"];\n\n${aliases.join("\n")}`,
  };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [name, text] of Object.entries(await generate())) await writeFile(new URL(name, models), text);
}
