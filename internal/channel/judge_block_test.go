package channel

import "fmt"

// blockers are who of the two groups of an invitation blocks the other.
var blockers = []blocker{
	{"the target blocks the sender", false, true},
	{"the sender blocks the target", true, false},
	{"both block each other", true, true},
}

type blocker struct {
	name     string
	from, to bool
}

// approvedAnew is a state in which the sender's admin, who had agreed before, has to agree again, since its group blocked the target meanwhile.
const approvedAnew = "AWAITING_APPROVAL of the sender anew"

// blockedStates are those in which a block may play a part.
var blockedStates = []string{
	"REQUESTED", "PENDING", "AWAITING_APPROVAL of the target", "AWAITING_APPROVAL of the sender", approvedAnew, "ACCEPTED", "DECLINED", "EXPIRED",
}

// creates says what becomes of a request of the sender's, which the own policy and the other's may be against too, where a block changes that.
func (b blocker) creates() (lines []string) {
	for _, own := range policies[:4] {
		for _, there := range policies[:2] {
			said := func(from, to bool) string {
				w := newJudged()
				w.facts.From.Stance.Blocked, w.facts.To.Stance.Blocked = from, to
				own.set(&w.facts.From.Policy)
				there.set(&w.facts.To.Policy)
				return spoken(judgeCreate(w.viewer(w.acme, "ben", RoleMember), nil, &w.facts.From, &w.facts.To))
			}
			lines = append(lines, changed(fmt.Sprintf("%-24s there %-11s", own.name, there.name), said(false, false), said(b.from, b.to))...)
		}
	}
	return lines
}

// decides says what becomes of an invitation in a state, where a block changes that.
func (b blocker) decides(state string) (lines []string) {
	for _, deed := range []Deed{DeedAccept, DeedApprove, DeedDeny, DeedDecline, DeedRevoke} {
		for _, who := range judges[:5] {
			said := func(from, to bool) string {
				w := newJudged()
				w.in(state)
				w.facts.To.Policy.WhoMayAccept = MembersMay
				w.facts.From.Stance.Blocked, w.facts.To.Stance.Blocked = from, to
				return spoken(judge(deed, who.of(w), w.facts))
			}
			lines = append(lines, changed(fmt.Sprintf("%-8s %-30s", deed, who.name), said(false, false), said(b.from, b.to))...)
		}
	}
	return lines
}

// changed is a line about what a block makes of something; none where that is the same.
func changed(about, without, with string) []string {
	if with == without {
		return nil
	}
	return []string{fmt.Sprintf("  %s  %-44s not %s\n", about, with, without)}
}
