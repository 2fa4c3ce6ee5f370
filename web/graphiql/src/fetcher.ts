// How GraphiQL sends an operation: as whom its document says, with placeholders filled in, and by the transport of its
// kind.

import { parse, type DocumentNode, type OperationDefinitionNode } from "graphql";
import type { Fetcher, FetcherParams } from "@graphiql/toolkit";
import { shown } from "./complaint.js";
import type { Feeds } from "./feeds.js";
import { post, type Answer, type GraphQLRequest } from "./http.js";
import { authorization } from "./identity.js";
import { filled } from "./placeholders.js";
import { subscribe, type Sink } from "./socket.js";

/** Of GraphiQL's own query for the schema, which needs no sign-in and belongs to no tab. */
const INTROSPECTION = "IntrospectionQuery";

export function fetcherOver(feeds: Feeds): Fetcher {
  return (params, options) => {
    const headers = (options?.headers ?? {}) as Record<string, unknown>;
    if (params.operationName === INTROSPECTION) return introspect(params, headers);
    const operation = operationOf(params);
    const request: GraphQLRequest = {
      query: params.query,
      operationName: operation?.name?.value ?? null,
      variables: (params.variables ?? undefined) as GraphQLRequest["variables"],
    };
    const listens = operation?.operation === "subscription";
    return feeds.send(operation?.name?.value ?? "A subscription", listens, (sink) => start(request, listens, headers, sink));
  };
}

/**
 * The operation that is meant; undefined: the server may say what is wrong. Just after a change of tabs GraphiQL still
 * names the last tab's.
 */
function operationOf({ query, operationName }: FetcherParams): OperationDefinitionNode | undefined {
  let document: DocumentNode;
  try {
    document = parse(query);
  } catch {
    return undefined;
  }
  const operations = document.definitions.filter((definition) => definition.kind === "OperationDefinition");
  return operations.length === 1 ? operations[0] : operations.find(({ name }) => name?.value === operationName);
}

async function introspect(request: GraphQLRequest, headers: Record<string, unknown>): Promise<Answer> {
  const known = await authorization("", headers).catch(() => undefined);
  return await post(request, withAuthorization(headers, known));
}

function start(request: GraphQLRequest, listens: boolean, headers: Record<string, unknown>, sink: Sink): () => void {
  let stopped = false;
  let stop = (): void => {};
  const send = async (): Promise<void> => {
    const known = await authorization(request.query, headers);
    const all = withAuthorization(headers, known);
    const complete = { ...request, variables: await filled(request.variables, (query) => post(query, all)) };
    if (stopped) return;
    if (listens) {
      stop = subscribe(complete, known, sink);
      return;
    }
    const answer = await post(complete, all);
    if (stopped) return;
    sink.next(answer);
    sink.end();
  };
  send().catch((error: unknown) => {
    if (stopped) return;
    sink.next(shown(error));
    sink.end();
  });
  return () => {
    stopped = true;
    stop();
  };
}

function withAuthorization(headers: Record<string, unknown>, value: string | undefined): Record<string, string> {
  const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== "authorization");
  const all = Object.fromEntries(others.map(([name, text]) => [name, String(text)]));
  return value === undefined ? all : { ...all, Authorization: value };
}
