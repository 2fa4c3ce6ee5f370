package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

const (
	postDocument = `mutation ($channel: ID!, $body: String!, $audience: Audience, $root: ID) {
		postMessage(input: {channelId: $channel, body: $body, audience: $audience, replyToId: $root}) { message { id } errors { code message } } }`
	editDocument  = `mutation ($id: ID!, $body: String!) { editMessage(input: {messageId: $id, body: $body}) { message { id } errors { code message } } }`
	reactDocument = `mutation ($id: ID!) { addReaction(input: {messageId: $id, emoji: "👍"}) { message { id } errors { code message } } }`
	readDocument  = `mutation ($channel: ID!, $id: ID!) { markRead(input: {channelId: $channel, upToMessageId: $id}) {
		sharedChannel { id } errors { code message } } }`
	pageDocument = `query ($channel: ID!) { node(id: $channel) { ... on SharedChannel { messages(last: 20) { logCursor nodes { id body createdAt
		author { name } reactions { emoji count viewerReacted } replyCount replies(first: 3) { nodes { id body author { name } } } } } } } }`
	unreadDocument = `query ($channel: ID!) { node(id: $channel) { ... on SharedChannel { unreadCount } } }`
	searchDocument = `query ($channel: ID!, $text: String!) { node(id: $channel) { ... on SharedChannel { search(text: $text) { nodes { id body } } } } }`
	eventsDocument = `subscription ($channel: ID!, $after: LogCursor) { channelEvents(channelId: $channel, after: $after) { __typename cursor } }`
)

// What is in the channels before the rounds.
const (
	saidBefore     = 1000 // to everyone, in each of the two
	whisperedOnce  = 5000 // by one side for itself, in one of the two
	wordsOfMessage = "the launch moves to friday because the supplier needs two more days for tests of the second batch we ordered"
)

// BenchmarkTalk measures what a conversation costs each of its users, beside a commit on the channel's cluster; and what it
// costs a side that the other has said much for itself alone, beside a channel where it has not.
func BenchmarkTalk(b *testing.B) {
	t := newTalk(b, durable(b, 8, "shard-1", "shard-2"))
	parts := newParts("a bare commit", "an empty request", "post", "seen by both", "reply", "edit", "react", "mark read", "page of 20", "unread", "search")
	observed := newParts("quiet post", "loud post", "quiet page of 20", "loud page of 20", "quiet unread", "loud unread",
		"quiet search", "loud search", "quiet search in vain", "loud search in vain", "quiet replay of 20", "loud replay of 20")
	for b.Loop() {
		for round := range warmUp + rounds {
			parts.counts, observed.counts = round >= warmUp, round >= warmUp
			t.round(parts)
			t.observe(observed, round%2 == 0)
		}
	}
	parts.print()
	fmt.Printf("\n%-20s %9s %9s %12s\n", "what Gil does", "quiet p50", "loud p50", "loud ÷ quiet")
	for _, what := range []string{"post", "page of 20", "unread", "search", "search in vain", "replay of 20"} {
		quiet, loud := observed.quantile("quiet "+what, 0.5), observed.quantile("loud "+what, 0.5)
		fmt.Printf("%-20s %9.2f %9.2f %12.2f\n", what, quiet, loud, loud/quiet)
	}
	fmt.Println()
	b.ReportMetric(parts.quantile("post", 0.5), "post-p50-ms")
	b.ReportMetric(parts.quantile("post", 0.5)/parts.quantile("a bare commit", 0.5), "post/bare")
	b.ReportMetric(0, "ns/op")
}

// talk is three channels of Ana's group with Gil's, who is on another cluster.
type talk struct {
	b                    *testing.B
	s                    *servertest.Server
	ana, gil             string // tokens
	channel, quiet, loud string // of quiet and loud, which are alike to Gil, Ana's group has said much for itself in one
	bare                 *pgx.Conn
	hears                []*listener // of both sides, in channel
	said                 int
}

func newTalk(b *testing.B, s *servertest.Server) *talk {
	b.Helper()
	from, to := apart(b, s)
	t := &talk{b: b, s: s, ana: servertest.Admin(b, "ana@"+from.Handle), gil: servertest.Admin(b, "gil@"+to.Handle)}
	t.bare = newBareCommits(b, s.Config, s.Router.ClusterOf(slotOf(from))).conns[1]
	link := func(name string) string {
		created := s.Must(t.ana, createDocument, map[string]any{"name": name, "target": to.Handle})
		invitation := servertest.Get[string](b, created, "createSharedChannel", "invitation", "id")
		accepted := s.Must(t.gil, acceptDocument, map[string]any{"id": invitation, "name": name})
		return servertest.Get[string](b, accepted, "acceptSharedChannel", "sharedChannel", "id")
	}
	t.channel, t.quiet, t.loud = link("launch"), link("quiet"), link("loud")
	for i := range whisperedOnce {
		t.post(t.ana, t.loud, map[string]any{"audience": "OWN_GROUP"})
		if i%(whisperedOnce/saidBefore) == 0 {
			for _, channel := range []string{t.channel, t.quiet, t.loud} {
				t.post(t.ana, channel, nil)
			}
		}
	}
	for _, who := range []string{t.ana, t.gil} {
		t.hears = append(t.hears, listen(b, s, who, eventsDocument, map[string]any{"channel": t.channel}))
	}
	return t
}

// post says something and returns its id.
func (t *talk) post(who, channel string, input map[string]any) string {
	t.b.Helper()
	t.said++
	variables := map[string]any{"channel": channel, "body": fmt.Sprintf("%s %d", wordsOfMessage, t.said)}
	for name, value := range input {
		variables[name] = value
	}
	return servertest.Get[string](t.b, t.s.Must(who, postDocument, variables), "postMessage", "message", "id")
}

// round has both sides talk once and adds the time of each part.
func (t *talk) round(parts *parts) {
	t.b.Helper()
	timed := func(name string, do func()) {
		started := time.Now()
		do()
		parts.add(name, time.Since(started))
	}
	ask := func(who, document string, variables map[string]any) { t.s.Must(who, document, variables) }
	timed("a bare commit", func() {
		if _, err := t.bare.Exec(t.b.Context(), `INSERT INTO bare (id, body) VALUES (gen_random_uuid(), $1)`, wordsOfMessage); err != nil {
			t.b.Fatal(err)
		}
	})
	timed("an empty request", func() { ask(t.ana, `{ __typename }`, nil) })
	var id string
	posting := time.Now()
	timed("post", func() { id = t.post(t.ana, t.channel, nil) })
	var last time.Time
	for _, who := range t.hears {
		if at := who.when(t.b, "MessagePosted"); at.After(last) {
			last = at
		}
	}
	parts.add("seen by both", last.Sub(posting))
	timed("reply", func() { t.post(t.gil, t.channel, map[string]any{"root": id}) })
	timed("edit", func() { ask(t.ana, editDocument, map[string]any{"id": id, "body": wordsOfMessage}) })
	timed("react", func() { ask(t.gil, reactDocument, map[string]any{"id": id}) })
	timed("mark read", func() { ask(t.gil, readDocument, map[string]any{"channel": t.channel, "id": id}) })
	timed("page of 20", func() { ask(t.gil, pageDocument, map[string]any{"channel": t.channel}) })
	timed("unread", func() { ask(t.gil, unreadDocument, map[string]any{"channel": t.channel}) })
	timed("search", func() { ask(t.gil, searchDocument, map[string]any{"channel": t.channel, "text": "supplier batch"}) })
	for _, who := range t.hears {
		who.when(t.b, "ReactionChanged") // and all before it
	}
}

// observe has Gil do the same in both channels, which are alike to him, and adds the times.
func (t *talk) observe(observed *parts, quietFirst bool) {
	t.b.Helper()
	names := []string{"loud", "quiet"}
	if quietFirst {
		slices.Reverse(names)
	}
	for _, name := range names {
		channel := map[string]string{"quiet": t.quiet, "loud": t.loud}[name]
		asked := func(what, document string, variables map[string]any) {
			started := time.Now()
			t.s.Must(t.gil, document, variables)
			observed.add(name+" "+what, time.Since(started))
		}
		asked("post", postDocument, map[string]any{"channel": channel, "body": wordsOfMessage})
		asked("page of 20", pageDocument, map[string]any{"channel": channel})
		asked("unread", unreadDocument, map[string]any{"channel": channel})
		asked("search", searchDocument, map[string]any{"channel": channel, "text": "supplier batch"})
		asked("search in vain", searchDocument, map[string]any{"channel": channel, "text": "nothing of the kind"})
		after, err := ids.ParseLogCursor(servertest.Get[string](t.b, t.s.Must(t.gil, pageDocument, map[string]any{"channel": channel}), "node", "messages", "logCursor"))
		if err != nil {
			t.b.Fatal(err)
		}
		after.Position -= 20
		started := time.Now()
		replayed := listen(t.b, t.s, t.gil, eventsDocument, map[string]any{"channel": channel, "after": after.String()})
		observed.add(name+" replay of 20", time.Since(started))
		replayed.close()
	}
}
