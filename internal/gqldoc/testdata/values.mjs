// Writes values.json: what graphql-js says of values of each type, as variables and as literals.
// Run where graphql 16 is installed: `cd clients && npm ci && node ../internal/gqldoc/testdata/values.mjs`.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
const { buildSchema, getVariableValues, parse, validate, version } = createRequire(join(process.cwd(), "x.js"))("graphql");

const at = (name) => new URL(name, import.meta.url);
const schema = buildSchema(readFileSync(at("values.graphqls"), "utf8"));

const types = {
  Int: "Int", IntRequired: "Int!", Float: "Float", String: "String", Boolean: "Boolean", ID: "ID", Enum: "Colour", Custom: "Custom",
  Ints: "[Int]", IntsRequired: "[Int!]!", Matrix: "[[Int!]]", Enums: "[Colour!]", Input: "Input", OneOf: "OneOf", OneOfs: "[OneOf!]",
};
const scalars = ["null", "0", "1", "-1", "1.0", "1.5", "1e3", "1e-3", "-0", "2147483647", "2147483648", "-2147483648", "-2147483649",
  "9007199254740991", "1e400", "true", "false", '""', '"1"', '"1.5"', '"a"', '"true"', '"RED"', '"red"', '"Red"', "[]", "{}", "[1]", '["a"]'];
const inputs = ['{"required":"a"}', '{"required":null}', '{"required":1}', '{"required":"a","optional":null}', '{"required":"a","optional":"1"}',
  '{"required":"a","optional":1.0}', '{"required":"a","preset":null}', '{"required":"a","preset":1}', '{"required":"a","presetRequired":null}',
  '{"required":"a","presetRequired":false}', '{"required":"a","unknown":1}', '{"required":"a","__typename":"Input"}', '{"required":"a","list":"1"}',
  '{"required":"a","list":1}', '{"required":"a","list":["1",2,3.0]}', '{"required":"a","list":[null]}', '{"required":"a","list":[1.5]}',
  '{"required":"a","list":null}', '{"required":"a","one":{"a":"x"}}', '{"required":"a","one":{}}', '{"required":"a","one":{"a":"x","b":1}}',
  '{"required":"a","one":{"a":null}}', '{"required":"a","self":{"required":"b","self":{"required":"c"}}}', '{"required":"a","self":{"optional":1}}',
  '{"required":"a","nested":{}}', '{"required":"a","nested":{"depth":2}}', '{"required":"a","nested":null}', '{"required":["a"]}'];
const oneOfs = ['{"a":"x"}', '{"b":1}', '{"b":"1"}', '{"a":"x","b":1}', '{"a":"x","b":null}', '{"a":null}', '{"b":null,"a":null}', '{"d":1}',
  '{"a":"x","d":1}', '{"c":{"required":"a"}}', '{"c":{}}', '{"c":{"required":"a","one":{}}}', '{"c":{"required":"a","one":{"b":1}}}'];
const lists = ["[1,2]", "[1,null]", "[null]", "[1,\"2\"]", "[[1]]", "[[1],[2,3]]", "[[1],2]", "[[null]]", "[null,[1]]", '["RED","GREEN"]', '["RED",null]',
  '["RED","BLUE"]', '[{"a":"x"},{"b":1}]', '[{"a":"x"},{}]', '[{"a":"x"},null]', '[[{"a":"x"}]]'];

// A literal in GraphQL of the same value. Names of the enum are written as names and, in cases of their own, as strings.
const literal = (value, names) =>
  Array.isArray(value) ? `[${value.map((v) => literal(v, names)).join(", ")}]`
  : value && typeof value === "object" ? `{${Object.entries(value).map(([k, v]) => `${k}: ${literal(v, names)}`).join(", ")}}`
  : names && /^(RED|GREEN|BLUE|red|Red)$/.test(value) ? value : JSON.stringify(value);

const cases = [];
for (const [field, type] of Object.entries(types)) {
  for (const json of [...scalars, ...inputs, ...oneOfs, ...lists]) {
    const operation = parse(`query ($v: ${type}) { ${field}(v: $v) }`).definitions[0];
    const { coerced } = getVariableValues(schema, operation.variableDefinitions, { v: JSON.parse(json) });
    const made = { field, type, json, variable: Boolean(coerced), value: coerced ? coerced.v : undefined };
    // Numbers are written as they were, for a literal may not lose its point.
    const plain = /^-?[0-9.e-]+$/.test(json);
    const names = literal(JSON.parse(json), true), strings = literal(JSON.parse(json), false);
    made.literals = {};
    for (const text of new Set(plain ? [json] : [names, strings])) {
      made.literals[text] = validate(schema, parse(`{ ${field}(v: ${text}) }`)).length === 0;
    }
    cases.push(made);
  }
}
const lines = cases.map((c) => "  " + JSON.stringify(c)).join(",\n");
writeFileSync(at("values.json"), `{"graphql": ${JSON.stringify(version)}, "cases": [\n${lines}\n]}\n`);
console.log(cases.length, "cases");
