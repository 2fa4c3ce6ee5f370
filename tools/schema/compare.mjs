// Compares ../../schema.graphqls with released.graphqls, which is what the last release promised its clients. A change that
// breaks one of them is told and ends with 1; one that may surprise them is told. What was released as @deprecated may go.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema, Source } from "graphql";

/**
 * @param {string} released the text of a schema
 * @param {string} current the text of the schema that is to follow it
 * @returns {Promise<{breaking: string[], dangerous: string[]}>} sentences; what is neither is left out
 */
export async function compare(released, current) {
  const before = buildSchema(new Source(released, "released.graphqls"));
  const after = buildSchema(new Source(current, "schema.graphqls"));
  const found = { breaking: [], dangerous: [] };
  for (const change of await diff(before, after)) {
    const announced = /_REMOVED$/.test(change.type) && isDeprecated(before, change.path);
    switch (change.criticality.level) {
      case CriticalityLevel.Breaking:
        if (announced) {
          found.dangerous.push(`${change.message}, as its deprecation announced`);
        } else {
          found.breaking.push(change.message);
        }
        break;
      case CriticalityLevel.Dangerous:
        found.dangerous.push(change.message);
    }
  }
  return found;
}

/**
 * @param {import("graphql").GraphQLSchema} schema
 * @param {string | undefined} path of a field, an argument, an input field or a value: `Type.field.argument`
 */
function isDeprecated(schema, path = "") {
  const [typeName, name, argument] = path.split(".");
  const type = /** @type {any} */ (schema.getType(typeName));
  let one = type?.getFields?.()[name] ?? type?.getValue?.(name);
  if (argument !== undefined) {
    one = one?.args?.find((/** @type {{name: string}} */ arg) => arg.name === argument);
  }
  return one?.deprecationReason != null;
}

async function main() {
  const read = (/** @type {string} */ path) => readFile(new URL(path, import.meta.url), "utf8");
  const found = await compare(await read("released.graphqls"), await read("../../schema.graphqls"));
  const list = (/** @type {string} */ title, /** @type {string[]} */ changes) => {
    if (changes.length > 0) {
      console.log(`${title}\n${changes.map((change) => `  - ${change}\n`).join("")}`);
    }
  };
  list("schema.graphqls may surprise clients of the released schema. Say it in CHANGELOG.md:", found.dangerous);
  list("schema.graphqls BREAKS clients of the released schema:", found.breaking);
  if (found.breaking.length > 0) {
    console.log("Keep what is there, mark it @deprecated, and add the new beside it: CONTRIBUTING.md, A change of the API.");
    process.exitCode = 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main();
}
