// GraphQL as it goes over HTTP, without a client's library.

import type { TypedDocumentNode } from "@apollo/client";
import { print, type GraphQLFormattedError } from "graphql";

const REQUEST_MS = 20_000;

/** What a request has in its body, or in its URL. */
export interface Request {
  readonly query?: string;
  readonly documentId?: string;
  readonly variables?: Record<string, unknown>;
  readonly extensions?: Record<string, unknown>;
}

/** What an answer has in its body. */
export interface Answer<Data = Record<string, unknown>> {
  readonly data?: Data | null;
  readonly errors?: readonly GraphQLFormattedError[];
}

export function request<Data, Variables extends Record<string, unknown>>(
  document: TypedDocumentNode<Data, Variables>, variables: Variables,
): { query: string; variables: Variables } {
  return { query: print(document), variables };
}

export function bearer(token: string): { Authorization: string } {
  return { Authorization: `Bearer ${token}` };
}

export async function post(url: string, body: Request, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_MS),
  });
}

export async function get(url: string, query: Request, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(withParameters(url, query), { headers, signal: AbortSignal.timeout(REQUEST_MS) });
}

/** The URL that a GET asks. */
export function withParameters(url: string, query: Request): URL {
  const whole = new URL(url);
  for (const [name, value] of Object.entries(query)) {
    whole.searchParams.set(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  return whole;
}

/** What an answer says, whatever its status. */
export async function answer<Data = Record<string, unknown>>(response: Response): Promise<Answer<Data>> {
  return (await response.json()) as Answer<Data>;
}
