package server_test

import (
	"fmt"
	"testing"

	"linkspan/internal/server/servertest"
	"linkspan/internal/store/storetest"
)

// ofMessages are tables of what a page of messages shows.
var ofMessages = []string{"linkspan_shard.message", "linkspan_shard.reaction", "linkspan_shard.channel_user", "linkspan_shard.private_replies"}

const lastMessagesDocument = `query($id: ID!, $last: Int, $before: String) { node(id: $id) { ... on SharedChannel {
	messages(last: $last, before: $before) { nodes { ...Msg history { body actor { name } } again: history { body actor { name } } replyTo { body author { name } reactions { count } replyCount mentions { name } }
		replies(first: 2) { nodes { body author { name } replyTo { id } replies(last: 1) { nodes { id } } } pageInfo { hasNextPage endCursor } } }
		pageInfo { startCursor hasPreviousPage } logCursor } } } } ` + msgFields

// TestStatementsOfAPage has pages of messages with authors, reactions, mentions, what they reply to and their replies read in as
// many statements as the smallest of them: at any depth, of any length, and whatever happened to the messages.
func TestStatementsOfAPage(t *testing.T) {
	t.Parallel()
	counted := &servertest.Statements{About: ofMessages}
	config := storetest.Config(t, 3)
	config.Statements = counted
	s := newPlace(servertest.New(t, servertest.Options{Config: &config}), "")
	ana, gil, hua := s.as("ana@acme"), s.as("gil@globex"), s.as("hua@globex member")
	channel, invitation := offer(t, s, ana, "globex", "launch")
	succeed(t, s, gil, acceptDocument, object{"invitationId": invitation})
	say := func(by string, input object) string {
		input["channelId"] = channel
		return servertest.Get[string](t, succeed(t, s, by, postDocument, input), "message", "id")
	}
	page := func(what string, last int, before *string) (statements, got int64, start string) {
		sent := counted.Sent()
		answer := s.For(t).Must(hua, lastMessagesDocument, object{"id": channel, "last": last, "before": before})
		statements = counted.Sent() - sent
		nodes := servertest.Get[[]any](t, answer, "node", "messages", "nodes")
		t.Logf("%s: %d messages in %d statements", what, len(nodes), statements)
		return statements, int64(len(nodes)), servertest.Get[string](t, answer, "node", "messages", "pageInfo", "startCursor")
	}

	first := say(ana, object{"body": "first"})
	say(gil, object{"body": "a reply", "replyToId": first})
	want, _, _ := page("two messages", 20, nil)
	if want < 1 || want > 6 {
		t.Errorf("two messages take %d statements, want one each for them, what they have said, what they reply to, their replies, and of these what they reply to and their replies", want)
	}
	for n := range 30 {
		root := say(ana, object{"body": fmt.Sprintf("@Gil, @Ana: %d", n)})
		say(gil, object{"body": "a reply", "replyToId": root})
		say(hua, object{"body": "among us", "replyToId": root, "audience": "OWN_GROUP"})
		for i, emoji := range []string{"👍", "🎉", "🙂"} {
			for _, by := range []string{ana, gil, hua}[i:] {
				succeed(t, s, by, reactDocument, object{"messageId": root, "emoji": emoji})
			}
		}
		if n%3 == 0 {
			succeed(t, s, ana, editDocument, object{"messageId": root, "body": "edited, for @Hua"})
		}
		if n%5 == 0 {
			succeed(t, s, ana, deleteDocument, object{"messageId": root})
		}
	}
	var before *string
	for depth := 0; ; depth++ {
		got, n, start := page(fmt.Sprintf("page %d from the end", depth), 20, before)
		if got != want {
			t.Errorf("page %d from the end, of %d messages, takes %d statements, want %d", depth, n, got, want)
		}
		if before = &start; n < 20 {
			break
		}
	}
	if got, n, _ := page("a hundred", 100, nil); got != want || n != 92 {
		t.Errorf("%d messages take %d statements, want %d", n, got, want)
	}
}

// TestStatementsOfUnreadCounts counts what is unread in all channels of a page at once.
func TestStatementsOfUnreadCounts(t *testing.T) {
	t.Parallel()
	counted := &servertest.Statements{About: ofMessages}
	config := storetest.Config(t, 3)
	config.Statements = counted
	s := newPlace(servertest.New(t, servertest.Options{Config: &config}), "")
	ana, gil := s.as("ana@acme"), s.as("gil@globex")
	const channels = 4
	for n := range channels {
		channel, invitation := offer(t, s, ana, "globex", fmt.Sprintf("launch-%d", n))
		succeed(t, s, gil, acceptDocument, object{"invitationId": invitation})
		for range n {
			succeed(t, s, ana, postDocument, object{"channelId": channel, "body": "unread"})
		}
	}
	sent := counted.Sent()
	answer := s.For(t).Must(gil, `{ viewer { sharedChannels { nodes { unreadCount again: unreadCount } } } }`, nil)
	if got := counted.Sent() - sent; got != 1 {
		t.Errorf("%d channels of one cluster are counted in %d statements, want 1", channels, got)
	}
	for i, node := range servertest.Get[[]any](t, answer, "viewer", "sharedChannels", "nodes") {
		want := float64(channels - 1 - i)
		if counts := node.(object); counts["unreadCount"] != want || counts["again"] != want {
			t.Errorf("channel %d from the newest has %v unread, want %v", i, counts, want)
		}
	}
}
