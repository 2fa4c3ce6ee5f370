package channel

import (
	"context"
	"errors"
	"sync"

	"linkspan/internal/ids"
)

// AcceptSharedChannel links the viewer's group with the channel. It answers when the channel's and the viewer's
// clusters have it. Accepting what the group has accepted already is success.
func (s *Service) AcceptSharedChannel(ctx context.Context, v *Viewer, in AcceptSharedChannelInput) (*AcceptSharedChannelPayload, error) {
	d, err := s.acceptSharedChannel(ctx, v, in)
	if err != nil {
		refusals, err := s.refused(err)
		return &AcceptSharedChannelPayload{Errors: refusals}, err
	}
	steps, err := s.drive(ctx, d, d.outcome.Channel.Bytes())
	if err != nil {
		return nil, err
	}
	channel, err := s.linkedChannel(ctx, v, d.outcome.Channel, steps)
	if err != nil {
		return nil, err
	}
	invitation := d.invitation
	if d.repeated {
		if invitation, err = s.invitation(ctx, v, d.outcome.Invitation); err != nil {
			return nil, err
		}
	}
	return &AcceptSharedChannelPayload{
		SharedChannel: channel, Invitation: invitation.shownWith(channel), NameChangedFrom: d.outcome.NameChangedFrom,
	}, nil
}

// linkedChannel returns the channel once its own and the viewer's cluster have the link. It reads it while the viewer's
// cluster is still at work.
func (s *Service) linkedChannel(ctx context.Context, v *Viewer, id ids.Channel, steps Underway) (*SharedChannel, error) {
	if err := steps.Wait(ctx, toChannel(id)); err != nil {
		return nil, err
	}
	var (
		channel *SharedChannel
		readErr error
		reading sync.WaitGroup
	)
	reading.Go(func() { channel, readErr = s.channel(ctx, v, id) })
	err := steps.Wait(ctx, toGroup(v.Group.ID))
	reading.Wait()
	return channel, errors.Join(err, readErr)
}

func (s *Service) acceptSharedChannel(ctx context.Context, v *Viewer, in AcceptSharedChannelInput) (d decided, err error) {
	var name *string
	if in.Name != nil {
		clean, err := cleanName(*in.Name, "name")
		if err != nil {
			return d, err
		}
		name = &clean
	}
	op, err := newOperation(v, "acceptSharedChannel", in.InvitationID.String(), in.IdempotencyKey, []any{name})
	if err != nil {
		return d, err
	}
	op.Outcome.Invitation = in.InvitationID

	again := false
	err = s.Main.Decide(ctx, func(ctx context.Context, tx MainTx) error {
		d = decided{outcome: op.Outcome}
		if kept, err := claim(ctx, tx, op); err != nil {
			return err
		} else if kept != nil {
			d = decided{outcome: *kept, repeated: true}
			return d.findChannel(ctx, tx)
		}
		invitation, changed, err := resolve(ctx, tx, v, mayDecide, Resolution{
			Invitation: in.InvitationID, To: v.Group.ID, State: InvitationAccepted, By: v.User,
		})
		if err != nil {
			return err
		}
		d.outcome.Channel, d.invitation = invitation.ChannelID, &invitation
		if !changed {
			d.repeated = true
			return nil
		}
		asked := invitation.ProposedName
		if name != nil {
			asked = *name
		}
		// Mostly the name is free: nobody looks before LinkGroup has found that it is not, and this runs again.
		chosen := asked
		if again {
			// A name that is held by a channel whose invitation is overdue is free.
			if d.steps, err = freeOverdue(ctx, tx, op.ID, v.Group.ID, asked); err != nil {
				return err
			}
			if chosen, err = freeName(ctx, tx, v.Group.ID, asked); err != nil {
				return err
			}
		}
		again = true
		if chosen != asked {
			d.outcome.NameChangedFrom = &asked
			if err := tx.AmendOutcome(ctx, op.ID, d.outcome); err != nil {
				return err
			}
		}
		link, err := tx.LinkGroup(ctx, invitation.ChannelID, v.Group.ID, chosen)
		if err != nil {
			return err
		}
		d.steps = append(d.steps,
			about(&invitation, op.ID, toChannel(invitation.ChannelID), StepLinkGroup, Effect{Link: &link}),
			about(&invitation, op.ID, toGroup(v.Group.ID), StepReceiveChannel, Effect{Link: &link}))
		return tx.AppendSteps(ctx, d.steps)
	})
	return d, err
}

// resolve moves a pending invitation to the state that the viewer decided on, or finds it there already (then changed
// is false). Where neither is so it says why: what the viewer may not see first, then what it may not do, then the
// state.
func resolve(
	ctx context.Context, tx MainTx, v *Viewer, may func(*Invitation, *Viewer) UserError, r Resolution,
) (in Invitation, changed bool, err error) {
	if v.Operator {
		return in, false, invitationNotFound()
	}
	if v.Role == RoleAdmin || !r.SentBy.IsZero() {
		in, err = tx.ResolveInvitation(ctx, r)
		if err == nil {
			return in, true, nil
		}
		if !errors.Is(err, ErrNotFound) {
			return in, false, err
		}
	}
	in, err = tx.FindInvitation(ctx, r.Invitation)
	if errors.Is(err, ErrNotFound) || err == nil && !in.visibleTo(v.Group.ID) {
		return in, false, invitationNotFound()
	}
	if err != nil {
		return in, false, err
	}
	if refusal := may(&in, v); refusal != nil {
		return in, false, refusal
	}
	if in.State != r.State {
		return in, false, invitationNotPending(in.State)
	}
	return in, false, nil
}
