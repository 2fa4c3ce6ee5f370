package channel

import (
	"context"

	"linkspan/internal/ids"
)

// OfferInitiatorTransferInput is the input of Mutation.offerInitiatorTransfer.
type OfferInitiatorTransferInput struct {
	ChannelID      ids.Channel
	GroupID        ids.Group
	IdempotencyKey *string
}

// AcceptInitiatorTransferInput is the input of Mutation.acceptInitiatorTransfer.
type AcceptInitiatorTransferInput struct {
	ChannelID      ids.Channel
	IdempotencyKey *string
}

// LetGroupInviteInput is the input of Mutation.letGroupInvite.
type LetGroupInviteInput struct {
	ChannelID      ids.Channel
	GroupID        ids.Group
	MayInvite      bool
	IdempotencyKey *string
}

type (
	// OfferInitiatorTransferPayload is the answer of Mutation.offerInitiatorTransfer.
	OfferInitiatorTransferPayload LeaveSharedChannelPayload
	// AcceptInitiatorTransferPayload is the answer of Mutation.acceptInitiatorTransfer.
	AcceptInitiatorTransferPayload LeaveSharedChannelPayload
	// LetGroupInvitePayload is the answer of Mutation.letGroupInvite.
	LetGroupInvitePayload LeaveSharedChannelPayload
)

// OfferInitiatorTransfer offers the initiator's role to a group that takes part, in the place of one that it was offered to before, for admins of the
// group that has it, also when that has left. To the own group it takes the offer back. Offering again is success.
func (s *Service) OfferInitiatorTransfer(ctx context.Context, v *Viewer, in OfferInitiatorTransferInput) (*OfferInitiatorTransferPayload, error) {
	channel, refusals, err := s.changeLinks(ctx, v, "offerInitiatorTransfer", in.ChannelID, in.IdempotencyKey, []any{in.GroupID}, []ids.Group{in.GroupID},
		func(ctx context.Context, tx MainTx, op ids.Op, l *Links) ([]Step, error) {
			if err := judgeOffer(v, l, in.GroupID); err != nil {
				return nil, err
			}
			m := l.move(op, DeedOffer, RuleInitiator, v.User, nil)
			l.changes(m, l.Of[v.Group.ID])
			if m.About = in.GroupID; in.GroupID == v.Group.ID {
				m.Deed, m.About = DeedWithdraw, l.Channel.Offered
			}
			if l.Channel.Offered = in.GroupID; m.Deed == DeedWithdraw {
				l.Channel.Offered = ids.Group{}
			}
			return []Step{aboutLink(m, StepChangeChannel, v.Group)}, tx.WriteLinks(ctx, m)
		})
	return &OfferInitiatorTransferPayload{SharedChannel: channel, Errors: refusals}, err
}

func judgeOffer(v *Viewer, l *Links, group ids.Group) error {
	other := l.Of[group]
	switch {
	case v.Operator || l.stateFor(v) == "":
		return channelNotFound()
	case v.Role != RoleAdmin:
		return notAllowed("Only admins of a group offer the initiator's role to another.", "input", "channelId")
	case !l.initiates(v.Group.ID):
		return ruledOut(RuleInitiator, "Only the group that has the initiator's role offers it to another.", "channelId")
	case l.state() != ChannelActive:
		return linksStand(l.state())
	case group == v.Group.ID && l.Channel.Offered.IsZero() || group == l.Channel.Offered:
		return errAgain
	case group != v.Group.ID && (other == nil || other.State != LinkLinked):
		return notInChannel()
	}
	return nil
}

// AcceptInitiatorTransfer takes the initiator's role, for admins of the group that it is offered to; where the group that has it has left, and offered
// it to nobody, for admins of any that takes part. A group that has it already succeeds.
func (s *Service) AcceptInitiatorTransfer(ctx context.Context, v *Viewer, in AcceptInitiatorTransferInput) (*AcceptInitiatorTransferPayload, error) {
	channel, refusals, err := s.changeLinks(ctx, v, "acceptInitiatorTransfer", in.ChannelID, in.IdempotencyKey, nil, nil,
		func(ctx context.Context, tx MainTx, op ids.Op, l *Links) ([]Step, error) {
			rule, err := judgeTake(v, l)
			if err != nil {
				return nil, err
			}
			m := l.move(op, DeedTake, rule, v.User, nil)
			if l.Channel.Initiator.State == LinkLinked { // one that has left hears of nothing that came later
				m.About = l.Channel.Initiator.Group
			}
			l.hand(m, v.Group.ID)
			return []Step{aboutLink(m, StepChangeChannel, v.Group)}, tx.WriteLinks(ctx, m)
		})
	return &AcceptInitiatorTransferPayload{SharedChannel: channel, Errors: refusals}, err
}

func judgeTake(v *Viewer, l *Links) (SharingRule, error) {
	c, state := l.Channel, l.stateFor(v)
	switch {
	case v.Operator || state == "":
		return "", channelNotFound()
	case v.Role != RoleAdmin:
		return "", notAllowed("Only admins of a group take the initiator's role for it.", "input", "channelId")
	case l.initiates(v.Group.ID):
		return "", errAgain
	case state != ChannelActive:
		return "", linksStand(state)
	case c.Offered == v.Group.ID:
		return RuleOffered, nil
	case c.Offered.IsZero() && c.Initiator.parted():
		return RuleInitiatorGone, nil
	}
	return "", ruledOut(RuleInitiator, "The initiator's role is not offered to your group.", "channelId")
}

// LetGroupInvite says whether a group that takes part may ask others to share the channel, for admins of the group that has the initiator's role.
// What it asked before stays. Saying so again is success.
func (s *Service) LetGroupInvite(ctx context.Context, v *Viewer, in LetGroupInviteInput) (*LetGroupInvitePayload, error) {
	channel, refusals, err := s.changeLinks(ctx, v, "letGroupInvite", in.ChannelID, in.IdempotencyKey, []any{in.GroupID, in.MayInvite}, []ids.Group{in.GroupID},
		func(ctx context.Context, tx MainTx, op ids.Op, l *Links) ([]Step, error) {
			if err := judgeGrant(v, l, in); err != nil {
				return nil, err
			}
			group, err := tx.FindGroup(ctx, GroupSelector{ID: &in.GroupID})
			if err != nil {
				return nil, err
			}
			m := l.move(op, DeedGrant, RuleInitiator, v.User, nil)
			if !in.MayInvite {
				m.Deed = DeedForbid
			}
			l.changes(m, l.Of[in.GroupID]).MayInvite = in.MayInvite
			return []Step{aboutLink(m, StepChangeChannel, group)}, tx.WriteLinks(ctx, m)
		})
	return &LetGroupInvitePayload{SharedChannel: channel, Errors: refusals}, err
}

func judgeGrant(v *Viewer, l *Links, in LetGroupInviteInput) error {
	other, state := l.Of[in.GroupID], l.stateFor(v)
	switch {
	case v.Operator || state == "":
		return channelNotFound()
	case v.Role != RoleAdmin:
		return notAllowed("Only admins of a group say who may ask others.", "input", "channelId")
	case !l.initiates(v.Group.ID):
		return ruledOut(RuleInitiator, "Only the group that has the initiator's role says who may ask others.", "channelId")
	case in.GroupID == v.Group.ID:
		return notAllowed("The group that has the initiator's role asks whom it likes.", "input", "groupId")
	case state != ChannelActive:
		return linksStand(state)
	case other == nil || other.State != LinkLinked:
		return notInChannel()
	case other.MayInvite == in.MayInvite:
		return errAgain
	}
	return nil
}
