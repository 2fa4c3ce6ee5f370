// As whom requests are sent. A tab says so in a comment at its top, `# as gil@globex`, so that it is seen, kept with the
// tab and no secret; a tab without one acts as the page's `?as=`. Tokens are asked for when they are needed and kept
// nowhere: an old one can't be in the way.

import { parse } from "jsonc-parser";
import { Complaint } from "./complaint.js";

const COMMENT = /^[ \t]*#[ \t]*as[ \t]+(\S+@\S+)[ \t]*\r?$/m;
const PLACEHOLDER = "<token>";

/** The user of the page's address, as in /graphiql?as=ana@acme; null: this page signs nobody in. */
export const pageUser = new URLSearchParams(location.search).get("as");

/** What a new tab has for headers where this page signs nobody in. */
export const headersToFill = JSON.stringify({ Authorization: `Bearer ${PLACEHOLDER}` }, null, 2);

/** Whom a document's comment names. */
export function namedIn(document: string): string | undefined {
  return COMMENT.exec(document)?.[1];
}

/** The document with a comment that names the user. */
export function naming(document: string, user: string): string {
  const comment = `# as ${user}`;
  return COMMENT.test(document) ? document.replace(COMMENT, comment) : `${comment}\n${document}`;
}

/** Whether a tab with those headers acts by the Authorization that is typed there, whatever else names a user. */
export function actsByHeader(headers: string): boolean {
  const read: unknown = parse(headers, [], { allowTrailingComma: true });
  return typeof read === "object" && read !== null && isToken(typedIn(read as Record<string, unknown>));
}

function typedIn(headers: Record<string, unknown>): unknown {
  return Object.entries(headers).find(([name]) => name.toLowerCase() === "authorization")?.[1];
}

function isToken(typed: unknown): typed is string {
  return typeof typed === "string" && !typed.includes(PLACEHOLDER);
}

/** The value of the Authorization header for a document that is sent with those headers; undefined: none. */
export async function authorization(document: string, headers: Record<string, unknown>): Promise<string | undefined> {
  const typed = typedIn(headers);
  const user = namedIn(document) ?? pageUser ?? undefined;
  if (isToken(typed)) return typed;
  if (pageUser !== null && user !== undefined) return `Bearer ${await tokenOf(user)}`;
  if (typed !== undefined) {
    throw new Complaint(`Nobody is signed in. In Headers, put a token in place of ${PLACEHOLDER}.`);
  }
  if (user !== undefined) {
    throw new Complaint(
      `The comment says that this tab acts as ${user}, but this page signs nobody in. ` +
        `Set the header Authorization, or with \`linkspan dev\` open /graphiql?as=${user}.`,
    );
  }
  return undefined;
}

async function tokenOf(user: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch("/graphiql/sign-in", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ as: user }),
      cache: "no-store",
      redirect: "error",
    });
  } catch {
    throw new Complaint("The server can't be reached. Is it running?");
  }
  const answer = (await response.json().catch(() => ({}))) as { token?: string; message?: string };
  if (!response.ok || answer.token === undefined) {
    throw new Complaint(answer.message ?? `The sign-in as ${user} failed with HTTP status ${response.status}.`);
  }
  return answer.token;
}
