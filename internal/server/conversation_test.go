package server_test

import (
	"testing"

	"linkspan/internal/server/servertest"
)

const (
	msgFields = `fragment Msg on Message { id body state audience author { id name ... on User { group { handle } } } authorName createdAt editedAt deletedAt
		replyTo { id } replyCount reactions { emoji count viewerReacted } mentions { name } }`
	postDocument     = `mutation($input: PostMessageInput!) { it: postMessage(input: $input) { message { ...Msg } errors { __typename code message path } } } ` + msgFields
	editDocument     = `mutation($input: EditMessageInput!) { it: editMessage(input: $input) { message { ...Msg } errors { __typename code message path } } } ` + msgFields
	deleteDocument   = `mutation($input: DeleteMessageInput!) { it: deleteMessage(input: $input) { message { ...Msg } errors { __typename code message path } } } ` + msgFields
	reactDocument    = `mutation($input: AddReactionInput!) { it: addReaction(input: $input) { message { ...Msg } errors { __typename code message path } } } ` + msgFields
	unreactDocument  = `mutation($input: RemoveReactionInput!) { it: removeReaction(input: $input) { message { ...Msg } errors { __typename code message path } } } ` + msgFields
	readDocument     = `mutation($input: MarkReadInput!) { it: markRead(input: $input) { sharedChannel { id unreadCount } errors { __typename code message path } } }`
	messagesDocument = `query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { node(id: $id) { ... on SharedChannel {
		unreadCount messages(first: $first, after: $after, last: $last, before: $before) {
			edges { cursor node { ...Msg } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } logCursor } } } } ` + msgFields
	channelEventsDocument = `subscription($channelId: ID!, $after: LogCursor) { channelEvents(channelId: $channelId, after: $after) {
		__typename cursor at actor { name }
		... on MessagePosted { message { id body } } ... on MessageEdited { message { id body } } ... on MessageDeleted { message { id body } }
		... on ReactionChanged { emoji added count } ... on GroupLinked { group { handle } } } }`
)

// TestConversation has both sides talk, with each other and among themselves.
func TestConversation(t *testing.T) {
	shapes(t, servertest.Options{}, func(t *testing.T, s *place) {
		ana, gil, hua := s.as("ana@acme"), s.as("gil@globex"), s.as("hua@globex member")
		channel, invitation := offer(t, s, ana, "globex", "launch")
		succeed(t, s, gil, acceptDocument, object{"invitationId": invitation})

		listening := dial(t, s, bearing{payload: gil})
		events := listening.subscribe(channelEventsDocument, object{"channelId": channel})
		t.Log(listening.event(events))

		first := succeed(t, s, ana, postDocument, object{"channelId": channel, "body": "Hello @GIL@globex, and @nobody"})
		t.Log(first)
		t.Log(succeed(t, s, hua, postDocument, object{"channelId": channel, "body": "among us", "audience": "OWN_GROUP"}))
		t.Log(succeed(t, s, gil, postDocument, object{"channelId": channel, "body": "hi", "replyToId": servertest.Get[string](t, first, "message", "id")}))
		t.Log(succeed(t, s, ana, editDocument, object{"messageId": servertest.Get[string](t, first, "message", "id"), "body": "Hello again"}))
		t.Log(succeed(t, s, hua, reactDocument, object{"messageId": servertest.Get[string](t, first, "message", "id"), "emoji": "👍"}))
		for range 5 {
			t.Log(listening.event(events))
		}
		t.Log(s.For(t).Must(gil, messagesDocument, object{"id": channel}))
		t.Log(s.For(t).Must(ana, messagesDocument, object{"id": channel}))
		t.Log(succeed(t, s, ana, deleteDocument, object{"messageId": servertest.Get[string](t, first, "message", "id")}))
		t.Log(succeed(t, s, hua, readDocument, object{"channelId": channel, "upToMessageId": servertest.Get[string](t, first, "message", "id")}))
		again := dial(t, s, bearing{payload: gil})
		_ = again
	})
}
