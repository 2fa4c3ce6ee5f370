import type { TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { TypedDocumentNode } from "@apollo/client";
import { createClient, type Client, type SubscribePayload } from "graphql-ws";
import { WebSocket } from "ws";
import { within } from "./deadline.js";
import { Feed, type Sink } from "./feed.js";
import { request, type Answer, type Request } from "./http.js";

const CLOSE_MS = 15_000;
const AGAIN_MS = 20; // until a socket that was closed is opened again

export interface CloseEvent {
  readonly code: number;
  readonly reason: string;
}

/** graphql-ws until the test ends: one socket after the other. */
export class Sockets {
  readonly #client: Client;
  /** How many it has opened, or tried to. */
  opened = 0;
  /** The codes that they were closed with. */
  readonly closed: number[] = [];
  #wake: () => void = () => {};

  constructor(t: TestContext, url: string, token: () => string, generateID?: () => string) {
    this.#client = createClient({
      url: url.replace(/^http/, "ws"),
      webSocketImpl: WebSocket,
      connectionParams: () => ({ Authorization: `Bearer ${token()}` }),
      retryAttempts: 500,
      retryWait: () => setTimeout(AGAIN_MS),
      ...(generateID && { generateID }),
      on: {
        connecting: () => void this.opened++,
        closed: (event) => {
          this.closed.push((event as CloseEvent).code);
          this.#wake();
        },
      },
    });
    t.after(() => this.dispose());
  }

  async dispose(): Promise<void> {
    await this.#client.dispose();
  }

  listen<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>, variables: Variables,
  ): Feed<Answer<Data>> {
    return Feed.of((sink) => this.subscribe(request(document, variables), sink));
  }

  subscribe<Data>(asked: Request, sink: Sink<Answer<Data>>): () => void {
    return this.#client.subscribe<Data>(asked as SubscribePayload, sink as never);
  }

  /** Waits until so many were closed. */
  async closes(count: number): Promise<void> {
    while (this.closed.length < count) await within(CLOSE_MS, "a close", new Promise<void>((resolve) => (this.#wake = resolve)));
  }
}
