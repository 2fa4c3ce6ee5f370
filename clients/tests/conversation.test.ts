// A conversation in Apollo: posted, paged, followed, and kept by a cache that loses nothing.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gql, type TypedDocumentNode } from "@apollo/client";
import { filter, from, map } from "rxjs";
import {
  AddReactionDocument, ChannelActivityDocument, ChannelEventsDocument, DeleteMessageDocument, EditMessageDocument, MarkReadDocument, MessageHistoryDocument,
  MessagesDocument, RemoveReactionDocument, ThreadDocument, type ChannelEventsSubscription, type MsgFragment,
} from "../generated/operations.js";
import type { Client } from "../support/client.js";
import { fault, happened, ofType, present, refused } from "../support/expect.js";
import { Feed } from "../support/feed.js";
import { limits, useLinkspan } from "../support/linkspan.js";
import { post, read, seen, share } from "../support/steps.js";

type Unread = { viewer: { id: string; sharedChannels: { nodes: { id: string; name: string; unreadCount: number }[] } } };

/** What a list of channels shows. */
const UNREAD: TypedDocumentNode<Unread, Record<string, never>> = gql`
  query Unread { viewer { id sharedChannels(first: 20) { nodes { id name unreadCount } } } }
`;

describe("a conversation in Apollo", limits, () => {
  const linkspan = useLinkspan();

  test("both sides post, and read pages both ways, each what it may see", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const channel = await share(acme, globex, "talk");
    for (const body of ["1", "2", "3"]) await post(acme.admin, channel, body);
    const alone = await post(globex.member, channel, "among us", { audience: "OWN_GROUP" });
    assert.equal(alone.audience, "OWN_GROUP");
    for (const body of ["4", "5"]) await post(globex.admin, channel, body);

    for (const [client, all] of [[acme.admin, ["1", "2", "3", "4", "5"]], [globex.admin, ["1", "2", "3", "among us", "4", "5"]]] as const) {
      assert.deepEqual(await pages(client, channel, "forward"), all);
      assert.deepEqual(await pages(client, channel, "back"), all);
      const last = await read(client, channel, { last: 2 });
      assert.deepEqual([last.bodies, last.pageInfo.hasPreviousPage, last.pageInfo.hasNextPage], [["4", "5"], true, false]);
    }
    const { node } = await acme.admin.query(ThreadDocument, { id: alone.id });
    assert.equal(node, null, "a message of another group alone is not there");
  });

  test("channelEvents after a page's logCursor misses nothing and repeats nothing", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const channel = await share(acme, globex, "talk");
    const first = await post(acme.admin, channel, "on the page");
    const page = await read(globex.admin, channel, { last: 20 });
    assert.deepEqual(page.bodies, ["on the page"]);

    const input = { messageId: first.id };
    await post(acme.admin, channel, "before it follows");
    await post(acme.member, channel, "of acme alone", { audience: "OWN_GROUP" });
    happened((await acme.admin.mutate(EditMessageDocument, { ...input, body: "edited" })).editMessage);
    const events = globex.admin.follow(ChannelEventsDocument, { channelId: channel, after: page.logCursor });
    assert.deepEqual((await events.take(3)).map(told), ["MessagePosted: before it follows", "MessageEdited: edited", "ChannelCheckpoint"]);
    happened((await globex.member.mutate(AddReactionDocument, { ...input, emoji: "👍" })).addReaction);
    const reaction = await events.next();
    assert.equal(told(reaction), "ReactionChanged: 👍 1");
    const reply = await post(globex.member, channel, "a reply", { replyToId: first.id });
    const posted = await events.next();
    assert.equal(told(posted), "MessagePosted: a reply");
    assert.equal(ofType(posted.channelEvents, "MessagePosted").message.replyTo?.id, first.id);
    happened((await acme.admin.mutate(DeleteMessageDocument, input)).deleteMessage);
    assert.equal(told(await events.next()), "MessageDeleted: null");

    // From any cursor the same follows, with objects as they are now.
    const again = globex.member.follow(ChannelEventsDocument, { channelId: channel, after: reaction.channelEvents.cursor });
    assert.deepEqual((await again.take(3)).map(told), ["MessagePosted: a reply", "MessageDeleted: null", "ChannelCheckpoint"]);
    await fault(acme.admin.follow(ChannelEventsDocument, { channelId: channel, after: page.logCursor }).next(), "BAD_USER_INPUT");

    const thread = ofType((await acme.admin.query(ThreadDocument, { id: first.id })).node, "Message");
    assert.deepEqual(thread.replies.nodes.map((node) => node?.id), [reply.id]);
    const { node } = await acme.admin.query(MessageHistoryDocument, { id: first.id });
    assert.deepEqual(ofType(node, "Message").history, []);
    refused((await acme.admin.mutate(EditMessageDocument, { ...input, body: "again" })).editMessage, "MESSAGE_NOT_FOUND", ["input", "messageId"]);
  });

  test("a user's new name is everywhere but where it was written under the old one", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const channel = await share(acme, globex, "talk");
    const member = `ben@${acme.handle}`;
    const token = await linkspan.token(member, "--role", "member");
    const before = linkspan.connect(await linkspan.renamed(token, "Ben Miller"));
    const first = await post(before, channel, "first");
    await read(globex.admin, channel, { last: 20 });
    const messages = globex.admin.apollo.watchQuery({ query: MessagesDocument, variables: { id: channel, last: 20 }, fetchPolicy: "cache-only" });
    const names = new Feed(from(messages).pipe(
      filter(({ dataState }) => dataState === "complete"),
      map(({ data }) => ({ data: ofType(data?.node as never, "SharedChannel" as never) as { messages: { edges: { node: MsgFragment }[] } } })),
      map(({ data }) => ({ data: data.messages.edges.map(({ node }) => `${node.author.name}, ${node.authorName}`) })),
    ));
    assert.deepEqual(await names.next(), ["Ben Miller, Ben Miller"]);

    const events = globex.admin.follow(ChannelEventsDocument, { channelId: channel });
    await events.next();
    const after = linkspan.connect(await linkspan.renamed(token, "Ben Smith"));
    const second = await post(after, channel, "second");
    assert.deepEqual([second.author.id, second.author.name, second.authorName], [first.author.id, "Ben Smith", "Ben Smith"]);
    assert.equal(told(await events.next()), "MessagePosted: second");
    assert.deepEqual(await names.next(), ["Ben Smith, Ben Miller"], "the event alone has told it");
    await read(globex.admin, channel, { last: 20 });
    assert.deepEqual(await names.next(), ["Ben Smith, Ben Miller", "Ben Smith, Ben Smith"]);
    names.close();
  });

  test("two users of a side react: each cache has its own user's view, and events don't disturb it", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const channel = await share(acme, globex, "talk");
    const { id: messageId } = await post(globex.admin, channel, "shall we?");
    const reaction = { messageId, emoji: "👍" };
    const { admin: ana, member: ben } = acme;
    const fetched = async (client: Client) => {
      await read(client, channel, { last: 20 });
      return kept(client, channel);
    };
    const events = [ana, ben].map((client) => client.follow(ChannelEventsDocument, { channelId: channel }));
    for (const feed of events) await feed.next();

    happened((await ana.mutate(AddReactionDocument, reaction)).addReaction);
    assert.deepEqual([await fetched(ana), await fetched(ben)], ["👍 1 mine", "👍 1"]);
    happened((await ben.mutate(AddReactionDocument, reaction)).addReaction);
    assert.equal(kept(ben, channel), "👍 2 mine", "the mutation's answer has told it");
    for (const feed of events) assert.equal((await feed.take(2)).map(told).at(-1), "ReactionChanged: 👍 2");
    assert.equal(kept(ana, channel), "👍 1 mine", "an event of another user changes nothing that is one's own");
    assert.equal(await fetched(ana), "👍 2 mine");
    happened((await ana.mutate(RemoveReactionDocument, reaction)).removeReaction);
    assert.deepEqual([kept(ana, channel), await fetched(ben)], ["👍 1", "👍 1 mine"]);
    happened((await ben.mutate(RemoveReactionDocument, reaction)).removeReaction);
    assert.deepEqual([await fetched(ana), kept(ben, channel)], ["", ""]);
    refused((await ben.mutate(AddReactionDocument, { messageId, emoji: "yes" })).addReaction, "INVALID_INPUT", ["input", "emoji"]);
  });

  test("a list of channels with unread counts goes right after markRead, on two devices", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const [one, two] = [await share(acme, globex, "one"), await share(acme, globex, "two")];
    const phone = globex.member;
    const laptop = await linkspan.signIn(`ben@${globex.handle}`, { role: "member" });
    const [first, second] = [await post(acme.admin, one, "1"), await post(acme.member, one, "2")];
    await post(acme.admin, two, "3");
    await post(acme.admin, two, "of acme alone", { audience: "OWN_GROUP" });
    await post(phone, two, "one's own");

    const lists = [phone, laptop].map(unread);
    for (const list of lists) assert.equal(await list.next(), "two 1, one 2");

    const { requests } = phone;
    assert.equal(await markRead(phone, one, first.id), 1);
    assert.equal(await lists[0]?.next(), "two 1, one 1");
    assert.equal(phone.requests, requests + 1, "the list has asked for nothing");
    assert.equal(await markRead(laptop, one, second.id), 0);
    assert.equal(await lists[1]?.next(), "two 1, one 0");
    assert.equal(await markRead(phone, one, first.id), 0, "it never moves back");
    assert.equal(await lists[0]?.next(), "two 1, one 0");

    // What comes is counted where it is asked for, and is unread for each user by itself.
    await post(acme.admin, one, "4");
    assert.equal((await read(phone, one, { last: 0 })).unreadCount, 1);
    assert.equal(await lists[0]?.next(), "two 1, one 1");
    assert.equal((await read(globex.admin, one, { last: 0 })).unreadCount, 3);
    for (const list of lists) list.close();
  });

  test("channelActivity keeps the list right on two devices: by what is said, and by what the other device reads", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const [one, two] = [await share(acme, globex, "one"), await share(acme, globex, "two")];
    const [phone, laptop] = [globex.member, await linkspan.signIn(`ben@${globex.handle}`, { role: "member" })];
    const lists = [phone, laptop].map(unread);
    const both = async (shown: string) => await Promise.all(lists.map(async (list) => await list.until((state) => state === shown)));
    await both("two 0, one 0");

    // Nothing tells when a subscription has begun: something is said until both have heard of it.
    let deaf = 2;
    const heard = Promise.all([phone, laptop].map(async (client) => {
      await client.follow(ChannelActivityDocument, {}).next();
      deaf -= 1;
    }));
    let said = 0;
    let last = await post(acme.admin, one, `${++said}`);
    while (deaf > 0) last = await post(acme.admin, one, `${++said}`);
    await heard;
    last = await post(acme.admin, one, `${++said}`);
    await both(`two 0, one ${said}`);

    const requests = [phone, laptop].map((client) => client.requests);
    const inTwo = await post(acme.admin, two, "hello");
    await both(`two 1, one ${said}`);
    assert.equal(await markRead(phone, one, last.id), 0);
    await both("two 1, one 0");
    assert.equal(await markRead(laptop, two, inTwo.id), 0);
    await both("two 0, one 0");
    await post(acme.admin, one, "of acme alone", { audience: "OWN_GROUP" });
    await post(globex.admin, two, "of globex alone", { audience: "OWN_GROUP" });
    await both("two 1, one 0");
    assert.deepEqual([phone, laptop].map((client) => client.requests), requests.map((before) => before + 1), "beside markRead nobody has asked");
    for (const list of lists) list.close();
  });

  test("what messages fetched no other query loses, and each is there once", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const channel = await share(acme, globex, "talk");
    const root = await post(acme.admin, channel, "root");
    await post(globex.admin, channel, "reply", { replyToId: root.id });
    const { admin: client } = globex;
    const events = client.follow(ChannelEventsDocument, { channelId: channel });
    await events.next();
    await read(client, channel, { last: 20 });
    await seen(client, channel);
    await client.query(ThreadDocument, { id: root.id });
    await client.query(MessageHistoryDocument, { id: root.id });
    happened((await acme.admin.mutate(EditMessageDocument, { messageId: root.id, body: "edited" })).editMessage);
    assert.equal(told(await events.next()), "MessageEdited: edited");

    const page = client.apollo.readQuery({ query: MessagesDocument, variables: { id: channel, last: 20 } });
    const { messages, unreadCount } = ofType(page?.node, "SharedChannel");
    assert.deepEqual(messages.edges.map(({ node }) => [node?.body, node?.state, node?.replyCount]), [["edited", "EDITED", 1], ["reply", "POSTED", 0]]);
    assert.equal(unreadCount, 1);
    const cached = Object.keys(client.apollo.extract() as object).filter((key) => key.startsWith("Message:"));
    assert.equal(cached.length, 2);
  });
});

/** The list of channels with their unread counts, as a client's cache has it. */
function unread(client: Client): Feed<string> {
  return new Feed(from(client.apollo.watchQuery({ query: UNREAD })).pipe(
    filter(({ dataState }) => dataState === "complete"),
    map(({ data }) => ({ data: (data as Unread).viewer.sharedChannels.nodes.map(({ name, unreadCount }) => `${name} ${unreadCount}`).join(", ") })),
  ));
}

/** Marks a channel as read, and tells how much of it is unread. */
async function markRead(client: Client, channelId: string, upToMessageId: string): Promise<number> {
  return present(happened((await client.mutate(MarkReadDocument, { channelId, upToMessageId })).markRead).sharedChannel).unreadCount;
}

/** All messages of a channel, read in pages of two, in the channel's order. */
async function pages(client: Client, channel: string, way: "forward" | "back"): Promise<(string | null)[]> {
  const bodies: (string | null)[] = [];
  for (let at: string | null = null; ; ) {
    const page = await read(client, channel, way === "forward" ? { first: 2, after: at } : { last: 2, before: at });
    if (way === "forward") bodies.push(...page.bodies);
    else bodies.unshift(...page.bodies);
    if (!(way === "forward" ? page.pageInfo.hasNextPage : page.pageInfo.hasPreviousPage)) return bodies;
    at = present(way === "forward" ? page.pageInfo.endCursor : page.pageInfo.startCursor);
  }
}

/** What an event tells of. */
function told({ channelEvents: event }: ChannelEventsSubscription): string {
  switch (event.__typename) {
    case "MessagePosted": case "MessageEdited": case "MessageDeleted":
      return `${event.__typename}: ${event.message.body}`;
    case "ReactionChanged":
      return `ReactionChanged: ${event.emoji} ${event.count}`;
    default:
      return event.__typename;
  }
}

/** The reactions to the first message, as the client's cache has them. */
function kept(client: Client, channel: string): string {
  const page = client.apollo.readQuery({ query: MessagesDocument, variables: { id: channel, last: 20 } });
  const { messages } = ofType(page?.node, "SharedChannel");
  return present(messages.edges[0]?.node).reactions.map(({ emoji, count, viewerReacted }) => `${emoji} ${count}${viewerReacted ? " mine" : ""}`).join(", ");
}
