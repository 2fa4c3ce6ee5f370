package channel

import (
	"context"
	"slices"
	"sync"
	"time"

	"linkspan/internal/ids"
)

// InboxEvent is something that reached the viewer's group.
type InboxEvent interface {
	IsInboxEvent()
	// Position is the cursor behind the event.
	Position() ids.LogCursor
}

// Received is what all events of an inbox have.
type Received struct {
	Cursor ids.LogCursor
	At     time.Time
}

// IsInboxEvent marks the type as an InboxEvent of the schema.
func (Received) IsInboxEvent() {}

// Position implements [InboxEvent].
func (r Received) Position() ids.LogCursor { return r.Cursor }

type (
	// InvitationReceived tells of another group's request.
	InvitationReceived struct {
		Received
		Invitation *Invitation
	}
	// InvitationChanged tells of a transition of an invitation, sending one included.
	InvitationChanged struct {
		Received
		Invitation *Invitation
	}
	// SharedChannelLinked tells that a group was linked with a channel of the viewer's group.
	SharedChannelLinked struct {
		Received
		Group      Group
		Invitation *Invitation
		channel    *SharedChannel
		unread     error
	}
	// InboxCheckpoint tells where the subscriber is.
	InboxCheckpoint struct{ Received }
)

// SharedChannel returns the channel, or why it could not be read.
func (e *SharedChannelLinked) SharedChannel() (*SharedChannel, error) { return e.channel, e.unread }

// Inbox follows the viewer's group's inbox log from the cursor, or from now, until the feed is closed. Of the events only
// those of the kinds are handed over, all if there are none; checkpoints only to those who get all. A cursor of another
// log or group is a BAD_USER_INPUT fault, one that can't be continued from CURSOR_EXPIRED.
func (s *Service) Inbox(ctx context.Context, v *Viewer, after *ids.LogCursor, kinds ...EventKind) (*Feed[InboxEvent], error) {
	if v.Operator {
		return nil, &Fault{Code: Forbidden, Message: "An operator has no group and so no inbox."}
	}
	log := InboxOf(v.Group.ID)
	if err := log.check(after, v.Group.ID); err != nil {
		return nil, err
	}
	sub, err := s.Hub.Follow(ctx, log, after)
	if err != nil {
		return nil, err
	}
	inbox := &inbox{service: s, viewer: v, log: log}
	feed := &Feed[InboxEvent]{sub: sub, render: inbox.events}
	if len(kinds) > 0 {
		feed.skips, feed.quiet = func(kind EventKind) bool { return !slices.Contains(kinds, kind) }, true
	}
	return feed, nil
}

// inbox renders the events of one inbox for one subscriber.
type inbox struct {
	service *Service
	viewer  *Viewer
	log     LogKey
}

// events returns what the subscriber gets of a delivery, with objects as they are now; its errors are those of objects.
func (f *inbox) events(ctx context.Context, d Delivery, _ LogStanding) ([]InboxEvent, time.Time, error) {
	now := time.Now()
	objects, err := f.objects(ctx, d.Events)
	if err != nil {
		return nil, now, err
	}
	events := make([]InboxEvent, 0, len(d.Events)+1)
	for _, event := range d.Events {
		if shown := f.event(event, d.Position.History, objects); shown != nil {
			events = append(events, shown)
		}
	}
	if d.Checkpoint {
		events = append(events, &InboxCheckpoint{Received{d.Position.cursor(f.log, f.viewer.Group.ID), time.Now().UTC()}})
	}
	return events, now, nil
}

// eventObjects is what events show.
type eventObjects struct {
	invitations map[ids.Invitation]*Invitation
	channels    map[ids.Channel]*SharedChannel
	unread      map[ids.Channel]error
}

// objects reads what the events show. The invitations are on the cluster that the log is on: while it is out of reach
// the subscriber waits, so that no event is lost. An error is the end of ctx, or what trying again would not mend.
func (f *inbox) objects(ctx context.Context, events []LogEvent) (eventObjects, error) {
	var o eventObjects
	var invitations []ids.Invitation
	var channels []ids.Channel
	for _, event := range events {
		if !event.Invitation.IsZero() {
			invitations = append(invitations, event.Invitation)
		}
		if event.Kind == EventSharedChannelLinked {
			channels = append(channels, event.Channel)
		}
	}
	var reading sync.WaitGroup
	if len(channels) > 0 {
		reading.Go(func() { o.channels, o.unread = f.service.channels(ctx, f.viewer, channels) })
	}
	var err error
	if len(invitations) > 0 {
		o.invitations, err = f.invitations(ctx, invitations)
	}
	reading.Wait()
	return o, err
}

// invitations reads the group's copies, as soon as their cluster is within reach.
func (f *inbox) invitations(ctx context.Context, wanted []ids.Invitation) (map[ids.Invitation]*Invitation, error) {
	return patiently(ctx, f.service.Logger, f.log, func() (map[ids.Invitation]*Invitation, error) {
		return f.service.Shards.Invitations(ctx, f.viewer.Group.ID, wanted)
	})
}

// event is what the subscriber gets of an event; nil where nothing of it is to be seen, because the group blocks the other one.
func (f *inbox) event(event LogEvent, history ids.History, o eventObjects) InboxEvent {
	position := LogHead{History: history, Number: event.Number}
	received := Received{Cursor: position.cursor(f.log, f.viewer.Group.ID), At: event.At}
	invitation := o.invitations[event.Invitation]
	if invitation == nil {
		return nil
	}
	switch event.Kind {
	case EventInvitationReceived:
		return &InvitationReceived{received, invitation}
	case EventSharedChannelLinked:
		return &SharedChannelLinked{received, event.Group, invitation, o.channels[event.Channel], o.unread[event.Channel]}
	default:
		return &InvitationChanged{received, invitation}
	}
}
