package proof_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
)

var (
	thirdAna, thirdAmy = person{2, "ana"}, person{2, "amy"}
	homeAmy            = person{0, "amy"}
	fourthAna          = person{3, "ana"}
	fourthAmy          = person{3, "amy"}
	outgoing           = policy{outgoing: true}
	membersMay         = policy{membersAccept: true}
)

// Those who may do something about a channel that group 0 made, and shares with groups 1 and 2. Group 1 may ask others: a member of it, who needs no
// admin because it trusts group 3, has asked that, which has not answered, or whose admins have yet to agree with a member's yes.
var linkers = []contender{
	{name: "home leaves", op: func(string) operation { return operation{do: leave, by: homeAmy} }},
	{name: "the second leaves", op: func(string) operation { return operation{do: leave, by: targetAna} }},
	{name: "the second is removed", op: func(string) operation { return operation{do: remove, by: ana, target: 1} }},
	{name: "the third leaves", op: func(string) operation { return operation{do: leave, by: thirdAna} }},
	{name: "the third is removed", op: func(string) operation { return operation{do: remove, by: homeAmy, target: 2} }},
	{name: "the role is offered to the second", op: func(string) operation { return operation{do: offer, by: ana, target: 1} }},
	{name: "the second takes the role", op: func(string) operation { return operation{do: take, by: targetAmy} }},
	{name: "the third takes the role", op: func(string) operation { return operation{do: take, by: thirdAmy} }},
	{name: "the second may ask no more", op: func(string) operation { return operation{do: forbid, by: homeAmy, target: 1} }},
	{name: "home renames it", op: func(round string) operation {
		return operation{do: rename, by: homeAmy, name: "plan " + round, version: 2}
	}},
	{name: "home makes another of that name", op: func(round string) operation {
		return operation{do: create, by: ana, target: 3, name: "Plan " + round}
	}},
	{name: "the second renames it", op: func(round string) operation {
		return operation{do: rename, by: targetAmy, name: "plan " + round, version: 3}
	}},
	{name: "home asks the fourth", op: func(string) operation { return operation{do: invite, by: ana, target: 3} }},
	{name: "the fourth accepts", op: func(string) operation { return operation{do: accept, by: fourthAna, in: 2} }},
	{name: "the fourth declines", op: func(string) operation { return operation{do: decline, by: fourthAmy, in: 2} }},
	{name: "the second takes it back", op: func(string) operation { return operation{do: revoke, by: targetAmy, in: 2} }},
	{name: "its time runs out", op: func(string) operation { return operation{do: expire, in: 2} }},
	{name: "the third says something", op: func(string) operation {
		return operation{do: post, by: thirdAna, message: -1, name: "one"}
	}},
	{name: "a member of the fourth accepts", op: func(string) operation { return operation{do: accept, by: person{3, "bob"}, in: 2} }},
	{name: "the fourth approves", op: func(string) operation { return operation{do: approve, by: fourthAmy, in: 2} }},
	{name: "the fourth denies", op: func(string) operation { return operation{do: deny, by: fourthAna, in: 2} }},
	{name: "the fourth blocks the second", op: func(string) operation { return operation{do: block, by: fourthAna, target: 1} }},
	{name: "the second blocks the fourth", op: func(string) operation { return operation{do: block, by: targetAmy, target: 3} }},
	{name: "the fourth trusts the second", op: func(string) operation { return operation{do: trust, by: fourthAna, target: 1} }},
	{name: "the second trusts the fourth no more", op: func(string) operation { return operation{do: untrust, by: targetAna, target: 3} }},
	{name: "the fourth asks for approvals, or for none", op: func(round string) operation {
		if everyOther(round) {
			return operation{do: setPolicy, by: fourthAmy, policy: membersMay}
		}
		return operation{do: setPolicy, by: fourthAmy, policy: waits}
	}},
}

// TestLinkRaces lets each two of those meet, as TestRaces does.
func TestLinkRaces(t *testing.T) { eachTwo(t, linkers, 4, linkRounds, sharedByThree) }

// linkRounds is how often each two race.
const linkRounds = 4

// sharedByThree makes such a channel. In every other round the role is offered to the second already.
func sharedByThree(t *testing.T, r *race, round string) {
	t.Helper()
	r.agreed(t, round)
	r.sequential(t, operation{do: create, by: ana, target: 1, name: fmt.Sprint("launch ", round)})
	life := len(r.model.lives) - 1
	ops := []operation{
		{do: accept, by: targetAna}, {do: invite, by: ana, target: 2}, {do: accept, by: thirdAna, in: 1}, {do: grant, by: ana, target: 1},
		{do: invite, by: targetBen, target: 3}, {do: offer, by: ana, target: 1 + life%2},
	}
	if r.saidYes(round) {
		ops = append(ops, operation{do: accept, by: person{3, "ben"}, in: 2})
	}
	for _, op := range ops {
		op.life = life
		r.sequential(t, op)
	}
}

// saidYes reports whether a member of the fourth group has said yes in a round: always where its admins race about that.
func (r *race) saidYes(round string) bool {
	return everyOther(round) || slices.ContainsFunc(r.pair[:], func(c contender) bool {
		do := c.op(round).do
		return do == approve || do == deny
	})
}

// everyOther is so in every other pair of rounds: in either, each of those that race has been in either process.
func everyOther(round string) bool {
	n, err := strconv.Atoi(round)
	return err == nil && n/2%2 == 0
}

// agreed has the second and the fourth group think of each other, and of sharing, as a round begins.
func (r *race) agreed(t *testing.T, round string) {
	t.Helper()
	for _, between := range r.model.blockings() {
		r.world.delivered(t) // what is told again is what can be answered where it is read
		r.sequential(t, operation{do: unblock, by: person{between[0], "ana"}, target: between[1]})
	}
	if !r.model.trusts(1, 3) {
		r.sequential(t, operation{do: trust, by: targetAna, target: 3})
	}
	if r.model.trusts(3, 1) {
		r.sequential(t, operation{do: untrust, by: fourthAna, target: 1})
	}
	asks := membersMay
	if r.saidYes(round) {
		asks = waits
	}
	for by, policy := range map[person]policy{targetAna: outgoing, fourthAna: asks} {
		if r.model.policies[by.group] != policy {
			r.sequential(t, operation{do: setPolicy, by: by, policy: policy})
		}
	}
}
