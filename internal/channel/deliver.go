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
// commit it tells of what was appended: to an inbox, and to a channel's log as each side sees it.
func (d Deliverer) Deliver(ctx context.Context, step Step) error {
	if !step.Kind.known() {
		return fmt.Errorf("channel: unknown kind of step %q", step.Kind)
	}
	appended, err := d.Shards.Apply(ctx, step, step.plan)
	for _, a := range appended {
		d.Hints.Publish(a)
	}
	return err
}

// inbox returns the group whose inbox hears of the step.
func (s Step) inbox() Group {
	in := s.Effect.Invitation
	switch {
	case s.Kind == StepRegisterGroup:
		return *s.Effect.Group
	case s.Kind == StepSavePolicy:
		return Group{ID: s.Stream.Destination.Group}
	case s.Stream.Destination.Group.IsZero():
		return in.FromGroup
	default:
		return in.ToGroup
	}
}

// plan says what the step changes for the group whose inbox hears of it, and in the channel.
func (s Step) plan(tx ShardTx) {
	group := s.inbox().ID
	switch s.Kind {
	case StepRegisterGroup:
		tx.InsertInboxLog(group)
		return
	case StepSavePolicy:
		tx.SavePolicy(group, s.Effect.Policy)
		return
	}
	in := s.Effect.Invitation
	tx.AppendInbox(group, s.event())
	tx.SaveUser(group, in.Sender)
	if by := in.lastActor(); by != nil && by.ID != in.Sender.ID {
		tx.SaveUser(group, *by)
	}
	tx.SaveInvitation(group, in)
	switch s.Kind {
	case StepCreateChannel:
		tx.InsertChannel(in, s.Effect.Topic)
		tx.InsertListedChannel(group, in.ChannelID)
	case StepLinkGroup:
		tx.LinkSide(in, *s.Effect.Link)
	case StepReceiveChannel:
		tx.InsertListedChannel(group, in.ChannelID)
	case StepCloseChannel:
		tx.CloseChannel(*s.Effect.Link)
	case StepTellInvitation:
		if until := s.Effect.PendingUntil; until != nil {
			tx.WaitUntil(in.ChannelID, *until)
		}
	}
}

// event is what the inbox hears.
func (s Step) event() LogEvent {
	in := s.Effect.Invitation
	event := LogEvent{
		Kind: EventInvitationChanged, Invitation: in.ID, Version: in.Version, Channel: in.ChannelID, Group: in.ToGroup,
	}
	if by := in.lastActor(); by != nil {
		event.Actor = by.ID
	}
	switch s.Kind {
	case StepReceiveInvitation:
		event.Kind, event.Group, event.Actor = EventInvitationReceived, in.FromGroup, in.Sender.ID
	case StepLinkGroup, StepReceiveChannel:
		event.Kind = EventSharedChannelLinked
	}
	return event
}
