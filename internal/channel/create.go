package channel

import (
	"context"
	"errors"
	"time"

	"linkspan/internal/ids"
)

// CreateSharedChannel makes a channel in the viewer's group and asks another group to share it. It answers when main
// and the channel's cluster have it; the target's cluster may be out of reach and gets it later.
func (s *Service) CreateSharedChannel(ctx context.Context, v *Viewer, in CreateSharedChannelInput) (*CreateSharedChannelPayload, error) {
	d, err := s.createSharedChannel(ctx, v, in)
	if err == nil {
		err = s.finish(ctx, d, toChannel(d.outcome.Channel))
	}
	if err != nil {
		refusals, err := s.refused(err)
		return &CreateSharedChannelPayload{Errors: refusals}, err
	}
	channel, invitation := d.channel, d.invitation
	if d.repeated {
		channel, invitation, err = s.channelAndInvitation(ctx, v, d.outcome)
		if err != nil {
			return nil, err
		}
	}
	return &CreateSharedChannelPayload{SharedChannel: channel, Invitation: invitation.shownWith(channel)}, nil
}

func (s *Service) createSharedChannel(ctx context.Context, v *Viewer, in CreateSharedChannelInput) (d decided, err error) {
	if v.Operator {
		return d, notAllowed("An operator has no group to share a channel from.")
	}
	name, err := cleanName(in.Name, "name")
	if err != nil {
		return d, err
	}
	topic, err := cleanText(in.Topic, "topic")
	if err != nil {
		return d, err
	}
	note, err := cleanText(in.Note, "note")
	if err != nil {
		return d, err
	}
	op, err := newOperation(v, "createSharedChannel", v.Group.ID.String(), in.IdempotencyKey,
		[]any{in.Target.Handle, in.Target.ID, name, topic, note})
	if err != nil {
		return d, err
	}
	op.Outcome = Outcome{
		Channel:    ids.NewChannel(time.Now(), s.Shards.SlotOf(v.Group.ID)),
		Invitation: ids.NewInvitation(),
	}

	err = s.Main.Decide(ctx, func(ctx context.Context, tx MainTx) error {
		d = decided{outcome: op.Outcome}
		if kept, err := claim(ctx, tx, op); err != nil {
			return err
		} else if kept != nil {
			d = decided{outcome: *kept, repeated: true}
			return nil
		}
		target, err := tx.FindGroup(ctx, in.Target)
		switch {
		case errors.Is(err, ErrNotFound):
			return groupNotFound()
		case err != nil:
			return err
		case target.ID == v.Group.ID:
			return selfInvitation()
		}
		invitation := &Invitation{
			ID: op.Outcome.Invitation, ChannelID: op.Outcome.Channel, State: InvitationPending, Version: 1,
			Note: note, FromGroup: v.Group, ToGroup: target, Sender: v.User, ProposedName: name,
		}
		if d.steps, err = s.claimName(ctx, tx, op.ID, invitation); err != nil {
			return err
		}
		d.invitation, d.channel = invitation, madeFor(invitation, topic)
		d.steps = append(d.steps,
			about(invitation, op.ID, toChannel(invitation.ChannelID), StepCreateChannel, Effect{Topic: topic}),
			about(invitation, op.ID, toGroup(target.ID), StepReceiveInvitation, Effect{}))
		return tx.AppendSteps(ctx, d.steps)
	})
	return d, err
}

// claimName inserts the channel. A name that is held by a channel whose invitation is overdue is free: that channel is
// closed first, and the steps of that are returned.
func (s *Service) claimName(ctx context.Context, tx MainTx, op ids.Op, in *Invitation) ([]Step, error) {
	ok, err := tx.InsertChannel(ctx, in, s.InvitationTTL)
	if ok || err != nil {
		return nil, err
	}
	steps, err := freeOverdue(ctx, tx, op, in.FromGroup.ID, in.ProposedName)
	if err != nil {
		return nil, err
	}
	if ok, err = tx.InsertChannel(ctx, in, s.InvitationTTL); ok || err != nil {
		return steps, err
	}
	suggestion, err := freeName(ctx, tx, in.FromGroup.ID, in.ProposedName)
	if err != nil {
		return nil, err
	}
	return nil, nameTaken(in.ProposedName, suggestion)
}

// freeName returns the name, or the first numbered alternative, that no live channel of the group has now.
func freeName(ctx context.Context, tx MainTx, group ids.Group, name string) (string, error) {
	const window = 50
	for first := 1; ; first += window {
		names, keys := make([]string, window), make([]string, window)
		for i := range names {
			if names[i] = name; first+i > 1 {
				names[i] = numbered(name, first+i)
			}
			keys[i] = NameKey(names[i])
		}
		taken, err := tx.TakenNames(ctx, group, keys)
		if err != nil {
			return "", err
		}
		for i := range names {
			if !taken[keys[i]] {
				return names[i], nil
			}
		}
	}
}
