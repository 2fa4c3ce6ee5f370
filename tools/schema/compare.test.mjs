import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { compare } from "./compare.mjs";

const schema = await readFile(new URL("../../schema.graphqls", import.meta.url), "utf8");

test("the schema breaks no client of itself", async () => {
  assert.deepEqual(await compare(schema, schema), { breaking: [], dangerous: [] });
});

test("a field, an argument, a value or a type that is gone breaks", async () => {
  for (const [gone, message] of /** @type {[RegExp, string][]} */ ([
    [/  """[^"]*"""\n  proposedName: String!\n/, "Field 'proposedName' was removed from object type 'Invitation'"],
    [/    """[^"]*"""\n    states: \[InvitationState!\]\n/, "Argument 'states: [InvitationState!]' was removed from field 'Viewer.receivedInvitations'"],
    [/  """[^"]*"""\n  REQUESTED\n/, "Enum value 'REQUESTED' was removed from enum 'InvitationState'"],
    [/"""[^"]*"""\ntype SelfInvitationError [^}]*}\n/, "Type 'SelfInvitationError' was removed"],
  ])) {
    assert.match(schema, gone);
    const { breaking } = await compare(schema, schema.replace(gone, ""));
    assert.deepEqual(breaking, [message]);
  }
});

test("so does what a client must now send, and what it may no longer rely on", async () => {
  for (const [before, after, message] of [
    ["input RegisterGroupInput {", "input RegisterGroupInput {\n  must: Int!", /'must'/],
    ["  first: Int\n", "  first: Int!\n", /'first'/],
    ["  proposedName: String!\n", "  proposedName: String\n", /'Invitation.proposedName'/],
    ["type User implements Node & Actor", "type User implements Node", /'User'/],
  ]) {
    assert.ok(schema.includes(before), before);
    const { breaking } = await compare(schema, schema.replace(before, after));
    assert.equal(breaking.length, 1, after);
    assert.match(breaking[0], message);
  }
});

test("a new value is told, a new field is fine", async () => {
  const value = await compare(schema, schema.replace("  REQUESTED\n", "  REQUESTED\n  LOST\n"));
  assert.deepEqual(value, { breaking: [], dangerous: ["Enum value 'LOST' was added to enum 'InvitationState'"] });
  const field = await compare(schema, schema.replace("  proposedName: String!\n", "  proposedName: String!\n  more: Int\n"));
  assert.deepEqual(field, { breaking: [], dangerous: [] });
});

test("what was released as deprecated may go", async () => {
  const deprecated = schema.replace("  proposedName: String!\n", '  proposedName: String! @deprecated(reason: "Ask for more.")\n');
  const gone = schema.replace(/  """[^"]*"""\n  proposedName: String!\n/, "");
  assert.deepEqual((await compare(schema, deprecated)).breaking, []);
  const { breaking, dangerous } = await compare(deprecated, gone);
  assert.deepEqual(breaking, []);
  assert.equal(dangerous.length, 1);
  assert.match(dangerous[0], /'proposedName' .*was removed.*, as its deprecation announced/);
});
