import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { CombinedGraphQLErrors } from "@apollo/client";
import { InboxDocument } from "../generated/operations.js";
import type { Client } from "../support/client.js";
import type { Feed } from "../support/feed.js";
import { limits, useLinkspan, type TestGroup } from "../support/linkspan.js";
import { Replicas } from "../support/replicas.js";
import { ask, inboxCursor } from "../support/steps.js";

const ROUNDS = 2; // of replacing both replicas
const AGAIN_MS = 20; // until what was lost is tried again

describe("replicas", limits, () => {
  const linkspan = useLinkspan();

  test("a rolling restart loses nothing that was asked for or heard", async () => {
    const replicas = await Replicas.start(2, await linkspan.installation());
    const signIn = async (user: string, role: "admin" | "member"): Promise<Client> =>
      linkspan.connect(await linkspan.token(user, "--role", role), { url: replicas.url });
    let rolling = true;
    try {
      const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
      const from = await inboxCursor(globex.admin);
      const listeners = await Promise.all(
        (["admin", "member"] as const).map(async (role) => new Listener(await signIn(`gil-${role}@${globex.handle}`, role), from)),
      );
      const writing = [1, 2, 3].map(async (number) => {
        const client = await signIn(`ana-${number}@${acme.handle}`, "admin");
        const asked: string[] = [];
        for (let round = 0; rolling; round++) asked.push(await askUntilAnswered(client, globex, `channel ${number}-${round}`));
        return asked;
      });
      const rolled = (async () => {
        for (let round = 0; round < ROUNDS && rolling; round++) await replicas.roll();
        rolling = false;
      })();
      const [, ...made] = await Promise.all([rolled, ...writing]);
      const asked = made.flat();

      const [first, second] = await Promise.all(listeners.map((listener) => listener.until(asked)));
      assert.deepEqual(second, first, "two listeners hear the same in the same order");
      assert.deepEqual([...(first ?? [])].sort(), asked.sort(), "each invitation is heard once");
      assert.ok(listeners.every(({ lost }) => lost > 0), "each listener has lost its socket");
    } finally {
      rolling = false;
      await replicas.stop();
    }
  });
});

/** What a client tries again after: no answer, a lost socket, or a fault that says so. */
function isLost(error: unknown): boolean {
  if (CombinedGraphQLErrors.is(error)) return error.errors[0]?.extensions?.retryable === true;
  return error instanceof Error && /fetch failed|other side closed|Socket closed|Failed to fetch|ECONN/.test(`${error.message} ${error.cause}`);
}

/** Asks for a channel, with a key and again while the answer is lost, and returns the invitation's id. */
async function askUntilAnswered(client: Client, target: TestGroup, name: string): Promise<string> {
  for (;;) {
    try {
      return (await ask(client, target, name, { idempotencyKey: name })).invitation.id;
    } catch (error) {
      if (!isLost(error)) throw error;
      await setTimeout(AGAIN_MS);
    }
  }
}

/** A subscription to the inbox that resumes behind the last cursor when its socket is lost, as a product's does. */
class Listener {
  readonly #client: Client;
  readonly #heard: string[] = [];
  #after: string;
  #feed: Feed<unknown> | undefined;
  #failed: unknown;
  #wake: () => void = () => {};
  lost = 0;

  constructor(client: Client, after: string) {
    this.#client = client;
    this.#after = after;
    this.#listen().catch((error: unknown) => {
      this.#failed = error;
      this.#wake();
    });
  }

  /** What was heard until all of those were, and then it hears no more. */
  async until(invitations: readonly string[]): Promise<string[]> {
    while (!invitations.every((id) => this.#heard.includes(id))) {
      if (this.#failed !== undefined) throw this.#failed;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    this.#feed?.close();
    return this.#heard;
  }

  async #listen(): Promise<never> {
    for (;;) {
      const inbox = this.#client.follow(InboxDocument, { after: this.#after });
      this.#feed = inbox;
      try {
        for (;;) {
          const event = (await inbox.next()).inbox;
          this.#after = event.cursor;
          if (event.__typename === "InvitationReceived") this.#heard.push(event.invitation.id);
          this.#wake();
        }
      } catch (error) {
        inbox.close();
        if (!isLost(error)) throw error;
        this.lost++;
        await setTimeout(AGAIN_MS);
      }
    }
  }
}
