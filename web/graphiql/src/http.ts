// Queries and mutations: GraphQL over HTTP.

import type { ExecutionResult } from "graphql";
import { Complaint } from "./complaint.js";

export interface GraphQLRequest {
  query: string;
  operationName?: string | null;
  variables?: Record<string, unknown>;
}

export type Answer = ExecutionResult<Record<string, unknown>>;

/** Sends a request with those headers and returns the answer, whatever its status is. */
export async function post(request: GraphQLRequest, headers: Record<string, string>): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch("/graphql", {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/graphql-response+json, application/json",
        ...headers,
      },
      body: JSON.stringify(request),
      cache: "no-store",
    });
  } catch (error) {
    if (error instanceof TypeError && error.message.includes("fetch")) {
      throw new Complaint("The server can't be reached. Is it running?");
    }
    throw error; // a header that can't be sent
  }
  const text = await response.text();
  try {
    return JSON.parse(text) as Answer;
  } catch {
    throw new Complaint(`No GraphQL answer, but HTTP status ${response.status}: ${text.slice(0, 400)}`);
  }
}
