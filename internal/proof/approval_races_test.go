package proof_test

import (
	"fmt"
	"testing"
)

// Those who may do something about an invitation from group 0 to group 1, which a member of group 1 has said yes to and an admin has yet to agree with.
var (
	targetBob = person{1, "bob"}
	waits     = policy{membersAccept: true, incoming: true}
)

var approvers = []contender{
	{name: "accept by another member", op: func(string) operation { return operation{do: accept, by: targetBob} }},
	{name: "accept by an admin", op: func(string) operation { return operation{do: accept, by: targetAna, name: "another name"} }},
	{name: "approve", op: func(string) operation { return operation{do: approve, by: targetAmy} }},
	{name: "deny", op: func(string) operation { return operation{do: deny, by: targetAna} }},
	{name: "decline", op: func(string) operation { return operation{do: decline, by: targetAmy} }},
	{name: "revoke", op: func(string) operation { return operation{do: revoke, by: ana} }},
	{name: "expiry", op: func(string) operation { return operation{do: expire} }},
	{name: "no approval is asked for any more", op: func(string) operation {
		return operation{do: setPolicy, by: targetAna, policy: policy{membersAccept: true}}
	}},
	{name: "the sender's group asks for one", op: func(string) operation {
		return operation{do: setPolicy, by: amy, policy: policy{outgoing: true}}
	}},
	{name: "the invited group blocks the sender", op: func(string) operation { return operation{do: block, by: targetAna, target: 0} }},
	{name: "the sender's group blocks the invited one", op: func(string) operation { return operation{do: block, by: amy, target: 1} }},
}

// TestApprovalRaces lets each two of those meet, as TestRaces does.
func TestApprovalRaces(t *testing.T) { eachTwo(t, approvers, 2, approvalRounds, awaited) }

// approvalRounds is how often each two race.
const approvalRounds = 4

// awaited makes an invitation that waits for an admin of group 1.
func awaited(t *testing.T, r *race, round string) {
	t.Helper()
	r.unblock(t)
	r.sequential(t, operation{do: setPolicy, by: ana, policy: policy{}})
	r.sequential(t, operation{do: setPolicy, by: targetAna, policy: waits})
	r.sequential(t, operation{do: create, by: ben, target: 1, name: fmt.Sprint("launch ", round)})
	r.sequential(t, operation{do: accept, by: targetBen, life: len(r.model.lives) - 1})
}
