// The steps of the main job that many tests take on the way to their own matter.

import {
  AcceptSharedChannelDocument, ChannelNodeDocument, CreateSharedChannelDocument, MessagesDocument, PostMessageDocument, ViewerDocument,
  type ChannelFragment, type CreateSharedChannelInput, type GroupRefFragment, type InviteFragment, type MessagesQueryVariables,
  type MsgFragment, type PostMessageInput,
} from "../generated/operations.js";
import type { Client } from "./client.js";
import { happened, ofType, present } from "./expect.js";

/** Asks the group to share a channel of that name. */
export async function ask(
  client: Client, target: GroupRefFragment, name: string, more: Partial<CreateSharedChannelInput> = {},
): Promise<{ channel: ChannelFragment; invitation: InviteFragment }> {
  const input = { ...more, target: { id: target.id }, name };
  const { createSharedChannel } = await client.mutate(CreateSharedChannelDocument, input);
  const { sharedChannel, invitation } = happened(createSharedChannel);
  return { channel: present(sharedChannel), invitation: present(invitation) };
}

/** Accepts the invitation under that name, or under the one it proposes. */
export async function accept(client: Client, invitation: { readonly id: string }, name?: string): Promise<ChannelFragment> {
  const input = { invitationId: invitation.id, name };
  return present(happened((await client.mutate(AcceptSharedChannelDocument, input)).acceptSharedChannel).sharedChannel);
}

/** The channel as that client sees it; null where it does not. */
export async function seen(client: Client, id: string): Promise<ChannelFragment | null> {
  const { node } = await client.query(ChannelNodeDocument, { id });
  return node === null ? null : ofType(node, "SharedChannel");
}

/** Where the inbox of the client's group stands. */
export async function inboxCursor(client: Client): Promise<string> {
  return present((await client.query(ViewerDocument, {})).viewer).inboxCursor;
}

/** A channel that the two groups share, for those who talk in it. */
export async function share(initiator: { readonly admin: Client }, target: GroupRefFragment & { readonly admin: Client }, name: string): Promise<string> {
  const { invitation } = await ask(initiator.admin, target, name);
  return (await accept(target.admin, invitation, name)).id;
}

/** Says something in the channel. */
export async function post(client: Client, channelId: string, body: string, more: Partial<PostMessageInput> = {}): Promise<MsgFragment> {
  const { postMessage } = await client.mutate(PostMessageDocument, { ...more, channelId, body });
  return present(happened(postMessage).message);
}

/** A page of the channel's messages, and how many of all are unread. */
export async function read(client: Client, id: string, page: Omit<MessagesQueryVariables, "id">) {
  const { unreadCount, messages } = ofType((await client.query(MessagesDocument, { id, ...page })).node, "SharedChannel");
  return { unreadCount, ...messages, bodies: messages.edges.map(({ node }) => present(node).body) };
}
