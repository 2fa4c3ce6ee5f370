package gqlhttp

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// flow is a subscription on a socket that pulls its events from a source. While it waits there is no goroutine for it.
type flow struct {
	socket    *socket
	run       *operationRun
	ctx       context.Context
	note      *note
	responses graphql.ResponseHandler
	shares    bool // its events, with an audience
	state     atomic.Int32

	rested bool      // it has not looked for itself since; only then what follows is true
	at     EventKey  // the newest event that it has, while it rests
	got    time.Time // when that was handed to it; zero: its source knows of it
	place  int       // among those who rest, from 1; 0: it does not. Guarded by the audience's mutex
}

// The states of a flow.
const (
	waiting int32 = iota
	working       // one goroutine is at it
	wanted        // one is at it, and must look once more
)

// wake has somebody look whether there are events, or whether the flow is over.
func (f *flow) wake() {
	for {
		switch {
		case f.state.CompareAndSwap(waiting, working):
			if f.shares {
				f.socket.transport.crew.add(f)
			} else {
				go f.work()
			}
			return
		case f.state.CompareAndSwap(working, wanted), f.state.Load() == wanted:
			return
		}
	}
}

// receive sends an event that is handed to a flow that rests, and reports whether it rests on.
func (f *flow) receive(h *handing) bool {
	if !f.state.CompareAndSwap(waiting, working) {
		f.wake() // it is at work, and is to look once more
		return false
	}
	if !f.rested { // it was woken meanwhile, and may have that event, or have it ahead
		f.pass()
		return false
	}
	if key := h.frame.key; f.at.Number < key.Number {
		if f.ctx.Err() != nil || f.at.Number < h.before || !h.valid() || !f.socket.writing.TryLock() {
			f.pass()
			return false
		}
		f.at, f.got = key, h.at
		if a, progress := h.frame.answer(); progress == answered {
			f.socket.nextNow(f.run, a)
		} else {
			f.socket.writing.Unlock()
		}
	}
	if !f.rests() {
		go f.work()
		return false
	}
	return true
}

// rise has a flow that rested look for itself.
func (f *flow) rise() {
	if !f.shares {
		return
	}
	f.rested = false
	f.note.audience.rises(f)
	if !f.got.IsZero() {
		f.note.source.(SharedSource).Skip(f.at, f.got)
		f.got = time.Time{}
	}
}

// idle has wake called when there is more.
func (f *flow) idle() {
	if f.shares {
		source := f.note.source.(SharedSource)
		if f.at = source.At(); f.note.audience.rest(f) {
			f.rested = true
			source.Remind(f.wake)
			return
		}
	}
	f.note.source.Notify(f.wake)
}

// pass sends what is there without waiting for anything, and leaves the rest to work.
func (f *flow) pass() {
	if f.ctx.Err() != nil || !f.passOn() || !f.rests() {
		go f.work()
	}
}

// passOn sends what is made already, and reports whether that was all for now: then wake will be called.
func (f *flow) passOn() (all bool) {
	defer f.socket.closeOnPanic(f.ctx)
	f.rise()
	writing := false
	defer func() {
		if writing {
			f.socket.writing.Unlock()
		}
	}()
	for {
		if writing = f.socket.writing.TryLock(); !writing {
			return false // a message is on its way, slowly
		}
		a, progress := f.note.ready(f.ctx, f.wake)
		switch progress {
		case answered:
			writing = false // nextNow sees to it
			f.socket.nextNow(f.run, a)
		case passed:
			f.socket.writing.Unlock()
		case idle:
			f.idle()
			return true
		default:
			return progress == awaited
		}
	}
}

// rests has the flow wait, unless it is to look once more.
func (f *flow) rests() bool {
	if f.state.CompareAndSwap(working, waiting) {
		return true
	}
	f.state.Store(working)
	return false
}

// work sends what there is, until nothing more comes for now or for good. Only one goroutine is in it.
func (f *flow) work() {
	for f.advance() {
		if f.rests() {
			return
		}
	}
	defer f.socket.finish(f.run)
	defer f.socket.closeOnPanic(f.ctx)
	f.note.close()
}

// advance sends the events that are there, and reports whether there may be more: then wake will be called.
func (f *flow) advance() (more bool) {
	defer f.socket.closeOnPanic(f.ctx)
	f.rise()
	for {
		a, progress := f.note.advance(f.ctx, f.responses, f.wake)
		switch progress {
		case answered:
			f.socket.next(f.run, a)
		case passed:
		case idle:
			f.idle()
			return true
		case awaited:
			return true
		case over:
			f.socket.conclude(f.ctx, f.run, f.note)
			return false
		}
	}
}
