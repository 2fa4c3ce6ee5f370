package server_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"linkspan/internal/server/servertest"
)

// at runs something n times at once and returns what each got. It may not end the test.
func atOnce[T any](n int, run func(i int) T) []T {
	got := make([]T, n)
	var running sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		running.Go(func() {
			<-start
			got[i] = run(i)
		})
	}
	close(start)
	running.Wait()
	return got
}

// post is mutate for goroutines that must not end the test: what goes wrong is in the payload's place.
func post(s *place, token, document string, input object) object {
	answer := s.Post(token, document, object{"input": input})
	payload, ok := answer.Data["it"].(object)
	if len(answer.Errors) > 0 || !ok {
		return object{"errors": []any{object{"code": answer.Body, "path": []any{}, "message": "-"}}}
	}
	return payload
}

// testKeyTwiceAtOnce sends one mutation with one key many times at once.
func testKeyTwiceAtOnce(t *testing.T, s *place) {
	const times = 6
	once := func(token, document string, input object, ids ...string) object {
		t.Helper()
		payloads := atOnce(times, func(int) object { return post(s, token, document, input) })
		for _, payload := range payloads {
			if code := refusal(t, payload); code != "" {
				t.Fatalf("refused: %s: %v", code, payload)
			}
			for _, id := range ids {
				if one, other := payload[id].(object)["id"], payloads[0][id].(object)["id"]; one != other {
					t.Errorf("two %ss: %v and %v", id, one, other)
				}
			}
		}
		return payloads[0]
	}
	register := once(s.as("operator"), registerDocument, object{"handle": "hooli", "name": "Hooli", "idempotencyKey": "k"}, "group")
	if servertest.Get[string](t, register, "group", "handle") != "hooli" {
		t.Errorf("%v", register)
	}
	created := once(s.as("ana@acme"), createDocument, object{"target": s.to("globex"), "name": "launch", "idempotencyKey": "k"}, "sharedChannel", "invitation")
	invitation := servertest.Get[string](t, created, "invitation", "id")
	accepted := once(s.as("gil@globex"), acceptDocument, object{"invitationId": invitation, "name": "liftoff", "idempotencyKey": "k"}, "sharedChannel", "invitation")
	if version := servertest.Get[float64](t, accepted, "invitation", "version"); version != 2 {
		t.Errorf("accepted %d times at once, the invitation's version is %v", times, version)
	}
	for _, m := range []struct{ document, who string }{{declineDocument, "gil@globex"}, {revokeDocument, "ana@acme"}} {
		_, invitation := offer(t, s, s.as("ana@acme"), "globex", "second")
		ended := once(s.as(m.who), m.document, object{"invitationId": invitation, "idempotencyKey": "k"}, "invitation")
		if version := servertest.Get[float64](t, ended, "invitation", "version"); version != 2 {
			t.Errorf("ended %d times at once, the invitation's version is %v", times, version)
		}
	}
	for who, want := range map[string]int{"ana@acme": 3, "gil@globex": 1} {
		data := s.Must(s.as(who), `{ viewer { sharedChannels { nodes { id } } } }`, nil)
		if got := len(servertest.Get[[]any](t, data, "viewer", "sharedChannels", "nodes")); got != want {
			t.Errorf("%s has %d channels, want %d", who, got, want)
		}
	}
	// Each effect came into each inbox once.
	d := open(t, s)
	d.settle()
	for handle, want := range map[string]int{"acme": 6, "globex": 6} {
		if got := d.events(handle); got != want {
			t.Errorf("%s has %d events, want %d", handle, got, want)
		}
	}
}

// TestKeyReused sends a key again with another input, by others, and in other scopes.
func TestKeyReused(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{}), "")
	d := open(t, s)
	const reused = "IDEMPOTENCY_KEY_REUSED input.idempotencyKey"
	create := object{"target": s.to("globex"), "name": "launch", "topic": "t", "note": "n", "idempotencyKey": "k"}
	first := succeed(t, s, s.as("ana@acme"), createDocument, create)
	id := func(payload object, field string) string { return servertest.Get[string](t, payload, field, "id") }
	invitation := id(first, "invitation")

	same := func(name, token, document string, input, want object, fields ...string) {
		t.Helper()
		payload := succeed(t, s, token, document, input)
		for _, field := range fields {
			if id(payload, field) != id(want, field) {
				t.Errorf("%s: another %s: %v and %v", name, field, payload, want)
			}
		}
	}
	refused := func(name, token, document string, input object, want string) {
		t.Helper()
		d.begin()
		if got := refusal(t, mutate(t, s, token, document, input)); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
		d.unchanged(t)
	}

	same("the same input", s.as("ana@acme"), createDocument, create, first, "sharedChannel", "invitation")
	for name, other := range map[string]object{
		"another name": {"name": "liftoff"}, "another topic": {"topic": "T"}, "no topic": {"topic": nil}, "another note": {"note": "N"},
		"another target": {"target": s.to("initech")}, "oneself": {"target": s.to("acme")}, "an unknown target": {"target": object{"handle": "nobody"}},
	} {
		refused(name, s.as("ana@acme"), createDocument, with(create, other), reused)
	}
	refused("another user of the group, whose run is its own", s.as("ben@acme member"), createDocument, create, "NAME_TAKEN input.name")
	bens := succeed(t, s, s.as("ben@acme member"), createDocument, with(create, object{"name": "ben's"}))
	if id(bens, "sharedChannel") == id(first, "sharedChannel") {
		t.Error("another user's run has the same channel")
	}
	theirs := succeed(t, s, s.as("gil@globex"), createDocument, with(create, object{"target": s.to("acme")}))
	if id(theirs, "sharedChannel") == id(first, "sharedChannel") {
		t.Error("another group's run has the same channel")
	}
	// A user is its group's: the same subject elsewhere is somebody else.
	elsewhere := succeed(t, s, s.as("ana@initech"), createDocument, create)
	if id(elsewhere, "sharedChannel") == id(first, "sharedChannel") {
		t.Error("a namesake's run has the same channel")
	}

	// The same key in other mutations, and about other invitations.
	accept := object{"invitationId": invitation, "name": "launch", "idempotencyKey": "k"}
	accepted := succeed(t, s, s.as("gil@globex"), acceptDocument, with(accept, object{"name": "Launch"}))
	if got := servertest.Get[string](t, accepted, "nameChangedFrom"); got != "Launch" {
		t.Errorf("nameChangedFrom is %q", got)
	}
	refused("accept with another name", s.as("gil@globex"), acceptDocument, accept, reused)
	refused("accept without a name", s.as("gil@globex"), acceptDocument, object{"invitationId": invitation, "idempotencyKey": "k"}, reused)
	repeated := succeed(t, s, s.as("gil@globex"), acceptDocument, with(accept, object{"name": "Launch"}))
	if fmt.Sprint(repeated) != fmt.Sprint(accepted) {
		t.Errorf("a repetition differs: %v and %v", repeated, accepted)
	}
	refused("in another mutation about the same invitation", s.as("gil@globex"), declineDocument,
		object{"invitationId": invitation, "idempotencyKey": "k"}, "INVITATION_NOT_PENDING input.invitationId")
	decline := object{"invitationId": id(bens, "invitation"), "reason": "no", "idempotencyKey": "k"}
	declined := succeed(t, s, s.as("gil@globex"), declineDocument, decline)
	same("decline", s.as("gil@globex"), declineDocument, decline, declined, "invitation")
	refused("decline for another reason", s.as("gil@globex"), declineDocument, with(decline, object{"reason": "never"}), reused)
	revoke := object{"invitationId": id(theirs, "invitation"), "reason": "oh", "idempotencyKey": "k"}
	revoked := succeed(t, s, s.as("gil@globex"), revokeDocument, revoke)
	same("revoke", s.as("gil@globex"), revokeDocument, revoke, revoked, "invitation")
	refused("revoke without a reason", s.as("gil@globex"), revokeDocument, object{"invitationId": id(theirs, "invitation"), "idempotencyKey": "k"}, reused)

	for _, again := range []struct{ who, document string }{{"gil@globex", declineDocument}, {"gil@globex", acceptDocument}} {
		_, other := offer(t, s, s.as("ana@acme"), "globex", "for the same mutation")
		payload := succeed(t, s, s.as(again.who), again.document, object{"invitationId": other, "idempotencyKey": "k"})
		if id(payload, "invitation") != other {
			t.Errorf("the key of one invitation decides on another: %v", payload)
		}
	}

	// A repetition shows the objects as they are now.
	again := succeed(t, s, s.as("ana@acme"), createDocument, create)
	if state := servertest.Get[string](t, again, "sharedChannel", "state"); state != "ACTIVE" || id(again, "sharedChannel") != id(first, "sharedChannel") {
		t.Errorf("a repetition of create shows %v", again)
	}

	// Groups.
	register := object{"handle": "hooli", "name": "Hooli", "idempotencyKey": "k"}
	hooli := succeed(t, s, s.as("operator"), registerDocument, register)
	same("register", s.as("operator"), registerDocument, register, hooli, "group")
	refused("register with another name", s.as("operator"), registerDocument, with(register, object{"name": "Other"}), reused)
	refused("register with another handle", s.as("operator"), registerDocument, with(register, object{"handle": "other"}), reused)
	refused("register without the key", s.as("operator"), registerDocument, object{"handle": "hooli", "name": "Hooli"}, "NAME_TAKEN input.handle")
}

// testKeyAfterRefusal takes a key again that a refused request had: refusals are not kept.
func testKeyAfterRefusal(t *testing.T, s *place) {
	_, first := offer(t, s, s.as("ana@acme"), "globex", "launch")
	create := object{"target": s.to("globex"), "name": "launch", "idempotencyKey": "k"}
	if got := refusal(t, mutate(t, s, s.as("ana@acme"), createDocument, create)); got != "NAME_TAKEN input.name" {
		t.Fatalf("got %q", got)
	}
	succeed(t, s, s.as("ana@acme"), revokeDocument, object{"invitationId": first})
	payload := succeed(t, s, s.as("ana@acme"), createDocument, create)

	accept := object{"invitationId": servertest.Get[string](t, payload, "invitation", "id"), "idempotencyKey": "k"}
	if got := refusal(t, mutate(t, s, s.as("gil@globex"), acceptDocument, with(accept, object{"name": " "}))); got != "INVALID_INPUT input.name" {
		t.Fatalf("got %q", got)
	}
	if got := refusal(t, mutate(t, s, s.as("gil@globex member"), acceptDocument, accept)); got != "NOT_ALLOWED input.invitationId" {
		t.Fatalf("got %q", got)
	}
	succeed(t, s, s.as("gil@globex"), acceptDocument, with(accept, object{"name": "another"}))
}

// testKeysOfAllLengths takes the longest keys, in code points; those that differ in the last alone are two.
func testKeysOfAllLengths(t *testing.T, s *place) {
	seen := map[string]string{}
	for i, key := range []string{"k", " k", "k ", "K", strings.Repeat("k", 200), strings.Repeat("k", 199) + "K", strings.Repeat("🔑", 200), strings.Repeat("🔑", 199) + "🗝", "\n", "'", "\u200b"} {
		create := object{"target": s.to("globex"), "name": fmt.Sprintf("of key %d", i), "idempotencyKey": key}
		id := servertest.Get[string](t, succeed(t, s, s.as("ana@acme"), createDocument, create), "sharedChannel", "id")
		if other, ok := seen[id]; ok {
			t.Errorf("keys %.10q and %.10q are one", key, other)
		}
		seen[id] = key
		if again := servertest.Get[string](t, succeed(t, s, s.as("ana@acme"), createDocument, create), "sharedChannel", "id"); again != id {
			t.Errorf("key %.10q: %s became %s", key, id, again)
		}
	}
}

// testKeyAtOnceWithOtherInput races two inputs under one key: one happens, the others are refused.
func testKeyAtOnceWithOtherInput(t *testing.T, s *place) {
	token := s.as("ana@acme")
	for round := range 3 {
		payloads := atOnce(4, func(i int) object {
			return post(s, token, createDocument, object{"target": s.to("globex"),
				"name": fmt.Sprintf("round %d, %d", round, i), "idempotencyKey": fmt.Sprint(round)})
		})
		happened := 0
		for _, payload := range payloads {
			switch got := refusal(t, payload); got {
			case "":
				happened++
			case "IDEMPOTENCY_KEY_REUSED input.idempotencyKey":
			default:
				t.Errorf("got %q", got)
			}
		}
		if happened != 1 {
			t.Errorf("%d of 4 inputs under one key happened", happened)
		}
		if listed := channelsOf(t, s, token); listed != round+1 {
			t.Errorf("%d channels are in the list after %d rounds", listed, round+1)
		}
		heardOf(t, s, round+1)
	}
}
