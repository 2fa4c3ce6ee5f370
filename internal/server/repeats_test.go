package server_test

import (
	"fmt"
	"testing"

	"linkspan/internal/server/servertest"
)

// testRepeats decides on invitations twice, the same way and otherwise.
func testRepeats(t *testing.T, s *place) {
	d := open(t, s)
	const notPending = "INVITATION_NOT_PENDING input.invitationId"
	deeds := map[string]struct{ document, who, other string }{
		"ACCEPTED": {acceptDocument, "gil@globex", "gus@globex"},
		"DECLINED": {declineDocument, "gil@globex", "gus@globex"},
		"REVOKED":  {revokeDocument, "ana@acme", "abe@acme"},
	}
	for state, first := range deeds {
		_, invitation := offer(t, s, s.as("ben@acme member"), "globex", "to be "+state)
		input := object{"invitationId": invitation}
		done := succeed(t, s, s.as(first.who), first.document, input)
		if got := servertest.Get[string](t, done, "invitation", "state"); got != state {
			t.Errorf("%s: the state is %s", state, got)
		}
		d.settle()
		for _, who := range []string{first.who, first.other} {
			for _, again := range []object{input, with(input, object{"idempotencyKey": "again"})} {
				repeated := succeed(t, s, s.as(who), first.document, again)
				if got := servertest.Get[object](t, repeated, "invitation"); got["state"] != state || got["version"] != 2.0 {
					t.Errorf("%s again by %s: %v", state, who, got)
				}
			}
		}
		for other, second := range deeds {
			if other == state {
				continue
			}
			payload := mutate(t, s, s.as(second.who), second.document, input)
			if got := refusal(t, payload); got != notPending {
				t.Errorf("%s after %s: got %q, want %q", other, state, got, notPending)
			} else if got := servertest.Get[string](t, payload, "errors", 0, "state"); got != state {
				t.Errorf("%s after %s: the refusal tells of %s", other, state, got)
			}
		}
		data := s.Must(s.as("ana@acme"), `query($id: ID!) { node(id: $id) { ... on Invitation { state version resolvedBy { name } } } }`, object{"id": invitation})
		if got := servertest.Get[object](t, data, "node"); got["state"] != state || got["version"] != 2.0 {
			t.Errorf("%s: in the end it is %v", state, got)
		}
	}
	// Nothing of all that was told twice: three offers and three ends at each side.
	d.settle()
	for _, handle := range []string{"acme", "globex"} {
		if got := d.events(handle); got != 6 {
			t.Errorf("%s has %d events, want 6", handle, got)
		}
	}
}

// testRevokeByMember: who sent an invitation takes it back, admin or not.
func testRevokeByMember(t *testing.T, s *place) {
	_, invitation := offer(t, s, s.as("ben@acme member"), "globex", "mine")
	if got := refusal(t, mutate(t, s, s.as("bob@acme member"), revokeDocument, object{"invitationId": invitation})); got != "NOT_ALLOWED input.invitationId" {
		t.Errorf("another member: got %q", got)
	}
	succeed(t, s, s.as("ben@acme member"), revokeDocument, object{"invitationId": invitation})
	succeed(t, s, s.as("ben@acme member"), revokeDocument, object{"invitationId": invitation})
}

// testNameFreed takes a name again after the channel that had it was closed.
func testNameFreed(t *testing.T, s *place) {
	for _, end := range []struct{ document, who string }{{declineDocument, "gil@globex"}, {revokeDocument, "ana@acme"}} {
		channel, invitation := offer(t, s, s.as("ana@acme"), "globex", "launch")
		succeed(t, s, s.as(end.who), end.document, object{"invitationId": invitation})
		servertest.Eventually(t, "the initiator sees it closed", func() bool {
			data := s.Must(s.as("ana@acme"), `query($id: ID!) { node(id: $id) { ... on SharedChannel { state name } } }`, object{"id": channel})
			return servertest.Get[string](t, data, "node", "state") == "CLOSED" && servertest.Get[string](t, data, "node", "name") == "launch"
		})
		if data := s.Must(s.as("gil@globex"), `query($id: ID!) { node(id: $id) { id } }`, object{"id": channel}); data["node"] != nil {
			t.Errorf("the target sees a closed channel: %v", data)
		}
	}
	offer(t, s, s.as("ana@acme"), "globex", "LAUNCH")
}

// testDecisionsAtOnce lets accept, decline and revoke race: one wins, the others hear which.
func testDecisionsAtOnce(t *testing.T, s *place) {
	deeds := []struct{ document, who, state string }{
		{acceptDocument, s.as("gil@globex"), "ACCEPTED"}, {declineDocument, s.as("gus@globex"), "DECLINED"}, {revokeDocument, s.as("ana@acme"), "REVOKED"},
		{acceptDocument, s.as("gus@globex"), "ACCEPTED"}, {revokeDocument, s.as("ben@acme member"), "REVOKED"},
	}
	for round := range 6 {
		channel, invitation := offer(t, s, s.as("ben@acme member"), "globex", fmt.Sprintf("race %d", round))
		payloads := atOnce(len(deeds), func(i int) object {
			return post(s, deeds[i].who, deeds[i].document, object{"invitationId": invitation})
		})
		data := s.Must(s.as("ana@acme"), `query($id: ID!) { node(id: $id) { ... on Invitation { state version } } }`, object{"id": invitation})
		servertest.Eventually(t, "the initiator sees the end", func() bool {
			data = s.Must(s.as("ana@acme"), `query($id: ID!, $channel: ID!) { node(id: $id) { ... on Invitation { state version } }
				channel: node(id: $channel) { ... on SharedChannel { state } } }`, object{"id": invitation, "channel": channel})
			return servertest.Get[string](t, data, "node", "state") != "PENDING"
		})
		end := servertest.Get[string](t, data, "node", "state")
		if want := map[bool]string{true: "ACTIVE", false: "CLOSED"}[end == "ACCEPTED"]; servertest.Get[string](t, data, "channel", "state") != want {
			t.Errorf("the invitation is %s and the channel %v", end, data["channel"])
		}
		for i, payload := range payloads {
			got := refusal(t, payload)
			if deeds[i].state == end && got != "" {
				t.Errorf("round %d: %s won, and one of it got %q", round, end, got)
			}
			if deeds[i].state == end {
				continue
			}
			if got != "INVITATION_NOT_PENDING input.invitationId" {
				t.Errorf("round %d: %s won, and %s got %q", round, end, deeds[i].state, got)
			} else if state := servertest.Get[string](t, payload, "errors", 0, "state"); state != end {
				t.Errorf("round %d: %s won, and %s hears of %s", round, end, deeds[i].state, state)
			}
		}
	}
}
