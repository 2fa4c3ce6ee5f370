// What answers are expected to be: contract, "What every operation keeps", 1.

import assert from "node:assert/strict";
import { CombinedGraphQLErrors } from "@apollo/client";
import type { GraphQLFormattedError } from "graphql";
import type { UserErrorCode } from "../generated/operations.js";

interface Refusal {
  readonly __typename: string;
  readonly code: UserErrorCode;
  readonly message: string;
  readonly path: ReadonlyArray<string>;
}

interface Payload {
  readonly errors: ReadonlyArray<Refusal>;
}

/** The payload of a mutation whose effect must have happened. */
export function happened<P extends Payload>(payload: P): P {
  assert.deepEqual(payload.errors, []);
  return payload;
}

/** The one refusal of a mutation that must have been refused, and which has no objects then. */
export function refused<P extends Payload>(payload: P, code: UserErrorCode, path: readonly string[] = []): P["errors"][number] {
  const { errors, ...rest } = payload;
  const objects = Object.entries(rest).filter(([field, value]) => field !== "__typename" && value !== null);
  assert.deepEqual(objects, [], "objects of a refused mutation");
  assert.equal(errors.length, 1);
  const refusal = errors[0];
  assert.ok(refusal);
  assert.equal(refusal.code, code);
  assert.equal(refusal.__typename, typeOf(code));
  assert.deepEqual(refusal.path, path);
  assert.notEqual(refusal.message, "");
  return refusal;
}

/** NAME_TAKEN is told by a NameTakenError. */
function typeOf(code: UserErrorCode): string {
  const words = code.toLowerCase().split("_").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join("")}Error`;
}

/** Expects a top-level error of that code, with the request's id. */
export async function fault(answer: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(answer, (error: unknown) => {
    assert.ok(CombinedGraphQLErrors.is(error), `a GraphQL error, not ${error}`);
    isFault(error.errors, code);
    return true;
  });
}

/** Expects the errors of an answer to be one of that code, with the request's id, which a repeat does not mend. */
export function isFault(errors: readonly GraphQLFormattedError[] | undefined, code: string): void {
  assert.equal(errors?.length, 1);
  const { message, extensions } = present(errors?.[0]);
  assert.equal(extensions?.code, code, message);
  assert.equal(extensions?.retryable, false);
  assert.match(String(extensions?.requestId), /^\S{8,64}$/);
}

/** The value, which must be there. */
export function present<T>(value: T | null | undefined): T {
  assert.ok(value !== null && value !== undefined, "a value");
  return value;
}

/** The object, which must be of that type. */
export function ofType<T extends { readonly __typename: string }, Name extends T["__typename"]>(
  object: T | null | undefined, name: Name,
): Extract<T, { readonly __typename: Name }> {
  assert.equal(object?.__typename, name);
  return object as Extract<T, { readonly __typename: Name }>;
}
