// Apollo plays an approval on either side, and sees what a policy says before it is asked.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  AcceptSharedChannelDocument, ApproveInvitationDocument, CanShareDocument, DenyInvitationDocument, InboxDocument, ReceivedInvitationsDocument,
  SetSharingPolicyDocument, SharedChannelLinkedDocument, SharingPolicyDocument, TrustGroupDocument, UntrustGroupDocument,
  type SetSharingPolicyInput,
} from "../generated/operations.js";
import type { Client } from "../support/client.js";
import { happened, present } from "../support/expect.js";
import { limits, useLinkspan } from "../support/linkspan.js";
import { ask, inboxCursor, seen } from "../support/steps.js";

/** Changes the policy of the admin's group. */
async function set(admin: Client, changes: Omit<SetSharingPolicyInput, "expectedVersion">) {
  const now = present(present((await admin.query(SharingPolicyDocument, {})).viewer).sharingPolicy);
  const { setSharingPolicy } = await admin.mutate(SetSharingPolicyDocument, { ...changes, expectedVersion: now.version });
  return present(happened(setSharingPolicy).policy);
}

describe("approvals and sharing policy", limits, () => {
  const linkspan = useLinkspan();

  test("a member asks, an admin lets it be sent, a member accepts and an admin agrees", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    assert.equal((await set(acme.admin, { outgoingApproval: true })).version, 2);
    await set(globex.admin, { whoMayAccept: "MEMBERS", incomingApproval: true });
    const canShare = { target: { id: globex.id } };
    assert.deepEqual(
      [(await acme.member.query(CanShareDocument, canShare)).canShare.decision, (await acme.admin.query(CanShareDocument, canShare)).canShare.rule],
      ["NEEDS_APPROVAL", "ADMIN"],
    );

    const heard = acme.member.follow(InboxDocument, { after: await inboxCursor(acme.member) });
    const linked = globex.member.follow(SharedChannelLinkedDocument, { after: await inboxCursor(globex.member) });
    const { channel, invitation } = await ask(acme.member, globex, "launch");
    assert.equal(invitation.state, "REQUESTED");
    assert.deepEqual((await globex.admin.query(ReceivedInvitationsDocument, {})).viewer?.receivedInvitations.nodes, []);

    const input = { invitationId: invitation.id };
    const sent = happened((await acme.admin.mutate(ApproveInvitationDocument, input)).approveInvitation);
    assert.deepEqual([sent.invitation?.state, sent.sharedChannel], ["PENDING", null]);
    const yes = happened((await globex.member.mutate(AcceptSharedChannelDocument, input)).acceptSharedChannel);
    assert.deepEqual([yes.invitation?.state, yes.sharedChannel], ["AWAITING_APPROVAL", null]);
    assert.equal(await seen(globex.member, channel.id), null);
    const agreed = happened((await globex.admin.mutate(ApproveInvitationDocument, input)).approveInvitation);
    assert.deepEqual([agreed.invitation?.state, agreed.sharedChannel?.state], ["ACCEPTED", "ACTIVE"]);

    assert.equal((await linked.next()).sharedChannelLinked.sharedChannel?.id, channel.id);
    const end = await heard.until((event) => event.inbox.__typename === "SharedChannelLinked");
    assert.ok(end);
    assert.equal((await seen(acme.member, channel.id))?.state, "ACTIVE");
  });

  test("an admin denies what a member asks, and nobody else hears of it", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    await set(acme.admin, { outgoingApproval: true });
    const { invitation } = await ask(acme.member, globex, "launch");
    const denied = happened((await acme.admin.mutate(DenyInvitationDocument, { invitationId: invitation.id, reason: "not now" })).denyInvitation);
    assert.deepEqual([denied.invitation?.state, denied.invitation?.reason], ["DENIED", "not now"]);
    assert.deepEqual((await globex.admin.query(ReceivedInvitationsDocument, {})).viewer?.receivedInvitations.nodes, []);
  });

  test("a group that is trusted needs no approval", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    await set(acme.admin, { outgoingApproval: true });
    const target = { id: globex.id };
    assert.equal(happened((await acme.admin.mutate(TrustGroupDocument, { target })).trustGroup).group?.id, globex.id);
    const { viewer } = await acme.admin.query(SharingPolicyDocument, {});
    assert.deepEqual(viewer?.sharingPolicy?.trustedGroups.map((group) => group.handle), [globex.handle]);
    assert.equal((await ask(acme.member, globex, "launch")).invitation.state, "PENDING");
    assert.equal(happened((await acme.admin.mutate(UntrustGroupDocument, { target })).untrustGroup).group?.id, globex.id);
    assert.equal((await ask(acme.member, globex, "another")).invitation.state, "REQUESTED");
  });
});
