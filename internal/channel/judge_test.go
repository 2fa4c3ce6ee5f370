package channel

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"linkspan/internal/ids"
)

// updateRules has TestJudge write testdata/rules.golden anew: `LINKSPAN_UPDATE=1 go test ./internal/channel -run TestJudge`; then read it. It does so for TestJudgeLinks too.
var updateRules = os.Getenv("LINKSPAN_UPDATE") != ""

// TestJudge writes down what becomes of an invitation by each deed of each who may try it, in each state, under the policies that play a part. The
// file is read by people: what is in it is what is decided.
func TestJudge(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	ask := func(head string, lines []string) { fmt.Fprintf(&b, "%s\n%s\n", head, strings.Join(lines, "")) }

	var creates []string
	for _, own := range policies {
		for _, role := range []Role{RoleAdmin, RoleMember} {
			for _, trusts := range []bool{false, true} {
				w := newJudged()
				own.set(&w.facts.From.Policy)
				w.facts.From.Stance.Trusted = trusts
				allowed, refusal := judgeCreate(w.viewer(w.acme, "ben", role), nil, &w.facts.From, &w.facts.To)
				creates = append(creates, fmt.Sprintf("  %-40s %-7s trusts %-6v %s\n", own.name, role, trusts, spoken(allowed, refusal)))
			}
		}
	}
	ask("CREATE, own policy", creates)

	for _, state := range []string{"REQUESTED", "PENDING", "AWAITING_APPROVAL of the target", "AWAITING_APPROVAL of the sender", "ACCEPTED", "DECLINED", "EXPIRED"} {
		for _, deed := range []Deed{DeedAccept, DeedApprove, DeedDeny, DeedDecline, DeedRevoke} {
			var lines []string
			for _, who := range judges {
				for _, target := range policies {
					if deed != DeedAccept && target.name != "default" {
						continue
					}
					w := newJudged()
					w.in(state)
					target.set(&w.facts.To.Policy)
					allowed, refusal := judge(deed, who.of(w), w.facts)
					lines = append(lines, fmt.Sprintf("  %-32s %-40s %s\n", who.name, target.name, spoken(allowed, refusal)))
				}
			}
			ask(fmt.Sprintf("%s, %s; policy of the target", deed, state), lines)
		}
	}
	for _, blocks := range blockers {
		ask("CREATE, "+blocks.name+", which makes it", blocks.creates())
		for _, state := range blockedStates {
			ask(fmt.Sprintf("%s, %s, which makes it", state, blocks.name), blocks.decides(state))
		}
	}
	golden(t, "testdata/rules.golden", b.String())
}

// policies are those of a group that differ from the default in one thing, or in two that belong together.
var policies = []struct {
	name string
	set  func(p *SharingPolicy)
}{
	{"default", func(*SharingPolicy) {}},
	{"sharing off", func(p *SharingPolicy) { p.SharingEnabled = false }},
	{"only admins create", func(p *SharingPolicy) { p.WhoMayCreate = AdminsMay }},
	{"outgoing approval", func(p *SharingPolicy) { p.OutgoingApproval = true }},
	{"members accept", func(p *SharingPolicy) { p.WhoMayAccept = MembersMay }},
	{"members accept, incoming approval", func(p *SharingPolicy) { p.WhoMayAccept, p.IncomingApproval = MembersMay, true }},
	{"incoming approval", func(p *SharingPolicy) { p.IncomingApproval = true }},
}

// judges are who may try.
var judges = []struct {
	name string
	of   func(w *judged) *Viewer
}{
	{"admin of the target", func(w *judged) *Viewer { return w.viewer(w.globex, "gil", RoleAdmin) }},
	{"member of the target", func(w *judged) *Viewer { return w.viewer(w.globex, "hua", RoleMember) }},
	{"member of the target, said yes", func(w *judged) *Viewer { return w.viewer(w.globex, "yan", RoleMember) }},
	{"admin of the sender", func(w *judged) *Viewer { return w.viewer(w.acme, "ana", RoleAdmin) }},
	{"member who sent it", func(w *judged) *Viewer { return w.viewer(w.acme, "ben", RoleMember) }},
	{"another member of the sender", func(w *judged) *Viewer { return w.viewer(w.acme, "bob", RoleMember) }},
	{"stranger", func(w *judged) *Viewer { return w.viewer(w.initech, "ivy", RoleAdmin) }},
	{"operator", func(*judged) *Viewer { return &Viewer{Operator: true} }},
}

// judged is an invitation of ben's that globex got from acme.
type judged struct {
	acme, globex, initech Group
	facts                 *Facts
}

func newJudged() *judged {
	w := &judged{Group{ID: ids.NewGroup()}, Group{ID: ids.NewGroup()}, Group{ID: ids.NewGroup()}, nil}
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	ben := w.viewer(w.acme, "ben", RoleMember).User
	w.facts = &Facts{
		At:   at,
		Asks: Leave{Initiates: true},
		From: Party{Policy: DefaultPolicy(w.acme.ID)}, To: Party{Policy: DefaultPolicy(w.globex.ID)}, Channel: &ChannelFacts{Open: 1},
		Invitation: &Invitation{State: InvitationPending, Version: 1, FromGroup: w.acme, ToGroup: w.globex, Sender: ben, ExpiresAt: at.Add(time.Hour)},
	}
	return w
}

func (w *judged) viewer(group Group, sub string, role Role) *Viewer {
	return &Viewer{User: User{ID: ids.UserOf(group.ID, sub), Group: group}, Group: group, Role: role}
}

// in brings the invitation to a state.
func (w *judged) in(state string) {
	in := w.facts.Invitation
	yes := w.viewer(w.globex, "yan", RoleMember).User
	switch state {
	case "REQUESTED":
		in.State, in.AwaitsFrom, in.Unsent = InvitationRequested, true, true
		w.facts.From.Policy.OutgoingApproval = true
	case "AWAITING_APPROVAL of the target":
		in.State, in.AwaitsTo, in.Past = InvitationAwaitingApproval, true, []Transition{{Deed: DeedAccept, Actor: &yes}}
		w.facts.To.Policy.IncomingApproval = true
	case "AWAITING_APPROVAL of the sender":
		in.State, in.AwaitsFrom, in.Past = InvitationAwaitingApproval, true, []Transition{{Deed: DeedAccept, Actor: &yes}}
		w.facts.From.Policy.OutgoingApproval = true
	case "EXPIRED":
		in.ExpiresAt = w.facts.At
	case approvedAnew:
		w.in("AWAITING_APPROVAL of the sender")
		in.ApprovedFrom, in.ApprovedTo = true, true
		ana := w.viewer(w.acme, "ana", RoleAdmin).User
		in.Past = append([]Transition{{Deed: DeedApprove, Actor: &ana}}, in.Past...)
		w.facts.From.Policy.OutgoingApproval = false
	default:
		in.State = InvitationState(state)
	}
}

// spoken is a verdict as a line says it.
func spoken(allowed verdict, refusal UserError) string {
	switch refused := refusal.(type) {
	case NotAllowedError:
		if refused.Rule != nil {
			return fmt.Sprintf("%s (%s)", refused.Code, *refused.Rule)
		}
		return string(refused.Code)
	case InvitationNotPendingError:
		return fmt.Sprintf("%s (%s)", refused.Code, refused.State)
	case nil:
	default:
		return string(refusal.GetCode())
	}
	if allowed.again {
		return "had happened"
	}
	awaits := ""
	if allowed.awaitsFrom {
		awaits += " of the sender"
	}
	if allowed.awaitsTo {
		awaits += " of the target"
	}
	return fmt.Sprintf("%s%s, by %s", allowed.next, awaits, allowed.rule)
}
