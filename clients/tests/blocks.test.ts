// Apollo blocks a group and hears nothing of it, while that sees silence, and hears what was asked when the block has ended.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  AcceptSharedChannelDocument, BlockGroupDocument, CanShareDocument, InvitationReceivedDocument, ReceivedInvitationsDocument, SentInvitationsDocument,
  SharingPolicyDocument, TrustGroupDocument, UnblockGroupDocument,
} from "../generated/operations.js";
import type { Client } from "../support/client.js";
import { happened, present, refused } from "../support/expect.js";
import { limits, useLinkspan } from "../support/linkspan.js";
import { accept, ask, inboxCursor, post, seen, share } from "../support/steps.js";

/** The ids in the list of what the client's group received, in no order: who came first is chance. */
async function received(client: Client) {
  const { receivedInvitations } = present((await client.query(ReceivedInvitationsDocument, {})).viewer);
  return receivedInvitations.nodes.map((invitation) => present(invitation).id).sort();
}

describe("blocked groups", limits, () => {
  const linkspan = useLinkspan();

  test("block, silence, unblock, and the invitation comes in", async () => {
    const [acme, globex, initech] = await linkspan.newGroups("Acme", "Globex", "Initech");
    const heard = globex.member.follow(InvitationReceivedDocument, { after: await inboxCursor(globex.member) });
    const target = { id: acme.id };
    assert.equal(happened((await globex.admin.mutate(BlockGroupDocument, { target })).blockGroup).group?.id, acme.id);
    const { viewer } = await globex.admin.query(SharingPolicyDocument, {});
    assert.deepEqual(viewer?.sharingPolicy?.blockedGroups.map((group) => group.handle), [acme.handle]);

    assert.equal((await acme.member.query(CanShareDocument, { target: { id: globex.id } })).canShare.decision, "ALLOWED");
    const { channel, invitation } = await ask(acme.member, globex, "launch");
    assert.equal(invitation.state, "PENDING");
    const other = await ask(initech.member, globex, "plan");
    assert.equal((await heard.next()).invitationReceived.invitation.id, other.invitation.id, "nothing before what was not blocked");
    assert.deepEqual(await received(globex.member), [other.invitation.id]);
    const input = { invitationId: invitation.id };
    refused((await globex.admin.mutate(AcceptSharedChannelDocument, input)).acceptSharedChannel, "INVITATION_NOT_FOUND", ["input", "invitationId"]);
    refused((await globex.admin.mutate(TrustGroupDocument, { target })).trustGroup, "NOT_ALLOWED", ["input", "target"]);
    const sent = present((await acme.member.query(SentInvitationsDocument, {})).viewer).sentInvitations.nodes;
    assert.deepEqual(sent.map(present).map(({ id, state, version }) => [id, state, version]), [[invitation.id, "PENDING", 1]]);

    assert.equal(happened((await globex.admin.mutate(UnblockGroupDocument, { target })).unblockGroup).group?.id, acme.id);
    assert.equal((await heard.next()).invitationReceived.invitation.id, invitation.id);
    assert.deepEqual(await received(globex.member), [other.invitation.id, invitation.id].sort());
    assert.equal((await accept(globex.admin, invitation)).id, channel.id);
  });

  test("what is linked stays so", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const channel = await share(acme, globex, "launch");
    happened((await globex.admin.mutate(BlockGroupDocument, { target: { id: acme.id } })).blockGroup);
    for (const client of [acme.member, globex.member]) {
      assert.equal((await seen(client, channel))?.state, "ACTIVE");
      await post(client, channel, "We go on.");
    }
  });
});
