package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkspan/internal/ids"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server/servertest"
)

const auditDocument = `query($first: Int, $after: String, $last: Int, $before: String) { viewer { auditLog(first: $first, after: $after, last: $last, before: $before) {
	nodes { number deed refused rule actor { ... on User { name } } otherGroup { handle } channelId invitationId version state reason policy { outgoingApproval incomingApproval whoMayAccept invitationTtlHours } partnerHash record hash }
	edges { cursor node { number } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`

// auditOf returns the entries of the viewer's group's audit, the newest first, or nil where there is none for the viewer.
func auditOf(t *testing.T, s *place, who string) []any {
	t.Helper()
	s.For(t).Audited()
	viewer, _ := s.For(t).Must(s.as(who), auditDocument, object{"first": 100})["viewer"].(object)
	log, ok := viewer["auditLog"].(object)
	if !ok {
		return nil
	}
	return servertest.Get[[]any](t, log, "nodes")
}

// saidIn are entries in words, the oldest first.
func saidIn(s *place, entries []any) (all []string) {
	for _, entry := range slices.Backward(entries) {
		e := entry.(object)
		var words []string
		if e["refused"].(bool) {
			words = append(words, "refused")
		}
		words = append(words, e["deed"].(string))
		for _, word := range []any{e["rule"], e["actor"], e["otherGroup"], e["state"], e["reason"]} {
			switch word := word.(type) {
			case string:
				words = append(words, word)
			case object:
				for _, name := range word {
					words = append(words, strings.TrimSuffix(name.(string), s.suffix))
				}
			}
		}
		if policy, ok := e["policy"].(object); ok {
			words = append(words, fmt.Sprint(policy["outgoingApproval"], " ", policy["incomingApproval"], " ", policy["whoMayAccept"], " ", policy["invitationTtlHours"]))
		}
		if e["channelId"] != nil {
			words = append(words, "channel")
		}
		if e["partnerHash"] != nil {
			words = append(words, "partner")
		}
		all = append(all, strings.Join(words, " "))
	}
	return all
}

// testAudits has two groups share something, and each admin read what it may know of that, and of what was refused to its own group.
func testAudits(t *testing.T, s *place) {
	l := &life{t: t, s: s}
	want := func(got, want string) {
		t.Helper()
		if !strings.HasPrefix(got, want) {
			t.Fatalf("it came to %q, not %q", got, want)
		}
	}
	set := func(who string, version int, fields object) {
		t.Helper()
		succeed(t, s, s.as(who), policyDocument, with(object{"expectedVersion": version}, fields))
	}
	set("ana@acme", 1, object{"outgoingApproval": true})
	want(l.does("ben@acme member", "create", nil), "REQUESTED")
	want(l.does("ben@acme member", "approve", nil), "NOT_ALLOWED")
	want(l.does("ben@acme member", "approve", nil), "NOT_ALLOWED")
	want(l.does("gil@globex", "approve", nil), "INVITATION_NOT_FOUND")
	want(l.does("ana@acme", "approve", nil), "PENDING")
	want(l.does("ivy@initech", "accept", nil), "INVITATION_NOT_FOUND")
	want(l.does("hua@globex member", "accept", nil), "NOT_ALLOWED")
	want(l.does("ana@acme", "accept", nil), "NOT_ALLOWED")
	set("gil@globex", 1, object{"whoMayAccept": "MEMBERS", "incomingApproval": true, "invitationTtlHours": 48})
	want(l.does("hua@globex member", "accept", nil), "AWAITING_APPROVAL")
	want(l.does("gil@globex", "approve", nil), "ACCEPTED")
	want(l.does("hua@globex member", "decline", nil), "NOT_ALLOWED")
	if got := refusal(t, mutate(t, s, s.as("ben@acme member"), trustDocument, object{"target": s.to("globex")})); got != "NOT_ALLOWED" {
		t.Fatalf("trust by a member: %s", got)
	}
	if got := refusal(t, mutate(t, s, s.as("ben@acme member"), trustDocument, object{"target": object{"handle": "nobody-has-this"}})); got != "NOT_ALLOWED" {
		t.Fatalf("trust in nobody by a member: %s", got)
	}
	succeed(t, s, s.as("ana@acme"), trustDocument, object{"target": s.to("globex")})
	mutate(t, s, s.as("operator"), createDocument, object{"target": s.to("globex"), "name": "an operator's"})
	for who, want := range map[string]string{"hua@globex member": "NOT_ALLOWED", "ivy@initech": "CHANNEL_NOT_FOUND input.channelId"} {
		if got := refusal(t, mutate(t, s, s.as(who), linkDeeds["leave"], object{"channelId": l.channel})); !strings.HasPrefix(got, want) {
			t.Fatalf("%s leaves: %s", who, got)
		}
	}
	succeed(t, s, s.as("ana@acme"), linkDeeds["remove"], object{"channelId": l.channel, "groupId": s.group("globex").ID, "reason": "done"})

	for who, want := range map[string][]string{
		"ana@acme": {
			"SET_POLICY ROLE Ana true false ADMINS <nil>", "CREATE OUTGOING_APPROVAL Ben globex REQUESTED channel", "refused APPROVE ROLE Ben globex",
			"APPROVE OUTGOING_APPROVAL Ana globex PENDING channel partner", "refused ACCEPT ROLE Ana globex", "ACCEPT globex AWAITING_APPROVAL channel partner",
			"APPROVE Gil globex ACCEPTED channel partner", "refused TRUST ROLE Ben globex", "refused TRUST ROLE Ben", "TRUST ROLE Ana globex",
			"REMOVE ROLE Ana globex REMOVED done channel partner",
		},
		"gil@globex": {
			"APPROVE acme PENDING partner", "refused ACCEPT WHO_MAY_ACCEPT Hua acme", "SET_POLICY ROLE Gil false true MEMBERS 48", "ACCEPT INCOMING_APPROVAL Hua acme AWAITING_APPROVAL partner",
			"APPROVE INCOMING_APPROVAL Gil acme ACCEPTED channel partner", "refused DECLINE ROLE Hua acme", "refused LEAVE ROLE Hua channel", "REMOVE Ana acme REMOVED done channel partner",
		},
		"ivy@initech": nil, "ben@acme member": nil, "hua@globex member": nil, "operator": nil,
	} {
		got := slices.Compact(saidIn(s, auditOf(t, s, who))) // the same, refused twice, may be of two minutes
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", who, diff)
		}
	}

	// An admin alone can verify it: each hash is that of the one before and the record, and the other side's entries hold it.
	held := map[string]bool{}
	acme := auditOf(t, s, "ana@acme")
	for i, entry := range acme {
		e := entry.(object)
		held[e["hash"].(string)] = true
		var record object
		if err := json.Unmarshal([]byte(e["record"].(string)), &record); err != nil || record["number"] != e["number"] || e["number"] != float64(len(acme)-i) {
			t.Errorf("entry %v has the record %v: %v", e["number"], e["record"], err)
		}
		if i+1 == len(acme) {
			continue
		}
		before, err := hex.DecodeString(acme[i+1].(object)["hash"].(string))
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(append(before, e["record"].(string)...)); hex.EncodeToString(sum[:]) != e["hash"] {
			t.Errorf("entry %v has the hash %v", e["number"], e["hash"])
		}
	}
	for _, entry := range auditOf(t, s, "gil@globex") {
		if hash, ok := entry.(object)["partnerHash"].(string); ok && !held[hash] {
			t.Errorf("globex holds a hash that acme has not: %v", entry)
		}
	}
}

// testAuditPages pages through an audit both ways while it grows, and asks for what no page is.
func testAuditPages(t *testing.T, s *place) {
	made := 0
	add := func() {
		t.Helper()
		made++
		offer(t, s, s.as("ana@acme"), "globex", fmt.Sprintf("launch %d", made))
		s.For(t).Audited()
	}
	for range 5 {
		add()
	}
	read := func(arguments object) (numbers []int, page object) {
		t.Helper()
		page = servertest.Get[object](t, s.For(t).Must(s.as("ana@acme"), auditDocument, arguments), "viewer", "auditLog")
		for i, edge := range servertest.Get[[]any](t, page, "edges") {
			number := servertest.Get[float64](t, edge, "node", "number")
			if servertest.Get[float64](t, page, "nodes", i, "number") != number {
				t.Errorf("edges and nodes differ: %v", page)
			}
			numbers = append(numbers, int(number))
		}
		return numbers, servertest.Get[object](t, page, "pageInfo")
	}
	var forward []int
	for after, n := any(nil), 0; ; n++ {
		numbers, info := read(object{"first": 2, "after": after})
		forward = append(forward, numbers...)
		if info["hasPreviousPage"] != (n > 0) {
			t.Errorf("page %d: %v", n, info)
		}
		if after = info["endCursor"]; info["hasNextPage"] == false {
			break
		}
		add()
	}
	if !slices.Equal(forward, []int{5, 4, 3, 2, 1}) {
		t.Errorf("forward: %v", forward)
	}
	var backward []int
	for before, n := any(nil), 0; ; n++ {
		numbers, info := read(object{"last": 2, "before": before})
		backward = append(numbers, backward...)
		if info["hasNextPage"] != (n > 0) {
			t.Errorf("page %d from the end: %v", n, info)
		}
		if before = info["startCursor"]; info["hasPreviousPage"] == false {
			break
		}
	}
	if len(backward) != made || backward[0] != made || backward[made-1] != 1 {
		t.Errorf("backward: %v, of %d", backward, made)
	}
	if numbers, info := read(object{"first": 0}); len(numbers) != 0 || info["hasNextPage"] != true {
		t.Errorf("nothing of it: %v %v", numbers, info)
	}
	other := ids.PageCursor{Kind: ids.ListSentInvitations, Reader: s.group("acme").ID, Position: 3}.String()
	theirs := ids.PageCursor{Kind: ids.ListAudit, Reader: s.group("globex").ID, Position: 3}.String()
	for name, arguments := range map[string]object{
		"both": {"first": 1, "last": 1}, "negative": {"first": -1}, "too many": {"last": 101}, "garbled": {"after": "3"}, "another list's": {"after": other},
		"another group's": {"before": theirs}, "empty": {"after": ""},
	} {
		answer := s.For(t).Post(s.as("ana@acme"), auditDocument, arguments)
		if len(answer.Errors) != 1 || answer.Errors[0].Code() != "BAD_USER_INPUT" {
			t.Errorf("%s: %s", name, answer.Body)
		}
	}
}

// A refusal is answered as it is, though it can't be noted for the audit; the log says that it is missing.
func TestRefusalThatCannotBeNoted(t *testing.T) {
	t.Parallel()
	s := newPlace(servertest.New(t, servertest.Options{Shards: -1, NoSweep: true}), "")
	pool := localpgtest.Pool(t, s.Config.MainDSN)
	if _, err := pool.Exec(t.Context(), `ALTER TABLE linkspan_main.refusal RENAME TO no_refusal`); err != nil {
		t.Fatal(err)
	}
	if got := refusal(t, mutate(t, s, s.as("ben@acme member"), trustDocument, object{"target": s.to("globex")})); got != "NOT_ALLOWED" {
		t.Errorf("it is answered by %s", got)
	}
	if log := s.Logs.String(); !strings.Contains(log, "a refusal is missing in the audit") || !strings.Contains(log, `"level":"WARN"`) {
		t.Errorf("the log has %s", log)
	}
}
