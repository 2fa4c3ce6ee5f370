package proof_test

import (
	"fmt"
	"testing"
)

var (
	thirdAna, thirdAmy = person{2, "ana"}, person{2, "amy"}
	homeAmy            = person{0, "amy"}
)

// Those who may do something about a channel that group 0 made, and shares with groups 1 and 2; group 1 may ask others and has asked group 3, which
// has not answered.
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
	{name: "the fourth accepts", op: func(string) operation { return operation{do: accept, by: person{3, "ana"}, in: 2} }},
	{name: "the fourth declines", op: func(string) operation { return operation{do: decline, by: person{3, "amy"}, in: 2} }},
	{name: "the second takes it back", op: func(string) operation { return operation{do: revoke, by: targetAmy, in: 2} }},
	{name: "its time runs out", op: func(string) operation { return operation{do: expire, in: 2} }},
	{name: "the third says something", op: func(string) operation {
		return operation{do: post, by: thirdAna, message: -1, name: "one"}
	}},
}

// TestLinkRaces lets each two of those meet, as TestRaces does.
func TestLinkRaces(t *testing.T) { eachTwo(t, linkers, 4, linkRounds, sharedByThree) }

// linkRounds is how often each two race.
const linkRounds = 3

// sharedByThree makes such a channel. In every other round the role is offered to the second already.
func sharedByThree(t *testing.T, r *race, round string) {
	t.Helper()
	r.sequential(t, operation{do: create, by: ana, target: 1, name: fmt.Sprint("launch ", round)})
	life := len(r.model.lives) - 1
	for _, op := range []operation{
		{do: accept, by: targetAna}, {do: invite, by: ana, target: 2}, {do: accept, by: thirdAna, in: 1}, {do: grant, by: ana, target: 1},
		{do: invite, by: targetAmy, target: 3}, {do: offer, by: ana, target: 1 + life%2},
	} {
		op.life = life
		r.sequential(t, op)
	}
}
