// What the page puts into variables when it sends them, so that an operation can be executed again and again as it is:
//
//   <fresh>              five letters and digits, other ones each time
//   <newest invitation>  the id of the newest invitation to the viewer's group, before all one that is pending
//   <newest channel>     the id of the viewer's group's channel that was linked last, before all one that is active

import { Complaint } from "./complaint.js";
import type { Answer, GraphQLRequest } from "./http.js";

const FRESH = "<fresh>";
const NEWEST_INVITATION = "<newest invitation>";
const NEWEST_CHANNEL = "<newest channel>";
const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"; // 32 of them, none like another

const INVITATIONS = `query NewestInvitation {
  viewer {
    pending: receivedInvitations(first: 1, states: [PENDING]) { nodes { id } }
    any: receivedInvitations(first: 1) { nodes { id } }
  }
}`;

const CHANNELS = "query NewestChannel { viewer { sharedChannels(first: 20) { nodes { id state } } } }";

type Variables = Record<string, unknown>;

/** Returns the variables with everything filled in. `ask` sends a query as the same viewer. */
export async function filled(variables: Variables | undefined, ask: (query: GraphQLRequest) => Promise<Answer>): Promise<Variables | undefined> {
  if (variables === undefined) return undefined;
  const text = JSON.stringify(variables);
  const values = new Map([[FRESH, fresh()]]);
  if (text.includes(NEWEST_INVITATION)) values.set(NEWEST_INVITATION, await newestInvitation(ask));
  if (text.includes(NEWEST_CHANNEL)) values.set(NEWEST_CHANNEL, await newestChannel(ask));
  return JSON.parse(text, (_, value: unknown) => (typeof value === "string" ? replaced(value, values) : value)) as Variables;
}

function replaced(text: string, values: Map<string, string>): string {
  for (const [placeholder, value] of values) text = text.replaceAll(placeholder, value);
  return text;
}

function fresh(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(5)), (byte) => LETTERS[byte % LETTERS.length]).join("");
}

async function newestInvitation(ask: (query: GraphQLRequest) => Promise<Answer>): Promise<string> {
  const { data, errors } = await ask({ query: INVITATIONS });
  type Invitations = { nodes: ({ id: string } | null)[] } | undefined;
  const viewer = data?.viewer as { pending?: Invitations; any?: Invitations } | null | undefined;
  const newest = viewer?.pending?.nodes[0] ?? viewer?.any?.nodes[0];
  if (newest) return newest.id;
  throw new Complaint(errors?.[0]?.message ?? "The viewer's group has received no invitation yet: let another group ask first.");
}

async function newestChannel(ask: (query: GraphQLRequest) => Promise<Answer>): Promise<string> {
  const { data, errors } = await ask({ query: CHANNELS });
  type Channel = { id: string; state: string } | null;
  const viewer = data?.viewer as { sharedChannels?: { nodes: Channel[] } } | null | undefined;
  const all = viewer?.sharedChannels?.nodes.filter((channel) => channel !== null) ?? [];
  const newest = all.find(({ state }) => state === "ACTIVE") ?? all[0];
  if (newest) return newest.id;
  throw new Complaint(errors?.[0]?.message ?? "The viewer's group has no channel yet: let it share one first.");
}
