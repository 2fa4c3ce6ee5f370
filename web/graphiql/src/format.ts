// What GraphiQL's "prettify" asks prettier for: GraphQL, and JSON with comments. See config.mjs.

import { applyEdits, format as formatJSON } from "jsonc-parser";

interface Options {
  parser: string;
}

export async function format(text: string, { parser }: Options): Promise<string> {
  if (parser !== "graphql") {
    return applyEdits(text, formatJSON(text, undefined, { tabSize: 2, insertSpaces: true }));
  }
  const [prettier, graphql] = await Promise.all([import("prettier/standalone"), import("prettier/plugins/graphql")]);
  return prettier.format(text, { parser, plugins: [graphql] });
}
