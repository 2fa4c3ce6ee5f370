package server_test

import (
	"fmt"
	"strings"
	"testing"

	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

// TestBlockedFindOutNothing has acme ask globex in all ways that there are, of which globex answers nothing, and compares all that acme and a third
// group can get, and what acme's requests have the clusters do, with a twin where globex blocks acme.
func TestBlockedFindOutNothing(t *testing.T) {
	shapes(t, servertest.Options{NoSweep: true}, func(t *testing.T, s *place) {
		silent, blocking := newAsker(t, s), newAsker(t, s)
		silent.play(t, false)
		blocking.play(t, true)
		if len(silent.asked) < 100 || len(silent.asked) != len(blocking.asked) {
			t.Fatalf("%d and %d things were asked", len(silent.asked), len(blocking.asked))
		}
		for i, asked := range silent.asked {
			if blocking.asked[i] != asked || blocking.answers[i] != silent.answers[i] {
				t.Errorf("acme finds out: %s, %s\n%s", asked, blocking.asked[i], difference(blocking.answers[i], silent.answers[i]))
			}
		}
	})
}

// asker is one of two installations for acme, with groups of its own.
type asker struct {
	*twin
	l       *life
	d       *databases
	live    *ear
	ids     map[string]string // of what was made, by name
	asked   []string
	answers []string
}

func newAsker(t *testing.T, s *place) *asker {
	t.Helper()
	w := &twin{s: s.apart(t), whisperers: "globex", observers: "acme", groups: map[string]ids.Group{}}
	for _, name := range []string{"acme", "globex", "initech"} {
		w.groups[name] = w.s.group(name).ID
	}
	w.schema = introspect(t, w.s)
	a := &asker{twin: w, l: &life{t: t, s: w.s}, d: open(t, w.s), ids: map[string]string{}}
	a.live = a.l.listens(anaOf, inboxDocument, nil)
	if got := a.live.hears(); got != "InboxCheckpoint" {
		t.Fatalf("first comes %s", got)
	}
	return a
}

func (a *asker) keep(t *testing.T, asked, answer string) {
	t.Helper()
	for _, code := range []string{"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "LIMIT_EXCEEDED"} {
		if strings.Contains(answer, code) {
			t.Fatalf("nothing was asked: %s got %s", asked, answer)
		}
	}
	a.asked, a.answers = append(a.asked, asked), append(a.answers, a.comparable(t, answer))
}

// ask asks something as somebody, where no step is open, with how many statements the answer takes where the twins' groups are on the same clusters.
func (a *asker) ask(t *testing.T, who, asked, document string, variables object) servertest.Answer {
	t.Helper()
	before := a.s.Statements.Sent()
	answer := a.s.For(t).Post(a.s.as(who), document, variables)
	a.keep(t, who+" "+asked, answer.Body)
	if len(a.s.Config.Shards) == 1 {
		a.d.settle() // with those of the steps that follow
		a.keep(t, who+" "+asked+": statements", fmt.Sprintf(`{"sent": %d}`, a.s.Statements.Sent()-before))
	}
	return answer
}

// do has somebody of acme do something about what has that name; a create makes it.
func (a *asker) do(t *testing.T, who, deed, name string, input object) {
	t.Helper()
	if deed == "create" {
		input = with(object{"target": a.s.to("globex"), "name": name}, input)
	} else {
		input = with(object{"invitationId": a.ids[name]}, input)
	}
	payload, _ := a.ask(t, who, fmt.Sprint(deed, " ", name, " ", len(a.asked)), deeds[deed], object{"input": input}).Data["it"].(object)
	for object, prefix := range map[string]string{"invitation": "", "sharedChannel": "channel of "} {
		if made, ok := payload[object].(map[string]any); ok && deed == "create" {
			a.ids[prefix+name] = made["id"].(string)
		}
	}
}

// play has acme ask, decide and wait. From the second invitation on globex blocks acme, or does nothing.
func (a *asker) play(t *testing.T, blocks bool) {
	t.Helper()
	a.do(t, benOf, "create", "before", nil)
	a.do(t, anaOf, "create", "linked", nil)
	a.d.settle()
	succeed(t, a.s, a.s.as(gilOf), acceptDocument, object{"invitationId": a.ids["linked"]})
	if blocks {
		a.l.blocks(gilOf, "acme")
	}
	key := object{"idempotencyKey": "k", "note": "shall we?"}
	for _, input := range []object{key, key, with(key, object{"note": "other"}), nil} {
		a.do(t, benOf, "create", "kept", input) // made, repeated, refused for its key, and for its name
	}
	a.do(t, anaOf, "create", "revoked", nil)
	for range 2 {
		a.do(t, anaOf, "revoke", "revoked", object{"reason": "no answer", "idempotencyKey": "r"})
	}
	for _, deed := range []string{"accept", "approve", "deny", "decline"} {
		a.do(t, anaOf, deed, "before", nil)
		a.do(t, anaOf, deed, "kept", nil)
		a.do(t, benOf, deed, "revoked", nil)
	}
	a.l.policy(anaOf, object{"outgoingApproval": true})
	a.do(t, benOf, "create", "approved", nil)
	a.do(t, anaOf, "approve", "approved", nil)
	a.do(t, anaOf, "approve", "approved", nil)
	a.do(t, benOf, "create", "denied", nil)
	a.do(t, anaOf, "deny", "denied", nil)
	a.do(t, benOf, "create", "requested", nil)
	for _, name := range []string{"expired before", "expired"} {
		a.do(t, anaOf, "create", name, nil)
		a.d.overdue(a.ids[name])
		a.read(t, name) // as it is shown before anybody sweeps
		for moved := 1; moved > 0; {
			var err error
			if moved, err = a.s.Service.ExpireDue(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	a.do(t, anaOf, "revoke", "expired", nil)
	a.do(t, benOf, "create", "expired", nil) // its name is free again
	a.do(t, anaOf, "create", "last", nil)
	a.d.settle()
	a.listen(t)
	a.read(t, "the end")
	a.steps(t)
}

// listen keeps what acme has heard since the beginning, as it came and again.
func (a *asker) listen(t *testing.T) {
	t.Helper()
	again := a.l.listens(anaOf, `subscription($after: LogCursor) { inbox(after: $after) { __typename cursor ... on InvitationReceived { invitation { id version } }
		... on InvitationChanged { invitation { id version state awaiting { handle } history { deed state version } } } ... on SharedChannelLinked { invitation { id } } } }`,
		start(t, a.s, a.s.as(anaOf)))
	for i := 0; ; i++ {
		answer, _ := again.socket.answer(again.id)
		a.keep(t, fmt.Sprint("again ", i), answer.Body)
		if kindOf(answer) == "InboxCheckpoint" {
			break
		}
	}
	for i := 0; ; i++ {
		answer, _ := a.live.socket.answer(a.live.id)
		kind := kindOf(answer)
		a.keep(t, fmt.Sprint("live ", i), fmt.Sprintf(`{"kind": %q}`, kind)) // how fresh an object is that it shows is chance
		if strings.Contains(answer.Body, a.ids["last"]) {
			break
		}
	}
}

// read keeps all that users of acme and of a third group read.
func (a *asker) read(t *testing.T, when string) {
	t.Helper()
	const depth = 4
	for _, who := range []string{anaOf, benOf, "ivy@initech"} {
		target := object{"target": a.s.to("globex")}
		a.ask(t, who, when+": canShare", canShareDocument, target)
		a.ask(t, who, when+": group", `query($handle: String!) { group(handle: $handle) `+a.schema.selection("Group", depth)+` }`, object{"handle": "globex" + a.s.suffix})
		a.ask(t, who, when+": viewer", `{ viewer `+a.schema.selection("Viewer", depth)+` }`, nil)
		for _, states := range []string{"null", "[PENDING]", "[EXPIRED, REVOKED]", "[ACCEPTED, AWAITING_APPROVAL]"} {
			for _, way := range []string{"first: 2", "last: 2", "first: 100"} {
				a.ask(t, who, when+": sent "+states+way, `{ viewer { sentInvitations(states: `+states+`, `+way+`) { totalCount nodes { id state version }
					pageInfo { hasNextPage hasPreviousPage } } } }`, nil)
			}
		}
		for _, name := range sorted(a.ids) {
			typ := map[bool]string{true: "SharedChannel", false: "Invitation"}[strings.HasPrefix(name, "channel of ")]
			a.ask(t, who, when+": node "+name, `query($id: ID!) { node(id: $id) { __typename ... on `+typ+a.schema.selection(typ, depth)+` } nodes(ids: [$id]) { id } }`,
				object{"id": a.ids[name]})
		}
	}
}

// steps keeps what main has written for acme's channels, and what their steps have come to.
func (a *asker) steps(t *testing.T) {
	t.Helper()
	for _, text := range []string{
		`SELECT string_agg(concat_ws(' ', s.destination_kind, s.head, s.tail), ', ' ORDER BY i.invitation_id, s.destination_kind)
			FROM linkspan_main.outbox_stream AS s JOIN linkspan_main.invitation AS i ON i.channel_id = s.subject WHERE i.from_group_id = $1`,
		`SELECT string_agg(concat_ws(' ', t.deed, t.rule, t.version, t.state), ', ' ORDER BY t.invitation_id, t.version)
			FROM linkspan_main.transition AS t JOIN linkspan_main.invitation AS i ON i.invitation_id = t.invitation_id WHERE i.from_group_id = $1`,
		`SELECT string_agg(concat_ws(' ', r.role, r.state, r.version, r.name), ', ' ORDER BY r.channel_id, r.role)
			FROM linkspan_main.shard_referential AS r JOIN linkspan_main.channel AS c USING (channel_id) WHERE c.initiator_group_id = $1`,
	} {
		var found string
		if err := a.d.main.QueryRow(t.Context(), text, a.groups["acme"]).Scan(&found); err != nil || found == "" {
			t.Fatalf("%s: %q, %v", text, found, err)
		}
		a.keep(t, text, fmt.Sprintf(`{"found": %q}`, found))
	}
}
