// Apollo plays a channel of three groups: one is asked by the others, one leaves and comes back, one is removed, and the initiator's role is handed on.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  AcceptInitiatorTransferDocument, ChannelEventsDocument, DeclineInvitationDocument, InviteGroupDocument, LeaveSharedChannelDocument, LetGroupInviteDocument,
  OfferInitiatorTransferDocument, PostMessageDocument, RemoveGroupDocument, type GroupRefFragment,
} from "../generated/operations.js";
import type { Client } from "../support/client.js";
import { happened, ofType, present, refused } from "../support/expect.js";
import { limits, useLinkspan } from "../support/linkspan.js";
import { accept, post, read, seen, share } from "../support/steps.js";

/** Asks one more group to share the channel. */
async function invite(client: Client, channelId: string, target: GroupRefFragment) {
  return present(happened((await client.mutate(InviteGroupDocument, { channelId, target: { id: target.id } })).inviteGroup).invitation);
}

describe("channels of many groups", limits, () => {
  const linkspan = useLinkspan();

  test("a third group comes in, the second leaves, goes on reading, and comes back", async () => {
    const [acme, globex, initech] = await linkspan.newGroups("Acme", "Globex", "Initech");
    const channelId = await share(acme, globex, "launch");
    const staying = acme.member.follow(ChannelEventsDocument, { channelId });
    const leaving = globex.member.follow(ChannelEventsDocument, { channelId });
    for (const feed of [staying, leaving]) await feed.until(({ channelEvents }) => channelEvents.__typename === "ChannelCheckpoint");

    const invitation = await invite(acme.admin, channelId, initech);
    assert.equal(await seen(initech.admin, channelId), null);
    assert.equal((await accept(initech.admin, invitation)).sides.length, 3);
    await post(initech.member, channelId, "Hello both");
    for (const feed of [staying, leaving]) await feed.until(({ channelEvents }) => channelEvents.__typename === "MessagePosted");

    const left = present(happened((await globex.admin.mutate(LeaveSharedChannelDocument, { channelId })).leaveSharedChannel).sharedChannel);
    assert.deepEqual([left.id, left.state, left.sides.length], [channelId, "DISCONNECTED", 1]);
    const last = (await leaving.until(({ channelEvents }) => channelEvents.__typename === "GroupUnlinked")).at(-1);
    assert.equal(ofType(present(last).channelEvents, "GroupUnlinked").group.id, globex.id);
    await assert.rejects(leaving.next(), /completed/);
    await staying.until(({ channelEvents }) => channelEvents.__typename === "GroupUnlinked");

    await post(acme.member, channelId, "Are they gone?");
    await staying.until(({ channelEvents }) => channelEvents.__typename === "MessagePosted");
    assert.deepEqual((await read(globex.member, channelId, { first: 10 })).bodies, ["Hello both"]);
    refused((await globex.member.mutate(PostMessageDocument, { channelId, body: "Still here" })).postMessage, "CHANNEL_NOT_ACTIVE", ["input", "channelId"]);

    const back = await invite(acme.admin, channelId, globex);
    assert.equal((await accept(globex.admin, back)).state, "ACTIVE");
    assert.deepEqual((await read(globex.member, channelId, { first: 10 })).bodies, ["Hello both", "Are they gone?"]);
  });

  test("a group that may ask others does, and is removed with what it asked", async () => {
    const [acme, globex, initech] = await linkspan.newGroups("Acme", "Globex", "Initech");
    const channelId = await share(acme, globex, "launch");
    refused((await globex.admin.mutate(InviteGroupDocument, { channelId, target: { id: initech.id } })).inviteGroup, "NOT_ALLOWED", ["input", "channelId"]);
    happened((await acme.admin.mutate(LetGroupInviteDocument, { channelId, groupId: globex.id, mayInvite: true })).letGroupInvite);
    const invitation = await invite(globex.member, channelId, initech);
    refused((await acme.admin.mutate(InviteGroupDocument, { channelId, target: { id: initech.id } })).inviteGroup, "ALREADY_SHARED", ["input", "target"]);
    const { sides } = present(happened((await acme.admin.mutate(RemoveGroupDocument, { channelId, groupId: globex.id })).removeGroup).sharedChannel);
    assert.deepEqual(sides.map(({ group }) => group.id), [acme.id]);
    refused((await initech.admin.mutate(DeclineInvitationDocument, { invitationId: invitation.id })).declineInvitation, "INVITATION_NOT_PENDING", ["input", "invitationId"]);
  });

  test("the initiator's role is offered, and taken", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const channelId = await share(acme, globex, "launch");
    const heard = globex.member.follow(ChannelEventsDocument, { channelId });
    await heard.until(({ channelEvents }) => channelEvents.__typename === "ChannelCheckpoint");
    refused((await globex.admin.mutate(AcceptInitiatorTransferDocument, { channelId })).acceptInitiatorTransfer, "NOT_ALLOWED", ["input", "channelId"]);
    happened((await acme.admin.mutate(OfferInitiatorTransferDocument, { channelId, groupId: globex.id })).offerInitiatorTransfer);
    const taken = happened((await globex.admin.mutate(AcceptInitiatorTransferDocument, { channelId })).acceptInitiatorTransfer).sharedChannel;
    assert.equal(taken?.initiator.id, globex.id);
    for (let changes = 0; changes < 2; changes++) await heard.until(({ channelEvents }) => channelEvents.__typename === "ChannelChanged");
    assert.equal((await seen(acme.member, channelId))?.initiator.id, globex.id);
  });
});
