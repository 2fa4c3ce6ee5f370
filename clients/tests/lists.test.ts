import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NetworkStatus } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";
import {
  DeclineInvitationDocument, MyChannelsDocument, ReceivedInvitationsDocument, SentInvitationsDocument,
  type ReceivedInvitationsQueryVariables,
} from "../generated/operations.js";
import { cacheConfig, type Client } from "../support/client.js";
import { within } from "../support/deadline.js";
import { fault, happened, present } from "../support/expect.js";
import { limits, useLinkspan } from "../support/linkspan.js";
import { accept, ask } from "../support/steps.js";

describe("lists", limits, () => {
  const linkspan = useLinkspan();

  test("pages of channels follow each other, newest link first, though some are added meanwhile", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    for (const name of ["one", "two", "three", "four", "five"]) await ask(acme.admin, globex, name);

    const first = await page(acme.admin, 2);
    assert.deepEqual(names(first), ["five", "four"]);
    assert.deepEqual(first.nodes.map((node) => node?.id), first.edges.map((edge) => edge.node?.id));
    assert.equal(first.pageInfo.hasNextPage, true);
    assert.equal(first.pageInfo.hasPreviousPage, false);
    assert.equal(first.pageInfo.startCursor, first.edges[0]?.cursor);
    assert.equal(first.pageInfo.endCursor, first.edges[1]?.cursor);

    await ask(acme.admin, globex, "six");
    const second = await page(acme.admin, 2, first.pageInfo.endCursor);
    assert.deepEqual(names(second), ["three", "two"]);
    assert.equal(second.pageInfo.hasNextPage, true);
    assert.equal(second.pageInfo.hasPreviousPage, true);
    const third = await page(acme.admin, 2, second.pageInfo.endCursor);
    assert.deepEqual(names(third), ["one"]);
    assert.equal(third.pageInfo.hasNextPage, false);
    const beyond = await page(acme.admin, 2, third.pageInfo.endCursor);
    assert.deepEqual([beyond.edges, beyond.nodes, beyond.pageInfo.startCursor, beyond.pageInfo.endCursor], [[], [], null, null]);

    assert.deepEqual(names(await page(acme.admin)), ["six", "five", "four", "three", "two", "one"]);
    assert.deepEqual(names(await page(acme.admin, 0)), []);
    assert.deepEqual(names(await page(globex.admin)), []); // asked is not linked
  });

  test("a channel's place is that of its own group's link", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const [first, second] = [await ask(acme.admin, globex, "first"), await ask(acme.admin, globex, "second")];
    await accept(globex.admin, second.invitation);
    await accept(globex.admin, first.invitation);
    assert.deepEqual(names(await page(globex.admin)), ["first", "second"]);
    assert.deepEqual(names(await page(acme.admin)), ["second", "first"]);
  });

  test("pages of invitations are by state, with the count of all", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const asked = [];
    for (const name of ["one", "two", "three", "four"]) asked.push((await ask(acme.admin, globex, name)).invitation);
    const [one, two, three, four] = asked.map(({ id }) => id);
    await accept(globex.admin, present(asked[1]));
    happened((await globex.admin.mutate(DeclineInvitationDocument, { invitationId: present(three) })).declineInvitation);

    const first = await received(globex.admin, { first: 3 });
    assert.deepEqual(ids(first), [four, three, two]);
    assert.deepEqual([first.totalCount, first.pageInfo.hasNextPage], [4, true]);
    const second = await received(globex.admin, { first: 3, after: first.pageInfo.endCursor });
    assert.deepEqual(ids(second), [one]);
    assert.deepEqual([second.totalCount, second.pageInfo.hasNextPage], [4, false]);

    const pending = await received(globex.admin, { states: ["PENDING"] });
    assert.deepEqual([ids(pending), pending.totalCount], [[four, one], 2]);
    const ended = await received(globex.admin, { states: ["ACCEPTED", "DECLINED"] });
    assert.deepEqual([ids(ended), ended.totalCount], [[three, two], 2]);
    assert.deepEqual(ids(await received(acme.admin, {})), []);

    const { viewer } = await acme.admin.query(SentInvitationsDocument, { first: 2, states: ["PENDING"] });
    assert.deepEqual([ids(present(viewer).sentInvitations), viewer?.sentInvitations.totalCount], [[four, one], 2]);
  });

  test("sizes and cursors out of range are bad input", async () => {
    const [acme] = await linkspan.newGroups("Acme");
    for (const variables of [{ first: 101 }, { first: -1 }, { after: "nonsense" }]) {
      await fault(acme.admin.query(MyChannelsDocument, variables), "BAD_USER_INPUT");
      await fault(acme.admin.query(ReceivedInvitationsDocument, variables), "BAD_USER_INPUT");
      await fault(acme.admin.query(SentInvitationsDocument, variables), "BAD_USER_INPUT");
    }
  });

  test("Apollo's relayStylePagination joins the pages", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    for (const name of ["one", "two", "three", "four", "five"]) await ask(acme.admin, globex, name);
    const reader = await linkspan.signIn(`dora@${acme.handle}`, {
      cache: {
        ...cacheConfig,
        typePolicies: { ...cacheConfig.typePolicies, Viewer: { fields: { sharedChannels: relayStylePagination() } } },
      },
    });
    // As a page does that scrolls: it asks for more whenever what it shows is not all.
    const list = reader.apollo.watchQuery({ query: MyChannelsDocument, variables: { first: 2 } });
    const shown = await within(10_000, "the last page", new Promise<ReturnType<typeof names>>((resolve, reject) => {
      list.subscribe(({ data, dataState, networkStatus }) => {
        if (dataState !== "complete" || networkStatus !== NetworkStatus.ready) return;
        const { sharedChannels } = present(data.viewer);
        const { hasNextPage, endCursor } = sharedChannels.pageInfo;
        if (hasNextPage) list.fetchMore({ variables: { after: endCursor } }).catch(reject);
        else resolve(names(sharedChannels));
      });
    }));
    assert.deepEqual(shown, ["five", "four", "three", "two", "one"]);
    assert.equal(reader.requests, 3);
  });
});

async function page(client: Client, first?: number, after?: string | null) {
  return present((await client.query(MyChannelsDocument, { first, after })).viewer).sharedChannels;
}

async function received(client: Client, variables: ReceivedInvitationsQueryVariables) {
  return present((await client.query(ReceivedInvitationsDocument, variables)).viewer).receivedInvitations;
}

function names(list: { readonly edges: ReadonlyArray<{ readonly node: { readonly name: string } | null }> }) {
  return list.edges.map(({ node }) => node?.name);
}

function ids(list: { readonly nodes: ReadonlyArray<{ readonly id: string } | null> }) {
  return list.nodes.map((node) => node?.id);
}
