// Makes from ../schema.graphqls and operations.graphql what the tests are compiled with:
//
//   generated/operations.ts      a typed document for each operation, with the types of its variables and its result
//   generated/possible-types.ts  which types implement which interface, for Apollo's cache
//
// An operation that is not valid against the schema ends it with an error.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { codegen } from "@graphql-codegen/core";
import * as fragmentMatcher from "@graphql-codegen/fragment-matcher";
import * as typedDocumentNode from "@graphql-codegen/typed-document-node";
import * as typescriptOperations from "@graphql-codegen/typescript-operations";
import { buildASTSchema, parse, Source, validate, validateSchema } from "graphql";

const outputs = [
  {
    filename: "operations.ts",
    pluginMap: { typescriptOperations, typedDocumentNode },
    config: {
      strictScalars: true, // a scalar that is new in the schema must be named here
      scalars: { ID: "string", DateTime: "string", LogCursor: "string" },
      nonOptionalTypename: true, // Apollo asks for it everywhere
      skipTypeNameForRoot: true, // but not at the root
      immutableTypes: true, // Apollo freezes what it hands out
      useTypeImports: true,
      documentNodeImport: "@apollo/client#TypedDocumentNode",
    },
  },
  { filename: "possible-types.ts", pluginMap: { fragmentMatcher }, config: {} },
];

const schema = await read("../schema.graphqls");
const document = await read("operations.graphql");
const built = buildASTSchema(schema);
const mistakes = [...validateSchema(built), ...validate(built, document)];
if (mistakes.length > 0) {
  console.error(mistakes.join("\n\n"));
  process.exit(1);
}

const directory = new URL("generated/", import.meta.url);
await rm(directory, { recursive: true, force: true });
await mkdir(directory);
for (const output of outputs) {
  const text = await codegen({
    ...output,
    schema,
    documents: [{ location: "operations.graphql", document }],
    plugins: Object.keys(output.pluginMap).map((name) => ({ [name]: {} })),
  });
  await writeFile(new URL(output.filename, directory), text);
}

/** @param {string} path relative to this file */
async function read(path) {
  return parse(new Source(await readFile(new URL(path, import.meta.url), "utf8"), path));
}
