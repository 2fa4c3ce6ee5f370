package channel

import (
	"context"
	"errors"
	"io"
	"maps"
	"math"
	"slices"
	"time"

	"linkspan/internal/ids"
)

// ChannelEvent is something that happened in a channel.
type ChannelEvent interface {
	IsChannelEvent()
	// Position is the cursor behind the event.
	Position() ids.LogCursor
}

// Happened is what all events of a channel have.
type Happened struct {
	Cursor ids.LogCursor
	At     time.Time
	By     *User // nil: nobody
}

// IsChannelEvent marks the type as a ChannelEvent of the schema.
func (Happened) IsChannelEvent() {}

// Position implements [ChannelEvent].
func (h Happened) Position() ids.LogCursor { return h.Cursor }

// Actor returns who did it; nil: nobody.
func (h Happened) Actor() Actor {
	if h.By == nil {
		return nil
	}
	return *h.By
}

type (
	// MessagePosted tells of a new message.
	MessagePosted struct {
		Happened
		Message *Message
	}
	// MessageEdited tells of an edit.
	MessageEdited struct {
		Happened
		Message *Message
	}
	// MessageDeleted tells of a deletion.
	MessageDeleted struct {
		Happened
		Message *Message
	}
	// ReactionChanged tells of a reaction that came or went.
	ReactionChanged struct {
		Happened
		Message *Message
		Emoji   string
		Added   bool
	}
	// GroupLinked tells that a group was linked with the channel.
	GroupLinked struct {
		Happened
		Group Group
	}
	// GroupUnlinked tells that a group takes part no longer.
	GroupUnlinked struct {
		Happened
		Group Group
	}
	// ChannelChanged tells that a side changed, or the channel as a whole: who has or is offered the initiator's role, or may ask others.
	ChannelChanged struct {
		Happened
		Group         Group
		SharedChannel *SharedChannel
	}
	// ChannelCheckpoint tells where the subscriber is.
	ChannelCheckpoint struct{ Happened }
)

// Count returns how many users react with the emoji now.
func (r *ReactionChanged) Count() int32 {
	for _, reaction := range r.Message.Reactions {
		if reaction.Emoji == r.Emoji {
			return reaction.Count
		}
	}
	return 0
}

// ChannelEvents follows a channel's log, with the private log of the viewer's group, from the cursor, or from now, until
// the feed is closed. A channel that the group may not read is a NOT_FOUND fault, a cursor of another log or group a
// BAD_USER_INPUT fault, one that can't be continued from CURSOR_EXPIRED.
func (s *Service) ChannelEvents(ctx context.Context, v *Viewer, channel ids.Channel, after *ids.LogCursor) (*Feed[ChannelEvent], error) {
	if v.Operator {
		return nil, forbiddenToOperators()
	}
	log := ChannelLogOf(channel, v.Group.ID)
	if err := log.check(after, v.Group.ID); err != nil {
		return nil, err
	}
	gate, err := s.gateOf(ctx, v, log)
	if err != nil {
		return nil, err
	}
	sub, err := s.Hub.Follow(ctx, log, after)
	if errors.Is(err, ErrNotFound) {
		return nil, noSuchChannel()
	}
	if err != nil {
		return nil, err
	}
	if known := sub.Standing(); gate != nil && known.Needed > gate.judged { // the subscription begins behind what was judged
		if err := gate.pass(ctx, known.Members); err != nil {
			sub.Close()
			return nil, shutOut(err)
		}
	}
	if gate != nil { // from here on its cluster is waited for
		sees := gate.sees
		gate.sees = func(ctx context.Context) (Sight, error) {
			return patiently(ctx, s.Logger, log, func() (Sight, error) { return sees(ctx) })
		}
	}
	if v.isAnyone() {
		v.gate = gate
	}
	conversation := &conversation{service: s, viewer: v, log: log, gate: gate}
	return &Feed[ChannelEvent]{sub: sub, gate: gate, render: conversation.events}, nil
}

// gateOf returns that of a subscriber who sees the channel of a log; nil for admins, to whom their group keeps nothing.
func (s *Service) gateOf(ctx context.Context, v *Viewer, log LogKey) (*gate, error) {
	if v.Role == RoleAdmin {
		return nil, nil
	}
	reader := v.subscriber()
	g := &gate{sees: func(ctx context.Context) (Sight, error) { return s.Conversation.Sees(ctx, reader, log.ID.Channel()) }}
	return g, shutOut(g.pass(ctx, 0))
}

// shutOut is what the end of a subscriber means for who is about to be one.
func shutOut(err error) error {
	if errors.Is(err, io.EOF) {
		return noSuchChannel()
	}
	return err
}

func noSuchChannel() error { return &Fault{Code: NotFound, Message: "There is no such channel."} }

// conversation renders the events of one channel for one subscriber.
type conversation struct {
	service *Service
	viewer  *Viewer
	log     LogKey
	gate    *gate
}

// events returns what the subscriber gets of a delivery, with objects as they are now, or were at a time not long ago. The error is io.EOF where it
// does not see the channel any more.
func (f *conversation) events(ctx context.Context, d Delivery, known LogStanding) ([]ChannelEvent, time.Time, error) {
	read := func() (talkObjects, error) {
		return patiently(ctx, f.service.Logger, f.log, func() (talkObjects, error) {
			found, err := f.objects(ctx, d.Events, known)
			known.Read = math.MaxInt64 // where it is tried again, nothing is fresh any more
			return found, err
		})
	}
	found, err := f.judged(ctx, read, known)
	if err != nil {
		return nil, found.at, err
	}
	events := make([]ChannelEvent, 0, len(d.Events)+1)
	for _, event := range d.Events {
		if shown := f.event(event, d.Position.History, found); shown != nil {
			events = append(events, shown)
		}
	}
	if d.Checkpoint {
		events = append(events, &ChannelCheckpoint{Happened{Cursor: d.Position.cursor(f.log, f.viewer.Group.ID), At: time.Now().UTC()}})
	}
	return events, found.at, nil
}

// judged reads until the subscriber is judged behind what was read, as who it was read as, and it lacks nothing, or nothing has happened meanwhile that it
// could lack something for. What all of the group may see needs that only where something is lacking.
func (f *conversation) judged(ctx context.Context, read func() (talkObjects, error), known LogStanding) (talkObjects, error) {
	for at := (LogHead{}); ; at = f.gate.at {
		alone := f.gate.alone()
		found, err := read()
		if err != nil || !alone && (f.gate == nil || !found.lacks) {
			return found, err
		}
		if err := f.gate.pass(ctx, known.Members); err != nil {
			return found, err
		}
		if alone == f.gate.alone() && (!found.lacks || at.Is(f.gate.at)) {
			return found, nil
		}
	}
}

// talkObjects is what events of a channel show, as it was at a time or later.
type talkObjects struct {
	messages map[ids.Message]*Message
	actors   map[ids.User]User
	channel  *SharedChannel // where an event tells of it
	lacks    bool           // something was not to be seen
	at       time.Time
}

// objects returns what the events show: what is fresh, and the rest from the cluster that the log is on.
func (f *conversation) objects(ctx context.Context, events []LogEvent, known LogStanding) (o talkObjects, err error) {
	o.messages, o.at = f.fresh(events, known)
	var wanted []ids.Message
	seen := map[ids.Message]bool{}
	for _, event := range events {
		if !event.Message.IsZero() && !seen[event.Message] && o.messages[event.Message] == nil {
			seen[event.Message] = true
			wanted = append(wanted, event.Message)
		}
	}
	if len(wanted) > 0 {
		read, err := f.service.messagesFor(ctx, f.viewer.reader(), wanted)
		if err != nil {
			return o, err
		}
		maps.Copy(o.messages, read)
		o.lacks = len(read) < len(wanted)
	}
	if slices.ContainsFunc(events, func(e LogEvent) bool { return e.Kind == EventChannelChanged || e.Kind == EventMembersChanged }) {
		id := f.log.ID.Channel()
		found, unread := f.service.channelsFor(ctx, f.viewer.reader(), []ids.Channel{id})
		if err = unread[id]; err != nil {
			return o, err
		}
		o.channel = found[id]
		o.lacks = o.lacks || o.channel == nil
	}
	err = f.readActors(ctx, events, &o)
	return o, err
}

// fresh returns the messages that this process has just posted, where nothing is known to have changed them, and a time since when
// they look so: now, if there are none.
func (f *conversation) fresh(events []LogEvent, known LogStanding) (map[ids.Message]*Message, time.Time) {
	at := time.Now()
	found := map[ids.Message]*Message{}
	for _, event := range events {
		if event.Number <= max(known.Read, known.Needed) || f.gate.alone() {
			continue
		}
		if m, since := f.service.Fresh.find(event); m != nil {
			found[m.ID] = m
			if since.Before(at) {
				at = since
			}
		}
	}
	showTogether(maps.Values(found))
	return found, at
}

// readActors reads who did what the events tell of. Authors are known from their messages; only others are read.
func (f *conversation) readActors(ctx context.Context, events []LogEvent, o *talkObjects) error {
	o.actors = make(map[ids.User]User, len(o.messages))
	for _, message := range o.messages {
		o.actors[message.Writer.ID] = message.Writer
	}
	var others []ids.User
	for _, event := range events {
		if _, known := o.actors[event.Actor]; !known && !event.Actor.IsZero() && !slices.Contains(others, event.Actor) {
			others = append(others, event.Actor)
		}
	}
	found, err := f.service.Conversation.Participants(ctx, f.viewer.reader(), f.log.ID.Channel(), others)
	maps.Copy(o.actors, found)
	o.lacks = o.lacks || len(found) < len(others)
	return err
}

// event is what the subscriber gets of an event; nil where what it shows is not to be seen any more.
func (f *conversation) event(event LogEvent, history ids.History, o talkObjects) ChannelEvent {
	message := o.messages[event.Message]
	position := LogHead{History: history, Number: event.Number}
	happened := Happened{Cursor: position.cursor(f.log, f.viewer.Group.ID), At: event.At}
	if actor, ok := o.actors[event.Actor]; ok {
		happened.By = &actor
	}
	switch event.Kind {
	case EventGroupLinked:
		return &GroupLinked{happened, event.Group}
	case EventGroupUnlinked:
		return &GroupUnlinked{happened, event.Group}
	case EventChannelChanged:
		if o.channel == nil {
			return nil
		}
		return &ChannelChanged{happened, event.Group, o.channel}
	case EventMembersChanged:
		if o.channel == nil {
			return nil
		}
		return &ChannelChanged{happened, f.viewer.Group, o.channel}
	}
	if message == nil {
		return nil
	}
	switch event.Kind {
	case EventMessageEdited:
		return &MessageEdited{happened, message}
	case EventMessageDeleted:
		return &MessageDeleted{happened, message}
	case EventReactionAdded, EventReactionRemoved:
		return &ReactionChanged{happened, message, event.Emoji, event.Kind == EventReactionAdded}
	default:
		return &MessagePosted{happened, message}
	}
}
