import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { buildSchema, isInputObjectType } from "graphql";
import { slug } from "./definitions.mjs";
import { reference } from "./reference.mjs";

const read = (path) => readFile(new URL(path, import.meta.url), "utf8");
const sources = {
  schema: await read("../../schema.graphqls"),
  operations: await read("../../clients/operations.graphql"),
  variables: JSON.parse(await read("variables.json")),
};

test("each link leads to a heading, and no two headings share a place", () => {
  const page = reference(sources);
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, title]) => slug(title));
  assert.equal(new Set(headings).size, headings.length);
  const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, place]) => place);
  assert.ok(links.length > 200, `${links.length} links`);
  assert.deepEqual(links.filter((place) => !headings.includes(place)), []);
});

test("all that the schema has is on the page, with what is said of it", () => {
  const page = reference(sources).replace(/\s+/g, " ");
  const missing = [];
  const look = (name, one) => {
    if (!page.includes(name) || !page.includes(one.description.replace(/\s+/g, " ").trim())) {
      missing.push(name);
    }
  };
  for (const type of Object.values(buildSchema(sources.schema).getTypeMap())) {
    if (!type.astNode) {
      continue; // GraphQL's own
    }
    look(type.name, type);
    for (const part of [...Object.values(type.getFields?.() ?? {}), ...(type.getValues?.() ?? [])]) {
      look(part.name, part);
      (isInputObjectType(type) ? [] : part.args ?? []).forEach((arg) => look(`\`${arg.name}\``, arg));
    }
  }
  assert.deepEqual(missing, []);
});

test("a root field needs an example, and an example the variables that it takes", () => {
  const field = sources.schema.replace("type Mutation {", 'type Mutation {\n  """Does more."""\n  more: Int!\n');
  assert.throws(() => reference({ ...sources, schema: field }), /no mutation that begins with more/);

  const { Nodes, ...without } = sources.variables;
  assert.throws(() => reference({ ...sources, variables: without }), /does not fit Nodes: it has no entry/);
  for (const [name, values] of Object.entries({
    Nodes: { ids: [], more: 1 },
    GroupByHandle: {},
    CreateSharedChannel: { input: { target: { handle: "a", id: "b" }, name: "n" } },
    DeclineInvitation: { input: { invitation: "inv" } },
  })) {
    const variables = { ...sources.variables, [name]: values };
    assert.throws(() => reference({ ...sources, variables }), new RegExp(`does not fit ${name}: `));
  }
  assert.throws(() => reference({ ...sources, variables: { ...sources.variables, Gone: {} } }), /has Gone, which is no example/);
});

test("what is deprecated, has a default, or is one of several says so", () => {
  const schema = `
# ==== all ====
"""Reads."""
type Query {
  """Finds | or not."""
  find(
    """How many."""
    first: Int! = 3
  ): [Found]
}
"""Found."""
union Found = One | Other
"""One."""
type One {
  """Old."""
  old: Int @deprecated(reason: "Ask for more.")
  """More."""
  more(
    """Of what."""
    of: String
  ): Int!
}
"""Other."""
type Other {
  """The only one."""
  only: Int!
}
"""Does."""
type Mutation {
  """Does."""
  does: Int!
}
"""Hears."""
type Subscription {
  """Hears."""
  hears: Int!
}`;
  const operations = "query Q { find { __typename } } mutation M { does } subscription S { hears }";
  const page = reference({ schema, operations, variables: {} });
  for (const text of [
    "Answers \\[[Found](#union-found)\\], or null, and an element may be null.",
    "| `first` | Int! |  | How many. Default: `3`. |",
    "One of [One](#type-one) and [Other](#type-other).",
    "| ~~`old`~~ | Int | yes | **Deprecated:** Ask for more. Old. |",
    "What `more` takes:",
  ]) {
    assert.ok(page.includes(text), `${text}\n\n${page}`);
  }
});
