package server_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"linkspan/internal/ids"
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
		... on ReactionChanged { emoji added count } ... on GroupLinked { group { handle } } ... on GroupUnlinked { group { handle } } } }`
)

// linked makes a channel of acme and globex.
func linked(t *testing.T, s *place, name string) string {
	t.Helper()
	channel, invitation := offer(t, s, s.as("ana@acme"), "globex", name)
	succeed(t, s, s.as("gil@globex"), acceptDocument, object{"invitationId": invitation})
	return channel
}

// messageOf returns the id of a payload's message.
func messageOf(t *testing.T, payload object) string {
	t.Helper()
	return servertest.Get[string](t, payload, "message", "id")
}

// happened returns the kinds of all events of a channel as a user's group sees them.
func happened(t testing.TB, s *place, as, channel string) (kinds []string) {
	t.Helper()
	data := s.For(t).Must(s.as(as), messagesDocument, object{"id": channel})
	start, err := ids.ParseLogCursor(servertest.Get[string](t, data, "node", "messages", "logCursor"))
	if err != nil {
		t.Fatal(err)
	}
	start.Position = 0
	k := dial(t, s, bearing{payload: s.as(as)})
	id := k.subscribe(channelEventsDocument, object{"channelId": channel, "after": start.String()})
	for {
		event := k.event(id)
		if event["__typename"] == "ChannelCheckpoint" {
			return kinds
		}
		kinds = append(kinds, event["__typename"].(string))
	}
}

// testBodies posts and edits what is just within the limits, and reads it as it was written.
func testBodies(t *testing.T, s *place) {
	channel := linked(t, s, "launch")
	for _, body := range []string{"x", " ", "\n", strings.Repeat("x", 40_000), strings.Repeat("🚀", 10_000), "a\u0301", "\u202e"} {
		posted := succeed(t, s, s.as("ana@acme"), postDocument, object{"channelId": channel, "body": body})
		edited := succeed(t, s, s.as("ana@acme"), editDocument, object{"messageId": messageOf(t, posted), "body": body})
		data := s.For(t).Must(s.as("gil@globex"), messagesDocument, object{"id": channel, "last": 1})
		for _, got := range []any{posted["message"], edited["message"], servertest.Get[any](t, data, "node", "messages", "edges", 0, "node")} {
			if got.(object)["body"] != body {
				t.Errorf("%.40q became %.40q", body, got.(object)["body"])
			}
		}
	}
}

// testTalkTwice deletes, reacts and takes back twice: each happens once.
func testTalkTwice(t *testing.T, s *place) {
	channel := linked(t, s, "launch")
	ana, ben, gil := s.as("ana@acme"), s.as("ben@acme member"), s.as("gil@globex")
	message := messageOf(t, succeed(t, s, ben, postDocument, object{"channelId": channel, "body": "words"}))
	for range 2 {
		payload := succeed(t, s, gil, reactDocument, object{"messageId": message, "emoji": "👍"})
		if count := servertest.Get[float64](t, payload, "message", "reactions", 0, "count"); count != 1 {
			t.Errorf("reacting again counts %v", count)
		}
	}
	for range 2 {
		payload := succeed(t, s, gil, unreactDocument, object{"messageId": message, "emoji": "👍"})
		if list := servertest.Get[[]any](t, payload, "message", "reactions"); len(list) != 0 {
			t.Errorf("taken back, there are %v", list)
		}
	}
	for _, by := range []string{ana, ben, ana} { // an admin of the author's group, the author, the admin again
		payload := succeed(t, s, by, deleteDocument, object{"messageId": message})
		if got := servertest.Get[object](t, payload, "message"); got["state"] != "DELETED" || got["body"] != nil || got["deletedAt"] == nil {
			t.Errorf("deleted it is %v", got)
		}
	}
	want := []string{"GroupLinked", "GroupLinked", "MessagePosted", "ReactionChanged", "ReactionChanged", "MessageDeleted"}
	for _, as := range []string{"ana@acme", "gil@globex"} {
		if got := happened(t, s, as, channel); !slices.Equal(got, want) {
			t.Errorf("%s has the events %v, want %v", as, got, want)
		}
	}
	data := s.For(t).Must(gil, `query($id: ID!) { node(id: $id) { ... on Message { deletedBy { ... on User { name } } author { ... on User { name } } history { body } } } }`, object{"id": message})
	if by := servertest.Get[string](t, data, "node", "deletedBy", "name"); by != "Ana" {
		t.Errorf("deleted by %s", by)
	}
	if history := servertest.Get[[]any](t, data, "node", "history"); len(history) != 0 {
		t.Errorf("it still says %v", history)
	}
}

// testReactionSpellings has users of both sides react with one emoji as their keyboards spell it.
func testReactionSpellings(t *testing.T, s *place) {
	channel := linked(t, s, "launch")
	ana, gil := s.as("ana@acme"), s.as("gil@globex")
	message := messageOf(t, succeed(t, s, ana, postDocument, object{"channelId": channel, "body": "words"}))
	for i, by := range []string{ana, gil, ana} {
		payload := succeed(t, s, by, reactDocument, object{"messageId": message, "emoji": []string{"❤", "❤\ufe0f", "❤\ufe0f"}[i]})
		reactions := servertest.Get[[]any](t, payload, "message", "reactions")
		if want := (object{"emoji": "❤\ufe0f", "count": float64(min(i+1, 2)), "viewerReacted": true}); len(reactions) != 1 || !maps.Equal(reactions[0].(object), want) {
			t.Errorf("%s: %q, want %q", by, reactions, want)
		}
	}
	payload := succeed(t, s, gil, unreactDocument, object{"messageId": message, "emoji": "❤"})
	if count := servertest.Get[float64](t, payload, "message", "reactions", 0, "count"); count != 1 {
		t.Errorf("taken back as it is spelt otherwise, there are %v", count)
	}
}

// testMentions names users as people write: in a sentence, in its end, as a possessive.
func testMentions(t *testing.T, s *place) {
	channel := linked(t, s, "launch")
	for body, want := range map[string][]any{
		"Thanks, @gil.": {"Gil"}, "It is @Gil’s, says @ANA!": {"Gil", "Ana"}, "gil@globex.com": {}, "@Gilbert": {},
	} {
		posted := succeed(t, s, s.as("ana@acme"), postDocument, object{"channelId": channel, "body": body})
		names := []any{}
		for _, actor := range servertest.Get[[]any](t, posted, "message", "mentions") {
			names = append(names, actor.(object)["name"])
		}
		if !slices.Equal(names, want) {
			t.Errorf("%q names %v, want %v", body, names, want)
		}
	}
}

// testTalkKeys repeats mutations with their keys: the same again is the same answer and happens once, other input is refused.
func testTalkKeys(t *testing.T, s *place) {
	channel, second := linked(t, s, "launch"), linked(t, s, "second")
	ana := s.as("ana@acme")
	root := messageOf(t, succeed(t, s, ana, postDocument, object{"channelId": channel, "body": "root"}))
	other := messageOf(t, succeed(t, s, ana, postDocument, object{"channelId": channel, "body": "other"}))
	for _, c := range []struct {
		name, document, kind string
		input                object
		others               []object
	}{
		{"post", postDocument, "MessagePosted", object{"channelId": channel, "body": "words", "idempotencyKey": "k"},
			[]object{{"body": "other words"}, {"audience": "OWN_GROUP"}, {"replyToId": root}, {"replyToId": other, "audience": "OWN_GROUP"}}},
		{"edit", editDocument, "MessageEdited", object{"messageId": root, "body": "words", "idempotencyKey": "k"}, []object{{"body": "other words"}, {"messageId": other}}},
		{"react", reactDocument, "ReactionChanged", object{"messageId": root, "emoji": "👍", "idempotencyKey": "k"}, []object{{"emoji": "🎉"}, {"messageId": other}}},
		{"unreact", unreactDocument, "ReactionChanged", object{"messageId": root, "emoji": "👍", "idempotencyKey": "k"}, []object{{"emoji": "🎉"}, {"messageId": other}}},
		{"mark", readDocument, "none", object{"channelId": channel, "upToMessageId": root, "idempotencyKey": "k"}, []object{{"upToMessageId": other}}},
		{"delete", deleteDocument, "MessageDeleted", object{"messageId": root, "idempotencyKey": "k"}, []object{{"messageId": other}}},
	} {
		before := happened(t, s, "ana@acme", channel)
		var first object
		for i := range 3 {
			payload := succeed(t, s, ana, c.document, c.input)
			if i == 0 {
				first = payload
			} else if c.name != "mark" && messageOf(t, payload) != messageOf(t, first) {
				t.Errorf("%s again is of another message", c.name)
			}
		}
		for _, change := range c.others {
			if got := refusal(t, mutate(t, s, ana, c.document, with(c.input, change))); got != "IDEMPOTENCY_KEY_REUSED input.idempotencyKey" {
				t.Errorf("%s with %v got %q", c.name, change, got)
			}
		}
		want := before
		if c.kind != "none" {
			want = append(want, c.kind)
		}
		if got := happened(t, s, "ana@acme", channel); !slices.Equal(got, want) {
			t.Errorf("%s: the events are %v, want %v", c.name, got, want)
		}
	}
	post := object{"channelId": channel, "body": "words", "idempotencyKey": "k"}
	first := messageOf(t, succeed(t, s, ana, postDocument, post))
	for name, id := range map[string]string{
		"another channel": messageOf(t, succeed(t, s, ana, postDocument, with(post, object{"channelId": second}))),
		"another user":    messageOf(t, succeed(t, s, s.as("ben@acme member"), postDocument, post)),
		"another group":   messageOf(t, succeed(t, s, s.as("gil@globex"), postDocument, post)),
		"another key":     messageOf(t, succeed(t, s, ana, postDocument, with(post, object{"idempotencyKey": "l"}))),
	} {
		if id == first {
			t.Errorf("the key of %s is the same", name)
		}
	}
}

// testTalkKeyAtOnce sends one key many times at once: with one input all get one message, with several one of them happens.
func testTalkKeyAtOnce(t *testing.T, s *place) {
	channel := linked(t, s, "launch")
	ana := s.as("ana@acme")
	const times = 8
	for _, same := range []bool{true, false} {
		for _, audience := range []string{"EVERYONE", "OWN_GROUP"} {
			before := len(happened(t, s, "ana@acme", channel))
			payloads := make([]object, times)
			var sending sync.WaitGroup
			for i := range times {
				input := object{"channelId": channel, "body": "words", "audience": audience, "idempotencyKey": fmt.Sprint(same, audience)}
				if !same {
					input["body"] = fmt.Sprint("words ", i)
				}
				sending.Go(func() { payloads[i] = mutate(t, s, ana, postDocument, input) })
			}
			sending.Wait()
			got, refused := map[string]bool{}, 0
			for _, payload := range payloads {
				switch code := refusal(t, payload); code {
				case "":
					got[messageOf(t, payload)] = true
				case "IDEMPOTENCY_KEY_REUSED input.idempotencyKey":
					refused++
				default:
					t.Errorf("refused: %s", code)
				}
			}
			if len(got) != 1 || same != (refused == 0) || !same && refused != times-1 {
				t.Errorf("same input %v, %s: %d messages, %d refused", same, audience, len(got), refused)
			}
			if events := len(happened(t, s, "ana@acme", channel)) - before; events != 1 {
				t.Errorf("same input %v, %s: %d events", same, audience, events)
			}
		}
	}
}
