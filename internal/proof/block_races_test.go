package proof_test

import (
	"fmt"
	"testing"
)

// Those who may do something about an invitation from group 0 to group 1 that nobody has decided on, and who want to see no more of the other group.
var blockers = []contender{
	{name: "the invited group blocks the sender", op: func(string) operation { return operation{do: block, by: targetAna, target: 0} }},
	{name: "the sender's group blocks the invited one", op: func(string) operation { return operation{do: block, by: amy, target: 1} }},
	{name: "accept", op: func(string) operation { return operation{do: accept, by: targetAmy} }},
	{name: "decline", op: func(string) operation { return operation{do: decline, by: targetAna} }},
	{name: "revoke", op: func(string) operation { return operation{do: revoke, by: amy} }},
	{name: "another invitation", op: func(round string) operation {
		return operation{do: create, by: ben, target: 1, name: "another " + round}
	}},
	{name: "one back", op: func(round string) operation {
		return operation{do: create, by: targetBen, target: 0, name: "back " + round}
	}},
}

// TestBlockRaces lets each two of those meet, as TestRaces does.
func TestBlockRaces(t *testing.T) { eachTwo(t, blockers, 2, approvalRounds, unblocked) }

// unblocked makes an invitation between groups that do not block each other any more.
func unblocked(t *testing.T, r *race, round string) {
	t.Helper()
	r.unblock(t)
	r.sequential(t, operation{do: create, by: ben, target: 1, name: fmt.Sprint("launch ", round)})
}

// unblock has neither group block the other, and both hear again of what can still be answered.
func (r *race) unblock(t *testing.T) {
	t.Helper()
	r.world.delivered(t) // what is told again is what can be answered where it is read
	r.sequential(t, operation{do: unblock, by: targetAna, target: 0})
	r.sequential(t, operation{do: unblock, by: ana, target: 1})
}
