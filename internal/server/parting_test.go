package server_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"linkspan/internal/server/servertest"
)

// listen follows a channel; next is the kind of the next event, with the group that it is about, or that the server completed it.
func (k *talk) listen(t *testing.T, who string) (next func() string) {
	t.Helper()
	socket := dial(t, k.s, bearing{payload: k.s.as(who)})
	id := socket.subscribe(channelEventsDocument, object{"channelId": k.id})
	return func() string {
		answer, done := socket.answer(id)
		if done {
			return "complete"
		}
		event := servertest.Get[object](t, answer.Data, "channelEvents")
		kind := event["__typename"].(string)
		if group, ok := event["group"].(object); ok {
			kind += " " + group["handle"].(string)
		}
		return kind
	}
}

// TestAccessEnds has a group's part in a channel end while both sides listen: its subscriptions get the event that says so and
// are completed, those of the other side go on.
func TestAccessEnds(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	k, d := newTalk(t, s, "launch"), open(t, s)
	stays, leaves := k.listen(t, "ana@acme"), k.listen(t, "gil@globex")
	expect := func(who string, next func() string, want ...string) {
		t.Helper()
		for _, want := range want {
			if got := next(); got != want {
				t.Errorf("%s gets %s, want %s", who, got, want)
			}
		}
	}
	expect("Ana", stays, "ChannelCheckpoint")
	expect("Gil", leaves, "ChannelCheckpoint")
	k.say("ana@acme", "before")
	expect("Ana", stays, "MessagePosted")
	expect("Gil", leaves, "MessagePosted")
	d.part(k.id, "globex")
	expect("Gil", leaves, "GroupUnlinked globex", "complete")
	expect("Ana", stays, "GroupUnlinked globex")
	k.say("ana@acme", "behind")
	expect("Ana", stays, "MessagePosted")
	late := k.listen(t, "gil@globex")
	expect("Gil, who comes late,", late, "ChannelCheckpoint", "complete")
	if kinds := happened(t, s, "ana@acme", k.id); !slices.Equal(kinds, []string{"GroupLinked", "GroupLinked", "MessagePosted", "GroupUnlinked", "MessagePosted"}) {
		t.Errorf("the log of who stays has %v", kinds)
	}
}

// TestAccessEndsAtAnotherProcess has a group parted by another process, of which this one hears nothing, while it goes on posting: what
// it posts reaches the group neither from memory nor by a read.
func TestAccessEndsAtAnotherProcess(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	k := newTalk(t, s, "launch")
	stays, leaves := k.listen(t, "ana@acme"), k.listen(t, "gil@globex")
	for _, next := range []func() string{stays, leaves} {
		if got := next(); got != "ChannelCheckpoint" {
			t.Fatalf("first comes %s", got)
		}
	}
	k.say("ana@acme", "before")
	s.partSilently(t, k.id, "globex", nil)
	k.say("ana@acme", "behind")
	for _, want := range []string{"MessagePosted", "GroupUnlinked globex", "complete"} {
		if got := leaves(); got != want {
			t.Errorf("who parts gets %s, want %s", got, want)
		}
	}
	for _, want := range []string{"MessagePosted", "GroupUnlinked globex", "MessagePosted"} {
		if got := stays(); got != want {
			t.Errorf("who stays gets %s, want %s", got, want)
		}
	}
}

// TestPartedCursorOutlivesRetention has all events of a channel removed behind the end of a side that parted: the cursor of its frozen
// page stays good, and one from before what was removed does not.
func TestPartedCursorOutlivesRetention(t *testing.T) {
	shapes(t, servertest.Options{}, func(t *testing.T, s *place) {
		k := newTalk(t, s, "launch")
		k.say("ana@acme", "before")
		k.whisper("gil@globex", "among us")
		cursor := func() string {
			data := s.For(t).Must(s.as("gil@globex"), messagesDocument, object{"id": k.id})
			return servertest.Get[string](t, data, "node", "messages", "logCursor")
		}
		early := cursor()
		s.part(t, k.id, "globex", nil)
		end := cursor()
		for range 5 {
			k.say("ana@acme", "behind")
		}
		if got := cursor(); got != end {
			t.Errorf("the others go on, and the frozen page's cursor is another")
		}
		for _, cluster := range s.Router.Clusters() {
			if _, err := s.Store.ForgetEvents(t.Context(), cluster, -time.Hour, 100, 100); err != nil {
				t.Fatal(err)
			}
		}
		if got := cursor(); got != end {
			t.Errorf("events were removed, and the frozen page's cursor is another")
		}
		socket := dial(t, s, bearing{payload: s.as("gil@globex")})
		id := socket.subscribe(channelEventsDocument, object{"channelId": k.id, "after": end})
		if event := socket.event(id); event["__typename"] != "ChannelCheckpoint" || event["cursor"] != end {
			t.Errorf("behind the end comes %v", event)
		}
		if answer, done := socket.answer(id); !done {
			t.Errorf("behind the end comes %s", answer.Body)
		}
		id = socket.subscribe(channelEventsDocument, object{"channelId": k.id, "after": early})
		if answer, _ := socket.answer(id); !strings.Contains(answer.Body, "CURSOR_EXPIRED") {
			t.Errorf("behind what was removed comes %s", answer.Body)
		}
	})
}

// TestPartedRepeats has a side that parted repeat, with its key, what it did while it took part: the outcome is the same. Another input
// under the key is refused as such.
func TestPartedRepeats(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	k, gil := newTalk(t, s, "launch"), s.as("gil@globex")
	input := object{"channelId": k.id, "body": "words", "idempotencyKey": "before"}
	said := messageOf(t, succeed(t, s, gil, postDocument, input))
	marked := object{"channelId": k.id, "upToMessageId": k.say("ana@acme", "read me"), "idempotencyKey": "read"}
	succeed(t, s, gil, readDocument, marked)
	s.part(t, k.id, "globex", nil)
	if again := messageOf(t, succeed(t, s, gil, postDocument, input)); again != said {
		t.Errorf("repeated it is %s, want %s", again, said)
	}
	succeed(t, s, gil, readDocument, marked)
	if got := refusal(t, mutate(t, s, gil, postDocument, with(input, object{"body": "others"}))); got != "IDEMPOTENCY_KEY_REUSED input.idempotencyKey" {
		t.Errorf("another input under the key: %s", got)
	}
}
