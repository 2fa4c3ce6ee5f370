package server_test

import (
	"fmt"
	"strings"
	"testing"

	"linkspan/internal/server/servertest"
	"linkspan/internal/store/storetest"
)

// The same events, with and without what depends on the one user who reads.
const (
	sharedEventsDocument = `subscription Shared($id: ID!, $from: LogCursor) { channelEvents(channelId: $id, after: $from) { __typename cursor
		... on MessagePosted { message { id body state audience author { ... on User { name } } replyCount } }
		... on MessageEdited { message { id body } } } }`
	ownEventsDocument = `subscription Own($id: ID!, $from: LogCursor) { channelEvents(channelId: $id, after: $from) { __typename cursor
		... on MessagePosted { message { id body reactions { emoji viewerReacted } } } } }`
)

// audienceTest is a channel with subscribers on both sides.
type audienceTest struct {
	*talk
	counted *servertest.Statements
}

func newAudienceTest(t *testing.T) *audienceTest {
	counted := &servertest.Statements{About: []string{"linkspan_shard.message "}, OfSubscriptions: true}
	config := storetest.Config(t, 3)
	config.Statements = counted
	s := newPlace(servertest.New(t, servertest.Options{Config: &config}), "")
	return &audienceTest{newTalk(t, s, "launch"), counted}
}

// follow subscribes as a user, from now on where there is no cursor, and returns what reads the next event, past checkpoints.
func (a *audienceTest) follow(who, document string, from any) func() servertest.Answer {
	a.t.Helper()
	k := dial(a.t, a.s, bearing{payload: a.s.as(who)})
	id := k.subscribe(document, object{"id": a.id, "from": from})
	answer := func() servertest.Answer {
		a.t.Helper()
		answer, done := k.answer(id)
		if done || len(answer.Errors) > 0 {
			a.t.Fatalf("no event: %s", answer.Body)
		}
		return answer
	}
	if from == nil {
		if first := answer(); kindOf(first) != "ChannelCheckpoint" { // now is when that comes
			a.t.Fatalf("first comes %s", first.Body)
		}
	}
	return func() servertest.Answer {
		a.t.Helper()
		for {
			if event := answer(); kindOf(event) != "ChannelCheckpoint" {
				return event
			}
		}
	}
}

// edit changes what a message says: an event whose message is read, as nothing but what was just posted is known.
func (a *audienceTest) edit(who, message, body string) {
	a.t.Helper()
	succeed(a.t, a.s, a.s.as(who), editDocument, object{"messageId": message, "body": body})
}

// TestAudiencesShare has an event read once for each side and role, however many follow it there, and never shared with who sees
// something else.
func TestAudiencesShare(t *testing.T) {
	t.Parallel()
	a := newAudienceTest(t)
	type reader struct {
		who  string
		next func() servertest.Answer
	}
	var readers []reader
	follow := func(who, document string) {
		readers = append(readers, reader{who, a.follow(who, document, nil)})
	}
	bodies := map[string]string{} // of one event, by side and role
	tell := func(body string, tell func(who, body string), of string) (statements int64) {
		t.Helper()
		before := a.counted.Sent()
		clear(bodies)
		tell("ana@acme", body)
		for _, r := range readers {
			side := strings.TrimLeft(r.who, "abcdefghijklmnopqrstuvwxyz0123456789")
			if !strings.Contains(side, of) {
				continue
			}
			got := r.next().Body
			if bodies[side] == "" {
				bodies[side] = got
			}
			if got != bodies[side] || !strings.Contains(got, body) {
				t.Errorf("%s gets %s, another one of its side %s", r.who, got, bodies[side])
			}
		}
		return a.counted.Sent() - before
	}
	sides := []string{"@acme", "@acme member", "@globex", "@globex member"}
	said, whispered := a.say("ana@acme", "to nobody yet"), a.whisper("ana@acme", "to nobody")
	edit := func(who, body string) { a.edit(who, said, body) }
	for _, side := range sides {
		follow("one"+side, sharedEventsDocument)
	}
	if few := tell("to few", edit, ""); few != int64(len(sides)) {
		t.Errorf("%d sides and roles read an event in %d statements", len(sides), few)
	}
	for _, side := range sides {
		for _, user := range []string{"two", "three", "four", "five"} {
			follow(user+side, sharedEventsDocument)
		}
	}
	if many := tell("to many", edit, ""); many != int64(len(sides)) {
		t.Errorf("%d sides and roles with %d readers read an event in %d statements", len(sides), len(readers), many)
	}
	if bodies["@acme"] == bodies["@globex"] {
		t.Error("two sides have one cursor")
	}
	if private := tell("among us", func(who, body string) { a.edit(who, whispered, body) }, "@acme"); private != 2 {
		t.Errorf("the two roles of a side read a whisper in %d statements", private)
	}
	tell("last", func(who, body string) { a.say(who, body) }, "") // globex gets this next, and not what was whispered
}

// TestAudiencesLeaveUsersAlone sends each user its own where a document selects what depends on the one who reads.
func TestAudiencesLeaveUsersAlone(t *testing.T) {
	t.Parallel()
	a := newAudienceTest(t)
	begin := servertest.Get[string](t, a.s.For(t).Must(a.s.as("gil@globex"), messagesDocument, object{"id": a.id}), "node", "messages", "logCursor")
	said := a.say("ana@acme", "what do you think?")
	succeed(t, a.s, a.s.as("gil@globex"), reactDocument, object{"messageId": said, "emoji": "👍"})
	for who, want := range map[string]string{"gil@globex": `"viewerReacted":true`, "gus@globex": `"viewerReacted":false`, "ana@acme": `"viewerReacted":false`} {
		from := begin
		if strings.HasSuffix(who, "@acme") {
			from = servertest.Get[string](t, a.s.For(t).Must(a.s.as(who), messagesDocument, object{"id": a.id}), "node", "messages", "logCursor")
			said = a.say("gil@globex", "and you?")
			succeed(t, a.s, a.s.as("gil@globex"), reactDocument, object{"messageId": said, "emoji": "👍"})
		}
		for range 2 {
			if got := a.follow(who, ownEventsDocument, from)().Body; !strings.Contains(got, want) {
				t.Errorf("%s gets %s, want %s", who, got, want)
			}
		}
	}
}

// TestAudiencesForgetWhatIsDeleted has nobody get a body that another subscriber got a moment ago, once it is deleted.
func TestAudiencesForgetWhatIsDeleted(t *testing.T) {
	t.Parallel()
	a := newAudienceTest(t)
	begin := servertest.Get[string](t, a.s.For(t).Must(a.s.as("gil@globex"), messagesDocument, object{"id": a.id}), "node", "messages", "logCursor")
	first := a.follow("gil@globex", sharedEventsDocument, begin)
	for range 10 {
		said := a.say("ana@acme", "a secret")
		if got := first().Body; !strings.Contains(got, "a secret") {
			t.Fatalf("got %s", got)
		}
		succeed(t, a.s, a.s.as("ana@acme"), deleteDocument, object{"messageId": said})
		if got := a.follow("gus@globex", sharedEventsDocument, begin)().Body; strings.Contains(got, "a secret") || !strings.Contains(got, said) {
			t.Fatalf("after it was deleted there came %s", got)
		}
		begin = servertest.Get[string](t, first().Data, "channelEvents", "cursor") // of the deletion
	}
}

// TestCrowd has so many follow a channel that events are handed to them: each gets each event once, in order, whenever it comes,
// and whoever else comes and goes.
func TestCrowd(t *testing.T) {
	t.Parallel()
	a := newAudienceTest(t)
	begin := servertest.Get[string](t, a.s.For(t).Must(a.s.as("gil@globex"), messagesDocument, object{"id": a.id}), "node", "messages", "logCursor")
	const crowd, rounds = 90, 12
	type reader struct {
		next func() servertest.Answer
		has  int
	}
	var readers []*reader
	join := func(n int) {
		readers = append(readers, &reader{next: a.follow(fmt.Sprintf("u%d@globex", n%crowd), sharedEventsDocument, begin)})
	}
	for n := range crowd {
		join(n)
	}
	var said []string
	read := func() {
		t.Helper()
		for i, r := range readers {
			for ; r.has < len(said); r.has++ {
				if got := r.next().Body; !strings.Contains(got, said[r.has]) {
					t.Fatalf("reader %d gets as event %d %s, want message %s", i, r.has, got, said[r.has])
				}
			}
		}
	}
	for round := range rounds {
		for range 1 + round%3 {
			said = append(said, a.say("ana@acme", fmt.Sprint("round ", round)))
		}
		if round%2 == 0 {
			a.whisper("ana@acme", "among us") // which moves nothing here
		}
		if round%4 == 1 {
			join(round) // from the beginning, while the others rest
		}
		read()
	}
	before := a.counted.Sent()
	a.edit("ana@acme", said[0], "edited")
	said = append(said, said[0])
	read()
	if statements := a.counted.Sent() - before; statements != 1 {
		t.Errorf("%d readers read an event in %d statements", len(readers), statements)
	}
}
