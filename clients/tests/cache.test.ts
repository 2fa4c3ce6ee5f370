// Apollo's cache keeps what the server says: each thing once, under its id, whoever asked for it how.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { InMemoryCache, type NormalizedCacheObject } from "@apollo/client";
import { filter, from, map } from "rxjs";
import {
  ChannelInvitationsDocument, ChannelNodeDocument, ChannelShardDocument, InboxDocument, MyChannelsDocument,
  ReceivedInvitationsDocument, SentInvitationsDocument, SharedChannelLinkedDocument, ViewerDocument,
  type ChannelNodeQuery,
} from "../generated/operations.js";
import possibleTypes from "../generated/possible-types.js";
import { cacheConfig } from "../support/client.js";
import { takeComplaints } from "../support/console.js";
import { ofType, present } from "../support/expect.js";
import { Feed } from "../support/feed.js";
import { limits, useLinkspan } from "../support/linkspan.js";
import { accept, ask, inboxCursor, seen } from "../support/steps.js";

describe("Apollo's cache", limits, () => {
  const linkspan = useLinkspan();

  test("what is linked by the other side shows at once, without a request", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const { channel, invitation } = await ask(acme.admin, globex, "ours");
    const linked = acme.admin.follow(SharedChannelLinkedDocument, { after: await inboxCursor(acme.admin) });
    const showing = acme.admin.apollo.watchQuery({ query: ChannelNodeDocument, variables: { id: channel.id } });
    const page = new Feed(from(showing).pipe(
      filter(({ dataState }) => dataState === "complete"),
      map(({ data }) => {
        const { state, sides } = ofType(data?.node as ChannelNodeQuery["node"], "SharedChannel");
        return { data: `${state}: ${sides.map(({ name }) => name)}` };
      }),
    ));
    assert.equal(await page.next(), "PENDING: ours");
    const { requests } = acme.admin;

    await accept(globex.admin, invitation, "theirs");
    await linked.next();
    assert.equal(await page.next(), "ACTIVE: ours,theirs");
    assert.equal(acme.admin.requests, requests);
    page.close();
  });

  test("what one query fetched no other one loses", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const { channel, invitation } = await ask(acme.admin, globex, "ours", { topic: "All of it" });
    const { apollo } = globex.admin;
    const inbox = globex.admin.follow(InboxDocument, { after: await inboxCursor(globex.admin) });
    await globex.admin.query(ReceivedInvitationsDocument, {});
    await accept(globex.admin, invitation, "theirs");
    await inbox.until((event) => event.inbox.__typename === "SharedChannelLinked");
    await globex.admin.query(MyChannelsDocument, {});
    await globex.admin.query(SentInvitationsDocument, {});
    await seen(globex.admin, channel.id);
    await globex.admin.query(ChannelInvitationsDocument, { id: channel.id });
    await globex.admin.query(ChannelShardDocument, { id: channel.id });
    await globex.admin.query(ViewerDocument, {});

    // All can be read back whole, with what came last.
    const viewer = present(present(apollo.readQuery({ query: ViewerDocument })).viewer);
    assert.deepEqual([viewer.group.handle, viewer.role], [globex.handle, "ADMIN"]);
    const node = apollo.readQuery({ query: ChannelNodeDocument, variables: { id: channel.id } })?.node;
    const whole = ofType(node, "SharedChannel");
    assert.deepEqual([whole.name, whole.topic, whole.state], ["theirs", "All of it", "ACTIVE"]);
    assert.equal(whole.viewerSide.id, whole.sides[1]?.id);
    const channels = present(apollo.readQuery({ query: MyChannelsDocument, variables: {} })).viewer?.sharedChannels;
    assert.deepEqual(channels?.edges.map((edge) => edge.node?.name), ["theirs"]);
    const received = present(apollo.readQuery({ query: ReceivedInvitationsDocument, variables: {} })).viewer?.receivedInvitations;
    assert.deepEqual(received?.nodes.map((each) => each?.state), ["ACCEPTED"]);
    assert.deepEqual([received?.nodes[0]?.note, received?.nodes[0]?.sharedChannel?.name], [null, "theirs"]);
  });

  test("each thing is there once, under its id", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const { channel, invitation } = await ask(acme.admin, globex, "ours");
    await accept(globex.admin, invitation, "theirs");
    for (const document of [ViewerDocument, MyChannelsDocument, SentInvitationsDocument]) {
      await acme.admin.query<unknown, {}>(document, {});
    }
    await seen(acme.admin, channel.id);
    await acme.admin.query(ChannelShardDocument, { id: channel.id });

    const cache = acme.admin.apollo.extract() as NormalizedCacheObject;
    const counts: Record<string, number> = {};
    for (const [key, object] of Object.entries(cache)) {
      if (key.startsWith("ROOT_") || key === "__META") continue;
      const type = present(object).__typename as string;
      assert.equal(key, `${type}:${present(object).id as string}`);
      counts[type] = (counts[type] ?? 0) + 1;
    }
    assert.deepEqual(counts, { Group: 2, User: 2, Viewer: 1, SharedChannel: 1, ChannelSide: 2, ChannelShard: 1, Invitation: 1 });
    const nodeTypes = present(possibleTypes.possibleTypes.Node);
    assert.deepEqual(Object.values(cache).flatMap((object) => embedded(object, nodeTypes)), []);
  });

  test("two sides at one browser don't share a cache", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const { channel, invitation } = await ask(acme.admin, globex, "ours");
    await accept(globex.admin, invitation, "theirs");
    await seen(acme.admin, channel.id);
    await seen(globex.admin, channel.id);
    const names = [acme, globex].map(({ admin }) => {
      const read = admin.apollo.readQuery({ query: ChannelNodeDocument, variables: { id: channel.id } });
      return ofType(read?.node, "SharedChannel").name;
    });
    assert.deepEqual(names, ["ours", "theirs"]);
  });

  test("data that it would lose is heard of here", () => {
    const cache = new InMemoryCache({ ...cacheConfig, typePolicies: { Viewer: { keyFields: false } } });
    const viewer = { __typename: "Viewer", id: "vwr_1" } as const;
    const user = { __typename: "User", id: "usr_1", name: "Ana" } as const;
    const group = { __typename: "Group", id: "grp_1", handle: "acme", name: "Acme" } as const;
    const list = {
      __typename: "SharedChannelConnection", edges: [], nodes: [], logCursor: "c",
      pageInfo: { __typename: "PageInfo", hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    } as const;
    cache.writeQuery({ query: ViewerDocument, data: { viewer: { ...viewer, user, group, role: "ADMIN", inboxCursor: "c" } } });
    cache.writeQuery({ query: MyChannelsDocument, variables: {}, data: { viewer: { ...viewer, sharedChannels: list } } });
    const complaints = takeComplaints();
    assert.equal(complaints.length, 1);
    assert.match(present(complaints[0]), /Cache data may be lost/);
  });
});

/** The objects within that have an id and should be references. */
function embedded(value: unknown, nodeTypes: readonly string[], depth = 0): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  const isNode = "__typename" in value && nodeTypes.includes(value.__typename as string);
  const below = Object.values(value).flatMap((each) => embedded(each, nodeTypes, depth + 1));
  return depth > 0 && isNode ? [value, ...below] : below;
}
