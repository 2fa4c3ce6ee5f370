// Refusals are data, and nothing happens with one. Repeats are no refusals.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  AcceptSharedChannelDocument, CreateSharedChannelDocument, DeclineInvitationDocument, InboxDocument,
  MyChannelsDocument, ReceivedInvitationsDocument, RegisterGroupDocument, RevokeInvitationDocument, SentInvitationsDocument,
} from "../generated/operations.js";
import type { Client } from "../support/client.js";
import { fault, happened, ofType, present, refused } from "../support/expect.js";
import { limits, useLinkspan } from "../support/linkspan.js";
import { accept, ask, inboxCursor, seen } from "../support/steps.js";

describe("refusals and repeats", limits, () => {
  const linkspan = useLinkspan();

  test("registering a group is for operators, once a handle", async () => {
    const operator = await linkspan.signInOperator();
    const input = { handle: "umbrella", name: "Umbrella", idempotencyKey: "first" };
    const { group } = happened((await operator.mutate(RegisterGroupDocument, input)).registerGroup);
    assert.deepEqual([group?.handle, group?.name], ["umbrella", "Umbrella"]);

    const repeated = happened((await operator.mutate(RegisterGroupDocument, input)).registerGroup);
    assert.equal(repeated.group?.id, group?.id);
    const again = { handle: "umbrella", name: "Another" };
    refused((await operator.mutate(RegisterGroupDocument, again)).registerGroup, "NAME_TAKEN", ["input", "handle"]);
    const malformed = { handle: "Umbrella Corp", name: "Umbrella" };
    refused((await operator.mutate(RegisterGroupDocument, malformed)).registerGroup, "INVALID_INPUT", ["input", "handle"]);
    const ana = await linkspan.signIn("ana@acme");
    refused((await ana.mutate(RegisterGroupDocument, { handle: "hooli", name: "Hooli" })).registerGroup, "NOT_ALLOWED");
  });

  test("an operator has no channels, no invitations and no inbox", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const { channel, invitation } = await ask(acme.admin, globex, "plans");
    const operator = await linkspan.signInOperator();
    const input = { target: { id: globex.id }, name: "theirs" };
    refused((await operator.mutate(CreateSharedChannelDocument, input)).createSharedChannel, "NOT_ALLOWED");
    const ending = { invitationId: invitation.id };
    refused((await operator.mutate(AcceptSharedChannelDocument, ending)).acceptSharedChannel, "INVITATION_NOT_FOUND", ["input", "invitationId"]);
    refused((await operator.mutate(RevokeInvitationDocument, ending)).revokeInvitation, "INVITATION_NOT_FOUND", ["input", "invitationId"]);
    assert.equal((await operator.query(MyChannelsDocument, {})).viewer, null);
    await fault(operator.follow(InboxDocument, {}).next(), "FORBIDDEN");
    await assert.rejects(seen(operator, channel.id), /an operator has no group/); // the names are the groups'
  });

  test("a name that is taken is refused, with one that is free", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    await ask(acme.admin, globex, "Launch");

    const again = { target: { id: globex.id }, name: " launch " };
    const payload = (await acme.admin.mutate(CreateSharedChannelDocument, again)).createSharedChannel;
    const taken = refused(payload, "NAME_TAKEN", ["input", "name"]);
    const suggestion = present(ofType(taken, "NameTakenError").suggestion);

    const { channel } = await ask(acme.member, globex, suggestion);
    assert.equal(channel.name, suggestion);
    assert.deepEqual(await channelNames(acme.admin), [suggestion, "Launch"]);
  });

  test("asking is refused where there is nobody to ask, or too much to say", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const create = async (input: { target?: { handle: string }; name?: string; note?: string }) =>
      (await acme.admin.mutate(CreateSharedChannelDocument, { target: { id: globex.id }, name: "x", ...input })).createSharedChannel;

    refused(await create({ target: { handle: "nobody-here" } }), "GROUP_NOT_FOUND", ["input", "target"]);
    refused(await create({ target: { handle: acme.handle } }), "SELF_INVITATION", ["input", "target"]);
    refused(await create({ name: "  " }), "INVALID_INPUT", ["input", "name"]);
    refused(await create({ name: "n".repeat(81) }), "INVALID_INPUT", ["input", "name"]);
    refused(await create({ note: "n".repeat(561) }), "INVALID_INPUT", ["input", "note"]);
    assert.deepEqual(await channelNames(acme.admin), []);
    assert.equal((await globex.admin.query(ReceivedInvitationsDocument, {})).viewer?.receivedInvitations.totalCount, 0);
  });

  test("a key gives the same channel again, also when both requests run at once", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const input = { target: { id: globex.id }, name: "once", idempotencyKey: "k1" };
    const payloads = await Promise.all([1, 2, 3].map(() => acme.admin.mutate(CreateSharedChannelDocument, input)));
    payloads.push(await acme.admin.mutate(CreateSharedChannelDocument, input));
    const made = payloads.map(({ createSharedChannel }) => happened(createSharedChannel));
    assert.equal(new Set(made.map((each) => present(each.sharedChannel).id)).size, 1);
    assert.equal(new Set(made.map((each) => present(each.invitation).id)).size, 1);
    assert.deepEqual(await channelNames(acme.admin), ["once"]);

    const other = { ...input, name: "twice" };
    refused((await acme.admin.mutate(CreateSharedChannelDocument, other)).createSharedChannel, "IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"]);
    // A key is a user's own, and a refusal is not kept under it.
    await ask(acme.member, globex, "by another user", { idempotencyKey: "k1" });
    const refusal = { target: { id: globex.id }, name: "once", idempotencyKey: "k2" };
    refused((await acme.admin.mutate(CreateSharedChannelDocument, refusal)).createSharedChannel, "NAME_TAKEN", ["input", "name"]);
    await ask(acme.admin, globex, "now free", { idempotencyKey: "k2" });
  });

  test("accepting is for admins of the invited group", async () => {
    const [acme, globex, initech] = await linkspan.newGroups("Acme", "Globex", "Initech");
    const { channel, invitation } = await ask(acme.admin, globex, "plans");
    const accepting = async (client: Client, invitationId = invitation.id) =>
      (await client.mutate(AcceptSharedChannelDocument, { invitationId })).acceptSharedChannel;

    const byMember = refused(await accepting(globex.member), "NOT_ALLOWED", ["input", "invitationId"]);
    assert.match(byMember.message, /admin/i);
    refused(await accepting(acme.admin), "NOT_ALLOWED", ["input", "invitationId"]);

    // What one may not see and what is not there look the same.
    const byThird = refused(await accepting(initech.admin), "INVITATION_NOT_FOUND", ["input", "invitationId"]);
    const unknown = refused(await accepting(globex.admin, flipped(invitation.id)), "INVITATION_NOT_FOUND", ["input", "invitationId"]);
    assert.deepEqual(byThird, unknown);

    assert.equal((await seen(acme.admin, channel.id))?.state, "PENDING");
    assert.equal(await seen(globex.admin, channel.id), null);
    const asMemberSees = present((await globex.member.query(ReceivedInvitationsDocument, {})).viewer?.receivedInvitations.nodes[0]);
    assert.deepEqual([asMemberSees.id, asMemberSees.viewerCanAccept, asMemberSees.viewerCanDecline], [invitation.id, false, false]);
  });

  test("accepting again is success, by key or without, and by another admin", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const { channel, invitation } = await ask(acme.admin, globex, "plans");
    const input = { invitationId: invitation.id, name: "their plans", idempotencyKey: "k1" };
    const first = happened((await globex.admin.mutate(AcceptSharedChannelDocument, input)).acceptSharedChannel);
    assert.equal(first.sharedChannel?.id, channel.id);
    const other = await linkspan.signIn(`cleo@${globex.handle}`, { role: "admin" });
    for (const [client, again] of [[globex.admin, input], [globex.admin, { invitationId: invitation.id }], [other, input]] as const) {
      const { sharedChannel, invitation: same } = happened((await client.mutate(AcceptSharedChannelDocument, again)).acceptSharedChannel);
      assert.deepEqual([sharedChannel?.id, sharedChannel?.name, same?.id], [channel.id, "their plans", invitation.id]);
      assert.equal(same?.resolvedBy?.id, first.invitation?.resolvedBy?.id);
    }
    const changed = { ...input, name: "other plans" };
    refused((await globex.admin.mutate(AcceptSharedChannelDocument, changed)).acceptSharedChannel, "IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"]);
    assert.equal((await seen(globex.admin, channel.id))?.name, "their plans");
  });

  test("accepting under a name that is taken takes another, and says so", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    await accept(globex.admin, (await ask(acme.admin, globex, "one")).invitation, "shared");
    const { invitation } = await ask(acme.admin, globex, "two");
    const input = { invitationId: invitation.id, name: "Shared" };
    const payload = happened((await globex.admin.mutate(AcceptSharedChannelDocument, input)).acceptSharedChannel);
    assert.equal(payload.nameChangedFrom, "Shared");
    assert.notEqual(payload.sharedChannel?.name.toLowerCase(), "shared");
    assert.deepEqual(await channelNames(globex.admin), [payload.sharedChannel?.name, "shared"]);
  });

  test("declining closes the channel, and both sides hear why", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const { channel, invitation } = await ask(acme.admin, globex, "plans");
    const heard = acme.admin.follow(InboxDocument, { after: await inboxCursor(acme.admin) });
    const declining = async (client: Client, reason?: string) =>
      (await client.mutate(DeclineInvitationDocument, { invitationId: invitation.id, reason })).declineInvitation;

    refused(await declining(globex.member), "NOT_ALLOWED", ["input", "invitationId"]);
    refused(await declining(acme.admin), "NOT_ALLOWED", ["input", "invitationId"]);
    refused(await declining(globex.admin, "r".repeat(561)), "INVALID_INPUT", ["input", "reason"]);
    const declined = present(happened(await declining(globex.admin, "Not now")).invitation);
    assert.deepEqual([declined.id, declined.state, declined.reason, declined.sharedChannel], [invitation.id, "DECLINED", "Not now", null]);
    assert.ok(declined.version > invitation.version);
    assert.ok(declined.resolvedAt !== null && declined.resolvedBy?.group.handle === globex.handle);
    assert.equal(present(happened(await declining(globex.admin)).invitation).version, declined.version);

    const events = await heard.until(({ inbox }) => inbox.__typename === "InvitationChanged");
    const changed = ofType(events.at(-1)?.inbox, "InvitationChanged").invitation;
    assert.deepEqual([changed.id, changed.state, changed.reason], [invitation.id, "DECLINED", "Not now"]);
    assert.equal((await seen(acme.admin, channel.id))?.state, "CLOSED");
    assert.equal(await seen(globex.admin, channel.id), null);
    await ask(acme.admin, globex, "plans"); // the name is free again

    const late = (await globex.admin.mutate(AcceptSharedChannelDocument, { invitationId: invitation.id })).acceptSharedChannel;
    const refusal = refused(late, "INVITATION_NOT_PENDING", ["input", "invitationId"]);
    assert.equal(ofType(refusal, "InvitationNotPendingError").state, "DECLINED");
  });

  test("revoking is for those who sent it and their admins", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const byAdmin = await ask(acme.admin, globex, "an admin's");
    const byMember = await ask(acme.member, globex, "a member's");
    const revoking = async (client: Client, invitationId: string) =>
      (await client.mutate(RevokeInvitationDocument, { invitationId, reason: "A mistake" })).revokeInvitation;
    const heard = globex.admin.follow(InboxDocument, { after: await inboxCursor(globex.admin) });

    refused(await revoking(acme.member, byAdmin.invitation.id), "NOT_ALLOWED", ["input", "invitationId"]);
    refused(await revoking(globex.admin, byAdmin.invitation.id), "NOT_ALLOWED", ["input", "invitationId"]);
    for (const [client, { channel, invitation }] of [[acme.member, byMember], [acme.admin, byAdmin]] as const) {
      const revoked = present(happened(await revoking(client, invitation.id)).invitation);
      assert.deepEqual([revoked.state, revoked.reason, revoked.sharedChannel?.state], ["REVOKED", "A mistake", "CLOSED"]);
      assert.equal(present(happened(await revoking(client, invitation.id)).invitation).version, revoked.version);
      assert.equal((await seen(acme.admin, channel.id))?.state, "CLOSED");

      const events = await heard.until(({ inbox }) => inbox.__typename === "InvitationChanged");
      const changed = ofType(events.at(-1)?.inbox, "InvitationChanged").invitation;
      assert.deepEqual([changed.id, changed.state, changed.viewerCanAccept], [invitation.id, "REVOKED", false]);

      const late = (await globex.admin.mutate(AcceptSharedChannelDocument, { invitationId: invitation.id })).acceptSharedChannel;
      const refusal = refused(late, "INVITATION_NOT_PENDING", ["input", "invitationId"]);
      assert.equal(ofType(refusal, "InvitationNotPendingError").state, "REVOKED");
    }
    const ended = await acme.admin.query(SentInvitationsDocument, { states: ["REVOKED"] });
    assert.equal(ended.viewer?.sentInvitations.totalCount, 2);
  });

  test("accepting and revoking at once has one winner", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    for (let round = 0; round < 5; round++) {
      const { channel, invitation } = await ask(acme.admin, globex, `race ${round}`);
      const [{ acceptSharedChannel: accepted }, { revokeInvitation: revoked }] = await Promise.all([
        globex.admin.mutate(AcceptSharedChannelDocument, { invitationId: invitation.id }),
        acme.admin.mutate(RevokeInvitationDocument, { invitationId: invitation.id }),
      ]);
      if (accepted.errors.length === 0) {
        refused(revoked, "INVITATION_NOT_PENDING", ["input", "invitationId"]);
      } else {
        happened(revoked);
        refused(accepted, "INVITATION_NOT_PENDING", ["input", "invitationId"]);
      }
      const state = accepted.errors.length === 0 ? "ACTIVE" : "CLOSED";
      assert.equal((await seen(acme.admin, channel.id))?.state, state);
      assert.equal((await seen(globex.admin, channel.id))?.state, state === "ACTIVE" ? "ACTIVE" : undefined);
    }
  });

  test("an id of another type is no refusal but bad input", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const { channel } = await ask(acme.admin, globex, "plans");
    for (const invitationId of [channel.id, "nonsense", ""]) {
      await fault(globex.admin.mutate(AcceptSharedChannelDocument, { invitationId }), "BAD_USER_INPUT");
      await fault(globex.admin.mutate(DeclineInvitationDocument, { invitationId }), "BAD_USER_INPUT");
      await fault(acme.admin.mutate(RevokeInvitationDocument, { invitationId }), "BAD_USER_INPUT");
    }
  });
});

/** The names of the group's channels, newest first. */
async function channelNames(client: Client): Promise<(string | undefined)[]> {
  const { viewer } = await client.query(MyChannelsDocument, { first: 100 });
  return present(viewer).sharedChannels.edges.map(({ node }) => node?.name);
}

/** Another well-formed id, of nothing. */
function flipped(id: string): string {
  return id.replace(/.$/, (last) => (last === "0" ? "4" : "0"));
}
