package channel

import (
	"context"
	"fmt"
)

// Deliverer lets steps of the outbox take effect at their destinations. It is safe for concurrent use.
type Deliverer struct {
	Shards Shards
	Hints  Hints
}

// Deliver lets a step take effect, once however often it is called; ErrStepGap if it is not its turn yet. After the
// commit it hints at what was appended to the inbox.
func (d Deliverer) Deliver(ctx context.Context, step Step) error {
	var reached int64
	inbox := step.inbox()
	_, err := d.Shards.Apply(ctx, step, func(ctx context.Context, tx ShardTx) (err error) {
		reached, err = step.apply(ctx, tx, inbox)
		return err
	})
	if err != nil {
		return err
	}
	if reached > 0 {
		d.Hints.Publish(InboxOf(inbox.ID), reached)
	}
	return nil
}

// inbox returns the group whose inbox hears of the step.
func (s Step) inbox() Group {
	in := s.Effect.Invitation
	switch {
	case s.Kind == StepRegisterGroup:
		return *s.Effect.Group
	case s.Stream.Destination.Group.IsZero():
		return in.FromGroup
	default:
		return in.ToGroup
	}
}

// apply makes the step's changes for the group and returns the number of its new inbox event, 0 if there is none.
func (s Step) apply(ctx context.Context, tx ShardTx, group Group) (int64, error) {
	if s.Kind == StepRegisterGroup {
		return 0, tx.InsertInboxLog(ctx, group.ID)
	}
	in := s.Effect.Invitation
	event := LogEvent{Kind: EventInvitationChanged, Invitation: in.ID, Channel: in.ChannelID, Group: in.ToGroup}
	switch s.Kind {
	case StepReceiveInvitation:
		event.Kind, event.Group = EventInvitationReceived, in.FromGroup
	case StepLinkGroup, StepReceiveChannel:
		event.Kind = EventSharedChannelLinked
	}
	number, err := tx.AppendInbox(ctx, group.ID, event)
	if err != nil {
		return 0, err
	}
	users := []User{in.Sender}
	if in.Resolver != nil {
		users = append(users, *in.Resolver)
	}
	if err := tx.SaveUsers(ctx, group.ID, users); err != nil {
		return 0, err
	}
	if err := tx.SaveInvitation(ctx, group.ID, in, number); err != nil {
		return 0, err
	}
	switch s.Kind {
	case StepCreateChannel:
		if err := tx.InsertChannel(ctx, in, s.Effect.Topic); err != nil {
			return 0, err
		}
		return number, tx.InsertListedChannel(ctx, group.ID, in.ChannelID, number)
	case StepLinkGroup:
		return number, tx.LinkSide(ctx, in, *s.Effect.Link)
	case StepReceiveChannel:
		return number, tx.InsertListedChannel(ctx, group.ID, in.ChannelID, number)
	case StepCloseChannel:
		return number, tx.CloseChannel(ctx, *s.Effect.Link)
	case StepReceiveInvitation, StepChangeInvitation:
		return number, nil
	}
	return 0, fmt.Errorf("channel: unknown kind of step %q", s.Kind)
}
