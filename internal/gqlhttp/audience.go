package gqlhttp

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// SharedSource is a source whose events look the same to all subscribers of an audience ([Config.Audience]): each event is made
// once for all of them, and encoded once.
type SharedSource interface {
	Source
	// Ahead names the event that comes next, before it is made, or says what there is instead. Only if patient it may wait, and
	// never sees [Behind].
	Ahead(ctx context.Context, patient bool) (EventKey, Outlook)
	// At is the newest event that is behind the subscriber, where there is nothing ahead.
	At() EventKey
	// Remind is Notify for who gets what is ahead elsewhere: wake is called when there is something else, or for nothing.
	Remind(wake func())
	// Skip moves on behind an event of the same line that the subscriber got elsewhere then.
	Skip(to EventKey, at time.Time)
	// Takes reports whether the event ahead may be had as it was made then.
	Takes(Stamp) bool
	// Holds reports whether what was made then may still be shown to who waited for it. Any goroutine may ask, also when the source is closed; it is
	// asked for each subscriber, and must cost next to nothing.
	Holds(Stamp) bool
	// Make sends the event ahead as Next does, if anything is to be seen of it. Either way the next is ahead then; but where the stamp is zero, and
	// nothing sent, the event is for this subscriber alone after all.
	Make(ctx context.Context) (stamp Stamp, sent, more bool)
	// Pass passes over the event ahead.
	Pass()
}

// Outlook is what a [SharedSource] sees ahead.
type Outlook int

// The outlooks.
const (
	Clear   Outlook = iota // an event that is for all
	Nothing                // nothing: Notify tells when there is more
	Apart                  // something that is for this subscriber alone: ask Next
	Behind                 // it must be waited for
	Alone                  // from here on all is for this subscriber alone: ask Next
)

// EventKey names an event among those of one audience.
type EventKey struct {
	Line   [16]byte // of events that are numbered together
	Number int64
}

// Stamp is when an event was made: what it shows is as it was then. What Reached counts is the source's.
type Stamp struct {
	At      time.Time
	Reached int64
}

// Bounds of the frames that an audience keeps: until they are that old, the newest ones, that many bytes.
const (
	frameLife     = time.Second
	maxFrames     = 256
	maxFrameBytes = 1 << 20
)

// audience is the subscribers who get the same answer to each event.
type audience struct {
	key     string
	members int // guarded by the transport's mutex

	mu     sync.Mutex
	frames map[EventKey]*frame
	order  []*frame // the oldest first; those that are made
	bytes  int
	clear  *time.Timer
	lead
}

// frame is an event's answer, or that it is being made. Its audience's mutex guards it until it is made; then it does not change.
type frame struct {
	key     EventKey
	waiting []func()  // who is called when it is made, or not
	made    time.Time // zero: not yet
	picture
}

// picture is what an event looked like.
type picture struct {
	stamp   Stamp
	apart   bool   // each has to make its own: there are errors, which name a request
	encoded []byte // the response; empty: nothing is to be seen
	eventID string
}

// find returns the frame of the event if it is made and takes allows it as it is, or if each has to make its own. Where somebody
// makes it, wake is called later (awaited); else it has to be claimed.
func (a *audience) find(key EventKey, takes func(Stamp) bool, wake func()) (f *frame, awaited bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.look(key, takes, wake)
}

// look is find with mu held.
func (a *audience) look(key EventKey, takes func(Stamp) bool, wake func()) (f *frame, awaited bool) {
	switch f = a.frames[key]; {
	case f == nil:
	case f.made.IsZero():
		f.waiting = append(f.waiting, wake)
		return nil, true
	case f.apart && time.Since(f.made) < frameLife, !f.apart && takes(f.stamp):
		return f, false
	}
	return nil, false
}

// claim is find, but where a frame has to be claimed the caller makes it, which settle must follow (mine). Where nothing is
// returned, it is awaited.
func (a *audience) claim(key EventKey, takes func(Stamp) bool, wake func()) (f *frame, mine bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f, awaited := a.look(key, takes, wake); f != nil || awaited {
		return f, false
	}
	f = &frame{key: key}
	a.frames[key] = f
	return f, true
}

// settle ends the making of a frame; made nil: somebody else has to.
func (a *audience) settle(f *frame, made *picture) {
	a.mu.Lock()
	waiting := f.waiting
	f.waiting = nil
	if made != nil {
		f.made, f.picture = time.Now(), *made
		a.order = append(a.order, f)
		a.bytes += len(f.encoded)
		a.drop()
	} else if a.frames[f.key] == f {
		delete(a.frames, f.key)
	}
	a.mu.Unlock()
	for _, wake := range waiting {
		wake()
	}
}

// drop lets go of what is too old or too much, and sees to the rest later. It needs mu.
func (a *audience) drop() {
	for len(a.order) > 0 && (time.Since(a.order[0].made) >= frameLife || len(a.order) > maxFrames || a.bytes > maxFrameBytes) {
		f := a.order[0]
		a.order[0] = nil
		a.order = a.order[1:]
		a.bytes -= len(f.encoded)
		if a.frames[f.key] == f {
			delete(a.frames, f.key)
		}
	}
	if len(a.order) == 0 {
		a.order = nil
		return
	}
	left := frameLife - time.Since(a.order[0].made)
	if a.clear == nil {
		a.clear = time.AfterFunc(left, func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.drop()
		})
	} else {
		a.clear.Reset(left)
	}
}

// inAudience has an operation run for all of its audience, if it has one.
func (t *Transport) inAudience(ctx context.Context, executor graphql.GraphExecutor, operation *graphql.OperationContext) context.Context {
	key, shared := t.config.Audience(ctx, operation)
	if key == "" {
		return ctx
	}
	n := noteFrom(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.audiences[key]
	if a == nil {
		a = &audience{key: key, frames: map[EventKey]*frame{}}
		t.audiences[key] = a
	}
	if a.members++; a.members >= t.config.Crowd && a.end == nil {
		_, apart := t.config.Audience(ctx, operation) // what a context has is one subscription's
		a.begin(apart, t, executor, operation)
	}
	n.audience, n.leave = a, func() { t.leaveAudience(a) }
	return shared
}

func (t *Transport) leaveAudience(a *audience) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a.members--; a.members > 0 {
		return
	}
	delete(t.audiences, a.key)
	if a.end != nil {
		a.end()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.clear != nil {
		a.clear.Stop()
	}
}

// answer is what a subscriber gets of an event: a response of its own, or one that is encoded already.
type answer struct {
	response *graphql.Response
	encoded  []byte
	eventID  string
}

func (a answer) write(b *bytes.Buffer) {
	if a.response == nil {
		b.Write(a.encoded)
	} else {
		writeResponse(b, a.response)
	}
}

// progress is what came of asking for the next answer.
type progress int

const (
	answered progress = iota
	passed            // there was nothing to see: ask again
	idle              // the source tells when there is more
	awaited           // another subscriber makes it, and wakes this one
	over
	blocked // it is to be waited for
	alone   // what comes next is for this subscriber alone
)

// advance asks for the next answer. wake is called when it is made elsewhere.
func (n *note) advance(ctx context.Context, responses graphql.ResponseHandler, wake func()) (answer, progress) {
	if !n.shares() {
		return n.own(ctx, responses)
	}
	source := n.source.(SharedSource)
	key, outlook := source.Ahead(ctx, true)
	if outlook != Clear {
		return n.own(ctx, responses)
	}
	f, mine := n.audience.claim(key, source.Takes, wake)
	switch {
	case f == nil:
		return answer{}, awaited
	case mine:
		if a, progress := n.make(ctx, source, responses, f); progress != alone {
			return a, progress
		}
		return n.own(ctx, responses)
	case f.apart:
		return n.own(ctx, responses)
	}
	source.Pass()
	return f.answer()
}

// ready is advance for who can't wait.
func (n *note) ready(ctx context.Context, wake func()) (answer, progress) {
	source := n.source.(SharedSource)
	key, outlook := source.Ahead(ctx, false)
	switch outlook {
	case Clear:
	case Nothing:
		return answer{}, idle
	default:
		return answer{}, blocked
	}
	switch f, making := n.audience.find(key, source.Takes, wake); {
	case making:
		return answer{}, awaited
	case f == nil, f.apart:
		return answer{}, blocked
	default:
		source.Pass()
		return f.answer()
	}
}

// shares reports whether others get the same answers.
func (n *note) shares() bool {
	_, ok := n.source.(SharedSource)
	return ok && n.audience != nil
}

// own asks for the next answer for this subscriber alone.
func (n *note) own(ctx context.Context, responses graphql.ResponseHandler) (answer, progress) {
	sent, more := n.source.Next(ctx)
	switch {
	case sent:
		if response := responses(ctx); response != nil {
			return answer{response: response, eventID: n.takeEventID()}, answered
		}
		return answer{}, over
	case more:
		return answer{}, idle
	}
	return answer{}, over
}

// make makes the event ahead for all.
func (n *note) make(ctx context.Context, source SharedSource, responses graphql.ResponseHandler, f *frame) (answer, progress) {
	var made *picture
	defer func() { n.audience.settle(f, made) }() // whatever happens, others wait
	stamp, sent, more := source.Make(ctx)
	switch {
	case !more:
		if ctx.Err() == nil {
			made = &picture{apart: true}
		}
		return answer{}, over
	case !sent && stamp.At.IsZero():
		return answer{}, alone
	case !sent:
		made = &picture{stamp: stamp}
		return answer{}, passed
	}
	response := responses(ctx)
	if response == nil || ctx.Err() != nil { // what was made while it ended may lack something
		return answer{}, over
	}
	eventID := n.takeEventID()
	if len(response.Errors) > 0 || len(response.Extensions) > 0 {
		made = &picture{apart: true}
		return answer{response: response, eventID: eventID}, answered
	}
	buffer := takeBuffer()
	defer giveBuffer(buffer)
	writeResponse(buffer, response)
	made = &picture{stamp: stamp, encoded: bytes.Clone(buffer.Bytes()), eventID: eventID}
	return made.answer()
}

func (p *picture) answer() (answer, progress) {
	if len(p.encoded) == 0 {
		return answer{}, passed
	}
	return answer{encoded: p.encoded, eventID: p.eventID}, answered
}
