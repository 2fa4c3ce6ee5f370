package live

import (
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

const (
	// gapPatience is how long an event that this process wrote waits for those before it. Those who wrote them are about to publish
	// them: what is committed together is published by each writer for itself. After that all of it is read.
	gapPatience = 10 * time.Millisecond
	// maxEarly is how many events of a log wait so.
	maxEarly = 256
)

// early are events of a log that this process wrote and that came ahead of those before them. The log's mutex guards it.
type early struct {
	history ids.History // theirs
	events  map[int64]channel.LogEvent
	late    *time.Timer // runs while there are any
}

// keep has an event wait for those before it; false: it has to be read. lost is called when they have waited for too long.
func (e *early) keep(a channel.Appended, lost func()) bool {
	if e.history != a.History {
		e.drop()
		e.history = a.History
	}
	if len(e.events) == maxEarly {
		return false
	}
	switch {
	case len(e.events) > 0:
	case e.late == nil:
		e.events, e.late = map[int64]channel.LogEvent{}, time.AfterFunc(gapPatience, lost)
	default:
		e.late.Reset(gapPatience)
	}
	e.events[a.Event.Number] = a.Event
	return true
}

// follow adds to events, the last of which the log's head is at then, those that come right behind it.
func (e *early) follow(events []channel.LogEvent, history ids.History) []channel.LogEvent {
	if len(e.events) == 0 || e.history != history {
		return events
	}
	for {
		next, ok := e.events[events[len(events)-1].Number+1]
		if !ok {
			break
		}
		events = append(events, next)
	}
	head := events[len(events)-1].Number
	for number := range e.events {
		if number <= head {
			delete(e.events, number)
		}
	}
	if len(e.events) == 0 {
		e.late.Stop()
	}
	return events
}

// has reports whether the event waits.
func (e *early) has(number int64) bool {
	_, ok := e.events[number]
	return ok
}

// drop lets go of all, and reports whether there was any.
func (e *early) drop() bool {
	some := len(e.events) > 0
	if some {
		clear(e.events)
		e.late.Stop()
	}
	return some
}
