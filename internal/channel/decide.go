package channel

import (
	"context"
	"errors"

	"linkspan/internal/ids"
)

// DeclineInvitation says no for the invited group. Declining what the group has declined already is success.
func (s *Service) DeclineInvitation(ctx context.Context, v *Viewer, in DeclineInvitationInput) (*DeclineInvitationPayload, error) {
	invitation, refusals, err := s.end(ctx, v, DeedDecline, "declineInvitation", in.InvitationID, in.IdempotencyKey, in.Reason)
	return &DeclineInvitationPayload{Invitation: invitation, Errors: refusals}, err
}

// RevokeInvitation takes an invitation back for the group that sent it. Revoking again is success.
func (s *Service) RevokeInvitation(ctx context.Context, v *Viewer, in RevokeInvitationInput) (*RevokeInvitationPayload, error) {
	invitation, refusals, err := s.end(ctx, v, DeedRevoke, "revokeInvitation", in.InvitationID, in.IdempotencyKey, in.Reason)
	return &RevokeInvitationPayload{Invitation: invitation, Errors: refusals}, err
}

// end moves an invitation to a state from which nothing follows. It answers when the viewer's own cluster has it.
func (s *Service) end(
	ctx context.Context, v *Viewer, deed Deed, mutation string, id ids.Invitation, key, reason *string,
) (*Invitation, []UserError, error) {
	d, err := s.endInvitation(ctx, v, deed, mutation, id, key, reason)
	if err == nil {
		err = s.finish(ctx, d, d.own(v))
	}
	if err != nil {
		refusals, err := s.refusedTo(ctx, v, attempt{deed: deed, invitation: id}, err)
		return nil, refusals, err
	}
	if d.repeated {
		in, err := s.invitation(ctx, v, id)
		if in == nil && err == nil { // the group blocks who asked
			refusals, err := s.refused(invitationNotFound())
			return nil, refusals, err
		}
		return in, nil, err
	}
	return d.invitation.shownTo(v.Group.ID), nil, nil
}

func (s *Service) endInvitation(ctx context.Context, v *Viewer, deed Deed, mutation string, id ids.Invitation, key, reason *string) (d decided, err error) {
	if reason, err = cleanText(reason, "reason"); err != nil {
		return d, err
	}
	op, err := newOperation(v, mutation, id.String(), key, []any{reason})
	if err != nil {
		return d, err
	}
	return s.decide(ctx, v, deed, id, op, reason, func(_ context.Context, _ MainTx, f *Facts, m *Move, d *decided) error {
		f.end(m)
		d.steps = ended(f, m)
		return nil
	})
}

// follow says what else changes with a move of an invitation, and which steps follow from it.
type follow func(ctx context.Context, tx MainTx, f *Facts, m *Move, d *decided) error

// decide lets a deed move an invitation, if it may, in one transaction: the channel is locked, all is judged by what main knows behind that,
// and follow says what else changes, and which steps follow.
func (s *Service) decide(
	ctx context.Context, v *Viewer, deed Deed, id ids.Invitation, op Operation, reason *string, follow follow,
) (d decided, err error) {
	op.Outcome.Invitation = id
	err = s.Main.Decide(ctx, func(ctx context.Context, tx MainTx) error {
		d = decided{outcome: op.Outcome}
		if kept, err := claim(ctx, tx, op); err != nil {
			return err
		} else if kept != nil {
			d = decided{outcome: *kept, repeated: true}
			return d.findChannel(ctx, tx)
		}
		f, err := tx.LockInvitation(ctx, id)
		if errors.Is(err, ErrNotFound) {
			return invitationNotFound()
		}
		if err != nil {
			return err
		}
		if link := &f.Link; link.MembersOnly && link.Group == v.Group.ID && v.Role != RoleAdmin {
			listed, err := tx.ListedMembers(ctx, link.Channel, link.Group, v.User.ID)
			if err != nil {
				return err
			}
			link.Listed = listed.Has
		}
		allowed, refusal := judge(deed, v, f)
		if refusal != nil {
			return refusal
		}
		d.outcome.Channel, d.home, d.invitation = f.Channel.ID, f.Channel.Home, f.Invitation
		own := f.party(v.Group.ID)
		f.Invitation.Policy, f.Invitation.Blocks = own.Policy.ofCopies(), own.Stance.Blocked
		if allowed.again {
			d.repeated = true
			return nil
		}
		m := f.move(op.ID, deed, &v.User, allowed, reason)
		d.invitation = m.Invitation
		if err := follow(ctx, tx, f, m, &d); err != nil {
			return err
		}
		if err := tx.Write(ctx, m); err != nil {
			return err
		}
		return tx.AppendSteps(ctx, d.steps)
	})
	return d, err
}

// tellBoth returns the steps by which both sides get to know what became of an invitation, the invited one, if it may, by that kind.
func tellBoth(f *Facts, m *Move, kind StepKind) []Step {
	in, c := m.Invitation, f.Channel
	effect := Effect{}
	if c.State == ChannelPending {
		effect.PendingUntil = f.pendingUntil()
	}
	steps := []Step{about(in, in.FromGroup.ID, m.Op, c.hears(in.FromGroup.ID), StepTellInvitation, effect)}
	if !in.Unsent {
		steps = append(steps, about(in, in.ToGroup.ID, m.Op, c.hears(in.ToGroup.ID), kind, Effect{}))
	}
	return steps
}

// ended returns the steps by which both sides get to know that an invitation has ended, and with it the channel, if nobody else is asked or linked.
func ended(f *Facts, m *Move) []Step {
	steps := tellBoth(f, m, StepChangeInvitation)
	if m.closes() {
		initiator := m.Links[len(m.Links)-1]
		steps[0] = about(m.Invitation, m.Invitation.FromGroup.ID, m.Op, toChannel(m.Invitation.ChannelID), StepCloseChannel, Effect{Link: &initiator})
	}
	return steps
}
