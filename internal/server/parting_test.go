package server_test

import (
	"slices"
	"testing"

	"linkspan/internal/server/servertest"
)

// TestAccessEnds has a group's part in a channel end while both sides listen: its subscriptions get the event that says so and
// are completed, those of the other side go on.
func TestAccessEnds(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	k, d := newTalk(t, s, "launch"), open(t, s)
	listen := func(who string) (next func() string) {
		socket := dial(t, s, bearing{payload: s.as(who)})
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
	stays, leaves := listen("ana@acme"), listen("gil@globex")
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
	late := listen("gil@globex")
	expect("Gil, who comes late,", late, "ChannelCheckpoint", "complete")
	if kinds := happened(t, s, "ana@acme", k.id); !slices.Equal(kinds, []string{"GroupLinked", "GroupLinked", "MessagePosted", "GroupUnlinked", "MessagePosted"}) {
		t.Errorf("the log of who stays has %v", kinds)
	}
}
