package gqlhttp

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// lead is what a large audience has: a subscription that is for none of its members, makes each event as it comes, and has it
// handed to those who rest. They touch neither their sources nor the log for it. Who is behind, or has something of its own to
// hear, looks for itself and then rests again.
type lead struct {
	end context.CancelFunc // of the leading; nil: there is none. Guarded by the transport's mutex

	// Guarded by the audience's mutex.
	ready   bool     // it has come to where nothing is ahead, and goes on
	reached EventKey // the newest event that was handed
	resting []*flow  // who has all events up to that; each knows its place
}

// handing is an event that is handed to who rests.
type handing struct {
	audience *audience
	before   int64 // who has that event lacks this one alone
	frame    *frame
	valid    func() bool // false: who gets it is to look for itself whether it may
	at       time.Time
}

// begin begins to lead, in the context of a member's operation but without its end. It needs the transport's mutex.
func (a *audience) begin(member context.Context, t *Transport, executor graphql.GraphExecutor, operation *graphql.OperationContext) {
	ctx, end := context.WithCancel(context.WithoutCancel(member))
	a.end = end
	own := &graphql.OperationContext{
		RawQuery: operation.RawQuery, Variables: operation.Variables, OperationName: operation.OperationName, Doc: operation.Doc,
		Extensions: operation.Extensions, Headers: operation.Headers, Operation: operation.Operation,
		DisableIntrospection: operation.DisableIntrospection, RecoverFunc: operation.RecoverFunc,
		ResolverMiddleware: operation.ResolverMiddleware, RootResolverMiddleware: operation.RootResolverMiddleware, Stats: operation.Stats,
	}
	go func() {
		defer a.leaderless(t)
		defer func() {
			if recovered := recover(); recovered != nil {
				t.config.Watch.Panicked(ctx, recovered)
			}
		}()
		n := &note{audience: a}
		defer n.close()
		responses, ctx := executor.DispatchOperation(withNote(ctx, n), own)
		if n.shares() {
			a.leads(ctx, t, n, responses)
		}
	}()
}

// leads goes from event to event until ctx or the source ends.
func (a *audience) leads(ctx context.Context, t *Transport, n *note, responses graphql.ResponseHandler) {
	source := n.source.(SharedSource)
	wake, woken := newBell()
	for ctx.Err() == nil {
		switch key, outlook := source.Ahead(ctx, true); outlook {
		case Clear:
			f, mine := a.claim(key, source.Takes, wake)
			if f == nil {
				break // somebody else makes it
			}
			if !mine {
				source.Pass()
			} else if _, progress := n.make(ctx, source, responses, f); progress == over || progress == alone {
				return
			}
			a.hand(t, f, func() bool { return source.Holds(f.stamp) })
			continue
		case Nothing:
			a.stands(source.At())
			source.Notify(wake)
		case Alone: // who rests is to look for itself
			return
		default:
			_, progress := n.own(ctx, responses) // it is for this subscription alone, and so for nobody
			switch progress {
			case over:
				return
			case idle:
				source.Notify(wake)
			default:
				continue
			}
		}
		select {
		case <-woken:
		case <-ctx.Done():
		}
	}
}

// stands notes that nothing is ahead: from now on who is there may rest.
func (a *audience) stands(at EventKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.ready || a.reached.Line != at.Line {
		a.ready, a.reached = true, at
	}
}

// rest has a flow wait until something is handed to it; false: it has to look for itself.
func (a *audience) rest(f *flow) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.ready || f.at.Line != a.reached.Line || f.at.Number < a.reached.Number {
		return false
	}
	a.add(f)
	return true
}

// add has a flow rest, if it does not. It needs mu.
func (a *audience) add(f *flow) {
	if f.place == 0 {
		a.resting = append(a.resting, f)
		f.place = len(a.resting)
	}
}

// rises has a flow rest no longer.
func (a *audience) rises(f *flow) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.place == 0 {
		return
	}
	last := len(a.resting) - 1
	a.resting[f.place-1] = a.resting[last]
	a.resting[f.place-1].place = f.place
	a.resting[last] = nil
	a.resting = a.resting[:last]
	f.place = 0
}

// takeResting returns all who rest, and has them rest no longer. It needs mu.
func (a *audience) takeResting() []*flow {
	resting := a.resting
	a.resting = make([]*flow, 0, len(resting)) // most rest again soon
	for _, f := range resting {
		f.place = 0
	}
	return resting
}

// hand has a frame handed to all who rest.
func (a *audience) hand(t *Transport, f *frame, valid func() bool) {
	a.mu.Lock()
	resting, before := a.takeResting(), a.reached
	a.reached = f.key
	a.mu.Unlock()
	if f.apart || before.Line != f.key.Line || !valid() {
		wakeAll(resting)
		return
	}
	t.crew.hand(resting, &handing{a, before.Number, f, valid, time.Now()})
}

// again has flows rest on that an event was handed to, unless there is a newer one.
func (a *audience) again(flows []*flow, h *handing) {
	a.mu.Lock()
	missed := !a.ready || a.reached != h.frame.key
	if !missed {
		for _, f := range flows {
			a.add(f)
		}
	}
	a.mu.Unlock()
	if missed {
		wakeAll(flows)
	}
}

// leaderless has all look for themselves until somebody leads again.
func (a *audience) leaderless(t *Transport) {
	t.mu.Lock()
	a.end()
	a.end = nil
	t.mu.Unlock()
	a.mu.Lock()
	a.ready = false
	resting := a.takeResting()
	a.mu.Unlock()
	wakeAll(resting)
}

func wakeAll(flows []*flow) {
	for _, f := range flows {
		f.wake()
	}
}
