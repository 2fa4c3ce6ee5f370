// What the page puts into variables when it sends them, so that an operation can be executed again and again as it is:
//
//   <fresh>              five letters and digits, other ones each time
//   <newest invitation>  the id of the newest invitation to the viewer's group, before all one that is pending
//   <awaited approval>   the id of the newest invitation to the viewer's group that waits for an approval, else of the newest
//   <newest channel>     the id of the viewer's group's channel that was linked last, before all one that is active
//   <newest parting>     the id of the channel that was linked last of those that the viewer's group parted from
//   <policy version>     the version of the sharing policy of the viewer's group, a number

import { Complaint } from "./complaint.js";
import type { Answer, GraphQLRequest } from "./http.js";

const FRESH = "<fresh>";
const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"; // 32 of them, none like another

const INVITATIONS = `query NewestInvitation($states: [InvitationState!]!) {
  viewer {
    wanted: receivedInvitations(first: 1, states: $states) { nodes { id } }
    any: receivedInvitations(first: 1) { nodes { id } }
  }
}`;

const CHANNELS = "query NewestChannel { viewer { sharedChannels(first: 20) { nodes { id state } } } }";

const POLICY = "query PolicyVersion { viewer { sharingPolicy { version } } }";

type Variables = Record<string, unknown>;
type Ask = (query: GraphQLRequest) => Promise<Answer>;

/** What takes a question to the server to fill in. */
const ASKED: Record<string, (ask: Ask) => Promise<string | number>> = {
  "<newest invitation>": (ask) => newestInvitation(ask, "PENDING"),
  "<awaited approval>": (ask) => newestInvitation(ask, "AWAITING_APPROVAL"),
  "<newest channel>": newestChannel,
  "<newest parting>": newestParting,
  "<policy version>": policyVersion,
};

/** Returns the variables with everything filled in. `ask` sends a query as the same viewer. */
export async function filled(variables: Variables | undefined, ask: Ask): Promise<Variables | undefined> {
  if (variables === undefined) return undefined;
  const text = JSON.stringify(variables);
  const values = new Map<string, string | number>([[FRESH, fresh()]]);
  for (const [placeholder, value] of Object.entries(ASKED)) {
    if (text.includes(placeholder)) values.set(placeholder, await value(ask));
  }
  return JSON.parse(text, (_, value: unknown) => (typeof value === "string" ? replaced(value, values) : value)) as Variables;
}

/** A text that is one placeholder and nothing else becomes its value, number or text. */
function replaced(text: string, values: Map<string, string | number>): string | number {
  const whole = values.get(text);
  if (whole !== undefined) return whole;
  for (const [placeholder, value] of values) text = text.replaceAll(placeholder, String(value));
  return text;
}

function fresh(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(5)), (byte) => LETTERS[byte % LETTERS.length]).join("");
}

/** One in that state before all. */
async function newestInvitation(ask: Ask, state: "PENDING" | "AWAITING_APPROVAL"): Promise<string> {
  const { data, errors } = await ask({ query: INVITATIONS, variables: { states: [state] } });
  type Invitations = { nodes: ({ id: string } | null)[] } | undefined;
  const viewer = data?.viewer as { wanted?: Invitations; any?: Invitations } | null | undefined;
  const newest = viewer?.wanted?.nodes[0] ?? viewer?.any?.nodes[0];
  if (newest) return newest.id;
  throw new Complaint(errors?.[0]?.message ?? "The viewer's group has received no invitation yet: let another group ask first.");
}

async function newestChannel(ask: Ask): Promise<string> {
  const { all, complaint } = await channels(ask);
  const newest = all.find(({ state }) => state === "ACTIVE") ?? all[0];
  if (newest) return newest.id;
  throw new Complaint(complaint ?? "The viewer's group has no channel yet: let it share one first.");
}

async function newestParting(ask: Ask): Promise<string> {
  const { all, complaint } = await channels(ask);
  const newest = all.find(({ state }) => state === "DISCONNECTED");
  if (newest) return newest.id;
  throw new Complaint(complaint ?? "The viewer's group has parted from no channel yet: let it leave one first.");
}

async function channels(ask: Ask): Promise<{ all: { id: string; state: string }[]; complaint: string | undefined }> {
  const { data, errors } = await ask({ query: CHANNELS });
  type Channel = { id: string; state: string } | null;
  const viewer = data?.viewer as { sharedChannels?: { nodes: Channel[] } } | null | undefined;
  return { all: viewer?.sharedChannels?.nodes.filter((channel) => channel !== null) ?? [], complaint: errors?.[0]?.message };
}

async function policyVersion(ask: Ask): Promise<number> {
  const { data, errors } = await ask({ query: POLICY });
  const viewer = data?.viewer as { sharingPolicy?: { version: number } | null } | null | undefined;
  if (viewer?.sharingPolicy) return viewer.sharingPolicy.version;
  throw new Complaint(errors?.[0]?.message ?? "Only admins of a group see its sharing policy.");
}
