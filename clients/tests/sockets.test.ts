// How WebSockets end, and what graphql-ws's own client makes of it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ChannelEventsDocument, InboxDocument, InvitationReceivedDocument, ViewerDocument } from "../generated/operations.js";
import { ofType, present } from "../support/expect.js";
import { limits, useLinkspan } from "../support/linkspan.js";
import { Sockets, type CloseEvent } from "../support/sockets.js";
import { ask, inboxCursor, post, read, share } from "../support/steps.js";

describe("sockets", limits, () => {
  const linkspan = useLinkspan();

  test("a token that is no good: 4401, and graphql-ws gives up at once", async (t) => {
    const sockets = new Sockets(t, linkspan.url, () => "nonsense");
    await assert.rejects(sockets.listen(InboxDocument, {}).next(), ({ code, reason }: CloseEvent) =>
      code === 4401 && reason === "The token is not valid");
    assert.deepEqual([sockets.opened, sockets.closed], [1, [4401]]);
  });

  test("a token that expires: 4403, and graphql-ws comes back with another, without a gap", async (t) => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const user = [`ana@${globex.handle}`, "--role", "admin"] as const;
    const variables = { after: await inboxCursor(globex.admin) };
    const good = await linkspan.token(...user);
    const tokens = await Promise.all([linkspan.token(...user, "--ttl", "3s"), linkspan.token(...user, "--ttl", "1ns")]);
    const sockets = new Sockets(t, linkspan.url, () => tokens.pop() ?? good);
    const feed = sockets.listen(InvitationReceivedDocument, variables); // which is sent as it is when the socket opens
    const hear = async (): Promise<string> => {
      const event = present((await feed.next()).data).invitationReceived;
      variables.after = event.cursor;
      return event.invitation.proposedName;
    };
    await ask(acme.admin, globex, "with one token");
    assert.equal(await hear(), "with one token");
    await ask(acme.admin, globex, "with another");
    assert.equal(await hear(), "with another");
    await sockets.closes(2);
    await ask(acme.admin, globex, "with a third");
    assert.equal(await hear(), "with a third");
    assert.deepEqual([sockets.opened, sockets.closed], [3, [4403, 4403]]);
  });

  test("a server that restarts: 1012, and graphql-ws goes on at the next one, without a gap", async (t) => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const replicas = await linkspan.serve();
    const token = await linkspan.token(`ana@${globex.handle}`, "--role", "admin");
    const variables = { after: await inboxCursor(globex.admin) };
    const sockets = new Sockets(t, replicas.url, () => token);
    const feed = sockets.listen(InvitationReceivedDocument, variables);
    for (const name of ["before", "after"]) {
      await ask(acme.admin, globex, name);
      const event = present((await feed.next()).data).invitationReceived;
      assert.equal(event.invitation.proposedName, name);
      variables.after = event.cursor;
      if (name === "before") await replicas.roll();
    }
    assert.deepEqual([sockets.opened, sockets.closed], [2, [1012]]);
  });

  test("a channel is followed through a server that restarts, without a gap", async (t) => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const channelId = await share(acme, globex, "talk");
    const replicas = await linkspan.serve();
    const token = await linkspan.token(`ana@${globex.handle}`, "--role", "admin");
    const variables = { channelId, after: (await read(globex.admin, channelId, { last: 0 })).logCursor };
    const sockets = new Sockets(t, replicas.url, () => token);
    const feed = sockets.listen(ChannelEventsDocument, variables);
    const hear = async (): Promise<string | null> => {
      for (;;) {
        const event = present((await feed.next()).data).channelEvents;
        variables.after = event.cursor;
        if (event.__typename !== "ChannelCheckpoint") return ofType(event, "MessagePosted").message.body;
      }
    };
    await post(acme.admin, channelId, "before");
    assert.equal(await hear(), "before");
    await replicas.roll();
    await post(acme.admin, channelId, "of acme alone", { audience: "OWN_GROUP" });
    for (const body of ["after", "and on"]) await post(acme.admin, channelId, body);
    assert.deepEqual([await hear(), await hear()], ["after", "and on"]);
    assert.deepEqual([sockets.opened, sockets.closed], [2, [1012]]);
  });

  test("who keeps the protocol is never told otherwise: an id is free when its operation is completed, many run at once", async (t) => {
    const token = await linkspan.token("ana@acme");
    let ids: string | undefined = "first";
    const sockets = new Sockets(t, linkspan.url, () => token, () => ids ?? crypto.randomUUID());
    await sockets.listen(InboxDocument, {}).next(); // it holds the socket open
    ids = "again";
    for (let round = 0; round < 100; round++) {
      const feed = sockets.listen(InboxDocument, {});
      if (round % 2 === 0) assert.equal((await feed.next()).data?.inbox.__typename, "InboxCheckpoint");
      feed.close();
    }
    ids = undefined;
    const queries = Array.from({ length: 40 }, () => sockets.listen(ViewerDocument, {}));
    const inboxes = Array.from({ length: 40 }, () => sockets.listen(InboxDocument, {}));
    for (const feed of queries) assert.equal((await feed.next()).data?.viewer?.group.handle, "acme");
    for (const feed of inboxes) assert.equal((await feed.next()).data?.inbox.__typename, "InboxCheckpoint");
    assert.deepEqual([sockets.opened, sockets.closed], [1, []]);
    await sockets.dispose();
    await sockets.closes(1);
    assert.deepEqual(sockets.closed, [1000]);
  });
});
