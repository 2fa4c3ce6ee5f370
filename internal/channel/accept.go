package channel

import (
	"context"
	"errors"
	"sync"

	"linkspan/internal/ids"
)

// AcceptSharedChannel says yes for the viewer's group. It links the group with the channel, and answers when the channel's and the viewer's
// clusters have it; or where an approval is still to be given the invitation waits for that, and there is no channel. Accepting what the group has
// accepted already is success.
func (s *Service) AcceptSharedChannel(ctx context.Context, v *Viewer, in AcceptSharedChannelInput) (*AcceptSharedChannelPayload, error) {
	var channel *SharedChannel
	var invitation *Invitation
	d, err := s.acceptSharedChannel(ctx, v, in)
	if err == nil {
		channel, invitation, err = s.agreedOn(ctx, v, d)
	}
	if err != nil {
		refusals, err := s.refusedTo(ctx, v, attempt{deed: DeedAccept, invitation: in.InvitationID}, err)
		return &AcceptSharedChannelPayload{Errors: refusals}, err
	}
	return &AcceptSharedChannelPayload{SharedChannel: channel, Invitation: invitation, NameChangedFrom: d.outcome.NameChangedFrom}, nil
}

// agreedOn delivers what a yes or an approval left to do, and returns the invitation, with the channel if it is linked.
func (s *Service) agreedOn(ctx context.Context, v *Viewer, d decided) (*SharedChannel, *Invitation, error) {
	own := d.own(v)
	steps, err := s.drive(ctx, d, d.outcome.Channel.Bytes())
	if err != nil {
		return nil, nil, err
	}
	invitation := d.invitation
	if d.repeated {
		if err := steps.Wait(ctx, own); err != nil {
			return nil, nil, err
		}
		if invitation, err = s.invitation(ctx, v, d.outcome.Invitation); err != nil {
			return nil, nil, err
		}
		if invitation == nil { // the group blocks who asked
			return nil, nil, invitationNotFound()
		}
	}
	if invitation.State != InvitationAccepted {
		err := steps.Wait(ctx, own)
		steps.Linger(ctx)
		return nil, invitation.shownTo(v.Group.ID), err
	}
	channel, err := s.linkedChannel(ctx, v, d.outcome.Channel, own, steps)
	if err != nil {
		return nil, nil, err
	}
	return channel, invitation.shownTo(v.Group.ID).shownWith(channel), nil
}

// linkedChannel returns the channel once its own and the viewer's cluster have the link. It reads it while the viewer's
// cluster is still at work.
func (s *Service) linkedChannel(ctx context.Context, v *Viewer, id ids.Channel, own Destination, steps Underway) (*SharedChannel, error) {
	if err := steps.Wait(ctx, toChannel(id)); err != nil {
		return nil, err
	}
	var (
		channel *SharedChannel
		readErr error
		reading sync.WaitGroup
	)
	reading.Go(func() { channel, readErr = s.channel(ctx, v, id) })
	err := steps.Wait(ctx, own)
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
	return s.decide(ctx, v, DeedAccept, in.InvitationID, op, nil, s.agreeing(name))
}

// agreeing is what follows from a yes, under the name that it asks for, if any, or from an approval: the link, if nobody else has to agree.
func (s *Service) agreeing(name *string) follow {
	again := false
	return func(ctx context.Context, tx MainTx, f *Facts, m *Move, d *decided) error {
		in := m.Invitation
		if name != nil {
			in.AskedName = name
		}
		switch in.State {
		case InvitationPending:
			f.send(s.InvitationTTL)
			d.steps = tellBoth(f, m, StepReceiveInvitation)
			return nil
		case InvitationAwaitingApproval:
			d.steps = tellBoth(f, m, StepChangeInvitation)
			return nil
		}
		asked := in.ProposedName
		if in.AskedName != nil {
			asked = *in.AskedName
		}
		// Mostly the name is free: nobody looks before it has been found that it is not, and this runs again.
		chosen := asked
		if again {
			// A name that is held by a channel whose invitations are overdue is free.
			var err error
			if d.steps, err = freeOverdue(ctx, tx, m.Op, in.ToGroup.ID, asked); err != nil {
				return err
			}
			if chosen, err = freeName(ctx, tx, in.ToGroup.ID, asked); err != nil {
				return err
			}
		}
		again = true
		if chosen != asked {
			d.outcome.NameChangedFrom = &asked
			if err := tx.AmendOutcome(ctx, m.Op, d.outcome); err != nil {
				return err
			}
		}
		f.link(m, chosen)
		d.steps = append(d.steps, linked(f, m)...)
		return nil
	}
}

// linked returns the steps by which the channel gets the side of the group that was linked, and both sides of the invitation get to know.
func linked(f *Facts, m *Move) []Step {
	in, c, link := m.Invitation, f.Channel, &f.Link
	from, to := in.FromGroup.ID, in.ToGroup.ID
	steps := make([]Step, 0, 3)
	if from == c.Home {
		steps = append(steps, about(in, from, m.Op, toChannel(c.ID), StepLinkGroup, Effect{Link: link}))
	} else {
		steps = append(steps,
			about(in, to, m.Op, toChannel(c.ID), StepLinkSide, Effect{Link: link}),
			about(in, from, m.Op, toGroup(from), StepTellLinked, Effect{}))
	}
	return append(steps, about(in, to, m.Op, c.hears(to), StepReceiveChannel, Effect{Link: link}))
}
