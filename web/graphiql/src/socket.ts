// Subscriptions: graphql-transport-ws, a socket each.

import { createClient } from "graphql-ws";
import type { Answer, GraphQLRequest } from "./http.js";
import { shown } from "./complaint.js";

/** What closes mean; the table in internal/gqlhttp/README.md says when the server sends which. */
const CLOSES: Record<number, string> = {
  1000: "The server closed the connection.",
  1001: "The server is going away.",
  1006: "The connection was lost, or refused. Is the server running?",
  1009: "A message was larger than the server takes.",
  1012: "The server restarts.",
  1013: "Too many connections are open for this user, or the sign-in can't be judged now.",
  4400: "The server did not understand a message.",
  4401: "The sign-in was refused: the token is not valid.",
  4403: "The sign-in has ended: the token has expired.",
  4406: "The server does not speak this page's protocol.",
  4408: "The server waited too long for the sign-in, or for a sign of life.",
  4409: "The operation's id is taken.",
  4429: "The sign-in was sent twice.",
  4500: "Something broke in the server.",
};

/** Who gets what a subscription brings. */
export interface Sink {
  next(answer: Answer): void;
  end(): void;
}

/**
 * Subscribes and returns what ends it. A subscription whose connection ends says why and ends too. It does not come back
 * by itself: between two connections it would miss events without a word, and where it is refused it would try for ever.
 */
export function subscribe(request: GraphQLRequest, authorization: string | undefined, sink: Sink): () => void {
  let ended = false;
  const end = (last?: Answer): void => {
    if (ended) return;
    ended = true;
    if (last !== undefined) sink.next(last);
    sink.end();
    Promise.resolve(client.dispose()).catch(() => {}); // it rejects with what the connection ended with, which is told
  };
  const url = new URL("/graphql", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const client = createClient({
    url: url.href,
    connectionParams: authorization === undefined ? {} : { Authorization: authorization },
    retryAttempts: 0,
    // After 1000 the client would connect again whatever retryAttempts says.
    on: { closed: (event) => end(closed(event as CloseEvent)) },
  });
  client.subscribe<Record<string, unknown>>(request, {
    next: (answer) => !ended && sink.next(answer as Answer),
    error: (error) => end(refused(error)),
    complete: () => end(),
  });
  return end;
}

function refused(error: unknown): Answer {
  if (Array.isArray(error)) return { errors: error };
  return error instanceof CloseEvent ? closed(error) : shown(error);
}

function closed({ code, reason }: CloseEvent): Answer {
  const meaning = CLOSES[code] ?? "The connection was closed.";
  return shown(`${meaning} The subscription has ended (${[code, reason].filter(Boolean).join(": ")}); execute it again.`);
}
