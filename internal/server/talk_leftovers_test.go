package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/ids"
	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
)

// rowsWith returns, by table, how many rows of all databases have a text in them.
func (d *databases) rowsWith(t *testing.T, text string) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, pool := range d.all() {
		rows, err := pool.Query(t.Context(), `SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname LIKE 'linkspan%'`)
		if err != nil {
			t.Fatal(err)
		}
		tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range tables {
			var n int
			err := pool.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` AS t WHERE strpos(t::text, $1) > 0`, text).Scan(&n)
			if err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				found[table[strings.IndexByte(table, '.')+1:]] += n
			}
		}
	}
	return found
}

// TestDeletedIsGone deletes messages of both audiences, which were edited, searched for, reacted to and named somebody. What
// they said and the reactions are in no table any more, nor in what a subscriber gets of their events.
func TestDeletedIsGone(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	d := open(t, s)
	ana := s.as("ana@acme")
	for i, audience := range []string{"EVERYONE", "OWN_GROUP"} {
		t.Run(audience, func(t *testing.T) {
			channel := linked(t, s, audience)
			first, second, emoji := fmt.Sprintf("firstbody%d", i), fmt.Sprintf("secondbody%d", i), []string{"🦊", "🐙"}[i]
			message := messageOf(t, succeed(t, s, ana, postDocument, object{"channelId": channel, "body": first + " of @Ana", "audience": audience, "idempotencyKey": "k"}))
			succeed(t, s, ana, editDocument, object{"messageId": message, "body": second + " of @Ana", "idempotencyKey": "k"})
			succeed(t, s, ana, reactDocument, object{"messageId": message, "emoji": emoji})
			for text, tables := range map[string][]string{first: {"message_version"}, second: {"message", "message_words"}, emoji: {"reaction"}} {
				found := d.rowsWith(t, text)
				for _, table := range tables {
					if found[table] != 1 {
						t.Fatalf("before it is deleted %q is in %v, not in %s: this test tests nothing", text, found, table)
					}
				}
			}
			deleted := succeed(t, s, s.as("amy@acme"), deleteDocument, object{"messageId": message})
			for _, text := range []string{first, second} {
				if found := d.rowsWith(t, text); len(found) > 0 {
					t.Errorf("%q is still in %v", text, found)
				}
			}
			if found := d.rowsWith(t, emoji); found["reaction"] > 0 {
				t.Errorf("the reaction is still in %v", found)
			}
			if got := servertest.Get[object](t, deleted, "message"); len(got["mentions"].([]any)) > 0 || len(got["reactions"].([]any)) > 0 || got["body"] != nil {
				t.Errorf("it is shown as %v", got)
			}
			data := s.For(t).Must(ana, messagesDocument, object{"id": channel})
			start, err := ids.ParseLogCursor(servertest.Get[string](t, data, "node", "messages", "logCursor"))
			if err != nil {
				t.Fatal(err)
			}
			start.Position = 0
			k := dial(t, s, bearing{payload: ana})
			id := k.subscribe(channelEventsDocument, object{"channelId": channel, "after": start.String()})
			events := 0
			for kind := ""; !strings.HasSuffix(kind, "Checkpoint"); events++ {
				answer, _ := k.answer(id)
				if kind = kindOf(answer); strings.Contains(answer.Body, "body"+fmt.Sprint(i)) {
					t.Errorf("a frame has %s", answer.Body)
				}
			}
			if events != 7 { // two links, what was done to it, the checkpoint
				t.Errorf("there were %d events", events)
			}
		})
	}
}

// TestNothingDoneIsNotSeen has a user of one side do what comes to nothing: that the other side sees nothing of, neither that
// there is such a user nor how it is called now.
func TestNothingDoneIsNotSeen(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	channel := linked(t, s, "launch")
	ana, gil := s.as("ana@acme"), s.as("gil@globex")
	message := messageOf(t, succeed(t, s, ana, postDocument, object{"channelId": channel, "body": "words"}))
	theirs := messageOf(t, succeed(t, s, s.as("gil@globex"), postDocument, object{"channelId": channel, "body": "words"}))
	gone := messageOf(t, succeed(t, s, ana, postDocument, object{"channelId": channel, "body": "words"}))
	succeed(t, s, ana, reactDocument, object{"messageId": theirs, "emoji": "👍"})
	succeed(t, s, ana, deleteDocument, object{"messageId": gone})

	claims := server.Claims{Group: "acme" + s.suffix, Role: server.RoleAdmin, Name: "Renamed"}
	claims.Subject = "ana"
	renamed := servertest.Sign(t, claims)
	for _, token := range []string{s.as("ben@acme member"), renamed} {
		succeed(t, s, token, unreactDocument, object{"messageId": message, "emoji": "👍"})
	}
	succeed(t, s, s.as("amy@acme"), deleteDocument, object{"messageId": gone})
	succeed(t, s, renamed, reactDocument, object{"messageId": theirs, "emoji": "👍"})

	acme := s.group("acme").ID
	const user = `query($id: ID!) { node(id: $id) { ... on User { name } } }`
	for _, sub := range []string{"ben", "amy"} {
		if data := s.Must(gil, user, object{"id": ids.UserOf(acme, sub).String()}); data["node"] != nil {
			t.Errorf("globex sees %s: %v", sub, data)
		}
	}
	called := func() string {
		data := s.Must(gil, `query($id: ID!) { node(id: $id) { ... on Message { author { name } } } }`, object{"id": message})
		return servertest.Get[string](t, data, "node", "author", "name")
	}
	if name := called(); name != "Ana" {
		t.Errorf("globex sees that ana is called %s", name)
	}
	said := succeed(t, s, gil, postDocument, object{"channelId": channel, "body": "@Ben, @Amy, @Renamed and @Ana"})
	if names := servertest.Get[[]any](t, said, "message", "mentions"); len(names) != 1 {
		t.Errorf("named are %v", names)
	}
	succeed(t, s, renamed, reactDocument, object{"messageId": theirs, "emoji": "🎉"})
	if name := called(); name != "Renamed" {
		t.Errorf("having done something for all to see she is called %s", name)
	}
}

// TestHistoryIsBounded edits a message more often than is shown of it.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	ana := s.as("ana@acme")
	channel := linked(t, s, "launch")
	message := messageOf(t, succeed(t, s, ana, postDocument, object{"channelId": channel, "body": "0"}))
	const edits = 103
	for i := range edits {
		succeed(t, s, ana, editDocument, object{"messageId": message, "body": fmt.Sprint(i + 1)})
		if i != 98 && i != edits-1 {
			continue
		}
		data := s.Must(s.as("gil@globex"), `query($id: ID!) { node(id: $id) { ... on Message { history { body } } } }`, object{"id": message})
		history := servertest.Get[[]any](t, data, "node", "history")
		if len(history) != 100 {
			t.Fatalf("after %d edits there are %d versions, want 100", i+1, len(history))
		}
		for n, version := range history {
			if want := fmt.Sprint(i + 1 - 99 + n); version.(object)["body"] != want {
				t.Errorf("after %d edits version %d is %v, want %s", i+1, n, version, want)
			}
		}
	}
}

// TestEmojiOfAMessageAreBounded reacts with one emoji after the other: one that is there can still be used, another one can't.
func TestEmojiOfAMessageAreBounded(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	ana, gil := s.as("ana@acme"), s.as("gil@globex")
	channel := linked(t, s, "launch")
	message := messageOf(t, succeed(t, s, ana, postDocument, object{"channelId": channel, "body": "words"}))
	emoji := func(i int) string { return string(rune(0x1f400 + i)) } // animals, and what follows them
	for i := range 100 {
		succeed(t, s, []string{ana, gil}[i%2], reactDocument, object{"messageId": message, "emoji": emoji(i)})
	}
	again := object{"messageId": message, "emoji": emoji(1)}
	succeed(t, s, ana, reactDocument, again)
	succeed(t, s, gil, reactDocument, again)
	over := object{"messageId": message, "emoji": emoji(100)}
	if got := refusal(t, mutate(t, s, ana, reactDocument, over)); got != "INVALID_INPUT input.emoji" {
		t.Errorf("the 101st got %q", got)
	}
	succeed(t, s, ana, unreactDocument, object{"messageId": message, "emoji": emoji(0)})
	succeed(t, s, ana, reactDocument, over)
}
