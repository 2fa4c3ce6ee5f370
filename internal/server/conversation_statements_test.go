package server_test

import (
	"fmt"
	"strings"
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
	if want < 1 || want > 7 {
		t.Errorf("two messages take %d statements, want one each for the channel with how far one has read, them, what they have said, what they reply to, their replies, and of these what they reply to and their replies", want)
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

// TestRoundTripsOfAChannel reads a channel with what is unread and a page of its messages at once, whoever asks for it in whatever
// way, and as when each is asked for apart.
func TestRoundTripsOfAChannel(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, 3)
	counted := &servertest.Statements{}
	config.Statements = counted
	s := newPlace(servertest.New(t, servertest.Options{Config: &config}), "")
	ana, gil, out := s.as("ana@acme"), s.as("gil@globex"), s.as("out@initech")
	channel, invitation := offer(t, s, ana, "globex", "launch")
	succeed(t, s, gil, acceptDocument, object{"invitationId": invitation})
	for n := range 5 {
		succeed(t, s, ana, postDocument, object{"channelId": channel, "body": fmt.Sprint(n)})
	}
	ask := func(by, fields string) (object, int64) {
		given := ""
		if strings.Contains(fields, "$") {
			given = ", $last: Int = 2, $yes: Boolean = true"
		}
		sent := counted.Trips()
		answer := s.For(t).Must(by, `query($id: ID!`+given+`) { node(id: $id) { ... on SharedChannel { id `+fields+` } } }`, object{"id": channel})
		node, _ := answer["node"].(object)
		return node, counted.Trips() - sent
	}
	bodies := func(node object, alias string) (said string) {
		for _, message := range servertest.Get[[]any](t, node, alias, "nodes") {
			said += message.(object)["body"].(string)
		}
		return said
	}
	ask(gil, `unreadCount`) // whoever signs in for the first time
	for fields, want := range map[string]struct {
		trips    int64
		messages map[string]string
	}{
		`unreadCount`: {1, nil},
		`unreadCount messages(last: 2) { nodes { body } }`:                                                           {1, map[string]string{"messages": "34"}},
		`... @skip(if: $yes) { unreadCount } ... { messages(last: $last) { nodes { body } } }`:                       {1, map[string]string{"messages": "34"}},
		`a: unreadCount unreadCount first: messages(first: 3) { nodes { body } }`:                                    {1, map[string]string{"first": "012"}},
		`a: messages(last: 2) { nodes { body } } b: messages(last: 2) { nodes { body } }`:                            {1, map[string]string{"a": "34", "b": "34"}},
		`a: messages(last: 2) { nodes { body } } b: messages(first: 2) { nodes { body } }`:                           {2, map[string]string{"a": "34", "b": "01"}},
		`unreadCount a: messages(last: 1) @skip(if: true) { nodes { body } }`:                                        {1, nil},
		`a: messages(last: 1) @include(if: false) { nodes { body } } b: messages(first: 2) { nodes { body } } state`: {1, map[string]string{"b": "01"}},
	} {
		node, trips := ask(gil, fields)
		if trips != want.trips {
			t.Errorf("%s: %d round trips, want %d", fields, trips, want.trips)
		}
		if n, counted := node["unreadCount"]; counted && n != float64(5) {
			t.Errorf("%s: %v unread, want 5", fields, n)
		}
		for alias, said := range want.messages {
			if got := bodies(node, alias); got != said {
				t.Errorf("%s: %s is %q, want %q", fields, alias, got, said)
			}
		}
		if node, trips := ask(out, fields); node != nil || trips > 1 {
			t.Errorf("%s: a stranger gets %v in %d round trips", fields, node, trips)
		}
	}
	answer := s.For(t).Post(gil, `query($id: ID!) { node(id: $id) { id ... on SharedChannel { unreadCount messages(first: 1000) { nodes { id } } } } }`, object{"id": channel})
	if len(answer.Errors) != 1 || fmt.Sprint(answer.Errors[0].Path) != "[node messages]" {
		t.Errorf("a page that is too long: %+v", answer)
	}
}
