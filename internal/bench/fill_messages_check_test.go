package bench

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkspan/internal/check"
	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// TestFillTalk holds what is filled to what the product makes: no invariant is broken, a post of the same text leaves the same
// words, and the messages can be read and found.
func TestFillTalk(t *testing.T) {
	t.Parallel()
	const channels, messages = 5, 30
	config := storetest.Config(t, 3)
	router, err := shardrouter.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer router.Close()
	made := fillTalk(t.Context(), t, config, router, channels, messages)
	report, err := check.Run(t.Context(), router, nil)
	if err != nil || !report.OK() || report.Channels != channels || report.Groups != 4 {
		t.Fatalf("%v, %+v", err, report)
	}

	s := servertest.New(t, servertest.Options{Config: &config, NoGroups: true})
	user := servertest.Member(t, "user@"+everyone)
	for _, id := range made.channels {
		page := s.Must(user, pageDocument, map[string]any{"channel": id.String()})
		nodes := servertest.Get[[]any](t, page, "node", "messages", "nodes")
		if len(nodes) != 20 {
			t.Fatalf("a page has %d messages", len(nodes))
		}
		body := servertest.Get[string](t, nodes[19], "body")
		last := servertest.Get[string](t, nodes[19], "id")
		found := s.Must(user, searchDocument, map[string]any{"channel": id.String(), "text": `"` + body + `"`})
		if hits := servertest.Get[[]any](t, found, "node", "search", "nodes"); len(hits) != 1 || servertest.Get[string](t, hits[0], "id") != last {
			t.Errorf("a search for %q finds %v", body, hits)
		}
		posted := s.Must(user, postDocument, map[string]any{"channel": id.String(), "body": body})
		again, err := ids.Parse(servertest.Get[string](t, posted, "postMessage", "message", "id"))
		if err != nil || again.Message.Number != linkEvents+messages+1 {
			t.Fatalf("%v, %+v", err, again)
		}
		if diff := cmp.Diff(wordsAt(t, config, router, again.Message), wordsAt(t, config, router, ids.Message{
			Channel: id, Number: linkEvents + messages,
		})); diff != "" {
			t.Error(diff)
		}
	}
	if report, err = check.Run(t.Context(), router, nil); err != nil || !report.OK() {
		t.Errorf("after posts: %v, %+v", err, report)
	}
}

// wordsAt are the words of a message, as Postgres writes them.
func wordsAt(t *testing.T, config shardrouter.Config, router *shardrouter.Router, id ids.Message) (words string) {
	t.Helper()
	conn := connect(t, storetest.DSN(config, router.ClusterOf(shardrouter.Slot(id.Channel.Slot()))))
	defer conn.Close(t.Context())
	err := conn.QueryRow(t.Context(), `SELECT words::text FROM linkspan_shard.message_words
		WHERE slot = $1 AND channel_id = $2 AND owner_group_id = '00000000-0000-0000-0000-000000000000' AND number = $3`,
		int16(id.Channel.Slot()), id.Channel, id.Number).Scan(&words)
	if err != nil {
		t.Fatal(err)
	}
	return words
}
