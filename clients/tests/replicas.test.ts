import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CombinedGraphQLErrors } from "@apollo/client";
import { InboxDocument } from "../generated/operations.js";
import type { Client } from "../support/client.js";
import { limits, useLinkspan, type TestGroup } from "../support/linkspan.js";
import { Replicas } from "../support/replicas.js";
import { ask, inboxCursor } from "../support/steps.js";

const ROUNDS = 2; // of replacing both replicas

describe("replicas", limits, () => {
  const linkspan = useLinkspan();
  let replicas: Replicas;
  before(async () => {
    replicas = await Replicas.start(2, await linkspan.installation());
  });
  after(() => replicas.stop());

  /** A client behind the balancer. */
  async function signIn(user: string, role: "admin" | "member"): Promise<Client> {
    return linkspan.connect(await linkspan.token(user, "--role", role), { url: replicas.url });
  }

  test("a rolling restart loses nothing that was asked for or heard", async () => {
    const [acme, globex] = await linkspan.newGroups("Acme", "Globex");
    const from = await inboxCursor(globex.admin);
    const listeners = await Promise.all(
      (["admin", "member"] as const).map(async (role) => new Listener(await signIn(`gil-${role}@${globex.handle}`, role), from)),
    );
    let rolling = true;
    const writers = [1, 2, 3].map(async (number) => {
      const client = await signIn(`ana-${number}@${acme.handle}`, "admin");
      const asked: string[] = [];
      for (let round = 0; rolling; round++) asked.push(await askUntilAnswered(client, globex, `channel ${number}-${round}`));
      return asked;
    });
    const writing = Promise.all(writers);
    await Promise.race([writing, rolls(ROUNDS)]);
    rolling = false;
    const asked = (await writing).flat();

    const [first, second] = await Promise.all(listeners.map((listener) => listener.until(asked)));
    assert.deepEqual(second, first, "two listeners hear the same in the same order");
    assert.deepEqual([...(first ?? [])].sort(), asked.sort(), "each invitation is heard once");
    assert.ok(listeners.every(({ sockets }) => sockets > 1), "each listener has lost its socket");
  });

  async function rolls(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) await replicas.roll();
  }
});

/** Asks for a channel, with a key and again while the answer is lost or says so, and returns the invitation's id. */
async function askUntilAnswered(client: Client, target: TestGroup, name: string): Promise<string> {
  for (;;) {
    try {
      return (await ask(client, target, name, { idempotencyKey: name })).invitation.id;
    } catch (error) {
      const told = CombinedGraphQLErrors.is(error) && error.errors[0]?.extensions?.retryable !== true;
      if (told || error instanceof assert.AssertionError) throw error;
    }
  }
}

/** A subscription to the inbox that resumes behind the last cursor whenever its socket is gone, as a product's does. */
class Listener {
  readonly #client: Client;
  readonly #heard: string[] = [];
  #after: string;
  #listening = true;
  #wake: () => void = () => {};
  sockets = 0;

  constructor(client: Client, after: string) {
    this.#client = client;
    this.#after = after;
    void this.#listen();
  }

  /** What was heard until all of those were, and then it hears no more. */
  async until(invitations: readonly string[]): Promise<string[]> {
    while (!invitations.every((id) => this.#heard.includes(id))) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#listening = false;
    return this.#heard;
  }

  async #listen(): Promise<void> {
    while (this.#listening) {
      const inbox = this.#client.follow(InboxDocument, { after: this.#after });
      this.sockets++;
      try {
        for (;;) {
          const event = (await inbox.next()).inbox;
          this.#after = event.cursor;
          if (event.__typename === "InvitationReceived") this.#heard.push(event.invitation.id);
          this.#wake();
        }
      } catch {
        inbox.close();
      }
    }
  }
}
