// Sizes and what lies beyond them: contract, "What every operation keeps", 8.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  AcceptSharedChannelDocument, CreateSharedChannelDocument, DeclineInvitationDocument, MyChannelsDocument,
  ReceivedInvitationsDocument, RegisterGroupDocument, type CreateSharedChannelInput,
} from "../generated/operations.js";
import { fault, happened, present, refused } from "../support/expect.js";
import { limits, useLinkspan } from "../support/linkspan.js";
import { accept, ask, seen } from "../support/steps.js";

describe("limits", limits, () => {
  const linkspan = useLinkspan();

  test("what is as long as allowed is kept as it is", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const name = "\u{1F680}".repeat(80);
    const topic = "\u{1F4A1}".repeat(560);
    const { channel, invitation } = await ask(acme.admin, globex, name, { topic, note: topic, idempotencyKey: "k".repeat(200) });
    assert.deepEqual([channel.name, channel.topic, invitation.note], [name, topic, topic]);
    assert.equal((await accept(globex.admin, invitation, ` \t${name} `)).name, name);
  });

  test("names are kept in NFC and trimmed, and are the same whatever the case", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const { channel } = await ask(acme.admin, globex, "  Cafe\u0301 Stra\u00DFe ");
    assert.equal(channel.name, "Caf\u00E9 Stra\u00DFe");
    const same = { target: { id: globex.id }, name: "CAF\u00C9 STRASSE" };
    refused((await acme.admin.mutate(CreateSharedChannelDocument, same)).createSharedChannel, "NAME_TAKEN", ["input", "name"]);
    await ask(globex.admin, acme, "CAF\u00C9 STRASSE"); // names are a group's own
  });

  test("more than that is refused, or is bad input", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const input = { target: { id: globex.id }, name: "plans" };
    const tooMuch: [Partial<CreateSharedChannelInput>, string][] = [
      [{ name: "\u{1F680}".repeat(81) }, "name"],
      [{ topic: "t".repeat(561) }, "topic"],
      [{ note: "n".repeat(561) }, "note"],
      [{ idempotencyKey: "k".repeat(201) }, "idempotencyKey"],
    ];
    for (const [more, field] of tooMuch) {
      const payload = (await acme.admin.mutate(CreateSharedChannelDocument, { ...input, ...more })).createSharedChannel;
      refused(payload, "INVALID_INPUT", ["input", field]);
    }
    for (const field of ["name", "topic", "note", "idempotencyKey"]) {
      await fault(acme.admin.mutate(CreateSharedChannelDocument, { ...input, [field]: "a\u0000b" }), "BAD_USER_INPUT");
    }
    const operator = await linkspan.signInOperator();
    for (const handle of ["a", "-a", "a_b", "A", "a".repeat(40)]) {
      refused((await operator.mutate(RegisterGroupDocument, { handle, name: "X" })).registerGroup, "INVALID_INPUT", ["input", "handle"]);
    }
    happened((await operator.mutate(RegisterGroupDocument, { handle: "a".repeat(39), name: "X" })).registerGroup);
  });

  test("a body over 1 MiB is refused, and one below is not", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const create = (length: number) =>
      acme.admin.mutate(CreateSharedChannelDocument, { target: { id: globex.id }, name: "plans", note: "n".repeat(length) });
    refused((await create(1_000_000)).createSharedChannel, "INVALID_INPUT", ["input", "note"]);
    await fault(create(1 << 20), "BAD_USER_INPUT");
  });

  test("a cursor is of its own list alone", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    await accept(acme.admin, (await ask(globex.admin, acme, "plans")).invitation);
    const ofChannels = present((await acme.admin.query(MyChannelsDocument, {})).viewer).sharedChannels;
    const ofReceived = present((await acme.admin.query(ReceivedInvitationsDocument, {})).viewer).receivedInvitations;
    const ofGlobex = present((await globex.admin.query(MyChannelsDocument, {})).viewer).sharedChannels;
    for (const after of [ofReceived.pageInfo.endCursor, ofGlobex.pageInfo.endCursor, ofChannels.logCursor]) {
      await fault(acme.admin.query(MyChannelsDocument, { after: present(after) }), "BAD_USER_INPUT");
    }
    await fault(acme.admin.query(ReceivedInvitationsDocument, { after: present(ofChannels.pageInfo.endCursor) }), "BAD_USER_INPUT");
  });

  test("of many at once for one name or one invitation, one has it", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const input = { target: { id: globex.id }, name: "plans" };
    const created = await Promise.all(Array.from({ length: 8 }, () => acme.admin.mutate(CreateSharedChannelDocument, input)));
    const [made, ...others] = created.map((each) => each.createSharedChannel).sort((a, b) => a.errors.length - b.errors.length);
    const { sharedChannel, invitation } = happened(present(made));
    others.forEach((payload) => refused(payload, "NAME_TAKEN", ["input", "name"]));

    const accepting = { invitationId: present(invitation).id };
    const accepted = await Promise.all(["one", "two", "three"].map((name) =>
      globex.admin.mutate(AcceptSharedChannelDocument, { ...accepting, name })));
    const names = accepted.map((each) => happened(each.acceptSharedChannel).sharedChannel?.name);
    assert.equal(new Set(names).size, 1);
    assert.equal((await seen(globex.admin, present(sharedChannel).id))?.name, names[0]);
    const late = (await globex.admin.mutate(DeclineInvitationDocument, accepting)).declineInvitation;
    refused(late, "INVITATION_NOT_PENDING", ["input", "invitationId"]);
  });
});
