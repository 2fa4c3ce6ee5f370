// Makes from ../schema.graphqls and operations.graphql what the tests are compiled with:
//
//   generated/operations.ts      a typed document for each operation, with the types of its variables and its result
//   generated/possible-types.ts  which types implement which interface, for Apollo's cache
//
// and what a server is given that takes listed operations alone (LINKSPAN_OPERATIONS):
//
//   generated/persisted-documents.json  each document by its hash, as graphql-codegen's client preset writes it
//
// An operation that is not valid against the schema ends it with an error.

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { disableFragmentWarnings } from "@apollo/client";
import { addTypenameSelectionDocumentTransform, preset } from "@graphql-codegen/client-preset";
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
const documents = [{ location: "operations.graphql", document, rawSDL: document.loc.source.body }];
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
    documents,
    plugins: Object.keys(output.pluginMap).map((name) => ({ [name]: {} })),
  });
  await writeFile(new URL(output.filename, directory), text);
}

// The preset's list is made while its other files are, which nobody needs here.
disableFragmentWarnings(); // in these documents fragments have a __typename more
const files = await preset.buildGeneratesSection({
  baseOutputDir: "./", documents, schema, schemaAst: built, config: {}, plugins: [], pluginMap: {},
  presetConfig: { persistedDocuments: { hashAlgorithm: "sha256" } },
  documentTransforms: [{ name: "typename", transformObject: addTypenameSelectionDocumentTransform }], // for Apollo's cache
});
const texts = await Promise.all(files.map((file) => codegen(file)));
await writeFile(
  new URL("persisted-documents.json", directory),
  texts[files.findIndex(({ filename }) => filename.endsWith("persisted-documents.json"))],
);

/** @param {string} path relative to this file */
async function read(path) {
  return parse(new Source(await readFile(new URL(path, import.meta.url), "utf8"), path));
}
