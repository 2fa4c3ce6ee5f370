package channel

import (
	"context"
	"errors"
	"io"
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

// inboxBackOff is the pause before objects of events are read again when their cluster was out of reach.
const inboxBackOff = 500 * time.Millisecond

// Feed is what a subscriber of an inbox gets, one event after the other. One goroutine uses it.
type Feed struct {
	service *Service
	viewer  *Viewer
	log     LogKey
	sub     Subscription
	kinds   []EventKind
	due     bool         // a delivery may be there
	pending []InboxEvent // delivered, and not yet handed over
}

// Inbox follows the viewer's group's inbox log from the cursor, or from now, until the feed is closed. Of the events only
// those of the kinds are handed over, all if there are none; checkpoints only to those who get all. A cursor of another
// log or group is a BAD_USER_INPUT fault, one that can't be continued from CURSOR_EXPIRED.
func (s *Service) Inbox(ctx context.Context, v *Viewer, after *ids.LogCursor, kinds ...EventKind) (*Feed, error) {
	if v.Operator {
		return nil, &Fault{Code: Forbidden, Message: "An operator has no group and so no inbox."}
	}
	log := InboxOf(v.Group.ID)
	if after != nil && (after.Kind != log.Kind || after.Log != log.ID || after.Reader != v.Group.ID) {
		return nil, BadInput("This cursor is of another log.")
	}
	sub, err := s.Hub.Follow(ctx, log, after)
	if err != nil {
		return nil, err
	}
	return &Feed{service: s, viewer: v, log: log, sub: sub, kinds: kinds}, nil
}

// Notify has call called once, when [Feed.Next] may have something to say. It must return at once, and
// may be called before Notify returns.
func (f *Feed) Notify(call func()) {
	if len(f.pending) > 0 {
		call()
		return
	}
	f.due = true
	f.sub.Notify(call)
}

// Next returns the next event; nil: there is none, and [Feed.Notify] tells when. The error is io.EOF when ctx or the server ends, else what
// ended the feed, such as a CURSOR_EXPIRED fault after a restore.
func (f *Feed) Next(ctx context.Context) (InboxEvent, error) {
	if len(f.pending) == 0 {
		if !f.due {
			return nil, nil
		}
		f.due = false
		delivery, err := f.sub.Next(ctx)
		if err == nil {
			f.pending, err = f.events(ctx, delivery)
		}
		switch {
		case ctx.Err() != nil, errors.Is(err, ErrHubClosed):
			return nil, io.EOF
		case err != nil:
			return nil, err
		case len(f.pending) == 0:
			return nil, nil
		}
	}
	event := f.pending[0]
	f.pending[0] = nil
	if f.pending = f.pending[1:]; len(f.pending) == 0 {
		f.pending = nil // its array would outlive its events
	}
	return event, nil
}

// Close ends the feed.
func (f *Feed) Close() { f.sub.Close() }

// events returns what the subscriber gets of a delivery, with objects as they are now; its errors are those of objects.
func (f *Feed) events(ctx context.Context, d Delivery) ([]InboxEvent, error) {
	wanted := make([]LogEvent, 0, len(d.Events))
	for _, event := range d.Events {
		if f.wants(event.Kind) {
			wanted = append(wanted, event)
		}
	}
	objects, err := f.objects(ctx, wanted)
	if err != nil {
		return nil, err
	}
	events := make([]InboxEvent, 0, len(wanted)+1)
	for _, event := range wanted {
		events = append(events, f.event(event, d.Position.History, objects))
	}
	if d.Checkpoint && len(f.kinds) == 0 {
		events = append(events, &InboxCheckpoint{Received{d.Position.cursor(f.log, f.viewer.Group.ID), time.Now().UTC()}})
	}
	return events, nil
}

func (f *Feed) wants(kind EventKind) bool {
	for _, k := range f.kinds {
		if k == kind {
			return true
		}
	}
	return len(f.kinds) == 0
}

// eventObjects is what events show.
type eventObjects struct {
	invitations map[ids.Invitation]*Invitation
	channels    map[ids.Channel]*SharedChannel
	unread      map[ids.Channel]error
}

// objects reads what the events show. The invitations are on the cluster that the log is on: while it is out of reach
// the subscriber waits, so that no event is lost. An error is the end of ctx, or what trying again would not mend.
func (f *Feed) objects(ctx context.Context, events []LogEvent) (eventObjects, error) {
	var o eventObjects
	var invitations []ids.Invitation
	var channels []ids.Channel
	for _, event := range events {
		invitations = append(invitations, event.Invitation)
		if event.Kind == EventSharedChannelLinked {
			channels = append(channels, event.Channel)
		}
	}
	group := f.viewer.Group.ID
	var reading sync.WaitGroup
	if len(channels) > 0 {
		reading.Go(func() { o.channels, o.unread = f.service.Shards.Channels(ctx, group, channels) })
	}
	var err error
	if len(invitations) > 0 {
		o.invitations, err = f.invitations(ctx, invitations)
	}
	reading.Wait()
	return o, err
}

// invitations reads the group's copies, as soon as their cluster is within reach.
func (f *Feed) invitations(ctx context.Context, wanted []ids.Invitation) (map[ids.Invitation]*Invitation, error) {
	for {
		found, err := f.service.Shards.Invitations(ctx, f.viewer.Group.ID, wanted)
		if fault := (*Fault)(nil); !errors.As(err, &fault) || !fault.Retryable {
			return found, err
		}
		f.service.Logger.WarnContext(ctx, "inbox waits for its cluster", "group", f.viewer.Group.Handle, "err", err)
		select {
		case <-time.After(inboxBackOff):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *Feed) event(event LogEvent, history ids.History, o eventObjects) InboxEvent {
	position := LogHead{History: history, Number: event.Number}
	received := Received{Cursor: position.cursor(f.log, f.viewer.Group.ID), At: event.At}
	invitation := o.invitations[event.Invitation]
	switch event.Kind {
	case EventInvitationReceived:
		return &InvitationReceived{received, invitation}
	case EventSharedChannelLinked:
		return &SharedChannelLinked{received, event.Group, invitation, o.channels[event.Channel], o.unread[event.Channel]}
	default:
		return &InvitationChanged{received, invitation}
	}
}
