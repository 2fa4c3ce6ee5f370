package proof_test

import (
	"context"
	"fmt"
	"slices"

	"linkspan/internal/channel"
)

// The verbs of channels of many groups.
const (
	invite verb = "invite"
	leave  verb = "leave"
	remove verb = "remove"
	offer  verb = "offer the initiator's role"
	take   verb = "take the initiator's role"
	grant  verb = "let a group invite"
	forbid verb = "let a group invite no more"
	rename verb = "rename"
)

// linksAlone are those of them that change links, and no invitation by what they are.
var linksAlone = []verb{leave, remove, offer, take, grant, forbid, rename}

// nobody is the group that an initiator's role is offered to that is offered to none.
const nobody = -1

// changed is what a mutation answers that changes links.
func changed(p *channel.LeaveSharedChannelPayload, err error) (payload, error) {
	if err != nil {
		return payload{}, err
	}
	return payload{made: p.SharedChannel, refusals: p.Errors}, nil
}

// linkMutations are those of channels of many groups.
var linkMutations = map[verb]func(ctx context.Context, s *channel.Service, r request) (payload, error){
	grant:  letInvite(true),
	forbid: letInvite(false),
	rename: func(ctx context.Context, s *channel.Service, r request) (payload, error) {
		p, err := s.UpdateChannelSide(ctx, r.by, channel.UpdateChannelSideInput{
			ChannelID: r.channel, Name: r.name, Given: map[string]bool{"name": true}, ExpectedVersion: int32(r.version), IdempotencyKey: r.key,
		})
		return changed((*channel.LeaveSharedChannelPayload)(p), err)
	},
	invite: func(ctx context.Context, s *channel.Service, r request) (payload, error) {
		p, err := s.InviteGroup(ctx, r.by, channel.InviteGroupInput{ChannelID: r.channel, Target: r.target, IdempotencyKey: r.key})
		if err != nil {
			return payload{}, err
		}
		return payload{in: p.Invitation, refusals: p.Errors}, nil
	},
	leave: func(ctx context.Context, s *channel.Service, r request) (payload, error) {
		p, err := s.LeaveSharedChannel(ctx, r.by, channel.LeaveSharedChannelInput{ChannelID: r.channel, IdempotencyKey: r.key})
		return changed(p, err)
	},
	remove: func(ctx context.Context, s *channel.Service, r request) (payload, error) {
		p, err := s.RemoveGroup(ctx, r.by, channel.RemoveGroupInput{ChannelID: r.channel, GroupID: r.group, IdempotencyKey: r.key})
		return changed((*channel.LeaveSharedChannelPayload)(p), err)
	},
	offer: func(ctx context.Context, s *channel.Service, r request) (payload, error) {
		p, err := s.OfferInitiatorTransfer(ctx, r.by, channel.OfferInitiatorTransferInput{ChannelID: r.channel, GroupID: r.group, IdempotencyKey: r.key})
		return changed((*channel.LeaveSharedChannelPayload)(p), err)
	},
	take: func(ctx context.Context, s *channel.Service, r request) (payload, error) {
		p, err := s.AcceptInitiatorTransfer(ctx, r.by, channel.AcceptInitiatorTransferInput{ChannelID: r.channel, IdempotencyKey: r.key})
		return changed((*channel.LeaveSharedChannelPayload)(p), err)
	},
}

func letInvite(may bool) func(context.Context, *channel.Service, request) (payload, error) {
	return func(ctx context.Context, s *channel.Service, r request) (payload, error) {
		p, err := s.LetGroupInvite(ctx, r.by, channel.LetGroupInviteInput{ChannelID: r.channel, GroupID: r.group, MayInvite: may, IdempotencyKey: r.key})
		return changed((*channel.LeaveSharedChannelPayload)(p), err)
	}
}

// asks has one more group be asked, if it may.
func (m *model) asks(op operation) answer {
	l := &m.lives[op.life]
	group, own := op.by.group, m.policies[op.by.group]
	k, theirs, initiates := l.link(group), l.link(op.target), l.initiator == op.by.group
	waits := slices.IndexFunc(l.invitations, func(in invitation) bool { return in.to == op.target && in.open() })
	switch state := l.shownTo(group); {
	case state == "":
		return answer{refused: channel.CodeChannelNotFound}
	case op.target == group:
		return answer{refused: channel.CodeSelfInvitation}
	case m.blocks(group, op.target), !initiates && !k.mayInvite,
		!initiates && op.target != l.initiator && theirs != nil && theirs.wasLinked() && !theirs.linked():
		return answer{refused: channel.CodeNotAllowed}
	case state != channel.ChannelPending && state != channel.ChannelActive:
		return answer{refused: channel.CodeChannelNotActive}
	case theirs != nil && theirs.linked() || waits >= 0 && l.invitations[waits].waits():
		return answer{refused: channel.CodeAlreadyShared}
	}
	if waits >= 0 {
		l.ends(waits, channel.InvitationExpired, "")
	}
	l.invites(op.by, op.target, k.name, !own.outgoing || m.trusts(group, op.target) || op.by.admin())
	return answer{life: op.life, in: len(l.invitations) - 1}
}

// changesLinks is what becomes of an operation that changes links, or of the channel.
func (m *model) changesLinks(op operation) answer {
	l := &m.lives[op.life]
	group, state, theirs := op.by.group, l.shownTo(op.by.group), l.link(op.target)
	done := answer{life: op.life, in: -1}
	refused := func(code channel.UserErrorCode) answer { return answer{refused: code} }
	initiators := op.do != leave && op.do != take
	in := theirs != nil && theirs.linked()
	switch {
	case state == "":
		return refused(channel.CodeChannelNotFound)
	case !op.by.admin(), initiators && l.initiator != group:
		return refused(channel.CodeNotAllowed)
	case (op.do == remove || op.do == grant || op.do == forbid) && op.target == group:
		return refused(channel.CodeNotAllowed)
	}
	switch op.do {
	case leave, remove:
		leaver := op.target
		if op.do == leave {
			leaver = group
		}
		k := l.link(leaver)
		switch {
		case k == nil || !k.wasLinked():
			return refused(channel.CodeGroupNotFound)
		case k.until > 0:
			return done
		case state != channel.ChannelActive:
			return refused(channel.CodeChannelNotActive)
		}
		l.parts(leaver, map[verb]channel.LinkState{leave: channel.LinkLeft, remove: channel.LinkRemoved}[op.do], op.by)
	case take:
		gone := !l.link(l.initiator).linked() && l.offered == nobody
		switch {
		case l.initiator == group:
			return done
		case state != channel.ChannelActive:
			return refused(channel.CodeChannelNotActive)
		case l.offered != group && !gone:
			return refused(channel.CodeNotAllowed)
		}
		l.hands(group, op.by)
	case offer:
		switch {
		case l.state != channel.ChannelActive:
			return refused(channel.CodeChannelNotActive)
		case op.target == group && l.offered == nobody || op.target == l.offered:
			return done
		case op.target != group && !in:
			return refused(channel.CodeGroupNotFound)
		}
		if l.offered = op.target; op.target == group {
			l.offered = nobody
		}
		l.changes(group, op.by)
	default:
		switch {
		case state != channel.ChannelActive:
			return refused(channel.CodeChannelNotActive)
		case !in:
			return refused(channel.CodeGroupNotFound)
		case theirs.mayInvite == (op.do == grant):
			return done
		}
		theirs.mayInvite = op.do == grant
		l.changes(op.target, op.by)
	}
	return done
}

// renames gives a channel another name for the group of who does it, or the one by which it came in.
func (m *model) renames(op operation) answer {
	l := &m.lives[op.life]
	k, state := l.link(op.by.group), l.shownTo(op.by.group)
	name := op.name
	switch {
	case state == "":
		return answer{refused: channel.CodeChannelNotFound}
	case !op.by.admin():
		return answer{refused: channel.CodeNotAllowed}
	case state != channel.ChannelActive && state != channel.ChannelPending:
		return answer{refused: channel.CodeChannelNotActive}
	case k.version != op.version:
		return answer{refused: channel.CodeVersionConflict}
	case name == "":
		name = l.invitations[k.invitation].name
	}
	if name == k.name {
		return answer{life: op.life, in: -1}
	}
	if !sameName(name, k.name) {
		if free := m.free(op.by.group, name); free != name {
			return answer{refused: channel.CodeNameTaken, suggestion: free}
		}
	}
	k.name = name
	l.changes(op.by.group, op.by)
	return answer{life: op.life, in: -1}
}

// changes is an event about a group's side, which has one more version.
func (l *life) changes(group int, by person) {
	k := l.link(group)
	k.moves(k.state)
	l.joins(by)
	l.happensTo(group, channel.EventChannelChanged)
}

// hands hands the initiator's role to a group.
func (l *life) hands(to int, by person) {
	from := l.link(l.initiator)
	from.mayInvite, l.link(to).mayInvite = false, false
	if from.linked() {
		from.moves(from.state)
	}
	l.initiator, l.offered = to, nobody
	l.changes(to, by)
}

// linkWords are what is not so with most links.
func (l *life) linkWords(k link) string {
	if k.mayInvite {
		return " may-invite"
	}
	return ""
}

// offeredWords say whom the initiator's role is offered to.
func (l *life) offeredWords() string {
	if l.offered == nobody {
		return ""
	}
	return fmt.Sprintf(" offered to group-%d", l.offered)
}
