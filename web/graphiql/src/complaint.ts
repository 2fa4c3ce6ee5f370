import type { ExecutionResult } from "graphql";

/** An error whose message is for the person at the page. */
export class Complaint extends Error {}

/** What is shown in place of an answer. */
export function shown(error: unknown): ExecutionResult<Record<string, unknown>> {
  const message = error instanceof Error ? error.message : String(error);
  return { errors: [{ message }] } as unknown as ExecutionResult<Record<string, unknown>>;
}
