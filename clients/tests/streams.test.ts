// Subscriptions without a WebSocket: Server-Sent Events, as graphql-sse reads them, and the parts that Apollo's HttpLink
// asks for.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CombinedProtocolErrors, HttpLink } from "@apollo/client";
import { NetworkError } from "graphql-sse";
import {
  InboxDocument, InvitationReceivedDocument, ViewerDocument, type InvitationReceivedSubscription,
} from "../generated/operations.js";
import { EventStream } from "../support/event-stream.js";
import { fault, isFault, ofType, present } from "../support/expect.js";
import { Feed } from "../support/feed.js";
import { bearer, request, type Answer, type Request } from "../support/http.js";
import { limits, useLinkspan } from "../support/linkspan.js";
import { accept, ask, inboxCursor } from "../support/steps.js";
import { Streams } from "../support/streams.js";

const MANY = 110; // more than one user may have open at once
const COMPLETED = /the server completed/;

describe("streams over HTTP", limits, () => {
  const linkspan = useLinkspan();

  test("graphql-sse gets a query's answer and a subscription's events", async (t) => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const streams = new Streams(t, linkspan.url, await linkspan.token(`ana@${globex.handle}`, "--role", "admin"));
    const viewer = streams.listen(ViewerDocument, {});
    assert.equal((await viewer.next()).data?.viewer?.group.handle, globex.handle);
    await assert.rejects(viewer.next(), COMPLETED);

    const inbox = streams.listen(InboxDocument, {});
    assert.equal((await inbox.next()).data?.inbox.__typename, "InboxCheckpoint");
    for (const name of ["one", "two"]) {
      const { invitation } = await ask(acme.admin, globex, name);
      assert.equal(ofType((await inbox.next()).data?.inbox, "InvitationReceived").invitation.id, invitation.id);
    }
  });

  test("what is wrong with a document, its variables or a cursor comes as errors, and then the end", async (t) => {
    const streams = new Streams(t, linkspan.url, await linkspan.token("ana@acme"));
    const wrong: [Request, string][] = [
      [{ query: "subscription {" }, "GRAPHQL_PARSE_FAILED"],
      [{ query: "subscription { shoeSize }" }, "GRAPHQL_VALIDATION_FAILED"],
      [request(InboxDocument, { after: 1 } as never), "BAD_USER_INPUT"],
      [request(InboxDocument, { after: "nonsense" }), "BAD_USER_INPUT"],
    ];
    for (const [asked, code] of wrong) {
      const feed = Feed.of<Answer>((sink) => streams.subscribe(asked, sink));
      isFault((await feed.next()).errors, code);
      await assert.rejects(feed.next(), COMPLETED);
    }
  });

  test("without a good token there is no stream but a status", async (t) => {
    for (const token of ["nonsense", await linkspan.token("ana@acme", "--ttl", "1ns")]) {
      const refused = new Streams(t, linkspan.url, token, { retryAttempts: 0 }).listen(InboxDocument, {});
      await assert.rejects(refused.next(), (error) => error instanceof NetworkError && error.response?.status === 401);
    }
  });

  for (const method of ["POST", "GET"] as const) {
    test(`a stream by ${method} that is cut goes on behind the last event that came`, async () => {
      const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
      const after = await inboxCursor(globex.admin);
      const token = bearer(await linkspan.token(`ana@${globex.handle}`, "--role", "admin"));
      const open = async (headers: Record<string, string>): Promise<EventStream> => {
        const stream = new EventStream(method);
        const response = await stream.open(linkspan.url, InvitationReceivedDocument, { after }, { ...token, ...headers });
        assert.equal(response.status, 200);
        assert.match(response.headers.get("Content-Type") ?? "", /^text\/event-stream/);
        return stream;
      };
      const first = await open({});
      for (const name of ["a1", "a2", "a3"]) await ask(acme.admin, globex, name);
      const events = await first.take(3);
      assert.deepEqual(events.map(({ type }) => type), ["next", "next", "next"]);
      assert.deepEqual(events.map(({ data }) => received(data).proposed), ["a1", "a2", "a3"]);
      assert.deepEqual(events.map(({ id }) => id), events.map(({ data }) => received(data).cursor));
      first.abort();

      await ask(acme.admin, globex, "b1");
      const second = await open({ "Last-Event-ID": present(events[1]).id }); // `after` is the same still
      await ask(acme.admin, globex, "b2");
      assert.deepEqual((await second.take(3)).map(({ data }) => received(data).proposed), ["a3", "b1", "b2"]);
      second.abort();
    });
  }

  test("a server that restarts breaks streams off, and graphql-sse goes on at the next one without a gap", async (t) => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const replicas = await linkspan.serve();
    const token = await linkspan.token(`ana@${globex.handle}`, "--role", "admin");
    const after = await inboxCursor(globex.admin);
    const other = new EventStream("POST");
    await other.open(replicas.url, InvitationReceivedDocument, { after }, bearer(token));
    const streams = new Streams(t, replicas.url, token);
    const feed = streams.listen(InvitationReceivedDocument, { after });
    const names = ["before", "while it restarts", "after"];
    await ask(acme.admin, globex, "before");
    const heard = [await feed.next()];
    assert.equal((await other.next())?.type, "next");
    await Promise.all([replicas.roll(), ask(acme.admin, globex, "while it restarts")]);
    for (let event = await other.next(); event !== undefined; event = await other.next()) {
      assert.notEqual(event.type, "complete", "a client that is told so does not come back");
    }
    await ask(acme.admin, globex, "after");
    while (heard.length < names.length) heard.push(await feed.next());
    assert.deepEqual(heard.map(({ data }) => data?.invitationReceived.invitation.proposedName), names);
    assert.ok(streams.asked > 1, "it has come back");
  });

  test("a stream ends with its token, and graphql-sse comes back with another", async (t) => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const user = [`ana@${globex.handle}`, "--role", "admin"] as const;
    const after = await inboxCursor(globex.admin);
    const tokens = await Promise.all([linkspan.token(...user), linkspan.token(...user, "--ttl", "3s")]);
    const streams = new Streams(t, linkspan.url, () => present(tokens.length > 1 ? tokens.pop() : tokens[0]));
    const feed = streams.listen(InvitationReceivedDocument, { after });
    await ask(acme.admin, globex, "with one");
    const heard = [await feed.next()];
    await streams.again(2);
    await ask(acme.admin, globex, "with another");
    heard.push(await feed.next());
    assert.deepEqual(heard.map(({ data }) => data?.invitationReceived.invitation.proposedName), ["with one", "with another"]);
  });

  test("Apollo's HttpLink alone carries all that there is", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const gil = await linkspan.signIn(`ana@${globex.handle}`, { role: "admin", link: (http) => new HttpLink(http) });
    const inbox = gil.follow(InboxDocument, {});
    ofType((await inbox.next()).inbox, "InboxCheckpoint");
    const { channel, invitation } = await ask(acme.admin, globex, "plans");
    assert.equal(ofType((await inbox.next()).inbox, "InvitationReceived").invitation.id, invitation.id);
    assert.equal((await accept(gil, invitation, "their plans")).id, channel.id);
    await inbox.until((event) => event.inbox.__typename === "SharedChannelLinked");
    assert.equal((await gil.query(ViewerDocument, {})).viewer?.group.handle, globex.handle);
  });

  test("Apollo may give up and begin as often as it likes", async () => {
    const ana = await linkspan.signIn("ana@acme", { link: (http) => new HttpLink(http) });
    for (let time = 0; time < MANY; time++) {
      const inbox = ana.follow(InboxDocument, {});
      ofType((await inbox.next()).inbox, "InboxCheckpoint");
      inbox.close();
    }
  });

  test("what ends a subscription over HttpLink is an error there, before the first event and after", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const after = await inboxCursor(globex.admin);
    const link = (http: HttpLink.Options): HttpLink => new HttpLink(http);
    await fault(linkspan.connect("nonsense", { link }).follow(InboxDocument, {}).next(), "UNAUTHENTICATED");
    const gil = linkspan.connect(await linkspan.token(`ana@${globex.handle}`, "--role", "admin", "--ttl", "3s"), { link });
    const inbox = gil.follow(InvitationReceivedDocument, { after });
    await fault(gil.follow(InboxDocument, { after: "nonsense" }).next(), "BAD_USER_INPUT");
    await ask(acme.admin, globex, "one");
    assert.equal((await inbox.next()).invitationReceived.invitation.proposedName, "one");
    await assert.rejects(inbox.next(), /premature end of multipart body|terminated/); // its token has expired: it broke off
  });

  test("a fault in the midst of a subscription, as the server writes it, is an error of Apollo's", async () => {
    const expired = { message: "it broke off", extensions: { code: "CURSOR_EXPIRED" } };
    const parts = [{}, { payload: null, errors: [expired] }] // the form is gqlhttp's TestMultipart's
      .map((part) => `\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(part)}\r\n--graphql`);
    const answer = `\r\n--graphql${parts.join("")}--\r\n`;
    const headers = { "Content-Type": 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"' };
    const ana = linkspan.connect(undefined, {
      link: (http) => new HttpLink({ ...http, fetch: async () => new Response(answer, { headers }) }),
    });
    // With a cache Apollo would write the part without a payload there, and say that it lacks the field.
    const inbox = new Feed(ana.apollo.subscribe({ query: InboxDocument, fetchPolicy: "no-cache" }) as never);
    await assert.rejects(inbox.next(), (error) =>
      CombinedProtocolErrors.is(error) && error.errors[0]?.extensions?.code === "CURSOR_EXPIRED");
  });
});

/** The event that the data of a stream's event has. */
function received(data: string): { proposed: string; cursor: string } {
  const { data: event } = JSON.parse(data) as Answer<InvitationReceivedSubscription>;
  const { cursor, invitation } = present(event).invitationReceived;
  return { cursor, proposed: invitation.proposedName };
}
