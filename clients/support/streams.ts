import type { TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { TypedDocumentNode } from "@apollo/client";
import { createClient, type Client, type RequestParams } from "graphql-sse";
import type { InvitationReceivedSubscription } from "../generated/operations.js";
import { within } from "./deadline.js";
import { Feed, type Sink } from "./feed.js";
import { bearer, request, type Answer, type Request } from "./http.js";

const AGAIN_MS = 20; // until a stream that broke off is tried again
const RETURN_MS = 15_000;

/**
 * graphql-sse until the test ends, with what a product adds: it comes back with the last event's cursor, for the library
 * keeps no ids.
 */
export class Streams {
  readonly #client: Client;
  /** How often it has asked for a stream. */
  asked = 0;
  #last: Record<string, string> = {};
  #wake: () => void = () => {};

  constructor(t: TestContext, url: string, token: string | (() => string), options: { retryAttempts: number } = { retryAttempts: 500 }) {
    this.#client = createClient({
      ...options,
      url,
      headers: () => {
        this.asked++;
        this.#wake();
        return { ...bearer(typeof token === "string" ? token : token()), ...this.#last };
      },
      retry: () => setTimeout(AGAIN_MS),
      on: {
        message: ({ data }) => {
          const { invitationReceived: event } = ((data as Answer | null)?.data ?? {}) as Partial<InvitationReceivedSubscription>;
          if (event !== undefined) this.#last = { "Last-Event-ID": event.cursor };
        },
      },
    });
    t.after(() => this.#client.dispose());
  }

  listen<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>, variables: Variables,
  ): Feed<Answer<Data>> {
    return Feed.of((sink) => this.subscribe(request(document, variables), sink));
  }

  subscribe<Data>(asked: Request, sink: Sink<Answer<Data>>): () => void {
    return this.#client.subscribe<Data>(asked as RequestParams, sink as never);
  }

  /** Waits until it has asked so often. */
  async again(times: number): Promise<void> {
    while (this.asked < times) await within(RETURN_MS, "another request", new Promise<void>((resolve) => (this.#wake = resolve)));
  }
}
