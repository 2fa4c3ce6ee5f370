// A real browser: Debian's Chromium, or the one that LINKSPAN_CHROMIUM names.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, afterEach, before } from "node:test";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

const executablePath = process.env.LINKSPAN_CHROMIUM ?? "/usr/bin/chromium";

/** Starts the browser for the tests of the `describe` that calls it, and ends it after them. */
export function useBrowser(): Tabs {
  let browser: Browser | undefined;
  const tabs = new Tabs();
  before(async () => {
    assert.ok(existsSync(executablePath), `no Chromium at ${executablePath}: \`apt-get install chromium\`, or name one by LINKSPAN_CHROMIUM`);
    const args = process.getuid?.() === 0 ? ["--no-sandbox"] : []; // Chromium's sandbox refuses root
    browser = await chromium.launch({ executablePath, args });
    tabs.context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  });
  afterEach(() => tabs.close());
  after(() => browser?.close());
  return tabs;
}

class Tabs {
  context: BrowserContext | undefined;
  #pages: WatchedPage[] = [];

  /** Opens a page of that server, for which nothing is kept but what the browser has cached, until the test ends. */
  async open(url: string): Promise<WatchedPage> {
    assert.ok(this.context, "the browser runs");
    const page = await this.context.newPage();
    await page.goto(new URL("/healthz", url).href);
    await page.evaluate("localStorage.clear(), sessionStorage.clear()");
    const watched = new WatchedPage(page, new URL(url).origin);
    this.#pages.push(watched);
    await page.goto(url);
    return watched;
  }

  /** Ends a test: no page may have complained, or have asked anybody but its own server. */
  async close(): Promise<void> {
    const pages = this.#pages;
    this.#pages = [];
    await Promise.all(pages.map(({ page }) => page.close()));
    for (const page of pages) page.wasFine();
  }
}

/** A page with all that it asked for, and all that it complained of. */
export class WatchedPage {
  readonly page: Page;
  /** The URLs of its requests, WebSockets included. */
  readonly asked: string[] = [];
  /** What it may say on the console all the same. */
  readonly expected: RegExp[] = [];
  readonly #origin: string;
  readonly #complaints: string[] = [];

  constructor(page: Page, origin: string) {
    this.page = page;
    this.#origin = origin;
    page.on("request", (request) => this.asked.push(request.url()));
    page.on("websocket", (socket) => this.asked.push(socket.url()));
    page.on("pageerror", (error) => this.#complaints.push(`uncaught: ${error.stack ?? error.message}`));
    // Violations of the page's policy are told here too.
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.#complaints.push(`${message.type()}: ${message.text()}`);
    });
  }

  wasFine(): void {
    const complaints = this.#complaints.filter((text) => !this.expected.some((expected) => expected.test(text)));
    assert.deepEqual(complaints, [], "what the page complained of");
    const elsewhere = this.asked.filter((url) => !/^(data|blob):/.test(url) && new URL(url.replace(/^ws/, "http")).origin !== this.#origin);
    assert.deepEqual(elsewhere, [], "what it asked of others");
  }
}
