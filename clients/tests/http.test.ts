// GraphQL over HTTP to the letter, and what bounds it for browsers, for many and for listed operations.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { request as ask } from "node:http";
import { resolve } from "node:path";
import { describe, test } from "node:test";
import { CombinedGraphQLErrors, HttpLink } from "@apollo/client";
import { BatchHttpLink } from "@apollo/client/link/batch-http";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { serverAudits } from "graphql-http";
import { getOperationAST, type DocumentNode } from "graphql";
import { WebSocket } from "ws";
import {
  CreateSharedChannelDocument, GroupByHandleDocument, MyChannelsDocument, ViewerDocument, type ViewerQuery,
} from "../generated/operations.js";
import { fault, happened, isFault, present } from "../support/expect.js";
import { answer, bearer, get, post, request, withParameters } from "../support/http.js";
import { limits, useLinkspan } from "../support/linkspan.js";

const AUDITS = 61;
const TYPENAME = { query: "{ __typename }" };

describe("HTTP", limits, () => {
  const linkspan = useLinkspan();

  test("every audit of graphql-http is ok", async (t) => {
    const audits = serverAudits({ url: () => linkspan.url, fetchFn: fetch });
    assert.equal(audits.length, AUDITS);
    for (const audit of audits) {
      await t.test(audit.name, async () => {
        const result = await audit.fn();
        if (result.status !== "ok") assert.fail(`${result.status}: ${result.reason}: ${await result.response.text()}`);
      });
    }
  });

  test("a GET must show that no other site's page sent it", async () => {
    const status = async (headers: Record<string, string>): Promise<number | undefined> => { // fetch would show it by itself
      const [response] = await once(ask(withParameters(linkspan.url, TYPENAME), { headers }).end(), "response");
      response.resume();
      return response.statusCode;
    };
    assert.equal(await status({}), 400);
    assert.equal(await status({ "Content-Type": "text/plain" }), 400);
    for (const name of ["Apollo-Require-Preflight", "X-Apollo-Operation-Name", "GraphQL-Require-Preflight"]) {
      assert.equal(await status({ [name]: "true" }), 200, name);
    }
  });

  test("pages of listed origins may use it, and no others", async () => {
    const { url } = await linkspan.serve({ LINKSPAN_ALLOWED_ORIGINS: "https://app.example.com,https://*.example.org" });
    const wanted = { "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type" };
    const preflight = async (origin: string): Promise<Headers> =>
      (await fetch(url, { method: "OPTIONS", headers: { Origin: origin, ...wanted } })).headers;
    for (const origin of ["https://app.example.com", "https://any.example.org", new URL(url).origin]) {
      const allowed = await preflight(origin);
      assert.equal(allowed.get("Access-Control-Allow-Origin"), origin);
      assert.match(allowed.get("Access-Control-Allow-Methods") ?? "", /POST/);
      assert.match(allowed.get("Access-Control-Allow-Headers") ?? "", /authorization, ?content-type/i);
      const answered = await post(url, TYPENAME, { Origin: origin });
      assert.equal(answered.headers.get("Access-Control-Allow-Origin"), origin);
      assert.match(answered.headers.get("Access-Control-Expose-Headers") ?? "", /Retry-After/i);
      assert.equal(await upgrade(url, origin), 101);
    }
    for (const origin of ["https://evil.example.com", "http://app.example.com", "https://app.example.com:444", "null"]) {
      assert.equal((await preflight(origin)).get("Access-Control-Allow-Origin"), null, origin);
      assert.equal((await post(url, TYPENAME, { Origin: origin })).headers.get("Access-Control-Allow-Origin"), null, origin);
      assert.equal(await upgrade(url, origin), 403, origin);
    }
  });

  test("a user who asks too often is told when to come again, whichever way it asks", async () => {
    const { url } = await linkspan.serve({ LINKSPAN_RATE: "0.05", LINKSPAN_RATE_BURST: "3" });
    const [ana, gil] = await Promise.all(["ana@acme", "gil@globex"].map((user) => linkspan.token(user)));
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => post(url, request(ViewerDocument, {}), bearer(present(ana)))));
    const refused = answers.filter(({ status }) => status !== 200);
    assert.deepEqual(refused.map(({ status }) => status), [429, 429]);
    for (const response of refused) {
      const seconds = Number(response.headers.get("Retry-After"));
      assert.ok(seconds > 1 && seconds <= 20, `Retry-After: ${seconds}`); // one each 20 s
      const { errors } = await answer(response);
      const { retryAfter, ...rest } = present(errors?.[0]?.extensions);
      assert.deepEqual({ ...rest, requestId: "" }, { code: "RATE_LIMITED", retryable: true, requestId: "" });
      assert.equal(Math.ceil(Number(retryAfter)), seconds);
    }
    const socket = linkspan.connect(present(ana), { url, transport: "WebSocket" });
    await assert.rejects(socket.query(ViewerDocument, {}), (error) =>
      CombinedGraphQLErrors.is(error) && error.errors[0]?.extensions?.code === "RATE_LIMITED");
    assert.equal((await post(url, request(ViewerDocument, {}), bearer(present(gil)))).status, 200, "another user");
  });

  test("dev limits no rates", async () => {
    const token = bearer(await linkspan.token("ana@acme"));
    const answers = await Promise.all(Array.from({ length: 300 }, () => post(linkspan.url, TYPENAME, token)));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  });

  test("a body of 2 MB is refused, and the client hears why", async () => {
    for (const accept of ["application/json", "application/graphql-response+json"]) {
      const response = await post(linkspan.url, { query: `{ __typename } #${"x".repeat(2_000_000)}` }, { Accept: accept });
      assert.equal(response.status, 413);
      isFault((await answer(response)).errors, "BAD_USER_INPUT");
    }
  });

  for (const method of ["POST", "GET"] as const) {
    test(`Apollo's automatic persisted queries, by ${method}: the document goes out once`, async () => {
      // One document for each method: what the server knows it knows for all.
      const query: DocumentNode = method === "GET" ? GroupByHandleDocument : ViewerDocument;
      const variables = method === "GET" ? { handle: "acme" } : {};
      const sent: string[] = [];
      const sign = () => linkspan.signIn("ana@acme", {
        link: (http) => new PersistedQueryLink({ sha256, useGETForHashedQueries: method === "GET" }).concat(new HttpLink({
          ...http,
          fetch: async (input, init) => {
            const response = await present(http.fetch)(input, init);
            const [error] = (await answer(response.clone())).errors ?? [];
            const asked = `${input}${init?.body ?? ""}`;
            const parts = [asked.includes("sha256Hash") && "hash", /query\W+query/.test(asked) && "document", error?.message];
            sent.push([init?.method, ...parts].filter(Boolean).join(" "));
            return response;
          },
        })),
      });
      const first = await sign();
      await first.apollo.query({ query, variables });
      await first.apollo.query({ query, variables });
      await (await sign()).apollo.query({ query, variables });
      assert.deepEqual(sent, [`${method} hash PersistedQueryNotFound`, "POST hash document", `${method} hash`, `${method} hash`]);

      const input = { target: { handle: "globex" }, name: `persisted by ${method}` };
      happened((await first.mutate(CreateSharedChannelDocument, input)).createSharedChannel);
      assert.match(present(sent.at(-1)), /^POST hash/, "a mutation never goes by GET");
    });
  }

  test("the list of graphql-codegen's client preset, and nothing else", async () => {
    const path = resolve("generated/persisted-documents.json");
    const list = Object.entries(JSON.parse(await readFile(path, "utf8")) as Record<string, string>);
    const { url } = await linkspan.serve({ LINKSPAN_OPERATIONS: path, LINKSPAN_OPERATIONS_ONLY: "true" });
    const token = bearer(await linkspan.token("ana@acme"));
    const idOf = (name: string): string =>
      present(list.find(([, text]) => new RegExp(`(query|mutation) ${name}\\b`).test(text)))[0];

    for (const [documentId, query] of list.filter(([, text]) => !text.includes("subscription "))) {
      for (const body of [{ documentId }, { query }]) { // without what some need; none is refused for its document
        const { errors } = await answer(await post(url, body, token));
        for (const error of errors ?? []) assert.equal(error.extensions?.code, "BAD_USER_INPUT", error.message);
      }
    }
    const viewer = { documentId: idOf("Viewer") };
    for (const response of [await post(url, viewer, token), await get(url, viewer, token)]) {
      const { data, errors } = await answer<ViewerQuery>(response);
      assert.deepEqual([data?.viewer?.group.handle, errors], ["acme", undefined]);
    }
    const byId = new PersistedQueryLink({ generateHash: (document) => idOf(nameOf(document)) });
    const ana = linkspan.connect(await linkspan.token("ana@acme"), { url, link: (http) => byId.concat(new HttpLink(http)) });
    assert.equal((await ana.query(ViewerDocument, {})).viewer?.group.handle, "acme");
    const input = { target: { handle: "globex" }, name: "a listed operation" };
    happened((await ana.mutate(CreateSharedChannelDocument, input)).createSharedChannel);

    for (const body of [TYPENAME, { query: "{ __schema { queryType { name } } }" }, { documentId: sha256("{ __typename }") }]) {
      isFault((await answer(await post(url, body, token))).errors, "OPERATION_NOT_LISTED");
      isFault((await answer(await get(url, body, token))).errors, "OPERATION_NOT_LISTED");
    }
    const automatic = linkspan.connect(await linkspan.token("ana@acme"), {
      url, link: (http) => new PersistedQueryLink({ sha256 }).concat(new HttpLink(http)),
    });
    await fault(automatic.query(MyChannelsDocument, {}), "OPERATION_NOT_LISTED"); // Apollo prints it otherwise
    const socket = linkspan.connect(await linkspan.token("ana@acme"), { url, transport: "WebSocket" });
    await fault(socket.query(MyChannelsDocument, {}), "OPERATION_NOT_LISTED");
  });

  test("an array of operations is refused in words", async () => {
    const ana = await linkspan.signIn("ana@acme", { link: (http) => new BatchHttpLink(http) });
    const both = await Promise.allSettled([ana.query(ViewerDocument, {}), ana.query(GroupByHandleDocument, { handle: "acme" })]);
    for (const one of both) {
      assert.equal(one.status, "rejected");
      const { message, result } = one.reason as Error & { result?: unknown[] };
      assert.match(`${message} ${JSON.stringify(result)}`, /sent one by one/);
    }
    await assert.rejects(ana.query(ViewerDocument, {}), /The request is an array; operations are sent one by one/);
  });
});

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function nameOf(document: DocumentNode): string {
  return present(getOperationAST(document)?.name).value;
}

/** The status of the answer to a page of that origin that opens a WebSocket. */
async function upgrade(url: string, origin: string): Promise<number | undefined> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), "graphql-transport-ws", { origin });
  return await new Promise((resolve, reject) => {
    socket.once("upgrade", ({ statusCode }) => resolve(statusCode));
    socket.once("unexpected-response", (_, { statusCode }) => {
      resolve(statusCode);
      socket.terminate();
    });
    socket.on("error", reject);
  }).finally(() => socket.terminate()) as number | undefined;
}
