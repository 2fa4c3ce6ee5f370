// A client as a product would have one: Apollo over HTTP, with its subscriptions over graphql-ws.

import {
  ApolloClient, ApolloLink, HttpLink, InMemoryCache,
  type InMemoryCacheConfig, type OperationVariables, type TypedDocumentNode,
} from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createClient, type Client as SocketClient } from "graphql-ws";
import { OperationTypeNode } from "graphql";
import { WebSocket } from "ws";
import possibleTypes from "../generated/possible-types.js";
import { Feed } from "./feed.js";

const REQUEST_MS = 20_000;

// GraphQLWsLink looks at the global WebSocket when a subscription is refused. Node has one from version 22.
(globalThis as { WebSocket: unknown }).WebSocket ??= WebSocket;

/**
 * What Apollo's cache must be told about this API: which types implement which interface, that an event of a log replaces
 * the last one, though it may be of another type, and that a message's reactions, and the sides of a channel, are as they came
 * last. All else is found by its id.
 */
export const cacheConfig: InMemoryCacheConfig = {
  ...possibleTypes,
  typePolicies: {
    Subscription: { fields: { inbox: { merge: false }, channelEvents: { merge: false } } },
    Message: { fields: { reactions: { merge: false } } },
    SharedChannel: { fields: { sides: { merge: false } } },
  },
};

/** How a client differs from the default. */
export interface ClientOptions {
  /** Which way queries and mutations go; subscriptions always take the WebSocket. Default: POST. */
  transport?: "POST" | "GET" | "WebSocket";
  /** What all operations go through instead, made of how the API is asked over HTTP. */
  link?: (http: HttpLink.Options) => ApolloLink;
  /** Default: cacheConfig. */
  cache?: InMemoryCacheConfig;
  /** Where GraphQL is served, if not by the program of the test. */
  url?: string;
}

/** One user at the API. Each has a cache and a WebSocket of its own. */
export class Client {
  readonly apollo: ApolloClient;
  /** How many queries and mutations have gone out to the server. */
  requests = 0;
  readonly #socket: SocketClient;
  readonly #feeds: { close(): void }[] = [];
  #current: WebSocket | undefined;

  /** The token is sent as it is: it need not be valid. Undefined: none is sent. */
  constructor(url: string, token: string | undefined, options: ClientOptions = {}) {
    const headers: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    this.#socket = createClient({
      url: url.replace(/^http/, "ws"),
      webSocketImpl: WebSocket,
      connectionParams: headers,
      retryAttempts: 0, // tests see a lost connection
      on: { opened: (socket) => void (this.#current = socket as WebSocket) },
    });
    const socketLink = new GraphQLWsLink(this.#socket);
    const http: HttpLink.Options = {
      uri: url,
      headers,
      useGETForQueries: options.transport === "GET",
      fetch: (input, init) => {
        const limits = [AbortSignal.timeout(REQUEST_MS), ...(init?.signal ? [init.signal] : [])];
        return fetch(input, { ...init, signal: AbortSignal.any(limits) });
      },
    };
    const counting = new ApolloLink((operation, forward) => {
      this.requests++;
      return forward(operation);
    });
    this.apollo = new ApolloClient({
      cache: new InMemoryCache(options.cache ?? cacheConfig),
      link: options.link?.(http) ?? ApolloLink.split(
        ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
        socketLink,
        counting.concat(options.transport === "WebSocket" ? socketLink : new HttpLink(http)),
      ),
      // Each query asks the server; what it answers goes through the cache all the same.
      defaultOptions: { query: { fetchPolicy: "network-only" } },
      queryDeduplication: false, // else a second subscription with the same `after` joins the first, where it is by then
    });
  }

  async query<Data, Variables extends OperationVariables>(
    query: TypedDocumentNode<Data, Variables>, variables: Variables,
  ): Promise<Data> {
    const { data } = await this.apollo.query<Data, OperationVariables>({ query, variables });
    return data as Data;
  }

  async mutate<Data, Input>(
    mutation: TypedDocumentNode<Data, { input: Input }>, input: Input,
  ): Promise<Data> {
    const { data } = await this.apollo.mutate<Data, OperationVariables>({ mutation, variables: { input } });
    return data as Data;
  }

  /** Subscribes. What comes is written to the cache too. */
  follow<Data, Variables extends OperationVariables>(
    query: TypedDocumentNode<Data, Variables>, variables: Variables,
  ): Feed<Data> {
    const feed = new Feed<Data>(this.apollo.subscribe<Data, OperationVariables>({ query, variables }) as never);
    this.#feeds.push(feed);
    return feed;
  }

  /** Cuts the WebSocket without a word, as a lost network does. */
  cut(): void {
    this.#current?.terminate();
  }

  close(): void {
    this.#feeds.forEach((feed) => feed.close());
    this.apollo.stop();
    void this.#socket.dispose();
  }
}
