import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { GroupByHandleDocument } from "../generated/operations.js";
import { useBrowser } from "../support/browser.js";
import { present } from "../support/expect.js";
import { GraphiQLPage, STEPS, type Answer } from "../support/graphiql.js";
import { limits, useLinkspan } from "../support/linkspan.js";
import { ask } from "../support/steps.js";

describe("GraphiQL plays the main job", limits, () => {
  const linkspan = useLinkspan();
  const browser = useBrowser();
  let asked = 0;

  async function open(query = "?as=ana@acme"): Promise<GraphiQLPage> {
    return await new GraphiQLPage(await browser.open(linkspan.url.replace(/graphql$/, `graphiql${query}`))).ready();
  }

  /** Has globex listen, and returns how many events it has heard of when it surely does. */
  async function listen(page: GraphiQLPage): Promise<number> {
    await page.open("GlobexListens");
    await page.press();
    await page.until("globex listens", async () => (await page.listening()).includes("listening"));
    await page.until("globex hears", async () => {
      await askGlobex();
      return (await page.events("GlobexListens")) > 0;
    });
    const last = await askGlobex();
    await page.answer((answer) => answer.data?.invitationReceived.invitation.id === last.id);
    return await page.events("GlobexListens");
  }

  /** Asks globex as Ana, by another client. */
  async function askGlobex(): Promise<{ readonly id: string }> {
    const ana = await linkspan.signIn("ana@acme");
    const { group } = await ana.query(GroupByHandleDocument, { handle: "globex" });
    return (await ask(ana, present(group), `asked ${++asked}`)).invitation;
  }

  test("each step of the main job is one press, the first time and again", async () => {
    const page = await open();
    assert.deepEqual(await page.tabs(), STEPS);
    assert.equal(await page.listening(), "");
    const before = await listen(page);

    const names = new Set<string>();
    for (const round of [1, 2]) {
      const asked = (await page.play("AcmeAsks")).data.createSharedChannel;
      assert.deepEqual(asked.errors, []);
      assert.equal(asked.sharedChannel.state, "PENDING");
      names.add(asked.sharedChannel.name);
      await page.until("the event is counted", async () => (await page.events("GlobexListens")) === before + round);

      const accepted = (await page.play("GlobexAccepts")).data.acceptSharedChannel;
      assert.deepEqual(accepted.errors, []);
      assert.equal(accepted.sharedChannel.id, asked.sharedChannel.id);
      assert.equal(accepted.sharedChannel.state, "ACTIVE");
      assert.equal(accepted.invitation.resolvedBy.name, "Gil");

      const sides = [{ name: asked.sharedChannel.name, group: { name: "Acme" } }, { name: accepted.sharedChannel.name, group: { name: "Globex" } }];
      const seen = (answer: Answer) => [answer.data.viewer.user.name, ...answer.data.viewer.sharedChannels.nodes];
      const messages = { nodes: [] };
      assert.deepEqual(seen(await page.play("AcmeSees")), ["Ana", { ...asked.sharedChannel, state: "ACTIVE", sides, messages }]);
      assert.deepEqual(seen(await page.play("GlobexSees")), ["Gil", { ...accepted.sharedChannel, sides, messages }]);

      // What came while the tab was away is there when it is opened, and it listens on.
      await page.open("GlobexListens");
      const { invitation } = (await page.answer((answer) => answer.data?.invitationReceived.invitation.id === asked.invitation.id)).data.invitationReceived;
      assert.deepEqual([invitation.proposedName, invitation.sentBy.name], [asked.sharedChannel.name, "Ana"]);
    }
    assert.equal(names.size, 2, "a new name each time");

    await page.press(); // it is the stop button now
    await page.until("nobody listens any more", async () => (await page.listening()) === "");
    assert.doesNotMatch(await page.kept(), /eyJ/, "no token is kept");
    assert.doesNotMatch(page.watched.asked.join(), /eyJ/, "no token is in a URL");
  });

  test("what one side says arrives in the other side's tab, but for what it says among itself", async () => {
    const page = await open();
    const frames: string[] = [];
    page.page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => frames.push(String(payload))));
    await page.play("AcmeAsks");
    await page.play("GlobexAccepts");
    for (const tab of ["AcmeFollows", "GlobexFollows"]) {
      await page.open(tab);
      await page.press();
      await page.answer((answer) => answer.data?.channelEvents.__typename === "ChannelCheckpoint");
    }

    const posted = (await page.play("AcmePosts")).data.postMessage;
    assert.deepEqual(posted.errors, []);
    const heard = async (tab: string, id: string) => {
      await page.open(tab);
      const event = (await page.answer((answer) => answer.data?.channelEvents.message?.id === id)).data.channelEvents;
      return [event.__typename, event.actor.name, event.message.body, event.message.audience];
    };
    assert.deepEqual(await heard("GlobexFollows", posted.message.id), ["MessagePosted", "Ana", posted.message.body, "EVERYONE"]);

    const { alone, answer } = (await page.play("GlobexPosts")).data;
    assert.deepEqual([alone.errors, answer.errors, alone.message.audience], [[], [], "OWN_GROUP"]);
    const [, , body] = await heard("AcmeFollows", answer.message.id);
    assert.match(body, /^We are\. /);
    assert.deepEqual(await heard("GlobexFollows", answer.message.id), ["MessagePosted", "Gil", body, "EVERYONE"]);
    const told = (id: string) => frames.filter((frame) => frame.includes(id)).length;
    assert.deepEqual([told(answer.message.id), told(alone.message.id)], [2, 1], "how many have been told of each");

    const said = (seen: Answer) => seen.data.viewer.sharedChannels.nodes[0].messages.nodes.map((each: any) => `${each.author.name}, ${each.audience}`);
    assert.deepEqual(said(await page.play("AcmeSees")), ["Ana, EVERYONE", "Gil, EVERYONE"]);
    assert.deepEqual(said(await page.play("GlobexSees")), ["Ana, EVERYONE", "Gil, OWN_GROUP", "Gil, EVERYONE"]);
  });

  test("an approval and a parting are one press a step, the first time and again", async () => {
    const page = await open();
    await page.play("AcmeAsks");
    await page.play("GlobexAccepts");
    for (let round = 1; round <= 2; round++) {
      const { policy, errors } = (await page.play("GlobexWantsApproval")).data.setSharingPolicy;
      assert.deepEqual([policy.whoMayAccept, policy.incomingApproval, errors], ["MEMBERS", true, []]);
      const asked = (await page.play("AcmeAsksAgain")).data.createSharedChannel;
      assert.deepEqual([asked.invitation.state, asked.errors], ["PENDING", []]);
      const waits = (await page.play("HuaAccepts")).data.acceptSharedChannel;
      assert.deepEqual(waits, {
        sharedChannel: null, invitation: { state: "AWAITING_APPROVAL", waiting: [{ name: "Hua" }], awaiting: [{ name: "Globex" }] }, errors: [],
      });
      const { approveInvitation: approved, setSharingPolicy: set } = (await page.play("GilApproves")).data;
      assert.deepEqual([approved.errors, set.errors], [[], []]);
      assert.deepEqual(approved.sharedChannel, { id: asked.sharedChannel.id, name: asked.sharedChannel.name, state: "ACTIVE" });
      assert.deepEqual(approved.invitation.history.map((row: any) => [row.deed, row.state, row.actor.name]), [
        ["CREATE", "PENDING", "Ana"], ["ACCEPT", "AWAITING_APPROVAL", "Hua"], ["APPROVE", "ACCEPTED", "Gil"],
      ]);
      assert.deepEqual(set.policy, { version: policy.version + 1, whoMayAccept: "ADMINS", incomingApproval: false });

      const { postMessage: last, leaveSharedChannel: left } = (await page.play("GlobexLeaves")).data;
      assert.deepEqual([last.errors, left.errors], [[], []]);
      assert.deepEqual([left.sharedChannel.id, left.sharedChannel.state], [asked.sharedChannel.id, "DISCONNECTED"]);
      assert.deepEqual((await page.play("AcmeGoesOn")).data.postMessage.errors, []);
      assert.deepEqual((await page.play("GlobexReadsOn")).data.node, {
        ...left.sharedChannel, messages: { nodes: [{ body: last.message.body, author: { name: "Gil" } }] },
      });
    }
  });

  test("a subscription goes on in its own tab, until that is closed", async () => {
    const page = await open();
    const before = await listen(page);
    await page.openNew(); // which GraphiQL does without ending what the last tab does
    const invitation = await askGlobex();
    await page.until("the event is counted", async () => (await page.events("GlobexListens")) === before + 1);
    assert.equal(await page.text("response.json"), "", "nothing of it is in the new tab");
    await page.page.getByRole("button", { name: /^● GlobexListens/ }).click();
    await page.answer((answer) => answer.data?.invitationReceived.invitation.id === invitation.id);
    await page.close("GlobexListens");
    await page.until("nobody listens any more", async () => (await page.listening()) === "");
  });

  test("a tab acts as the user of the page, or as the one that its comment names", async () => {
    const page = await open("?as=gil@globex");
    assert.match(await page.page.title(), /gil@globex/);
    await page.openNew();
    await page.type("operation.graphql", "query WhoAmI { viewer { user { name } group { handle } role } }");
    const who = async () => (await page.execute()).data.viewer;
    assert.deepEqual(await who(), { user: { name: "Gil" }, group: { handle: "globex" }, role: "ADMIN" });

    const chosen = page.page.getByLabel("This tab acts as");
    assert.equal(await chosen.inputValue(), "gil@globex");
    await chosen.selectOption("ben@acme");
    assert.deepEqual(await who(), { user: { name: "Ben" }, group: { handle: "acme" }, role: "MEMBER" });
    assert.match(await page.text("operation.graphql"), /^# as ben@acme\n/);
    await page.type("operation.graphql", "# as zoe@initech\nquery WhoAmI { viewer { user { name } group { handle } role } }");
    assert.deepEqual(await who(), { user: { name: "zoe" }, group: { handle: "initech" }, role: "MEMBER" });
    await page.type("operation.graphql", "# as zoe@nowhere\nquery WhoAmI { viewer { user { name } group { handle } role } }");
    assert.match((await page.execute()).errors?.[0]?.message ?? "", /zoe@nowhere is of no group/);
    page.watched.expected.push(/status of 40[04]/); // Chromium tells it on the console
    await page.type("operation.graphql", "{ viewer { shoeSize } }");
    assert.equal((await page.execute()).errors?.[0]?.extensions?.code, "GRAPHQL_VALIDATION_FAILED");
  });

  test("without ?as= nobody is signed in, but by a header", async () => {
    const page = await open("");
    assert.deepEqual(await page.tabs(), STEPS);
    assert.match((await page.play("AcmeSees")).errors?.[0]?.message ?? "", /put a token in place of <token>/);
    assert.match(await page.text("operation.graphql"), /linkspan token ana@acme/);
    const token = await linkspan.token("ana@acme");
    await page.type("request-headers.json", JSON.stringify({ Authorization: `Bearer ${token}` }));
    assert.equal((await page.execute()).data.viewer.user.name, "Ana");
    assert.equal(await page.page.getByLabel("This tab acts by").innerText(), "its Authorization header");
    await page.open("AcmeAsks");
    await page.page.getByText("Nobody is signed in").waitFor();
    await page.type("request-headers.json", JSON.stringify({ authorization: `Bearer ${token}` }));
    assert.deepEqual((await page.execute()).data.createSharedChannel.errors, []);
    await page.until("the history is kept", async () => (await page.kept()).includes("graphiql:queries"));
    assert.doesNotMatch(await page.kept(), /eyJ/, "no token is kept");

    await page.open("GlobexListens");
    await page.type("request-headers.json", JSON.stringify({ Authorization: "Bearer nonsense" }));
    const [refused] = (await page.execute()).errors ?? [];
    assert.match(`${refused?.extensions?.code} ${refused?.message}`, /UNAUTHENTICATED|4401/);
    assert.equal(page.watched.asked.filter((url) => url.includes("sign-in")).length, 0);
  });
});
