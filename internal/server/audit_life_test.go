package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"linkspan/internal/server/servertest"
)

// audited is what an admin reads of its group's audit, the oldest entry first: deed, rule, and the other group.
func (l *life) audited(who string) string {
	l.t.Helper()
	l.s.Audited()
	data := l.s.For(l.t).Must(l.s.as(who), `{ viewer { auditLog(first: 100) { nodes { deed rule otherGroup { handle } record } } } }`, nil)
	nodes := servertest.Get[[]any](l.t, data, "viewer", "auditLog", "nodes")
	slices.Reverse(nodes)
	var all []string
	for _, node := range nodes {
		entry := node.(object)
		other := "-"
		if group, ok := entry["otherGroup"].(object); ok {
			other = strings.TrimSuffix(group["handle"].(string), l.s.suffix)
		}
		if strings.Contains(entry["record"].(string), "BLOCK") && entry["deed"] != "BLOCK" {
			l.t.Errorf("%s reads of a block in %v", who, entry["record"])
		}
		all = append(all, fmt.Sprint(entry["deed"], " ", entry["rule"], " ", other))
	}
	return strings.Join(all, "; ")
}

// A group that is blocked finds nothing of that in its own audit: its yes, and its approval, wait as by a policy.
func TestABlockIsInTheBlockersAuditAlone(t *testing.T) {
	lives(t, map[string]func(l *life){
		"who asked blocks": func(l *life) {
			l.want(l.does(anaOf, "create", nil), "PENDING")
			l.blocks(anaOf, "globex")
			l.want(l.does(gilOf, "accept", nil), "AWAITING_APPROVAL of acme, Gil waits")
			l.want(l.audited(gilOf), "CREATE <nil> acme; ACCEPT OUTGOING_APPROVAL acme")
			l.want(l.audited(anaOf), "CREATE DEFAULT globex; BLOCK ROLE globex; ACCEPT <nil> globex")
		},
		"who said yes blocks": func(l *life) {
			l.policy(gilOf, object{"whoMayAccept": "MEMBERS"})
			l.want(l.does(benOf, "create", nil), "PENDING")
			l.policy(anaOf, object{"outgoingApproval": true})
			l.want(l.does(huaOf, "accept", nil), "AWAITING_APPROVAL of acme, Hua waits")
			l.blocks(gilOf, "acme")
			l.want(l.does(anaOf, "approve", nil), "AWAITING_APPROVAL of globex")
			l.want(l.audited(anaOf), "CREATE DEFAULT globex; SET_POLICY ROLE -; ACCEPT <nil> globex; APPROVE INCOMING_APPROVAL globex")
		},
	})
}

// What becomes of the initiator's role, and of the leave to invite, is in the audits of both groups that it concerns.
func TestRolesAreInAudits(t *testing.T) {
	circles(t, map[string]func(c *circle){
		"offered, taken back, taken": func(c *circle) {
			before := c.audited(gilOf)
			c.does(anaOf, "let", "globex")
			c.does(anaOf, "let", "globex", object{"mayInvite": false})
			c.does(anaOf, "offer", "globex")
			c.does(anaOf, "offer", "acme")
			c.does(anaOf, "offer", "globex")
			c.does(gilOf, "take", "")
			const of = "GRANT %[1]s %[2]s; FORBID %[1]s %[2]s; OFFER %[1]s %[2]s; WITHDRAW %[1]s %[2]s; OFFER %[1]s %[2]s; TAKE %[3]s %[2]s"
			c.want(c.audited(gilOf), before+"; "+fmt.Sprintf(of, "<nil>", "acme", "OFFERED"))
			if got, want := c.audited(anaOf), fmt.Sprintf(of, "INITIATOR", "globex", "<nil>"); !strings.HasSuffix(got, want) {
				c.t.Errorf("got  %s\nwant %s behind all else", got, want)
			}
		},
	})
}
