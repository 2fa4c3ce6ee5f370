package live

import (
	"context"
	"fmt"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// page is one read of events that are not in memory, shared by all who come to that position meanwhile; the fields are
// set when done is closed.
type page struct {
	done   chan struct{}
	events []channel.LogEvent
	err    error
}

type pageKey struct {
	epoch uint64
	after int64
}

// behind returns at least one event right behind a position that the log is known to have passed. CURSOR_EXPIRED means
// that it has not any more, as after a restore, or that they were removed as too old.
func (l *log) behind(ctx context.Context, key pageKey, history ids.History) ([]channel.LogEvent, error) {
	p := l.page(key, history)
	select {
	case <-p.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.ctx.Done():
	}
	if l.ctx.Err() != nil { // which ends the read, too
		return nil, channel.ErrHubClosed
	}
	return p.events, p.err
}

// page returns the read that is under way there, or starts one. It does not hang on the ctx of any who share it.
func (l *log) page(key pageKey, history ids.History) *page {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.pages[key]; p != nil {
		return p
	}
	p := &page{done: make(chan struct{})}
	l.pages[key] = p
	l.hub.spawn(func() {
		found, err := l.readPage(key.after)
		p.events, p.err = found.Events, err
		if err == nil && (found.Head.History != history || len(found.Events) == 0) {
			p.events, p.err = nil, channel.Expired()
			l.ask() // so that all subscribers hear of it
		}
		l.mu.Lock()
		delete(l.pages, key)
		l.mu.Unlock()
		close(p.done)
	})
	return p
}

// readPage reads the page behind after and holds the reader to its promise.
func (l *log) readPage(after int64) (channel.LogPage, error) {
	ctx, cancel := context.WithTimeout(l.ctx, readTimeout)
	defer cancel()
	found, err := l.hub.cfg.Reader.ReadLog(ctx, l.key, after, l.hub.cfg.PageSize)
	if err != nil {
		return channel.LogPage{}, outOfTime(err)
	}
	last := after
	for _, event := range found.Events {
		if event.Number != last+1 {
			return channel.LogPage{}, fmt.Errorf("live: log %s goes on with event %d behind %d", l.key.ID.UUID(), event.Number, last)
		}
		last = event.Number
	}
	if found.Head.Number > after && found.Head.Floor <= after && last == after || found.Head.Number < last && last > after {
		return channel.LogPage{}, fmt.Errorf("live: log %s has events to %d behind %d, and its head at %d", l.key.ID.UUID(), last, after, found.Head.Number)
	}
	return found, nil
}
