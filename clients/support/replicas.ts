// Replicas of the program, `linkspan serve`, behind one address, as a product runs them.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { within } from "./deadline.js";
import { end, launch, ready, type Child } from "./program.js";

const READY_MS = 30_000;
const ASK_MS = 50; // between two questions whether a replica is ready
const DRAIN_DELAY = "500ms"; // longer than that

interface Replica {
  readonly child: Child;
  readonly url: URL;
  ready: boolean;
}

/** Replicas, and a balancer that leads each new connection to one that says on /readyz that it is ready. */
export class Replicas {
  readonly #environment: Record<string, string>;
  readonly #balancer: Server = createServer((client) => this.#lead(client));
  readonly #open = new Set<Socket>();
  #replicas: Replica[] = [];
  #serving = true;
  #turn = 0;

  private constructor(environment: Record<string, string>) {
    this.#environment = { ...environment, LINKSPAN_DRAIN_DELAY: DRAIN_DELAY };
  }

  /** Starts so many on an installation. */
  static async start(count: number, installation: Record<string, string>): Promise<Replicas> {
    const replicas = new Replicas(installation);
    replicas.#balancer.listen(0, "127.0.0.1");
    await once(replicas.#balancer, "listening");
    void replicas.#ask();
    try {
      while (replicas.#replicas.length < count) await replicas.#add();
    } catch (error) {
      await replicas.stop();
      throw error;
    }
    return replicas;
  }

  /** Where GraphQL is served, over HTTP. */
  get url(): string {
    return `http://127.0.0.1:${(this.#balancer.address() as AddressInfo).port}/graphql`;
  }

  /** Replaces each, one after the other, as a rolling restart does. Each must end well. */
  async roll(): Promise<void> {
    for (const old of [...this.#replicas]) {
      await this.#add();
      assert.deepEqual(await end(old.child, "SIGTERM"), { code: 0, signal: null }, "how linkspan serve exits after SIGTERM");
      this.#replicas = this.#replicas.filter((each) => each !== old);
    }
  }

  /** Ends all of them, however they end. */
  async stop(): Promise<void> {
    this.#serving = false;
    this.#balancer.close();
    this.#open.forEach((socket) => socket.destroy());
    await Promise.all(this.#replicas.map(({ child }) => end(child, "SIGTERM")));
  }

  async #add(): Promise<void> {
    const child = launch("serve", this.#environment);
    try {
      const url = new URL(await within(READY_MS, "linkspan serve serves", ready(child)));
      this.#replicas.push({ child, url, ready: true });
    } catch (error) {
      await end(child, "SIGTERM");
      throw error;
    }
  }

  /** Asks each again and again whether it is ready. */
  async #ask(): Promise<void> {
    while (this.#serving) {
      for (const replica of this.#replicas) {
        const answer = fetch(new URL("/readyz", replica.url), { signal: AbortSignal.timeout(READY_MS) });
        replica.ready = await answer.then(({ ok }) => ok, () => false);
      }
      await setTimeout(ASK_MS);
    }
  }

  #lead(client: Socket): void {
    const all = this.#replicas.filter((each) => each.ready);
    const to = all[this.#turn++ % all.length];
    if (to === undefined) {
      client.destroy();
      return;
    }
    const server = connect(Number(to.url.port), to.url.hostname);
    for (const [one, other] of [[client, server], [server, client]] as const) {
      this.#open.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.#open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
