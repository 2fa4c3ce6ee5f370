//go:build long

package main

import (
	"errors"
	"fmt"

	"linkspan/internal/ids"
)

const (
	inviteDocument = `mutation ($in: InviteGroupInput!) { answer: inviteGroup(input: $in) { invitation { id } errors { code message } } }`
	leaveDocument  = `mutation ($in: LeaveSharedChannelInput!) { answer: leaveSharedChannel(input: $in) { sharedChannel { id } errors { code message } } }`
	removeDocument = `mutation ($in: RemoveGroupInput!) { answer: removeGroup(input: $in) { sharedChannel { id } errors { code message } } }`
	letDocument    = `mutation ($in: LetGroupInviteInput!) { answer: letGroupInvite(input: $in) { sharedChannel { id } errors { code message } } }`
	offerDocument  = `mutation ($in: OfferInitiatorTransferInput!) { answer: offerInitiatorTransfer(input: $in) {
		sharedChannel { id } errors { code message } } }`
	renameDocument = `mutation ($in: UpdateChannelSideInput!) { answer: updateChannelSide(input: $in) { sharedChannel { id } errors { code message } } }`
	takeDocument   = `mutation ($in: AcceptInitiatorTransferInput!) { answer: acceptInitiatorTransfer(input: $in) {
		sharedChannel { id } errors { code message } } }`
	keepDocument = `mutation ($in: UpdateChannelSideInput!) { answer: updateChannelSide(input: $in) { sharedChannel { id } errors { code message } } }`
	listDocument = `mutation ($in: AddChannelMemberInput!) { answer: addChannelMember(input: $in) { sharedChannel { id } errors { code message } } }`
)

func third(r *crashRun) *party { return r.parties[2] }

// in is a mutation about the channel, and about a group of it, if one is given. Its answer has the invitation that it makes, or the run's.
func in(document string, who, of func(r *crashRun) *party) func(r *crashRun) answer {
	return func(r *crashRun) answer {
		input := map[string]any{"channelId": r.channel, "idempotencyKey": "link"}
		switch {
		case document == inviteDocument:
			input["target"] = map[string]any{"handle": of(r).handle}
		case of != nil:
			input["groupId"] = of(r).id.String()
		}
		switch document {
		case letDocument:
			input["mayInvite"] = true
		case renameDocument:
			input["name"], input["expectedVersion"] = "review", 2 // it was invited, and is linked
		}
		return r.ofRun(r.mutate(who(r), document, input))
	}
}

// ofRun passes an answer without an invitation on with the run's.
func (r *crashRun) ofRun(a answer) answer {
	if a.err == nil && len(a.Refusals) == 0 && a.Invitation == nil && a.Channel != nil {
		a.Invitation = &struct{ ID string }{r.invitation}
	}
	return a
}

// keeps has the target, which is not where the channel is, keep it to members.
func keeps(r *crashRun) answer {
	return r.ofRun(r.mutate(r.to, keepDocument, map[string]any{
		"channelId": r.channel, "visibility": "MEMBERS", "expectedVersion": 2, "idempotencyKey": "keep",
	}))
}

// lists has the initiator, which is, list its admin.
func lists(r *crashRun) answer {
	return r.ofRun(r.mutate(r.from, listDocument, map[string]any{
		"channelId": r.channel, "userId": ids.UserOf(r.from.id, "ana").String(), "idempotencyKey": "list",
	}))
}

// then makes a channel that both parties share, and has more happen.
func then(more ...func(r *crashRun) answer) func(r *crashRun) error {
	return func(r *crashRun) error {
		err := errors.Join(created(r), accept(r).failed())
		for _, next := range more {
			if err == nil {
				err = next(r).failed()
			}
		}
		return err
	}
}

// invites has somebody ask a group, and keeps the invitation.
func invites(who, whom func(r *crashRun) *party) func(r *crashRun) answer {
	return func(r *crashRun) answer { return r.isLater(in(inviteDocument, who, whom)(r)) }
}

// isLater looks that an answer is about the later invitation, the first time which that is, and passes it on with the run's.
func (r *crashRun) isLater(a answer) answer {
	if a.failed() != nil {
		return a
	}
	if r.later == "" {
		r.later = a.Invitation.ID
	}
	if r.later != a.Invitation.ID {
		a.err = fmt.Errorf("the answer has the invitation %s, and it is %s", a.Invitation.ID, r.later)
	}
	a.Invitation = &struct{ ID string }{r.invitation}
	return a
}

// acceptsLater has a group accept the invitation that invites kept.
func acceptsLater(who func(r *crashRun) *party) func(r *crashRun) answer {
	return func(r *crashRun) answer {
		return r.isLater(r.mutate(who(r), acceptDocument, map[string]any{"invitationId": r.later, "idempotencyKey": "later"}))
	}
}

// linkOperations are those about channels of many groups.
func linkOperations() []crashed {
	with := func(state map[string]string, more ...string) map[string]string {
		all := map[string]string{}
		for key, value := range state {
			all[key] = value
		}
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	open := with(linked, "to sent", "PENDING", "third received", "PENDING")
	askedByTarget := then(in(letDocument, initiator, target), invites(target, third))
	back := then(in(leaveDocument, target, nil), invites(initiator, target))
	return []crashed{
		{name: "ask a third", setup: then(), do: invites(initiator, third), none: linked,
			done:   with(linked, "from sent", "ACCEPTED, PENDING", "third received", "PENDING"),
			events: [][]string{{hearsChange, hearsLink, hearsChange}, {hearsOf, hearsLink}, {hearsOf}}},
		{name: "a third comes in by the second", setup: askedByTarget, do: acceptsLater(third), none: open,
			done:   with(linked, "to sent", "ACCEPTED", "third received", "ACCEPTED", "third channel", "ACTIVE"),
			events: [][]string{{hearsChange, hearsLink}, {hearsOf, hearsLink, hearsChange, hearsLink}, {hearsOf, hearsLink}}},
		{name: "leave", setup: askedByTarget, do: in(leaveDocument, target, nil), none: open,
			done:   with(linked, "to channel", "DISCONNECTED", "to sent", "REVOKED", "third received", "REVOKED"),
			events: [][]string{{hearsChange, hearsLink}, {hearsOf, hearsLink, hearsChange, hearsChange}, {hearsOf, hearsChange}}},
		{name: "remove", long: true, setup: askedByTarget, do: in(removeDocument, initiator, target), none: open,
			done:   with(linked, "to channel", "DISCONNECTED", "to sent", "REVOKED", "third received", "REVOKED"),
			events: [][]string{{hearsChange, hearsLink}, {hearsOf, hearsLink, hearsChange, hearsChange}, {hearsOf, hearsChange}}},
		{name: "come back", setup: back, do: acceptsLater(target),
			none:   with(linked, "from sent", "ACCEPTED, PENDING", "to received", "ACCEPTED, PENDING", "to channel", "DISCONNECTED"),
			done:   with(linked, "from sent", "ACCEPTED, ACCEPTED", "to received", "ACCEPTED, ACCEPTED"),
			events: [][]string{{hearsChange, hearsLink, hearsChange, hearsLink}, {hearsOf, hearsLink, hearsOf, hearsLink}}},
		{name: "rename", setup: then(), do: in(renameDocument, target, nil), none: linked, done: with(linked, "to channel", "ACTIVE as review"),
			events: [][]string{{hearsChange, hearsLink}, {hearsOf, hearsLink}}},
		{name: "keep to members", setup: then(), do: keeps, none: linked, done: with(linked, "to hides", "it"),
			events: [][]string{{hearsChange, hearsLink}, {hearsOf, hearsLink}}},
		{name: "list a member", long: true, setup: then(), do: lists, none: linked, done: linked,
			events: [][]string{{hearsChange, hearsLink}, {hearsOf, hearsLink}}},
		{name: "take the role", long: true, setup: then(in(offerDocument, initiator, target)), do: in(takeDocument, target, nil), none: linked, done: linked,
			events: [][]string{{hearsChange, hearsLink}, {hearsOf, hearsLink}}},
	}
}
