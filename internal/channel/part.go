package channel

import (
	"context"
	"errors"

	"linkspan/internal/ids"
)

// LeaveSharedChannelInput is the input of Mutation.leaveSharedChannel.
type LeaveSharedChannelInput struct {
	ChannelID      ids.Channel
	Reason         *string
	IdempotencyKey *string
}

// RemoveGroupInput is the input of Mutation.removeGroup.
type RemoveGroupInput struct {
	ChannelID      ids.Channel
	GroupID        ids.Group
	Reason         *string
	IdempotencyKey *string
}

type (
	// LeaveSharedChannelPayload is the answer of Mutation.leaveSharedChannel.
	LeaveSharedChannelPayload struct {
		SharedChannel *SharedChannel
		Errors        []UserError
	}
	// RemoveGroupPayload is the answer of Mutation.removeGroup.
	RemoveGroupPayload LeaveSharedChannelPayload
)

// LeaveSharedChannel ends the part of the viewer's group in a channel, for admins. The group goes on reading the channel as it stood then; what it
// asked others to share it is taken back. The last group that leaves archives the channel. It answers when the channel's cluster has it. Leaving
// again is success.
func (s *Service) LeaveSharedChannel(ctx context.Context, v *Viewer, in LeaveSharedChannelInput) (*LeaveSharedChannelPayload, error) {
	return s.part(ctx, v, parting{DeedLeave, LinkLeft, "leaveSharedChannel", in.ChannelID, v.Group.ID, in.Reason}, in.IdempotencyKey)
}

// RemoveGroup is LeaveSharedChannel for another group, for admins of the initiator.
func (s *Service) RemoveGroup(ctx context.Context, v *Viewer, in RemoveGroupInput) (*RemoveGroupPayload, error) {
	payload, err := s.part(ctx, v, parting{DeedRemove, LinkRemoved, "removeGroup", in.ChannelID, in.GroupID, in.Reason}, in.IdempotencyKey)
	return (*RemoveGroupPayload)(payload), err
}

// parting is what ends a group's part in a channel.
type parting struct {
	deed     Deed
	state    LinkState
	mutation string
	channel  ids.Channel
	group    ids.Group
	reason   *string
}

func (s *Service) part(ctx context.Context, v *Viewer, p parting, key *string) (*LeaveSharedChannelPayload, error) {
	var err error
	if p.reason, err = cleanText(p.reason, "reason"); err != nil {
		refusals, err := s.refused(err)
		return &LeaveSharedChannelPayload{Errors: refusals}, err
	}
	channel, refusals, err := s.changeLinks(ctx, v, p.mutation, p.channel, key, []any{p.group, p.reason},
		[]ids.Group{p.group}, func(ctx context.Context, tx MainTx, op ids.Op, l *Links) ([]Step, error) {
			return parts(ctx, tx, v, op, l, p)
		})
	return &LeaveSharedChannelPayload{SharedChannel: channel, Errors: refusals}, err
}

// errAgain says that what was asked for had happened before.
var errAgain = errors.New("channel: it had happened before")

// changeLinks lets a change of groups' links with a channel happen, in one transaction: the channel is locked, change judges by what main knows
// behind that of the viewer's group and those others, and returns the steps that follow, or errAgain. It answers, with the channel, when the
// channel's cluster has it, and the viewer's group's, if its lists change.
func (s *Service) changeLinks(
	ctx context.Context, v *Viewer, mutation string, id ids.Channel, key *string, input []any, of []ids.Group,
	change func(ctx context.Context, tx MainTx, op ids.Op, l *Links) ([]Step, error),
) (*SharedChannel, []UserError, error) {
	op, err := newOperation(v, mutation, id.String(), key, input)
	if err != nil {
		refusals, err := s.refused(err)
		return nil, refusals, err
	}
	op.Outcome.Channel = id
	var d decided
	err = s.Main.Decide(ctx, func(ctx context.Context, tx MainTx) error {
		d = decided{outcome: op.Outcome}
		kept, err := claim(ctx, tx, op)
		if err != nil || kept != nil {
			d.repeated = kept != nil
			return err
		}
		l, err := tx.LockChannel(ctx, id, v.User.ID, append(of, v.Group.ID)...)
		if errors.Is(err, ErrNotFound) {
			return channelNotFound()
		}
		if err != nil {
			return err
		}
		if d.steps, err = change(ctx, tx, op.ID, l); errors.Is(err, errAgain) {
			d.repeated = true
			return nil
		}
		if err != nil {
			return err
		}
		return tx.AppendSteps(ctx, d.steps)
	})
	if err == nil {
		err = s.finish(ctx, d, toChannel(id), toGroup(v.Group.ID)) // the viewer's lists change where it has asked others
	}
	if err != nil {
		refusals, err := s.refusedTo(ctx, v, attemptOn(mutation, id, of), err)
		return nil, refusals, err
	}
	channel, err := s.channel(ctx, v, id)
	if err == nil && channel == nil { // it was done with the key before, and is not for the viewer's eyes any more
		refusals, err := s.refused(channelNotFound())
		return nil, refusals, err
	}
	return channel, nil, err
}

// parts ends a group's part, and with it what it asked others.
func parts(ctx context.Context, tx MainTx, v *Viewer, op ids.Op, l *Links, p parting) ([]Step, error) {
	rule, err := judgePart(v, l, p)
	if err != nil {
		return nil, err
	}
	group, err := tx.FindGroup(ctx, GroupSelector{ID: &p.group})
	if err != nil {
		return nil, err
	}
	steps, err := takeBack(ctx, tx, op, l.Channel.ID, v, p.group)
	if err != nil {
		return nil, err
	}
	m := l.move(op, p.deed, rule, v.User, p.reason)
	l.part(m, p.group, p.state)
	return append(steps, aboutLink(m, StepUnlinkGroup, group)), tx.WriteLinks(ctx, m)
}

// takeBack ends what a group that parts has asked others. Where it was not its own user who had it part, nobody took it back.
func takeBack(ctx context.Context, tx MainTx, op ids.Op, id ids.Channel, v *Viewer, group ids.Group) (steps []Step, err error) {
	open, err := tx.OpenInvitations(ctx, id, group)
	if err != nil {
		return nil, err
	}
	by := &v.User
	if v.Group.ID != group {
		by = nil
	}
	for _, f := range open {
		var follows []Step
		if f.state() == InvitationExpired {
			follows, err = expire(ctx, tx, op, []*Facts{f})
		} else {
			m := f.move(op, DeedRevoke, by, verdict{next: InvitationRevoked, rule: RuleParted}, nil)
			f.end(m)
			follows, err = ended(f, m), tx.Write(ctx, m)
		}
		if err != nil {
			return nil, err
		}
		steps = append(steps, follows...)
	}
	return steps, nil
}

// judgePart says by which rule a viewer may end a group's part, or why not, in the order of [judge].
func judgePart(v *Viewer, l *Links, p parting) (SharingRule, error) {
	other := l.Of[p.group]
	switch {
	case v.Operator || l.stateFor(v) == "":
		return "", channelNotFound()
	case v.Role != RoleAdmin:
		return "", notAllowed("Only admins of a group end its part in a channel, or another's.", "input", "channelId")
	case p.deed == DeedRemove && !l.initiates(v.Group.ID):
		return "", ruledOut(RuleInitiator, "Only the group that has the initiator's role removes others.", "channelId")
	case p.deed == DeedRemove && p.group == v.Group.ID:
		return "", notAllowed("A group leaves a channel: it does not remove itself.", "input", "groupId")
	case other == nil || !other.everLinked():
		return "", notInChannel()
	case other.parted():
		return "", errAgain
	}
	if state := l.stateFor(v); state != ChannelActive {
		return "", linksStand(state)
	}
	return RuleRole, nil
}
