package gqlhttp

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// note is where a transport and a subscription's resolver, or a middleware, leave each other word.
type note struct {
	keepsIDs    bool
	lastEventID string // what the client has

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

// LastEventID is the id of the last event that the client has, as it says when it comes back to a stream (the
// Last-Event-ID header of Server-Sent Events); empty: it says nothing.
func LastEventID(ctx context.Context) string {
	if n := noteFrom(ctx); n != nil {
		return n.lastEventID
	}
	return ""
}

// Fail has the subscription end with these errors as its last message, once its resolver has closed its channel. They
// go out as they are: present them first. ctx is the one that the resolver was called with.
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
	if n := noteFrom(ctx); n != nil && n.keepsIDs {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.eventIDs = append(n.eventIDs, id.String())
	}
}
