package gqlhttp

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// note is where a transport and a subscription's resolver, or a middleware, leave each other word.
type note struct {
	keepsIDs    bool
	lastEventID string // what the client has

	source   Source
	audience *audience // nil: nobody else gets these answers
	leave    func()    // the audience

	mu       sync.Mutex
	eventIDs []string // of events whose responses are still to come
	failure  gqlerror.List
}

type noteKey struct{}

func withNote(ctx context.Context, n *note) context.Context {
	return context.WithValue(ctx, noteKey{}, n)
}

func noteFrom(ctx context.Context) *note {
	n, _ := ctx.Value(noteKey{}).(*note)
	return n
}

// takeEventID is the id of the event whose response was returned last; empty: it has none.
func (n *note) takeEventID() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.eventIDs) == 0 {
		return ""
	}
	id := n.eventIDs[0]
	n.eventIDs = slices.Delete(n.eventIDs, 0, 1)
	return id
}

func (n *note) failed() gqlerror.List {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.failure
}

// Source is where a subscription's events come from. It is used by one goroutine at a time.
type Source interface {
	// Notify has wake called when Next may have something to say; another call replaces it. wake returns at once, and may be
	// called before Notify returns. So nothing runs for a subscription that waits.
	Notify(wake func())
	// Next sends an event on the subscription's channel, which must have room for one, if there is one by now. No more: for
	// what was said to [Fail], because ctx has ended, or because that was all.
	Next(ctx context.Context) (sent, more bool)
	// Close is called in the end, once.
	Close()
}

// Pull has the transport ask the source whenever it is ready for an event. A resolver that does so, and returns its channel,
// needs no goroutine that sends. It must not return an error after that: nobody would hear of it; see [Fail]. ctx is the
// one that it was called with; it must come from this package's transport.
func Pull(ctx context.Context, source Source) {
	n := noteFrom(ctx)
	if n == nil {
		panic("gqlhttp: Pull in an operation of another transport")
	}
	n.source = source
}

// next waits for the next answer; false: there are no more.
func (n *note) next(ctx context.Context, responses graphql.ResponseHandler) (answer, bool) {
	if n.source == nil {
		response := responses(ctx)
		return answer{response: response, eventID: n.takeEventID()}, response != nil
	}
	wake, woken := newBell()
	for {
		a, progress := n.advance(ctx, responses, wake)
		switch progress {
		case answered:
			return a, true
		case passed:
			continue
		case over:
			return answer{}, false
		case idle:
			n.source.Notify(wake)
		case awaited:
		}
		select {
		case <-woken:
		case <-ctx.Done(): // which the source sees too
		}
	}
}

// newBell makes what wakes a goroutine of its own, which rings once however often it is rung meanwhile.
func newBell() (ring func(), rung <-chan struct{}) {
	bell := make(chan struct{}, 1)
	return func() {
		select {
		case bell <- struct{}{}:
		default:
		}
	}, bell
}

func (n *note) close() {
	if n.source != nil {
		n.source.Close()
	}
	if n.leave != nil {
		n.leave()
	}
}

// LastEventID is the id of the last event that the client has, as it says when it comes back to a stream (the
// Last-Event-ID header of Server-Sent Events); empty: it says nothing.
func LastEventID(ctx context.Context) string {
	if n := noteFrom(ctx); n != nil {
		return n.lastEventID
	}
	return ""
}

// Fail has the subscription end with these errors as its last message, once its resolver has closed its channel or its
// source has no more. They go out as they are: present them first. ctx is the one that the resolver was called with, or
// the source.
func Fail(ctx context.Context, errs ...*gqlerror.Error) {
	if n := noteFrom(ctx); n != nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.failure = append(n.failure, errs...)
	}
}

// AnnounceEvent says which id the event has that the subscription's resolver sends next on its channel. Where a resolver
// announces one event it announces all, in the order in which it sends them. On a stream that has ids (Server-Sent Events)
// the event's part gets it, and [LastEventID] is the last one's when the client comes back. ctx is the one that the
// resolver was called with.
func AnnounceEvent(ctx context.Context, id fmt.Stringer) {
	if n := noteFrom(ctx); n != nil && (n.keepsIDs || n.audience != nil) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.eventIDs = append(n.eventIDs, id.String())
	}
}
