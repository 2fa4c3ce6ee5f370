package server_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

// overdue makes an invitation one that should have been decided a minute ago, in main and in all copies.
func (d *databases) overdue(invitation string) {
	d.t.Helper()
	at := d.overdueCopies(invitation)
	d.exec(`UPDATE linkspan_main.invitation SET expires_at = $2 WHERE invitation_id = $1`, invitationUUID(d.t, invitation), at)
}

// overdueCopies does it on the shards alone, and returns the time that it chose.
func (d *databases) overdueCopies(invitation string) (at time.Time) {
	d.t.Helper()
	id := invitationUUID(d.t, invitation)
	d.settle()
	var channel uuid.UUID
	err := d.main.QueryRow(d.t.Context(), `SELECT channel_id, now() - interval '1 minute' FROM linkspan_main.invitation WHERE invitation_id = $1`, id).Scan(&channel, &at)
	if err != nil {
		d.t.Fatal(err)
	}
	d.exec(`UPDATE linkspan_shard.group_invitation SET expires_at = $2 WHERE invitation_id = $1`, id, at)
	d.exec(`UPDATE linkspan_shard.channel SET pending_until = $2 WHERE channel_id = $1`, channel, at)
	return at
}

func invitationUUID(t testing.TB, text string) uuid.UUID {
	t.Helper()
	id, err := ids.Parse(text)
	if err != nil || id.Kind != ids.KindInvitation {
		t.Fatalf("%s is no invitation: %v", text, err)
	}
	return id.Invitation.UUID()
}

const asExpired = `query($invitation: ID!, $channel: ID!) {
	invitation: node(id: $invitation) { ... on Invitation { state version reason resolvedAt expiresAt resolvedBy { id }
		viewerCanAccept viewerCanDecline viewerCanRevoke sharedChannel { state name } } }
	channel: node(id: $channel) { ... on SharedChannel { state name sides { group { handle } name version linkedAt } invitations { totalCount nodes { id } } } }
	viewer { sharedChannels { nodes { id state } }
		received: receivedInvitations { totalCount nodes { id state } }
		pending: receivedInvitations(states: [PENDING]) { totalCount nodes { id } }
		expired: receivedInvitations(states: [EXPIRED]) { totalCount nodes { id } }
		sent: sentInvitations { nodes { id state } }
		sentPending: sentInvitations(states: [PENDING, ACCEPTED]) { totalCount nodes { id } }
		sentExpired: sentInvitations(states: [EXPIRED]) { totalCount nodes { id } } } }`

// TestExpiry plays with overdue invitations where nobody sweeps but the tests, one test after the other.
func TestExpiry(t *testing.T) {
	shapes(t, servertest.Options{NoSweep: true}, func(t *testing.T, s *place) {
		for name, test := range map[string]func(t *testing.T, s *place){
			"before and after the sweep": testExpiry, "name is free": testNameFreedByExpiry, "name is free to accept": testAcceptNameFreedByExpiry,
			"by main's clock": testExpiryByMainsClock, "sweeps at once": testSweepsAtOnce, "sweep and decisions at once": testSweepAndDecisions, "side": testSideOfExpiredChannel,
		} {
			t.Run(name, func(t *testing.T) {
				s := s.apart(t)
				test(t, s)
				if _, err := s.Service.ExpireDue(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// testExpiry looks at an overdue invitation before anybody has swept it, and after.
func testExpiry(t *testing.T, s *place) {
	d := open(t, s)
	channel, invitation := offer(t, s, s.as("ana@acme"), "globex", "launch")
	d.overdue(invitation)
	look := func(who string) object {
		t.Helper()
		return s.Must(s.as(who), asExpired, object{"invitation": invitation, "channel": channel})
	}
	before := map[string]object{}
	for _, who := range []string{"ana@acme", "gil@globex"} {
		data := look(who)
		before[who] = data
		seen := servertest.Get[object](t, data, "invitation")
		if seen["state"] != "EXPIRED" || seen["resolvedAt"] != seen["expiresAt"] || seen["resolvedBy"] != nil ||
			seen["viewerCanAccept"] != false || seen["viewerCanDecline"] != false || seen["viewerCanRevoke"] != false {
			t.Errorf("%s sees %v", who, seen)
		}
	}
	ana, gil := before["ana@acme"], before["gil@globex"]
	if state := servertest.Get[string](t, ana, "channel", "state"); state != "CLOSED" {
		t.Errorf("the initiator's channel is %s", state)
	}
	if gil["channel"] != nil || servertest.Get[object](t, gil, "invitation")["sharedChannel"] != nil {
		t.Errorf("the target sees the channel: %v", gil)
	}
	for path, want := range map[string]float64{"received": 1, "pending": 0, "expired": 1} {
		if got := servertest.Get[float64](t, gil, "viewer", path, "totalCount"); got != want || len(servertest.Get[[]any](t, gil, "viewer", path, "nodes")) != int(want) {
			t.Errorf("the target's %s: %v", path, servertest.Get[object](t, gil, "viewer", path))
		}
	}
	for path, want := range map[string]float64{"sentPending": 0, "sentExpired": 1} {
		if got := servertest.Get[float64](t, ana, "viewer", path, "totalCount"); got != want || len(servertest.Get[[]any](t, ana, "viewer", path, "nodes")) != int(want) {
			t.Errorf("the initiator's %s: %v", path, servertest.Get[object](t, ana, "viewer", path))
		}
	}
	if got := servertest.Get[float64](t, ana, "channel", "invitations", "totalCount"); got != 0 {
		t.Errorf("%v invitations are open", got)
	}

	// Nobody decides on it any more.
	d.begin()
	for _, deed := range []struct{ document, who string }{{acceptDocument, "gil@globex"}, {declineDocument, "gil@globex"}, {revokeDocument, "ana@acme"}} {
		payload := mutate(t, s, s.as(deed.who), deed.document, object{"invitationId": invitation})
		if got := refusal(t, payload); got != "INVITATION_NOT_PENDING input.invitationId" {
			t.Errorf("got %q", got)
		} else if state := servertest.Get[string](t, payload, "errors", 0, "state"); state != "EXPIRED" {
			t.Errorf("the refusal tells of %s", state)
		}
		d.unchanged(t)
	}

	// The sweep tells both sides, once.
	sockets, ids := map[string]*socket{}, map[string]string{}
	for _, who := range []string{"ana@acme", "gil@globex"} {
		k := dial(t, s, bearing{payload: s.as(who)})
		sockets[who], ids[who] = k, k.subscribe(`subscription { inbox { __typename at ... on InvitationChanged { invitation { id state version sharedChannel { state } } } } }`, nil)
		if event := k.event(ids[who]); event["__typename"] != "InboxCheckpoint" {
			t.Fatalf("first comes %v", event)
		}
	}
	if moved, err := s.Service.ExpireDue(t.Context()); moved != 1 || err != nil {
		t.Fatalf("swept %d: %v", moved, err)
	}
	for who, k := range sockets {
		event := k.event(ids[who])
		if event["__typename"] != "InvitationChanged" || servertest.Get[string](t, event, "invitation", "id") != invitation ||
			servertest.Get[string](t, event, "invitation", "state") != "EXPIRED" || servertest.Get[float64](t, event, "invitation", "version") != 2 {
			t.Errorf("%s hears %v", who, event)
		}
	}
	if moved, err := s.Service.ExpireDue(t.Context()); moved != 0 || err != nil {
		t.Errorf("swept %d again: %v", moved, err)
	}
	d.settle()
	if acme, globex := d.events("acme"), d.events("globex"); acme != 2 || globex != 2 {
		t.Errorf("there are %d and %d events, want 2 and 2", acme, globex)
	}
	// What the sweep wrote is what was seen before.
	for who, data := range before {
		if after := look(who); fmt.Sprint(after) != fmt.Sprint(data) {
			t.Errorf("%s saw before the sweep\n%v\nand after\n%v", who, data, after)
		}
	}
	offer(t, s, s.as("ana@acme"), "globex", "launch")
}

// testSideOfExpiredChannel looks at the initiator's side of a channel that is closed by the clock alone: it is not linked
// any more, as after the sweep.
func testSideOfExpiredChannel(t *testing.T, s *place) {
	d := open(t, s)
	channel, invitation := offer(t, s, s.as("ana@acme"), "globex", "launch")
	d.overdue(invitation)
	look := func() object {
		data := s.Must(s.as("ana@acme"), `query($id: ID!) { node(id: $id) { ... on SharedChannel { state viewerSide { linkedAt } sides { linkedAt } } } }`, object{"id": channel})
		return servertest.Get[object](t, data, "node")
	}
	before := look()
	if moved, err := s.Service.ExpireDue(t.Context()); moved != 1 || err != nil {
		t.Fatalf("swept %d: %v", moved, err)
	}
	if after := look(); before["state"] != "CLOSED" || fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("before the sweep it is %v, after it %v", before, after)
	}
}

// testNameFreedByExpiry takes the name of a channel whose invitation is overdue, before anybody has swept it.
func testNameFreedByExpiry(t *testing.T, s *place) {
	d := open(t, s)
	old, invitation := offer(t, s, s.as("ana@acme"), "globex", "launch")
	d.overdue(invitation)
	channel, _ := offer(t, s, s.as("ben@acme member"), "globex", "Launch")
	if channel == old {
		t.Error("it is the old channel")
	}
	d.settle()
	for _, handle := range []string{"acme", "globex"} { // sent, expired and sent again
		if got := d.events(handle); got != 3 {
			t.Errorf("%s has %d events, want 3", handle, got)
		}
	}
	if moved, err := s.Service.ExpireDue(t.Context()); moved != 0 || err != nil {
		t.Errorf("swept %d: %v", moved, err)
	}
}

// testAcceptNameFreedByExpiry accepts under a name that only a channel with an overdue invitation has at the acceptor.
func testAcceptNameFreedByExpiry(t *testing.T, s *place) {
	d := open(t, s)
	_, overdue := offer(t, s, s.as("gil@globex"), "initech", "launch")
	d.overdue(overdue)
	_, invitation := offer(t, s, s.as("ana@acme"), "globex", "launch")
	payload := succeed(t, s, s.as("gil@globex"), acceptDocument, object{"invitationId": invitation})
	if name := servertest.Get[string](t, payload, "sharedChannel", "name"); name != "launch" || payload["nameChangedFrom"] != nil {
		t.Errorf("called %q, changed from %v: the name was free", name, payload["nameChangedFrom"])
	}
}

// testExpiryByMainsClock believes main, not the copies: what main has not let expire can be accepted.
func testExpiryByMainsClock(t *testing.T, s *place) {
	d := open(t, s)
	_, invitation := offer(t, s, s.as("ana@acme"), "globex", "launch")
	d.overdueCopies(invitation)
	payload := succeed(t, s, s.as("gil@globex"), acceptDocument, object{"invitationId": invitation})
	if state := servertest.Get[string](t, payload, "sharedChannel", "state"); state != "ACTIVE" {
		t.Errorf("the channel is %s", state)
	}
	if state := servertest.Get[string](t, payload, "invitation", "state"); state != "ACCEPTED" {
		t.Errorf("the invitation is %s", state)
	}
}

// testSweepsAtOnce sweeps from several sides, as several processes do: each invitation ends once.
func testSweepsAtOnce(t *testing.T, s *place) {
	d := open(t, s)
	const count = 12
	for i := range count {
		_, invitation := offer(t, s, s.as("ana@acme"), "globex", fmt.Sprint(i))
		d.overdue(invitation)
	}
	total := 0
	for _, moved := range atOnce(4, func(int) int {
		moved, err := s.Service.ExpireDue(t.Context())
		if err != nil {
			t.Error(err)
		}
		return moved
	}) {
		total += moved
	}
	d.settle()
	if acme, globex := d.events("acme"), d.events("globex"); total != count || acme != 2*count || globex != 2*count {
		t.Errorf("%d of %d ended, with %d and %d events", total, count, acme, globex)
	}
	data := s.Must(s.as("ana@acme"), `{ viewer { sentInvitations(states: [EXPIRED]) { totalCount nodes { version } } } }`, nil)
	for _, node := range servertest.Get[[]any](t, data, "viewer", "sentInvitations", "nodes") {
		if version := servertest.Get[float64](t, node, "version"); version != 2 {
			t.Errorf("an invitation has version %v", version)
		}
	}
}

// testSweepAndDecisions lets sweeps race with people who decide in the last moment: either ends it, not both.
func testSweepAndDecisions(t *testing.T, s *place) {
	d := open(t, s)
	var all []string
	for i := range 6 {
		_, invitation := offer(t, s, s.as("ana@acme"), "globex", fmt.Sprint(i))
		all = append(all, invitation)
	}
	d.settle()
	gil := s.as("gil@globex")
	payloads := make([]object, len(all))
	var deciding sync.WaitGroup
	for i := range all {
		deciding.Go(func() { payloads[i] = post(s, gil, acceptDocument, object{"invitationId": all[i]}) })
	}
	for _, invitation := range all {
		d.exec(`UPDATE linkspan_main.invitation SET expires_at = LEAST(expires_at, now()) WHERE invitation_id = $1`,
			invitationUUID(t, invitation))
		if _, err := s.Service.ExpireDue(t.Context()); err != nil {
			t.Error(err)
		}
	}
	deciding.Wait()
	if _, err := s.Service.ExpireDue(t.Context()); err != nil { // sweeps pass over what somebody is just deciding about
		t.Error(err)
	}
	d.settle()
	for i, invitation := range all {
		data := s.Must(s.as("ana@acme"), `query($id: ID!) { node(id: $id) { ... on Invitation { state version sharedChannel { state } } } }`, object{"id": invitation})
		state, channel := servertest.Get[string](t, data, "node", "state"), servertest.Get[string](t, data, "node", "sharedChannel", "state")
		switch got := refusal(t, payloads[i]); {
		case got == "" && state == "ACCEPTED" && channel == "ACTIVE":
		case got == "INVITATION_NOT_PENDING input.invitationId" && state == "EXPIRED" && channel == "CLOSED":
		default:
			t.Errorf("accept got %q, the invitation is %s and the channel %s", got, state, channel)
		}
		if version := servertest.Get[float64](t, data, "node", "version"); version != 2 {
			t.Errorf("an invitation has version %v", version)
		}
	}
}

// TestSweeper lets invitations end by time alone: nobody asks, and both sides hear of it.
func TestSweeper(t *testing.T) {
	shapes(t, servertest.Options{InvitationTTL: 50 * time.Millisecond}, func(t *testing.T, s *place) {
		var sockets []*socket
		var ids []string
		for _, who := range []string{"ana@acme", "gil@globex"} {
			k := dial(t, s, bearing{payload: s.as(who)})
			sockets = append(sockets, k)
			ids = append(ids, k.subscribe(`subscription { inbox { __typename ... on InvitationChanged { invitation { id version state } } } }`, nil))
			k.event(ids[len(ids)-1])
		}
		var want []string
		for i := range 3 {
			_, invitation := offer(t, s, s.as("ana@acme"), "globex", fmt.Sprint(i))
			want = append(want, invitation)
		}
		// The sender hears of each twice, of its sending too; that may come when it is overdue and shows it so.
		for i, changes := range []int{2, 1} {
			heard := map[string]int{}
			for n := 0; n < changes*len(want); {
				event := sockets[i].event(ids[i])
				if event["__typename"] != "InvitationChanged" {
					continue
				}
				n++
				id := servertest.Get[string](t, event, "invitation", "id")
				heard[id]++
				state, version := servertest.Get[string](t, event, "invitation", "state"), servertest.Get[float64](t, event, "invitation", "version")
				if heard[id] == changes && (state != "EXPIRED" || version != 2) || (state == "EXPIRED") != (version == 2) {
					t.Errorf("got %v", event)
				}
			}
			for _, id := range want {
				if heard[id] != changes {
					t.Errorf("heard %d times of %s, want %d", heard[id], id, changes)
				}
			}
		}
		data := s.Must(s.as("ana@acme"), `{ viewer { sharedChannels { nodes { state } } } }`, nil)
		for _, node := range servertest.Get[[]any](t, data, "viewer", "sharedChannels", "nodes") {
			if servertest.Get[string](t, node, "state") != "CLOSED" {
				t.Errorf("a channel is %v", node)
			}
		}
	})
}
