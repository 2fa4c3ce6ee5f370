//go:build long

package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"linkspan/internal/failpoint"
	"linkspan/internal/gqlclient"
)

// crashed is an operation at whose points the program or a cluster is killed.
type crashed struct {
	name  string
	setup func(r *crashRun) error  // what was before
	do    func(r *crashRun) answer // the operation; nil: it comes by time
	ttl   time.Duration            // of invitations; 0: long
	first failpoint.Arrival        // a crash that comes before the one that is tested
	done  map[string]string        // what is so when it is done: see crashRun.states
	none  map[string]string        // what is so when nothing is

	events [][]string // the log of each party's inbox when it is done: the initiator's, the target's, and those of more
	long   bool       // tried only where there is time: its commits are those of another
}

// answer is the answer to one of the mutations.
type answer struct {
	err        error
	Channel    *struct{ ID string }             `json:"sharedChannel"`
	Invitation *struct{ ID string }             `json:"invitation"`
	Refusals   []struct{ Code, Message string } `json:"errors"`
}

func (a answer) failed() error {
	if a.err != nil {
		return a.err
	}
	if len(a.Refusals) > 0 {
		return fmt.Errorf("refused: %v", a.Refusals)
	}
	if a.Invitation == nil {
		return errors.New("an answer without an invitation")
	}
	return nil
}

// retryable reports whether the answer is a fault after which a client repeats what it asked for.
func (a answer) retryable() bool {
	var fault *gqlclient.Error
	return errors.As(a.err, &fault) && fault.Retryable
}

// ids are the ids that the answer gives.
func (a answer) ids() [2]string {
	id := [2]string{a.Invitation.ID}
	if a.Channel != nil {
		id[1] = a.Channel.ID
	}
	return id
}

const (
	createDocument = `mutation ($in: CreateSharedChannelInput!) { answer: createSharedChannel(input: $in) {
		sharedChannel { id } invitation { id } errors { code message } } }`
	acceptDocument = `mutation ($in: AcceptSharedChannelInput!) { answer: acceptSharedChannel(input: $in) {
		sharedChannel { id } invitation { id } errors { code message } } }`
	declineDocument = `mutation ($in: DeclineInvitationInput!) { answer: declineInvitation(input: $in) {
		invitation { id } errors { code message } } }`
	approveDocument = `mutation ($in: ApproveInvitationInput!) { answer: approveInvitation(input: $in) {
		sharedChannel { id } invitation { id } errors { code message } } }`
	policyDocument = `mutation ($in: SetSharingPolicyInput!) { answer: setSharingPolicy(input: $in) { policy { version } errors { code message } } }`
	revokeDocument = `mutation ($in: RevokeInvitationInput!) { answer: revokeInvitation(input: $in) {
		invitation { id } errors { code message } } }`
)

// channelName is what the initiator calls the channel of a run.
const channelName = "launch"

func create(r *crashRun) answer { return createAs(r, r.from.token) }

func createAs(r *crashRun, token string) answer {
	return r.mutateAs(token, createDocument, map[string]any{
		"target": map[string]any{"handle": r.to.handle}, "name": channelName, "idempotencyKey": "create",
	})
}

// requested has a member ask, and its own group has yet to let it be sent.
func requested(r *crashRun) error {
	if err := r.says(r.from, map[string]any{"outgoingApproval": true}); err != nil {
		return err
	}
	return r.keep(createAs(r, r.from.member))
}

// awaited has a member of the target say yes, with which an admin has yet to agree.
func awaited(r *crashRun) error {
	if err := r.says(r.to, map[string]any{"whoMayAccept": "MEMBERS", "incomingApproval": true}); err != nil {
		return err
	}
	if err := created(r); err != nil {
		return err
	}
	return r.mutateAs(r.to.member, acceptDocument, map[string]any{"invitationId": r.invitation}).failed()
}

// says sets a group's sharing policy, which it has not set before.
func (r *crashRun) says(who *party, policy map[string]any) error {
	policy["expectedVersion"] = 1
	a := r.mutate(who, policyDocument, policy)
	if a.err == nil && len(a.Refusals) > 0 {
		return fmt.Errorf("refused: %v", a.Refusals)
	}
	return a.err
}

// created makes the invitation and keeps its id.
func created(r *crashRun) error { return r.keep(create(r)) }

func (r *crashRun) keep(a answer) error {
	if err := a.failed(); err != nil {
		return err
	}
	r.invitation, r.channel = a.Invitation.ID, a.Channel.ID
	return nil
}

// about is a mutation about the invitation.
func about(document string, who func(r *crashRun) *party) func(r *crashRun) answer {
	return func(r *crashRun) answer {
		return r.mutate(who(r), document, map[string]any{"invitationId": r.invitation, "idempotencyKey": "decide"})
	}
}

func initiator(r *crashRun) *party { return r.from }
func target(r *crashRun) *party    { return r.to }

var accept = about(acceptDocument, target)

// nameHeld lets the target have a channel of its own under the name, so that an accept must find another.
func nameHeld(r *crashRun) error {
	a := r.mutate(r.to, createDocument, map[string]any{
		"target": map[string]any{"handle": r.from.handle}, "name": channelName, "idempotencyKey": "held",
	})
	if err := a.failed(); err != nil {
		return err
	}
	r.aside = append(r.aside, a.Invitation.ID)
	return created(r)
}

// pending, linked and ended are what the parties see: see crashRun.states.
var (
	nothing = map[string]string{}
	unsent  = map[string]string{"from sent": "REQUESTED", "from channel": "PENDING"}
	waiting = map[string]string{"from sent": "AWAITING_APPROVAL", "to received": "AWAITING_APPROVAL", "from channel": "PENDING"}
	pending = map[string]string{"from sent": "PENDING", "to received": "PENDING", "from channel": "PENDING"}
	linked  = map[string]string{"from sent": "ACCEPTED", "to received": "ACCEPTED", "from channel": "ACTIVE", "to channel": "ACTIVE"}
)

func ended(state string) map[string]string {
	return map[string]string{"from sent": state, "to received": state, "from channel": "CLOSED"}
}

const (
	hearsOf     = "InvitationReceived"
	hearsChange = "InvitationChanged"
	hearsLink   = "SharedChannelLinked"
)

// operations are those that crash, each from a fresh pair of groups, as far as there is time.
func operations() []crashed {
	var (
		invited  = [][]string{{hearsChange}, {hearsOf}}
		accepted = [][]string{{hearsChange, hearsLink}, {hearsOf, hearsLink}}
		over     = [][]string{{hearsChange, hearsChange}, {hearsOf, hearsChange}}
		decline  = about(declineDocument, target)
		revoke   = about(revokeDocument, initiator)
	)
	hidden := map[string]string{"from sent": "PENDING", "from channel": "PENDING"}
	renamed := maps.Clone(linked)
	renamed["to channel"] = "ACTIVE as launch 2"
	all := []crashed{
		{name: "create", setup: func(*crashRun) error { return nil }, do: create, none: nothing, done: pending, events: invited},
		{name: "accept", setup: created, do: accept, none: pending, done: linked, events: accepted},
		{name: "decline", setup: created, do: decline, none: pending, done: ended("DECLINED"), events: over},
		{name: "revoke", setup: created, do: revoke, none: pending, done: ended("REVOKED"), events: over},
		{name: "approve that it is sent", setup: requested, do: about(approveDocument, initiator), none: unsent, done: pending,
			events: [][]string{{hearsChange, hearsChange}, {hearsOf}}},
		{name: "approve a yes", setup: awaited, do: about(approveDocument, target), none: waiting, done: linked,
			events: [][]string{{hearsChange, hearsChange, hearsLink}, {hearsOf, hearsChange, hearsLink}}},
		{name: "block", setup: heard, do: says(blockDocument), none: pending, done: hidden, events: invited},
		{name: "unblock", setup: silenced, do: says(unblockDocument), none: hidden, done: pending, events: [][]string{{hearsChange}, {hearsOf, hearsOf}}},
		{name: "expire", setup: created, ttl: time.Second, none: ended("EXPIRED"), done: ended("EXPIRED"), events: over},
		{
			name: "accept under a taken name", long: true, setup: nameHeld, do: accept, none: pending, done: renamed,
			events: [][]string{{hearsOf, hearsChange, hearsLink}, {hearsChange, hearsOf, hearsLink}},
		},
		{
			name: "recover", setup: created, do: accept, none: pending, done: linked, events: accepted,
			first: failpoint.Arrival{Point: "acceptSharedChannel/commit/after", N: 1},
		},
	}
	all = append(all, linkOperations()...)
	return slices.DeleteFunc(all, func(op crashed) bool { return op.long && !longTests() })
}
