import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  InboxDocument, InvitationReceivedDocument, MyChannelsDocument, ReceivedInvitationsDocument, SharedChannelLinkedDocument,
  type InboxSubscription, type InvitationReceivedSubscription,
} from "../generated/operations.js";
import type { Feed } from "../support/feed.js";
import { fault, ofType, present } from "../support/expect.js";
import { limits, useLinkspan, type TestGroup } from "../support/linkspan.js";
import { accept, ask, inboxCursor } from "../support/steps.js";

describe("subscriptions", limits, () => {
  const linkspan = useLinkspan();

  test("a cursor resumes over a new WebSocket: nothing is missed, nothing comes twice", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const before = globex.admin.follow(InvitationReceivedDocument, { after: await inboxCursor(globex.admin) });
    await askAll(acme, globex, ["a1", "a2", "a3"]);
    const seenBefore = (await before.take(3)).map(({ invitationReceived }) => invitationReceived);
    assert.deepEqual(seenBefore.map(({ invitation }) => invitation.proposedName), ["a1", "a2", "a3"]);

    globex.admin.cut();
    await assert.rejects(before.next(), /Socket closed/);
    await askAll(acme, globex, ["b1", "b2", "b3"]);

    // Some were asked while nobody listened, some are while the new socket replays, the last one after.
    const back = await linkspan.signIn(`ana@${globex.handle}`, { role: "admin" });
    const after = present(seenBefore.at(-1)).cursor;
    const resumed = back.follow(InvitationReceivedDocument, { after });
    const meanwhile = ["c1", "c2", "c3", "c4", "c5"];
    await Promise.all(meanwhile.map((name) => ask(acme.admin, globex, name)));
    await ask(acme.admin, globex, "last");
    const seenAfter = proposed(await resumed.until(({ invitationReceived }) => invitationReceived.invitation.proposedName === "last"));
    assert.deepEqual(seenAfter.slice(0, 3), ["b1", "b2", "b3"]);
    assert.deepEqual(seenAfter.slice(3, -1).sort(), meanwhile);

    // From any cursor, by any user of the group, the same events come in the same order.
    const whole = [...seenBefore.map(({ invitation }) => invitation.proposedName), ...seenAfter];
    for (const [position, { cursor }] of seenBefore.entries()) {
      const replay = globex.member.follow(InvitationReceivedDocument, { after: cursor });
      assert.deepEqual(proposed(await replay.take(whole.length - position - 1)), whole.slice(position + 1));
      replay.close();
    }
  });

  test("a cursor outlives the server", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const inbox = globex.admin.follow(InboxDocument, {});
    const { cursor: after } = (await inbox.next()).inbox;
    const { channel, invitation } = await ask(acme.admin, globex, "before");
    ofType((await inbox.next()).inbox, "InvitationReceived");

    await linkspan.restart();
    await assert.rejects(inbox.next());
    const back = await linkspan.signIn(`ana@${globex.handle}`, { role: "admin" });
    assert.equal((await accept(back, invitation, "after")).id, channel.id);
    const resumed = back.follow(InboxDocument, { after });
    const events = await resumed.until((event) => event.inbox.__typename === "SharedChannelLinked");
    assert.equal(ofType(events[0]?.inbox, "InvitationReceived").invitation.id, invitation.id);
    assert.equal(ofType(events.at(-1)?.inbox, "SharedChannelLinked").sharedChannel?.name, "after");
  });

  test("the inbox says where it stands: first of all, and at the end of a replay", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const live = globex.admin.follow(InboxDocument, {});
    const start = ofType((await live.next()).inbox, "InboxCheckpoint");
    const { invitation } = await ask(acme.admin, globex, "plans");
    const request = ofType((await live.next()).inbox, "InvitationReceived");
    assert.equal(request.invitation.id, invitation.id);
    await accept(globex.admin, invitation, "their plans");
    const events = await live.until(({ inbox }) => inbox.__typename === "SharedChannelLinked");

    const replay = globex.admin.follow(InboxDocument, { after: start.cursor });
    const replayed = await replay.until(({ inbox }) => inbox.__typename === "InboxCheckpoint");
    assert.deepEqual(cursors(replayed.slice(0, -1)), [request.cursor, ...cursors(events)]);
    // It carries things as they are now: the request that came as PENDING has been accepted since.
    assert.equal(ofType(replayed[0]?.inbox, "InvitationReceived").invitation.state, "ACCEPTED");

    // A checkpoint's cursor continues after all of that, and so does the viewer's.
    const ends = [present(replayed.at(-1)).inbox.cursor, await inboxCursor(globex.admin)];
    const { invitation: next } = await ask(acme.admin, globex, "next plans");
    for (const after of ends) {
      const following = globex.admin.follow(InboxDocument, { after });
      assert.equal(ofType((await following.next()).inbox, "InvitationReceived").invitation.id, next.id);
    }
  });

  test("one cursor serves all three subscriptions", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const after = await inboxCursor(globex.admin);
    const { invitation } = await ask(acme.admin, globex, "one");
    const received = globex.admin.follow(InvitationReceivedDocument, { after });
    const request = (await received.next()).invitationReceived;
    const channel = await accept(globex.admin, invitation);
    await ask(acme.admin, globex, "two");

    const linked = globex.admin.follow(SharedChannelLinkedDocument, { after: request.cursor });
    const link = (await linked.next()).sharedChannelLinked;
    assert.deepEqual([link.sharedChannel?.id, link.invitation.id], [channel.id, invitation.id]);
    const inbox = globex.admin.follow(InboxDocument, { after: link.cursor });
    const rest = await inbox.until((event) => event.inbox.__typename === "InboxCheckpoint");
    const requests = rest.filter((event) => event.inbox.__typename === "InvitationReceived");
    assert.deepEqual(requests.map((event) => ofType(event.inbox, "InvitationReceived").invitation.proposedName), ["two"]);
    assert.equal((await received.next()).invitationReceived.invitation.proposedName, "two");
  });

  test("a page and the subscription from its cursor have each invitation once", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const names = Array.from({ length: 24 }, (_, number) => `n${number}`);
    const asking = Promise.all(names.map((name) => ask(acme.admin, globex, name)));
    for (let round = 0; round < 5; round++) {
      const { viewer } = await globex.admin.query(ReceivedInvitationsDocument, { first: 100 });
      const { nodes, logCursor } = present(viewer).receivedInvitations;
      const feed = globex.admin.follow(InvitationReceivedDocument, { after: logCursor });
      const live = await feed.take(names.length - nodes.length);
      const all = [...nodes.map((node) => present(node).proposedName), ...proposed(live)];
      assert.deepEqual(all.sort(), [...names].sort());
      feed.close();
      if (live.length === 0) break;
    }
    await asking;
  });

  test("a page of channels and the subscription from its cursor have each link once", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const invitations = [];
    for (const name of ["one", "two", "three"]) invitations.push((await ask(acme.admin, globex, name)).invitation);
    await accept(globex.admin, present(invitations[0]));
    const { sharedChannels } = present((await globex.admin.query(MyChannelsDocument, {})).viewer);
    assert.deepEqual(sharedChannels.edges.map(({ node }) => node?.name), ["one"]);
    await accept(globex.admin, present(invitations[1]));
    const linked = globex.admin.follow(SharedChannelLinkedDocument, { after: sharedChannels.logCursor });
    await accept(globex.admin, present(invitations[2]));
    const names = (await linked.take(2)).map(({ sharedChannelLinked }) => sharedChannelLinked.sharedChannel?.name);
    assert.deepEqual(names, ["two", "three"]);
  });

  test("everybody who listens hears it, each through its own group's eyes", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const { invitation } = await ask(acme.admin, globex, "ours");
    const listeners = [];
    for (const [client, name] of [[acme.admin, "ours"], [acme.member, "ours"], [globex.admin, "theirs"], [globex.member, "theirs"]] as const) {
      const inbox = client.follow(InboxDocument, {});
      ofType((await inbox.next()).inbox, "InboxCheckpoint");
      listeners.push({ inbox, name });
    }
    await accept(globex.admin, invitation, "theirs");
    for (const { inbox, name } of listeners) {
      const last = (await inbox.until((event) => event.inbox.__typename === "SharedChannelLinked")).at(-1);
      assert.equal(ofType(last?.inbox, "SharedChannelLinked").sharedChannel?.name, name);
    }
  });

  test("a group hears nothing of others", async () => {
    const [acme, globex, initech] = await linkspan.newGroups("Acme", "Globex", "Initech");
    const inbox = initech.admin.follow(InboxDocument, { after: await inboxCursor(initech.admin) });
    ofType((await inbox.next()).inbox, "InboxCheckpoint");
    await accept(globex.admin, (await ask(acme.admin, globex, "private")).invitation);
    await ask(acme.admin, initech, "for initech");
    assert.equal(ofType((await inbox.next()).inbox, "InvitationReceived").invitation.proposedName, "for initech");
  });

  test("a cursor that is garbled, of a list or of another group is bad input", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    await ask(acme.admin, globex, "plans");
    const foreign = await inboxCursor(acme.admin);
    const { viewer } = await globex.admin.query(ReceivedInvitationsDocument, {});
    const ofList = present(present(viewer).receivedInvitations.pageInfo.endCursor);
    for (const after of [foreign, ofList, "nonsense", "", `${await inboxCursor(globex.admin)}A`]) {
      for (const document of [InboxDocument, InvitationReceivedDocument, SharedChannelLinkedDocument]) {
        const feed: Feed<unknown> = globex.admin.follow<unknown, { after: string }>(document, { after });
        await fault(feed.next(), "BAD_USER_INPUT");
      }
    }
  });

  test("one that ends leaves the others on its socket alone", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const after = await inboxCursor(globex.admin);
    const [ending, staying] = [1, 2].map(() => globex.admin.follow(InvitationReceivedDocument, { after }));
    await fault(globex.admin.follow(InboxDocument, { after: "nonsense" }).next(), "BAD_USER_INPUT");
    await ask(acme.admin, globex, "one");
    assert.deepEqual(proposed(await present(ending).take(1)), ["one"]);
    present(ending).close();
    await ask(acme.admin, globex, "two");
    assert.deepEqual(proposed(await present(staying).take(2)), ["one", "two"]);
  });
});

async function askAll(from: TestGroup, to: TestGroup, names: string[]): Promise<void> {
  for (const name of names) await ask(from.admin, to, name);
}

function proposed(events: InvitationReceivedSubscription[]): string[] {
  return events.map(({ invitationReceived }) => invitationReceived.invitation.proposedName);
}

function cursors(events: InboxSubscription[]): string[] {
  return events.map(({ inbox }) => inbox.cursor);
}
