package live

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// memory is a reader of logs in memory.
type memory struct {
	mu    sync.Mutex
	logs  map[channel.LogKey]*memoryLog
	lists map[ids.Group]*memoryList
	err   error                       // of every read, if set
	delay func() (a, b time.Duration) // time before and after a read's snapshot; nil: none
	hold  chan struct{}               // reads of pages wait for it, if set
	pages int                         // calls of ReadLog
	heads int                         // calls of LogHeads

	listReads int // calls of ListedChannels
	asked     int // logs in the last call of LogHeads
}

type memoryLog struct {
	history ids.History
	events  []channel.LogEvent // removed ones too
	floor   int64
	down    bool // its cluster is
}

func (l *memoryLog) head(key channel.LogKey) channel.LogHead {
	n := len(l.events)
	return channel.LogHead{History: l.history, Number: int64(n), Floor: l.floor, Ended: n > 0 && key.EndsWith(l.events[n-1])}
}

func newMemory() *memory { return &memory{logs: map[channel.LogKey]*memoryLog{}} }

// newLog makes a log of n events.
func (m *memory) newLog(n int) channel.LogKey {
	key := channel.InboxOf(ids.NewGroup())
	m.mu.Lock()
	m.logs[key] = &memoryLog{history: ids.NewHistory()}
	m.mu.Unlock()
	m.append(key, n)
	return key
}

// append returns the number of the newest event.
func (m *memory) append(key channel.LogKey, n int) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.logs[key]
	for range n {
		l.events = append(l.events, channel.LogEvent{
			Number:     int64(len(l.events) + 1),
			At:         time.Now(),
			Kind:       channel.EventInvitationReceived,
			Invitation: ids.NewInvitation(),
		})
	}
	return int64(len(l.events))
}

// appended returns the newest n events as whoever wrote them publishes them.
func (m *memory) appended(key channel.LogKey, n int) (all []channel.Appended) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.logs[key]
	for _, event := range l.events[len(l.events)-n:] {
		all = append(all, channel.Appended{Log: key, History: l.history, Event: event})
	}
	return all
}

// forget removes the events up to n.
func (m *memory) forget(key channel.LogKey, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.logs[key].floor = n
}

// restore leaves the first n events, and gives the log a new history if that is wanted.
func (m *memory) restore(key channel.LogKey, n int, anew bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.logs[key]
	l.events = slices.Clone(l.events[:n])
	if anew {
		l.history = ids.NewHistory()
	}
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

// slow sets what a read takes; nil is nothing.
func (m *memory) slow(delay func() (before, after time.Duration)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.delay = delay
}

// cut takes the log's cluster down, or brings it back.
func (m *memory) cut(key channel.LogKey, down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.logs[key].down = down
}

func (m *memory) counts() (pages, heads int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pages, m.heads
}

func (m *memory) events(key channel.LogKey) []channel.LogEvent {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.logs[key].events)
}

// cursor is behind event n.
func (m *memory) cursor(key channel.LogKey, n int64) *ids.LogCursor {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &ids.LogCursor{Kind: key.Kind, Log: key.ID, History: m.logs[key].history, Position: n}
}

func (m *memory) ReadLog(ctx context.Context, key channel.LogKey, after int64, limit int) (channel.LogPage, error) {
	m.mu.Lock()
	m.pages++
	hold := m.hold
	m.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return channel.LogPage{}, ctx.Err()
		}
	}
	var page channel.LogPage
	var down error
	err := m.read(ctx, func() {
		l := m.logs[key]
		if l.down {
			down = errDown
		}
		page.Head = l.head(key)
		if after < l.floor {
			return
		}
		begin := min(after, page.Head.Number)
		page.Events = slices.Clone(l.events[begin:min(begin+int64(limit), page.Head.Number)])
	})
	return page, cmp.Or(err, down)
}

func (m *memory) LogHeads(ctx context.Context, keys []channel.LogKey) (map[channel.LogKey]channel.LogHead, error) {
	m.mu.Lock()
	m.heads++
	m.asked = len(keys)
	m.mu.Unlock()
	heads := map[channel.LogKey]channel.LogHead{}
	var down error
	err := m.read(ctx, func() {
		for _, key := range keys {
			if l := m.logs[key]; l != nil && l.down {
				down = errDown
			} else if l != nil {
				heads[key] = l.head(key)
			}
		}
	})
	if err != nil {
		return nil, errors.Join(err)
	}
	return heads, errors.Join(down)
}

// read runs snapshot between two delays.
func (m *memory) read(ctx context.Context, snapshot func()) error {
	var before, after time.Duration
	m.mu.Lock()
	if m.delay != nil {
		before, after = m.delay()
	}
	m.mu.Unlock()
	if err := wait(ctx, before); err != nil {
		return err
	}
	m.mu.Lock()
	err := m.err
	snapshot()
	m.mu.Unlock()
	if err != nil {
		return err
	}
	return wait(ctx, after)
}

func wait(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
