package main

import (
	"encoding/json"
	"time"
)

// listenViewer asks who listens and where its inbox stands.
const listenViewer = `query ListenViewer { viewer { user { name } group { handle name } inboxCursor } }`

// listenInbox follows the whole inbox though only invitations are shown: its checkpoints tell the position also while
// nothing comes for long, so that a resumption never replays, nor needs, what is old. The fragments are those of
// clients/operations.graphql.
const listenInbox = `subscription ListenInbox($after: LogCursor) {
  inbox(after: $after) { __typename cursor at ... on InvitationReceived { invitation { ...Invite } } }
}
fragment GroupRef on Group { id handle name }
fragment ActorRef on Actor { __typename id name ... on User { group { ...GroupRef } } }
fragment Invite on Invitation {
  id
  state
  version
  note
  reason
  fromGroup { ...GroupRef }
  toGroup { ...GroupRef }
  sentBy { ...ActorRef }
  resolvedBy { ...ActorRef }
  createdAt
  expiresAt
  resolvedAt
  proposedName
  sharedChannel { id state name }
  viewerCanAccept
  viewerCanDecline
  viewerCanRevoke
}`

// listenAccept accepts an invitation; it is for people to paste.
const listenAccept = `mutation($input: AcceptSharedChannelInput!) { acceptSharedChannel(input: $input) ` +
	`{ sharedChannel { id name state } errors { code message } } }`

// listenViewerData is the data of listenViewer.
type listenViewerData struct {
	Viewer *struct {
		User        struct{ Name string }
		Group       struct{ Handle, Name string }
		InboxCursor string
	}
}

// listenInboxData is the data of one result of listenInbox.
type listenInboxData struct {
	Inbox *struct {
		Typename string `json:"__typename"`
		receivedInvitation
	}
}

// receivedInvitation is an event of the inbox. Invitation is as the server sent it; null unless the event is of type
// InvitationReceived.
type receivedInvitation struct {
	Cursor     string          `json:"cursor"`
	At         json.RawMessage `json:"at"`
	Invitation json.RawMessage `json:"invitation"`
}

// shownInvitation is what the sentence of an invitation is made of.
type shownInvitation struct {
	ID, State, Note, ProposedName string
	FromGroup, ToGroup            struct{ Handle, Name string }
	SentBy                        struct{ Name string }
	ExpiresAt                     time.Time
	ViewerCanAccept               bool
}
