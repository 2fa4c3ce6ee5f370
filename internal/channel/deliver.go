package channel

import (
	"context"
	"fmt"

	"linkspan/internal/ids"
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
	plain := step
	plain.Kind = step.Kind.plain()
	appended, err := d.Shards.Apply(ctx, step, plain.plan)
	for _, a := range appended {
		d.Hints.Publish(a)
	}
	return err
}

// plan says what the step changes in the channel, and for the group whose inbox hears of it.
func (s Step) plan(tx ShardTx) {
	e := s.Effect
	switch s.Kind {
	case StepRegisterGroup:
		tx.InsertInboxLog(e.Group.ID)
	case StepSavePolicy:
		tx.SavePolicy(s.Stream.Destination.Group, e.Policy)
	case StepSaveStance:
		e.Blocking.plan(tx, s.Stream.Destination.Group)
	case StepLinkSide:
		tx.LinkSide(e.Invitation, *e.Link)
	case StepUnlinkGroup:
		tx.UnlinkSide(*e.Group, *e.Link, e.By)
		tx.SaveChannel(e.Link.Channel, *e.Channel)
	case StepChangeChannel:
		tx.ChangeChannel(e)
	case StepChangeVisibility, StepChangeMembers, StepListMembers:
		s.planMembers(tx)
	case StepReceiveInvitation, StepReceiveChannel, StepChangeInvitation:
		s.planFor(tx, e.Invitation.ToGroup.ID)
	default:
		s.planFor(tx, e.Invitation.FromGroup.ID)
	}
}

// planMembers says what changes where who of a group sees a channel does.
func (s Step) planMembers(tx ShardTx) {
	if s.Kind != StepListMembers {
		tx.ChangeMembers(s.Effect)
	}
	if s.Kind == StepChangeVisibility && s.Effect.Link.State == LinkLinked { // of a side that takes part no longer the others hear nothing
		tx.ChangeChannel(s.Effect)
	}
	if s.Kind == StepListMembers || s.Effect.Members.Home {
		tx.ListMembers(s.Effect)
	}
}

// planFor says what the step changes for the group whose inbox hears of it, and in the channel.
func (s Step) planFor(tx ShardTx, group ids.Group) {
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
	case StepLinkGroup, StepReceiveChannel, StepTellLinked:
		event.Kind = EventSharedChannelLinked
	}
	return event
}
