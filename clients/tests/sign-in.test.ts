import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gql } from "@apollo/client";
import {
  ChannelNodeDocument, CreateSharedChannelDocument, GroupByHandleDocument, InboxDocument, NodesDocument,
  RegisterGroupDocument, ViewerDocument,
} from "../generated/operations.js";
import { fault, happened, ofType, present } from "../support/expect.js";
import { limits, useLinkspan } from "../support/linkspan.js";

describe("sign-in and faults", limits, () => {
  const linkspan = useLinkspan();

  test("without a valid token everything but introspection is UNAUTHENTICATED, and a WebSocket is closed", async () => {
    const good = await linkspan.token("ana@acme");
    const [head, claims, signature] = good.split(".");
    const forged = [head, Buffer.from('{"sub":"ana","group":"globex","aud":"linkspan","exp":9999999999}').toString("base64url"), signature];
    const expired = await linkspan.token("ana@acme", "--ttl", "1ns");
    const ofNobody = await linkspan.token("ana@nobody-here");
    const bad = { none: undefined, empty: "", garbled: "nonsense", cut: [head, claims].join("."), forged: forged.join("."), expired, "of a group that is not there": ofNobody };
    for (const [kind, token] of Object.entries(bad)) {
      const socketClosed = new RegExp(`Socket closed with event ${kind === "expired" ? 4403 : 4401} `);
      for (const transport of ["POST", "GET", "WebSocket"] as const) {
        const client = linkspan.connect(token, { transport });
        const refused = async (answer: Promise<unknown>, over: typeof transport = transport): Promise<void> =>
          over === "WebSocket" && token !== undefined ? assert.rejects(answer, socketClosed, kind) : fault(answer, "UNAUTHENTICATED");
        const introspected = client.apollo.query({ query: gql`{ __schema { queryType { name } } }` });
        if (transport === "WebSocket" && token !== undefined) await refused(introspected);
        else assert.ok((await introspected).data, kind);
        await refused(client.query(ViewerDocument, {}));
        await refused(client.query(GroupByHandleDocument, { handle: "acme" }));
        await refused(client.mutate(RegisterGroupDocument, { handle: "x-y", name: "X" }));
        await refused(client.follow(InboxDocument, {}).next(), "WebSocket");
      }
    }
  });

  test("a subscription ends with its token", async () => {
    const client = linkspan.connect(await linkspan.token("ana@acme", "--ttl", "3s"));
    const inbox = client.follow(InboxDocument, {});
    await assert.rejects(inbox.until(() => false), /Socket closed with event 4403 The token has expired/);
    await fault(client.query(ViewerDocument, {}), "UNAUTHENTICATED");
  });

  test("every transport carries queries and mutations alike", async () => {
    for (const transport of ["POST", "GET", "WebSocket"] as const) {
      const ana = await linkspan.signIn("ana@acme", { transport });
      assert.equal((await ana.query(ViewerDocument, {})).viewer?.group.handle, "acme");
      const input = { target: { handle: "globex" }, name: `by ${transport}` };
      const { sharedChannel } = happened((await ana.mutate(CreateSharedChannelDocument, input)).createSharedChannel);
      const { node } = await ana.query(ChannelNodeDocument, { id: present(sharedChannel).id });
      assert.equal(ofType(node, "SharedChannel").name, `by ${transport}`);
    }
  });

  test("ids are told apart: malformed, of nothing, of something", async () => {
    const ana = await linkspan.signIn("ana@acme");
    const me = present((await ana.query(ViewerDocument, {})).viewer);
    for (const id of ["nonsense", "", "chn_", `${me.id}0`, "chn_\u0000"]) {
      await fault(ana.query(ChannelNodeDocument, { id }), "BAD_USER_INPUT");
      await fault(ana.query(NodesDocument, { ids: [me.id, id] }), "BAD_USER_INPUT");
    }
    const { nodes } = await ana.query(NodesDocument, { ids: [me.group.id, me.id, me.user.id] });
    assert.deepEqual(nodes.map((node) => [node?.__typename, node?.id]), [["Group", me.group.id], ["Viewer", me.id], ["User", me.user.id]]);
    const tooMany = Array.from({ length: 101 }, () => me.id);
    await fault(ana.query(NodesDocument, { ids: tooMany }), "BAD_USER_INPUT");
    const gil = await linkspan.signIn("gil@globex");
    assert.deepEqual((await gil.query(NodesDocument, { ids: [me.id] })).nodes, [null]);
  });

  test("a document that does not fit the schema is told so", async () => {
    const ana = await linkspan.signIn("ana@acme");
    await fault(ana.apollo.query({ query: gql`{ viewer { shoeSize } }` }), "GRAPHQL_VALIDATION_FAILED");
    await fault(ana.mutate(CreateSharedChannelDocument, { target: { handle: "globex" } } as never), "BAD_USER_INPUT");
  });

  test("a @oneOf input has exactly one field, whose value is not null", async () => {
    const ana = await linkspan.signIn("ana@acme");
    const { group } = await ana.query(GroupByHandleDocument, { handle: "globex" });
    for (const target of [{}, { handle: null }, { handle: "globex", id: present(group).id }]) {
      await fault(ana.mutate(CreateSharedChannelDocument, { target, name: "one of" } as never), "BAD_USER_INPUT");
    }
  });

  test("a @oneOf input has no second field, not even null", async () => {
    const ana = await linkspan.signIn("ana@acme");
    const target = { handle: "globex", id: null };
    await fault(ana.mutate(CreateSharedChannelDocument, { target, name: "one of" } as never), "BAD_USER_INPUT");
  });
});
