import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser } from "../support/browser.js";
import { GraphiQLPage, STEPS } from "../support/graphiql.js";
import { limits, useLinkspan } from "../support/linkspan.js";

describe("the GraphiQL page", limits, () => {
  const linkspan = useLinkspan();
  const browser = useBrowser();

  async function open(): Promise<GraphiQLPage> {
    return await new GraphiQLPage(await browser.open(linkspan.url.replace(/graphql$/, "graphiql?as=ana@acme"))).ready();
  }

  test("what was typed is there after a reload, and is executed with a new token", async () => {
    const page = await open();
    await page.open("AcmeSees");
    await page.type("operation.graphql", "# as ana@acme\nquery Typed { viewer { user { name } } }");
    await page.until("it is kept", async () => (await page.kept()).includes("query Typed"));
    await page.page.reload();
    await page.ready();
    assert.deepEqual(await page.tabs(), STEPS.with(STEPS.indexOf("AcmeSees"), "Typed"));
    assert.match(await page.text("operation.graphql"), /query Typed/);
    assert.equal((await page.execute()).data.viewer.user.name, "Ana");

    page.page.once("dialog", (dialog) => void dialog.accept());
    await Promise.all([page.page.waitForEvent("load"), page.page.getByRole("button", { name: "Start over" }).click()]);
    await page.ready();
    assert.deepEqual(await page.tabs(), STEPS);
  });

  test("the tabs are numbered as they are to be played", async () => {
    const page = await open();
    const numbers = STEPS.map((step) => `getComputedStyle(document.querySelector('.graphiql-tab-button[title="${step}"]'), "::before").content`);
    assert.deepEqual(await page.page.evaluate(`[${numbers}]`), STEPS.map((_, i) => `"${i + 1} "`));
    for (const [i, step] of STEPS.entries()) {
      await page.open(step);
      await page.until("the comment has the same number", async () => (await page.text("operation.graphql")).includes(`\n# ${i + 1}. `));
    }
  });

  test("nothing that an older page has kept keeps it from opening", async () => {
    const page = await open();
    const tab = { id: "old", title: "Old", query: "# as gil@globex\nquery Old { viewer { user { name } } }", variables: null, headers: '{"Authorization":"Bearer eyJold"}', operationName: "Old", response: null };
    for (const kept of [
      { tabState: "rubbish{", queries: "rubbish{", favorites: "[]", theme: "pink", visiblePlugin: "gone" },
      { tabState: JSON.stringify({ tabs: [], activeTabIndex: 7 }), queries: "{}" },
      { tabState: JSON.stringify({ tabs: [tab], activeTabIndex: 0 }), query: "query Other { __typename }", headers: tab.headers },
    ]) {
      await page.page.evaluate((entries) => {
        const { localStorage } = globalThis as unknown as { localStorage: Map<string, string> & { clear(): void; setItem(key: string, value: string): void } };
        localStorage.clear();
        for (const [key, value] of entries) localStorage.setItem(`linkspan:as:graphiql:${key}`, value);
        // The page that is open still has something to keep, a moment later.
        Object.defineProperty(globalThis, "localStorage", { value: { getItem: () => null, setItem: () => {}, removeItem: () => {} } });
      }, Object.entries(kept));
      await page.page.reload();
      await page.ready();
      const [first] = await page.tabs();
      assert.ok(first === "GlobexListens" || first === "Old", `tabs: ${await page.tabs()}`);
    }
    assert.deepEqual(await page.tabs(), ["Old"]);
    assert.equal((await page.execute()).data.viewer.user.name, "Gil", "the old token is not used");
  });

  test("a subscription that is closed says why, and does not come back by itself", async () => {
    const page = await open();
    const closes = [[4401, /4401.*bad token/], [4403, /4403.*expired/], [1000, /closed.*1000/], [1012, /restarts.*1012/], [1013, /too many.*can't be judged.*1013/i]] as const;
    for (const [code, said] of closes) {
      let sockets = 0;
      await page.page.routeWebSocket(/graphql$/, (socket) => {
        sockets++;
        socket.onMessage(() => void socket.close({ code, reason: { 4401: "bad token", 4403: "expired" }[code as number] ?? "" }));
      });
      await page.open("GlobexListens");
      assert.match((await page.execute()).errors?.[0]?.message ?? "", said);
      await page.play("AcmeSees"); // time enough for a socket that comes back
      assert.equal(sockets, 1, `after ${code}`);
      assert.equal(await page.listening(), "");
      await page.page.unrouteAll();
    }
  });

  test("the line at the top names no user where a typed header says who acts", async () => {
    const page = await open();
    await page.open("AcmeSees");
    const named = page.page.getByLabel("This tab acts as");
    assert.equal(await named.inputValue(), "ana@acme");
    await page.page.getByRole("button", { name: "Headers" }).click();
    const token = await linkspan.token("gil@globex");
    await page.type("request-headers.json", `{ "authorization": "Bearer ${token}", /* Gil's */ }`);
    const header = page.page.getByLabel("This tab acts by");
    await header.waitFor();
    assert.equal(await header.isDisabled(), true);
    assert.equal(await header.innerText(), "its Authorization header");
    assert.equal(await named.count(), 0);
    assert.equal((await page.execute()).data.viewer.user.name, "Gil");

    for (const others of ['{ "Authorization": "Bearer <token>" }', '{ "X-Request-Id": "a-request-of-mine" }', "{ rubbish", ""]) {
      await page.type("request-headers.json", others);
      await named.waitFor();
      await page.type("request-headers.json", '{ "Authorization": "Bearer x" }');
      await header.waitFor();
    }
    await page.open("GlobexSees");
    assert.equal(await named.inputValue(), "gil@globex");
  });

  test("the editors help: documentation, formatting, completion from workers", async () => {
    const page = await open();
    await page.page.getByRole("button", { name: "Show Documentation Explorer" }).click();
    await page.page.getByRole("link", { name: "Mutation", exact: true }).click();
    await page.page.getByRole("link", { name: "createSharedChannel", exact: true }).waitFor();
    await page.open("AcmeAsks");
    await page.type("operation.graphql", "# kept\n query   X{__typename}");
    await page.type("variables.json", '{"a":1 /* kept */}');
    await page.page.getByRole("button", { name: /^Prettify/ }).click();
    await page.until("the operation is formatted", async () => (await page.text("operation.graphql")) === "# kept\nquery X {\n  __typename\n}\n");
    assert.equal(await page.text("variables.json"), '{\n  "a": 1 /* kept */\n}');
    await page.type("operation.graphql", "query X { shoeSize }");
    await page.page.locator(".graphiql-query-editor .squiggly-error").first().waitFor();
  });

  test("users that nobody knows are refused in words", async () => {
    for (const [as, said] of [["ana@nowhere", /ana@nowhere is of no group/], ["<b>ana", /is not USER@GROUP/]] as const) {
      const { page, expected } = await browser.open(linkspan.url.replace(/graphql$/, `graphiql?as=${encodeURIComponent(as)}`));
      expected.push(/status of 40[04]/);
      assert.match(await page.locator("body").innerText(), said);
      await page.getByRole("link", { name: "GraphiQL as ana@acme" }).click();
      await page.getByLabel("This tab acts as").waitFor();
    }
  });
});
