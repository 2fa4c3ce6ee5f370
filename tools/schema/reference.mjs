// Makes ../../docs/schema.md of ../../schema.graphqls, with an example of each root field from ../../clients/operations.graphql
// and variables.json. With --check it writes nothing, and ends with 1 where the page is stale.

import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { getVariableValues, Kind, parse, print, Source, visit } from "graphql";
import { Definitions, link, listed, roots } from "./definitions.mjs";

const preface = `All that [schema.graphqls](../schema.graphqls) has. The examples are from
[clients/operations.graphql](../clients/operations.graphql); what can go wrong is in [errors.md](errors.md).

A type with \`!\` is never null. Where "Null" says yes a field may be null, and the text says when; a field that could not
be read is null too, with an error beside the data. What is not "needed" may be left out, or be null.`;

// What an answer may be besides its type, by what Definitions.null says.
const orNull = {
  "": "",
  yes: ", or null",
  "an element": ", where an element may be null",
  "yes, an element": ", or null, and an element may be null",
};

/**
 * @param {{schema: string, operations: string, variables: Record<string, object>}} sources the texts of the two documents,
 *   and the variables of operations that are examples
 * @returns {string} the page
 */
export function reference(sources) {
  const document = parse(new Source(sources.schema, "schema.graphqls"));
  const definitions = new Definitions(document);
  const examples = new Examples(sources, definitions.schema);

  // What is done comes first, then what it is done with.
  const chapters = [];
  for (const [type, title] of Object.entries({ Query: "Queries", Mutation: "Mutations", Subscription: "Subscriptions" })) {
    const one = definitions.byName.get(type);
    const entries = one.fields.map((field) => {
      const title = `${roots[type]} ${field.name.value}`;
      const empty = orNull[definitions.null(field.type)];
      const parts = [`### ${title}`, definitions.words(field), `Answers ${definitions.typeOf(field.type)}${empty}.`];
      if (field.arguments.length > 0) {
        parts.push(definitions.inputs("Argument", field.arguments));
      }
      return { name: field.name.value, title, parts: [...parts, ...examples.of(roots[type], field.name.value)] };
    });
    chapters.push({ title, intro: one.description.value, entries });
  }
  for (const { title, start, end } of sections(sources.schema)) {
    const own = [...definitions.byName.values()].filter(({ loc, name }) => loc.start >= start && loc.start < end && !roots[name.value]);
    const entries = own.map((one) => ({ name: definitions.title(one), title: definitions.heading(one), parts: definitions.definition(one) }));
    chapters.push({ title, entries });
  }
  chapters.push({ title: "Fragments of the examples", entries: examples.fragments() });

  const contents = chapters.map(
    ({ title, entries }) => `- **${link(title, title)}**: ${entries.map((one) => link(one.name, one.title)).join(" · ")}`,
  );
  const page = [
    "<!-- Made from schema.graphqls and clients/operations.graphql by `make reference`: change those, not this. -->",
    "# The API",
    preface,
    contents.join("\n"),
    ...chapters.flatMap(({ title, intro = "", entries }) => [`## ${title}`, intro, ...entries.flatMap((one) => one.parts)]),
  ];
  return page.filter((part) => part !== "").join("\n\n") + "\n";
}

/** The operations that stand as examples, and the fragments that they spread. */
class Examples {
  constructor({ operations, variables }, schema) {
    const all = parse(new Source(operations, "operations.graphql")).definitions;
    this.operations = all.filter((one) => one.kind === Kind.OPERATION_DEFINITION);
    this.fragmentsByName = new Map(all.filter((one) => one.kind === Kind.FRAGMENT_DEFINITION).map((one) => [one.name.value, one]));
    this.variables = new Map(Object.entries(variables));
    this.schema = schema;
    this.shown = new Set();
  }

  /** The first operation of that kind that begins with that field. */
  of(kind, field) {
    const begins = (one) => one.operation === kind && one.selectionSet.selections[0].name?.value === field;
    const example = this.operations.find(begins);
    if (!example) {
      throw new Error(`clients/operations.graphql has no ${kind} that begins with ${field}: write one, as an example`);
    }
    const parts = [code("graphql", print(example))];
    const spread = this.spread(example).map((name) => link(name, `fragment ${name}`));
    if (example.variableDefinitions.length === 0) {
      return [...parts, ...(spread.length > 0 ? [`With ${listed(spread)}.`] : [])];
    }
    const values = this.variables.get(example.name.value);
    const mistake = this.mistake(example, values);
    if (mistake) {
      throw new Error(`variables.json does not fit ${example.name.value}: ${mistake}`);
    }
    this.variables.delete(example.name.value);
    return [...parts, `With ${listed([...spread, "these variables"])}:`, code("json", JSON.stringify(values, null, 2))];
  }

  /** What is wrong with an operation's variables, if anything is. */
  mistake({ variableDefinitions: known }, values) {
    if (!values) {
      return "it has no entry of that name";
    }
    const more = Object.keys(values).filter((name) => !known.some((one) => one.variable.name.value === name));
    return more.length > 0 ? `the operation has no ${listed(more)}` : getVariableValues(this.schema, known, values).errors?.[0].message;
  }

  /** The names of the fragments that a definition spreads; they will be shown. */
  spread(definition) {
    const names = new Set();
    visit(definition, { FragmentSpread: ({ name }) => void names.add(name.value) });
    for (const name of names) {
      this.shown.add(name);
    }
    return [...names];
  }

  /** The fragments of what was shown, when all of it was. */
  fragments() {
    if (this.variables.size > 0) {
      throw new Error(`variables.json has ${listed([...this.variables.keys()])}, which is no example: remove it`);
    }
    for (const name of this.shown) {
      this.spread(this.fragmentsByName.get(name)); // a set may grow while it is walked
    }
    return [...this.fragmentsByName.values()]
      .filter((one) => this.shown.has(one.name.value))
      .map((one) => {
        const title = `fragment ${one.name.value}`;
        return { name: one.name.value, title, parts: [`### ${title}`, code("graphql", print(one))] };
      });
  }
}

const code = (language, text) => `\`\`\`${language}\n${text}\n\`\`\``;

/** The sections of a schema's text, each under a line `# ==== title ====`. */
function sections(text) {
  const found = [...text.matchAll(/^# ==== (.+?) =+$/gm)].map((match) => ({
    title: match[1][0].toUpperCase() + match[1].slice(1),
    start: match.index,
  }));
  return found.map((section, i) => ({ ...section, end: found[i + 1]?.start ?? text.length }));
}

async function main() {
  const at = (path) => new URL(path, import.meta.url);
  const read = (path) => readFile(at(path), "utf8");
  const page = reference({
    schema: await read("../../schema.graphqls"),
    operations: await read("../../clients/operations.graphql"),
    variables: JSON.parse(await read("variables.json")),
  });
  if (!process.argv.includes("--check")) {
    await writeFile(at("../../docs/schema.md"), page);
  } else if ((await read("../../docs/schema.md").catch(() => "")) !== page) {
    console.log("docs/schema.md is stale: run make reference, and commit it.");
    process.exitCode = 1;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main().catch((err) => {
    console.log(err.message);
    process.exitCode = 1;
  });
}
