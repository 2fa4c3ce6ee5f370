// urql, as a second client with a mind of its own: queries and mutations by fetch, subscriptions each way.

import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import { createClient, fetchExchange, subscriptionExchange, type Client, type ClientOptions, type Exchange, type OperationResult } from "@urql/core";
import {
  ChannelEventsDocument, CreateSharedChannelDocument, InboxDocument, ViewerDocument, type ChannelEventsSubscription,
  type ChannelEventsSubscriptionVariables, type InboxSubscription, type InboxSubscriptionVariables,
} from "../generated/operations.js";
import { happened, isFault, ofType, present, refused } from "../support/expect.js";
import { Feed } from "../support/feed.js";
import { bearer, type Request } from "../support/http.js";
import { limits, useLinkspan } from "../support/linkspan.js";
import { Sockets } from "../support/sockets.js";
import { ask, post, share } from "../support/steps.js";
import { Streams } from "../support/streams.js";

describe("urql", limits, () => {
  const linkspan = useLinkspan();

  for (const preferGetMethod of [false, true]) {
    test(`queries, mutations and refusals, ${preferGetMethod ? "queries by GET" : "all by POST"}`, async () => {
      const ana = connect(linkspan.url, await linkspan.token("ana@acme"), { preferGetMethod });
      assert.equal(present((await ana.query(ViewerDocument, {})).data).viewer?.group.handle, "acme");
      const create = { input: { target: { handle: "globex" }, name: `by urql ${preferGetMethod}` } };
      happened(present((await ana.mutation(CreateSharedChannelDocument, create)).data).createSharedChannel);
      const again = present((await ana.mutation(CreateSharedChannelDocument, create)).data).createSharedChannel;
      assert.match(present((refused(again, "NAME_TAKEN", ["input", "name"]) as { suggestion?: string }).suggestion), /^by urql/);

      const { error } = await connect(linkspan.url, "nonsense", { preferGetMethod }).query(ViewerDocument, {});
      assert.equal(error?.networkError, undefined);
      isFault(error?.graphQLErrors, "UNAUTHENTICATED");
    });
  }

  const ways: Record<string, (t: TestContext, token: string) => Partial<ClientOptions>> = {
    "graphql-ws": (t, token) => ({ exchanges: [through(new Sockets(t, linkspan.url, () => token)), fetchExchange] }),
    "graphql-sse": (t, token) => ({ exchanges: [through(new Streams(t, linkspan.url, token)), fetchExchange] }),
    "its own fetch": () => ({ fetchSubscriptions: true }),
  };
  for (const [way, options] of Object.entries(ways)) {
    test(`subscriptions over ${way}`, async (t) => {
      const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
      const token = await linkspan.token(`ana@${globex.handle}`, "--role", "admin");
      const client = connect(linkspan.url, token, options(t, token));
      const inbox = follow(client, {});
      ofType((await inbox.next()).data?.inbox, "InboxCheckpoint");
      const { invitation } = await ask(acme.admin, globex, "plans");
      assert.equal(ofType((await inbox.next()).data?.inbox, "InvitationReceived").invitation.id, invitation.id);
      inbox.close();
      const wrong = follow(client, { after: "nonsense" });
      isFault((await wrong.next()).error?.graphQLErrors, "BAD_USER_INPUT");
      wrong.close();
    });

    test(`a channel is followed over ${way}, and continued from a cursor`, async (t) => {
      const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
      const channelId = await share(acme, globex, "talk");
      const token = await linkspan.token(`ben@${globex.handle}`);
      const first = followChannel(connect(linkspan.url, token, options(t, token)), { channelId });
      ofType((await first.next()).data?.channelEvents, "ChannelCheckpoint");
      const { id } = await post(acme.admin, channelId, "one");
      const heard = ofType((await first.next()).data?.channelEvents, "MessagePosted");
      assert.deepEqual([heard.message.id, heard.message.body], [id, "one"]);
      first.close();

      await post(globex.admin, channelId, "among us", { audience: "OWN_GROUP" });
      await post(acme.admin, channelId, "of acme alone", { audience: "OWN_GROUP" });
      const again = followChannel(connect(linkspan.url, token, options(t, token)), { channelId, after: heard.cursor });
      const missed = ofType((await again.next()).data?.channelEvents, "MessagePosted").message;
      assert.deepEqual([missed.body, missed.audience], ["among us", "OWN_GROUP"]);
      ofType((await again.next()).data?.channelEvents, "ChannelCheckpoint");
      await post(acme.admin, channelId, "two");
      assert.equal(ofType((await again.next()).data?.channelEvents, "MessagePosted").message.body, "two");
      again.close();
    });
  }
});

function connect(url: string, token: string, options: Partial<ClientOptions>): Client {
  return createClient({
    url, exchanges: [fetchExchange], fetchOptions: { headers: bearer(token) }, requestPolicy: "network-only",
    preferGetMethod: false, ...options,
  });
}

/** Has subscriptions go through another client. */
function through(client: Sockets | Streams): Exchange {
  return subscriptionExchange({
    forwardSubscription: (asked) => ({ subscribe: (sink) => ({ unsubscribe: client.subscribe(asked as Request, sink as never) }) }),
  });
}

function follow(client: Client, variables: InboxSubscriptionVariables): Feed<OperationResult<InboxSubscription>> {
  return Feed.of((sink) => client.subscription(InboxDocument, variables).subscribe((result) => sink.next(result)).unsubscribe);
}

function followChannel(client: Client, variables: ChannelEventsSubscriptionVariables): Feed<OperationResult<ChannelEventsSubscription>> {
  return Feed.of((sink) => client.subscription(ChannelEventsDocument, variables).subscribe((result) => sink.next(result)).unsubscribe);
}
