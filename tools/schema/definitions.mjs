// How the definitions of a schema read in Markdown: reference.mjs puts them on a page.

import { buildASTSchema, Kind, print } from "graphql";

const keywords = {
  [Kind.SCALAR_TYPE_DEFINITION]: "scalar",
  [Kind.OBJECT_TYPE_DEFINITION]: "type",
  [Kind.INTERFACE_TYPE_DEFINITION]: "interface",
  [Kind.UNION_TYPE_DEFINITION]: "union",
  [Kind.ENUM_TYPE_DEFINITION]: "enum",
  [Kind.INPUT_OBJECT_TYPE_DEFINITION]: "input",
  [Kind.DIRECTIVE_DEFINITION]: "directive",
};

/** The types whose fields are where operations begin. */
export const roots = { Query: "query", Mutation: "mutation", Subscription: "subscription" };

/** @param {string} title of a heading @returns {string} the name that forges give its place on the page */
export function slug(title) {
  return title.toLowerCase().replace(/[^\w -]/g, "").replaceAll(" ", "-");
}

/** A link to the heading of that title. */
export const link = (text, title) => `[${text}](#${slug(title)})`;

/** Parts of a list in a sentence. */
export const listed = (parts) => parts.join(", ").replace(/, ([^,]*)$/, " and $1");

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

const directive = (one, name) => one.directives?.find((used) => used.name.value === name);
const argument = (used, name) => used?.arguments.find((given) => given.name.value === name)?.value.value;
const nameOf = (one) => (directive(one, "deprecated") ? `~~\`${one.name.value}\`~~` : `\`${one.name.value}\``);

/** The definitions of a document, each a list of Markdown's blocks. */
export class Definitions {
  /** @param {import("graphql").DocumentNode} document */
  constructor(document) {
    this.schema = buildASTSchema(document);
    this.byName = new Map(document.definitions.flatMap((one) => (keywords[one.kind] ? [[one.name.value, one]] : [])));
  }

  heading(one) {
    return `${keywords[one.kind]} ${this.title(one)}`;
  }

  title(one) {
    return (one.kind === Kind.DIRECTIVE_DEFINITION ? "@" : "") + one.name.value;
  }

  linked(name) {
    const one = this.byName.get(name);
    return one ? link(this.title(one), this.heading(one)) : name;
  }

  typeOf(type) {
    switch (type.kind) {
      case Kind.NON_NULL_TYPE:
        return `${this.typeOf(type.type)}!`;
      case Kind.LIST_TYPE:
        return `\\[${this.typeOf(type.type)}\\]`;
      default:
        return this.linked(type.name.value);
    }
  }

  /** What is said of a part: whether it is deprecated, its description, and the schema's own marks. */
  words(one) {
    const said = [one.description?.value ?? ""];
    const deprecated = directive(one, "deprecated");
    if (deprecated) {
      said.unshift(`**Deprecated:** ${argument(deprecated, "reason")}`);
    }
    for (const used of one.directives ?? []) {
      if (this.byName.has(used.name.value)) {
        said.push(`_${this.linked(used.name.value)}_`);
      }
    }
    return said.join(" ").replace(/\s+/g, " ").trim();
  }

  /** Arguments, or the fields of an input. */
  inputs(title, list) {
    const rows = list.map((one) => {
      const standard = one.defaultValue ? ` Default: \`${print(one.defaultValue)}\`.` : "";
      const needed = one.type.kind === Kind.NON_NULL_TYPE && !one.defaultValue ? "yes" : "";
      return [nameOf(one), this.typeOf(one.type), needed, this.words(one) + standard];
    });
    return table([title, "Type", "Needed", "What it says"], rows);
  }

  /** Where a field may be null: "", "yes", "an element" of its list, or both. */
  null(type) {
    const inner = type.kind === Kind.NON_NULL_TYPE ? type.type : type;
    const element = inner.kind === Kind.LIST_TYPE && inner.type.kind !== Kind.NON_NULL_TYPE;
    return [...(inner === type ? ["yes"] : []), ...(element ? ["an element"] : [])].join(", ");
  }

  /** The fields of an object or an interface. Several that are an interface's to the letter are one row. */
  fields(one) {
    const rows = [];
    const inherited = new Set();
    for (const { name } of one.interfaces ?? []) {
      const theirs = this.byName.get(name.value).fields.map(print);
      const alike = one.fields.filter((field) => theirs.includes(print(field)));
      if (alike.length > 1) {
        alike.forEach((field) => inherited.add(field));
        rows.push([alike.map(nameOf).join(", "), "", "", `As in ${this.linked(name.value)}.`]);
      }
    }
    for (const field of one.fields.filter((field) => !inherited.has(field))) {
      rows.push([nameOf(field), this.typeOf(field.type), this.null(field.type), this.words(field)]);
    }
    const taking = new Map(); // fields with the same arguments, by these
    for (const field of one.fields.filter((field) => field.arguments.length > 0)) {
      const text = this.inputs("Argument", field.arguments);
      taking.set(text, [...(taking.get(text) ?? []), nameOf(field)]);
    }
    const taken = [...taking].flatMap(([text, names]) => [`What ${listed(names)} ${names.length > 1 ? "take" : "takes"}:`, text]);
    return [table(["Field", "Type", "Null", "What it says"], rows), ...taken];
  }

  /** A definition as a whole, under its heading. */
  definition(one) {
    const parts = [`### ${this.heading(one)}`, (one.description?.value ?? "").trim()];
    switch (one.kind) {
      case Kind.SCALAR_TYPE_DEFINITION: {
        const url = argument(directive(one, "specifiedBy"), "url");
        return [...parts, ...(url ? [`Specified by <${url}>.`] : [])];
      }
      case Kind.ENUM_TYPE_DEFINITION:
        return [...parts, table(["Value", "Meaning"], one.values.map((value) => [nameOf(value), this.words(value)]))];
      case Kind.INPUT_OBJECT_TYPE_DEFINITION:
        return [...parts, this.inputs("Field", one.fields), ...(directive(one, "oneOf") ? ["Exactly one of them is given."] : [])];
      case Kind.UNION_TYPE_DEFINITION:
        return [...parts, `One of ${listed(one.types.map((type) => this.linked(type.name.value)))}.`];
      case Kind.DIRECTIVE_DEFINITION:
        return [...parts, `It marks ${listed(this.marked(one.name.value))}.`];
      case Kind.INTERFACE_TYPE_DEFINITION: {
        const types = this.schema.getPossibleTypes(this.schema.getType(one.name.value));
        return [...parts, `Implemented by ${listed(types.map((type) => this.linked(type.name)))}.`, ...this.fields(one)];
      }
      default: {
        const of = (one.interfaces ?? []).map((type) => this.linked(type.name.value));
        return [...parts, ...(of.length > 0 ? [`Implements ${listed(of)}.`] : []), ...this.fields(one)];
      }
    }
  }

  /** Links to the fields with a directive. */
  marked(name) {
    return [...this.byName.values()].flatMap((one) =>
      (one.fields ?? [])
        .filter((field) => directive(field, name))
        .map((field) => {
          const root = roots[one.name.value];
          return link(`${one.name.value}.${field.name.value}`, root ? `${root} ${field.name.value}` : this.heading(one));
        }),
    );
  }
}
