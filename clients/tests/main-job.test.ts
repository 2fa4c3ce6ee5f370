import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  AcceptSharedChannelDocument, ChannelInvitationsDocument, ChannelShardDocument, CreateSharedChannelDocument,
  GroupByHandleDocument, InboxDocument, InvitationReceivedDocument, MyChannelsDocument, NodesDocument,
  ReceivedInvitationsDocument, SentInvitationsDocument, SharedChannelLinkedDocument, ViewerDocument,
} from "../generated/operations.js";
import type { Client } from "../support/client.js";
import { happened, ofType, present } from "../support/expect.js";
import { limits, useLinkspan } from "../support/linkspan.js";
import { inboxCursor, seen } from "../support/steps.js";

describe("the main job, by the demo groups", limits, () => {
  const linkspan = useLinkspan();

  test("two groups share a channel, each under its own name", async () => {
    const ana = await linkspan.signIn("ana@acme");
    const gil = await linkspan.signIn("gil@globex");
    const ivy = await linkspan.signIn("ivy@initech");
    const acmeFrom = await inboxCursor(ana);
    const globexFrom = await inboxCursor(gil);

    // Both listen. The checkpoint says that the inbox is being followed.
    const globexInbox = gil.follow(InboxDocument, {});
    ofType((await globexInbox.next()).inbox, "InboxCheckpoint");
    const received = gil.follow(InvitationReceivedDocument, { after: globexFrom });
    const linkedAtGlobex = gil.follow(SharedChannelLinkedDocument, { after: globexFrom });
    const linkedAtAcme = ana.follow(SharedChannelLinkedDocument, { after: acmeFrom });

    // acme asks.
    const created = happened((await ana.mutate(CreateSharedChannelDocument, {
      target: { handle: "globex" }, name: "roadmap", topic: "What comes next", note: "Shall we?",
    })).createSharedChannel);
    const channel = present(created.sharedChannel);
    const sent = present(created.invitation);
    assert.equal(channel.state, "PENDING");
    assert.equal(channel.name, "roadmap");
    assert.equal(channel.topic, "What comes next");
    assert.equal(channel.initiator.handle, "acme");
    assert.equal(channel.createdBy?.name, "Ana");
    assert.equal(channel.createdBy.group.handle, "acme");
    assert.deepEqual(channel.sides.map((side) => [side.group.handle, side.name]), [["acme", "roadmap"]]);
    assert.equal(channel.viewerSide.id, channel.sides[0]?.id);
    assert.equal(sent.state, "PENDING");
    assert.equal(sent.sharedChannel?.id, channel.id);
    assert.deepEqual([sent.viewerCanAccept, sent.viewerCanDecline, sent.viewerCanRevoke], [false, false, true]);

    // The request reaches globex, by the subscription to requests and by the inbox.
    const request = (await received.next()).invitationReceived.invitation;
    assert.equal(request.id, sent.id);
    assert.equal(request.proposedName, "roadmap");
    assert.equal(request.note, "Shall we?");
    assert.equal(request.fromGroup.handle, "acme");
    assert.equal(request.toGroup.handle, "globex");
    assert.equal(request.sentBy.name, "Ana");
    assert.equal(request.sharedChannel, null);
    assert.deepEqual([request.viewerCanAccept, request.viewerCanDecline, request.viewerCanRevoke], [true, true, false]);
    const inInbox = ofType((await globexInbox.next()).inbox, "InvitationReceived");
    assert.equal(inInbox.invitation.id, sent.id);

    // Until it accepts, globex sees the invitation and no channel; acme sees its channel and what is open.
    const pending = await gil.query(ReceivedInvitationsDocument, { states: ["PENDING"] });
    assert.deepEqual(pending.viewer?.receivedInvitations.nodes.map((node) => node?.id), [sent.id]);
    assert.equal(await seen(gil, channel.id), null);
    assert.equal((await seen(ana, channel.id))?.state, "PENDING");
    const open = ofType((await ana.query(ChannelInvitationsDocument, { id: channel.id })).node, "SharedChannel");
    assert.deepEqual(open.invitations.nodes.map((node) => node?.id), [sent.id]);

    // globex accepts, and calls it otherwise.
    const accepted = happened((await gil.mutate(AcceptSharedChannelDocument, {
      invitationId: sent.id, name: "acme-roadmap",
    })).acceptSharedChannel);
    assert.equal(accepted.sharedChannel?.id, channel.id);
    assert.equal(accepted.sharedChannel.state, "ACTIVE");
    assert.equal(accepted.sharedChannel.name, "acme-roadmap");
    assert.equal(accepted.nameChangedFrom, null);
    assert.equal(accepted.invitation?.state, "ACCEPTED");
    assert.equal(accepted.invitation.resolvedBy?.name, "Gil");
    assert.ok(accepted.invitation.version > sent.version);
    assert.equal(accepted.invitation.sharedChannel?.name, "acme-roadmap");

    // Both hear of it, each with its own name.
    for (const [feed, name] of [[linkedAtAcme, "roadmap"], [linkedAtGlobex, "acme-roadmap"]] as const) {
      const event = await feed.until(({ sharedChannelLinked }) => sharedChannelLinked.invitation.id === sent.id);
      assert.equal(event.length, 1);
      const linked = present(event[0]).sharedChannelLinked;
      assert.equal(linked.group.handle, "globex");
      assert.equal(linked.sharedChannel?.id, channel.id);
      assert.equal(linked.sharedChannel.name, name);
      assert.equal(linked.sharedChannel.state, "ACTIVE");
    }
    const rest = await globexInbox.until(({ inbox }) => inbox.__typename === "SharedChannelLinked");
    assert.equal(ofType(rest.at(-1)?.inbox, "SharedChannelLinked").sharedChannel?.id, channel.id);

    // The same id is the same channel for both, and nothing for a third.
    const atAcme = present(await seen(ana, channel.id));
    const atGlobex = present(await seen(gil, channel.id));
    assert.deepEqual([atAcme.id, atAcme.name, atAcme.viewerSide.name], [channel.id, "roadmap", "roadmap"]);
    assert.deepEqual([atGlobex.id, atGlobex.name, atGlobex.viewerSide.name], [channel.id, "acme-roadmap", "acme-roadmap"]);
    assert.notEqual(atAcme.viewerSide.id, atGlobex.viewerSide.id);
    for (const { state, sides } of [atAcme, atGlobex]) {
      assert.equal(state, "ACTIVE");
      assert.deepEqual(sides.map((side) => side.group.handle), ["acme", "globex"]);
      assert.ok(sides.every((side) => side.linkedAt !== null));
    }
    assert.equal(await seen(ivy, channel.id), null);
    assert.equal((await ivy.query(ChannelInvitationsDocument, { id: channel.id })).node, null);
    const atInitech = await ivy.query(NodesDocument, { ids: [channel.id, sent.id, atAcme.viewerSide.id, atAcme.initiator.id] });
    assert.deepEqual(atInitech.nodes.map((node) => node?.__typename ?? null), [null, null, null, "Group"]);

    // It is the newest in both lists.
    for (const [client, name] of [[ana, "roadmap"], [gil, "acme-roadmap"]] as const) {
      const { viewer } = await client.query(MyChannelsDocument, {});
      const newest = present(viewer).sharedChannels.edges[0];
      assert.deepEqual([newest?.node?.id, newest?.node?.name], [channel.id, name]);
    }
    const sentList = await ana.query(SentInvitationsDocument, { states: ["ACCEPTED"], first: 1 });
    assert.deepEqual(sentList.viewer?.sentInvitations.nodes.map((node) => [node?.id, node?.state]), [[sent.id, "ACCEPTED"]]);
  });

  test("a user is told who it is", async () => {
    const ana = present((await (await linkspan.signIn("ana@acme")).query(ViewerDocument, {})).viewer);
    assert.deepEqual([ana.user.name, ana.group.handle, ana.role], ["Ana", "acme", "ADMIN"]);
    const hua = present((await (await linkspan.signIn("hua@globex")).query(ViewerDocument, {})).viewer);
    assert.deepEqual([hua.user.name, hua.group.handle, hua.role], ["Hua", "globex", "MEMBER"]);
    const operator = await linkspan.signInOperator();
    assert.equal((await operator.query(ViewerDocument, {})).viewer, null);
  });

  test("a group is found by its exact handle alone", async () => {
    const hua = await linkspan.signIn("hua@globex");
    const group = present((await hua.query(GroupByHandleDocument, { handle: "initech" })).group);
    assert.deepEqual([group.handle, group.name], ["initech", "Initech"]);
    for (const handle of ["initec", "Initech", ""]) {
      assert.equal((await hua.query(GroupByHandleDocument, { handle })).group, null);
    }
  });

  test("where a channel lives is for the initiator's admins and operators", async () => {
    const ana = await linkspan.signIn("ana@acme");
    const id = present((await ana.query(MyChannelsDocument, { first: 1 })).viewer?.sharedChannels.nodes[0]).id;
    const shard = present(await shardSeenBy(ana, id));
    assert.ok(shard.slot >= 0 && shard.slot < 4096);
    assert.match(shard.cluster, /^shard-[123]$/);
    assert.deepEqual(await shardSeenBy(await linkspan.signInOperator(), id), shard);
    for (const user of ["ben@acme", "gil@globex", "ivy@initech"]) {
      assert.equal(await shardSeenBy(await linkspan.signIn(user), id), null);
    }
  });
});

async function shardSeenBy(client: Client, id: string) {
  const { node } = await client.query(ChannelShardDocument, { id });
  return node?.__typename === "SharedChannel" ? node.shard : null;
}
