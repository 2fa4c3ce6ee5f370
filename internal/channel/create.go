package channel

import (
	"context"
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
		refusals, err := s.refusedTo(ctx, v, attempt{deed: DeedCreate, target: &in.Target}, err)
		return &CreateSharedChannelPayload{Errors: refusals}, err
	}
	if d.repeated {
		channel, invitation, err := s.channelAndInvitation(ctx, v, d.outcome)
		if err != nil {
			return nil, err
		}
		return &CreateSharedChannelPayload{SharedChannel: channel, Invitation: invitation.shownWith(channel)}, nil
	}
	return &CreateSharedChannelPayload{SharedChannel: d.channel, Invitation: d.invitation.shownTo(v.Group.ID).shownWith(d.channel)}, nil
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

	again := false
	err = s.Main.Decide(ctx, func(ctx context.Context, tx MainTx) error {
		d = decided{outcome: op.Outcome}
		if kept, err := claim(ctx, tx, op); err != nil {
			return err
		} else if kept != nil {
			d = decided{outcome: *kept, repeated: true}
			return nil
		}
		target, err := findTarget(ctx, tx, v, in.Target)
		if err != nil {
			return err
		}
		at, own, other, err := tx.Parties(ctx, v.Group.ID, target.ID)
		if err != nil {
			return err
		}
		allowed, refusal := judgeCreate(v, note, own, other)
		if refusal != nil {
			return refusal
		}
		// Mostly the name is free: nobody looks before it has been found that it is not, and this runs again.
		if again {
			if d.steps, err = claimName(ctx, tx, op.ID, v.Group.ID, name); err != nil {
				return err
			}
		}
		again = true
		invitation := newInvitation(op.Outcome, v, target, name, note, allowed, at, at.Add(own.Policy.timeToLive(s.InvitationTTL)), own)
		m := &Move{
			Op: op.ID, Deed: DeedCreate, Rule: allowed.rule, At: at, By: &v.User, Invitation: invitation, Channel: ChannelPending, Topic: topic,
			Judged: &Judged{PolicyFrom: own.Policy.Version, PolicyTo: other.Policy.Version, StanceFrom: own.Stance.Version, StanceTo: NotLookedAt},
		}
		if err := tx.InsertChannel(ctx, m); err != nil {
			return err
		}
		d.invitation, d.channel = invitation, madeFor(invitation, topic)
		d.steps = append(d.steps, about(invitation, v.Group.ID, op.ID, toChannel(invitation.ChannelID), StepCreateChannel, Effect{Topic: topic}))
		if !invitation.Unsent {
			d.steps = append(d.steps, about(invitation, target.ID, op.ID, toGroup(target.ID), StepReceiveInvitation, Effect{}))
		}
		return tx.AppendSteps(ctx, d.steps)
	})
	return d, err
}

// newInvitation is one as it is sent, or as it waits for an admin of the own group.
func newInvitation(o Outcome, v *Viewer, target Group, name string, note *string, allowed verdict, at, until time.Time, own *Party) *Invitation {
	waits := allowed.next == InvitationRequested
	return &Invitation{
		ID: o.Invitation, ChannelID: o.Channel, State: allowed.next, Version: 1, Note: note, FromGroup: v.Group, ToGroup: target, Sender: v.User,
		ProposedName: name, CreatedAt: at, ExpiresAt: until, ApprovedFrom: allowed.approvedFrom, AwaitsFrom: waits, Unsent: waits,
		Past: []Transition{{Version: 1, State: allowed.next, At: at, Deed: DeedCreate, Actor: &v.User}}, Policy: own.Policy.ofCopies(),
	}
}

// claimName refuses a name that a live channel of the group has. A name that is held by a channel whose invitations are overdue is free: that
// channel is closed first, and the steps of that are returned.
func claimName(ctx context.Context, tx MainTx, op ids.Op, group ids.Group, name string) ([]Step, error) {
	steps, err := freeOverdue(ctx, tx, op, group, name)
	if err != nil {
		return nil, err
	}
	free, err := freeName(ctx, tx, group, name)
	if err == nil && free != name {
		err = nameTaken(name, free)
	}
	return steps, err
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
