package main

import (
	"encoding/json"
	"time"
)

// listenChannel asks who listens to which channel, and where its log stands.
const listenChannel = `query ListenChannel($id: ID!) {
  viewer { group { id handle name } }
  node(id: $id) { __typename id ... on SharedChannel { name messages(last: 0) { logCursor } } }
}`

// listenChannelEvents follows a channel. What it selects is that of ChannelEvents in clients/operations.graphql, whose
// fragments it has; for people it says as well what a reply or a reaction is about.
const listenChannelEvents = `subscription ListenChannelEvents($channelId: ID!, $after: LogCursor, $people: Boolean!) {
  channelEvents(channelId: $channelId, after: $after) {
    __typename
    cursor
    at
    actor { ...ActorRef }
    ... on MessagePosted { message { ...EventMsg replyTo { ...About @include(if: $people) } } }
    ... on MessageEdited { message { ...EventMsg } }
    ... on MessageDeleted { message { ...EventMsg } }
    ... on ReactionChanged { message { id ...About @include(if: $people) } emoji added count }
    ... on GroupLinked { group { ...GroupRef } }
    ... on GroupUnlinked { group { ...GroupRef } }
    ... on ChannelCheckpoint { __typename }
  }
}
fragment GroupRef on Group { id handle name }
fragment ActorRef on Actor { __typename id name ... on User { group { ...GroupRef } } }
fragment EventMsg on Message {
  id body state audience author { ...ActorRef } authorName createdAt editedAt deletedAt replyTo { id } replyCount mentions { ...ActorRef }
}
fragment About on Message { body audience author { name } }`

// listenChannelData is the data of listenChannel.
type listenChannelData struct {
	Viewer *struct{ Group talkedGroup }
	Node   *struct {
		Name     string
		Messages *struct{ LogCursor string }
	}
}

// channelEvent is an event of a channel: sent as it came, and what its sentence is made of.
type channelEvent struct {
	sent json.RawMessage

	Typename string `json:"__typename"`
	Cursor   string
	At       time.Time
	Actor    *talker
	Message  *talkedMessage
	Emoji    string
	Added    bool
	Count    int
	Group    talkedGroup
}

type (
	talkedGroup struct{ ID, Handle string }

	talker struct {
		ID, Name string
		Group    talkedGroup
	}

	talkedMessage struct {
		Body      *string // nil once it is deleted
		Audience  string
		Author    talker
		CreatedAt time.Time
		ReplyTo   *talkedMessage
	}
)
