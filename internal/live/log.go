package live

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// log is a log that somebody follows, or is about to.
type log struct {
	hub         *Hub
	key         channel.LogKey
	subscribers int // guarded by hub.mu

	ctx    context.Context // ends with the last subscriber, or with the hub
	cancel context.CancelFunc

	// now is nil until the head was read once. It is stored with mu held.
	now atomic.Pointer[moment]

	mu      sync.Mutex
	reading bool          // a goroutine is reading the head
	next    *round        // the read of the head that somebody asked for and that has not begun
	asked   chan struct{} // cuts the pause after a failed read short
	pages   map[pageKey]*page
	early   early
	waiting []*Subscription // who is to be called when there is news; each knows its place
}

// round is one read of a log's head and what it found; the fields are set when done is closed.
type round struct {
	done  chan struct{}
	epoch uint64
	head  channel.LogHead // may be ahead of what has been read into memory
	err   error
}

func newLog(h *Hub, key channel.LogKey) *log {
	l := &log{hub: h, key: key, asked: make(chan struct{}, 1), pages: map[pageKey]*page{}}
	l.ctx, l.cancel = context.WithCancel(h.ctx)
	return l
}

// follow makes a subscription for a subscriber that has been registered.
func (l *log) follow(ctx context.Context, from *ids.LogCursor) (*Subscription, error) {
	r := l.ask()
	select {
	case <-r.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.ctx.Done():
		return nil, channel.ErrHubClosed
	}
	if r.err != nil {
		return nil, r.err
	}
	if from != nil && (from.History != r.head.History || from.Position < r.head.Floor || from.Position > r.head.Number) {
		return nil, channel.Expired()
	}
	s := &Subscription{
		log:      l,
		epoch:    r.epoch,
		position: r.head,
		target:   r.head.Number,
		last:     time.Now(),
	}
	if from != nil {
		s.position.Number = from.Position
	}
	s.greeting = s.position.Number == s.target
	return s, nil
}

// ask makes a read of the log's head due, which begins after this call. It does not wait.
func (l *log) ask() *round {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		l.next = &round{done: make(chan struct{})}
	}
	r := l.next
	if !l.reading {
		l.reading = true
		l.hub.spawn(l.readRounds)
		return r
	}
	select {
	case l.asked <- struct{}{}:
	default:
	}
	return r
}

// begin takes the round that is due, or if nobody asked, a round of its own if more is true. Without either it returns
// nil, and the next one who asks starts a new goroutine.
func (l *log) begin(more bool) *round {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.asked:
	default:
	}
	r := l.next
	l.next = nil
	if r == nil && more {
		r = &round{done: make(chan struct{})}
	}
	l.reading = r != nil
	return r
}

// readRounds reads the head until nobody asks, all is read and nothing is to be tried again.
func (l *log) readRounds() {
	pause := backoff{longest: l.hub.cfg.Poll}
	for more := false; ; {
		r := l.begin(more)
		if r == nil {
			return
		}
		r.epoch, r.head, r.err = l.read()
		if l.ctx.Err() != nil {
			return // whoever waits for the round sees the hub's end
		}
		close(r.done)
		if !retryable(r.err) {
			pause.reset()
			more = r.err == nil && r.head.Number > l.now.Load().head.Number
			continue
		}
		more = true
		select {
		case <-l.ctx.Done():
			return
		case <-l.asked:
		case <-time.After(pause.next()):
			l.hub.outage.begin(r.err) // somebody still waits
		}
	}
}

// read reads on from what is known and publishes what it finds. The head it returns is of the epoch it returns.
func (l *log) read() (uint64, channel.LogHead, error) {
	before := l.now.Load()
	if before == nil {
		head, err := l.readHead()
		if err != nil {
			return 0, channel.LogHead{}, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.now.Store(begun(1, head))
		return 1, head, nil
	}
	found, err := l.readPage(before.head.Number)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now.Load() // what this process wrote may have come in while the page was read
	switch {
	case retryable(err) || l.ctx.Err() != nil:
	case err != nil:
		l.publish(now.failed(err))
	case found.Head.History != before.head.History || found.Head.Number < before.head.Number:
		// Another history; or commits that were shown are lost, and their numbers will be given again.
		l.hub.cfg.Logger.Warn("a log went back or changed its history; its subscribers must begin anew",
			"log", l.key.ID.UUID(), "was", before.head.Number, "is", found.Head.Number)
		l.early.drop()
		l.publish(begun(now.epoch+1, found.Head))
	case found.Head.Floor > before.head.Number && now == before:
		l.hub.cfg.Logger.Warn("what comes next of a log was removed, as too old; its subscribers must begin anew",
			"log", l.key.ID.UUID(), "was", before.head.Number, "floor", found.Head.Floor)
		l.early.drop()
		l.publish(begun(now.epoch+1, found.Head))
	default:
		if known := now.head.Number - before.head.Number; int64(len(found.Events)) > known {
			next := l.grown(now, found.Events[known:])
			next.read = before.head.Number + int64(len(found.Events))
			l.publish(next)
		}
	}
	return l.now.Load().epoch, found.Head, err
}

// take adds an event that this process has written, once those before it are known; false: it has to be read.
func (l *log) take(a channel.Appended) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now.Load()
	switch {
	case now == nil || now.head.History != a.History:
		return false
	case a.Event.Number <= now.head.Number:
		return true
	case a.Event.Number > now.head.Number+1:
		return l.early.keep(a, l.missing)
	}
	l.publish(l.grown(now, []channel.LogEvent{a.Event}))
	return true
}

// keeps reports whether it has an event that waits for those before it.
func (l *log) keeps(number int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.early.has(number)
}

// missing has read what those who came early waited for in vain, and them.
func (l *log) missing() {
	l.mu.Lock()
	dropped := l.ctx.Err() == nil && l.early.drop()
	l.mu.Unlock()
	if dropped {
		l.ask()
	}
}

// grown is the moment after now with the events, and with those that came early and follow them.
func (l *log) grown(now *moment, events []channel.LogEvent) *moment {
	events = l.early.follow(events, now.head.History)
	next := now.grown(events, l.hub.cfg.Ring)
	for _, event := range events {
		next.head.Ended = l.key.EndsWith(event) || next.head.Ended && !l.key.BeginsAgainWith(event)
	}
	return next
}

// publish replaces what is known and wakes who waits for news. It needs mu.
func (l *log) publish(next *moment) {
	before := l.now.Load()
	l.now.Store(next)
	close(before.over)
	l.callAll()
}

// callAll calls everybody who waits to be. It needs mu.
func (l *log) callAll() {
	waiting := l.waiting
	l.waiting = l.waiting[:0] // who is called may wait again, but not before mu is free
	for _, s := range waiting {
		s.news()
		s.news = nil
	}
	clear(waiting)
}

// await has a subscription called when there is news. It needs mu.
func (l *log) await(s *Subscription, f func()) {
	if s.news == nil {
		s.place = len(l.waiting)
		l.waiting = append(l.waiting, s)
	}
	s.news = f
}

// forget has a subscription not be called any more, and returns what was to be called; nil: nothing. It needs mu.
func (l *log) forget(s *Subscription) func() {
	f := s.news
	if f != nil {
		last := len(l.waiting) - 1
		l.waiting[s.place] = l.waiting[last]
		l.waiting[s.place].place = s.place
		l.waiting[last] = nil
		l.waiting = l.waiting[:last]
		s.news = nil
	}
	return f
}

func (l *log) readHead() (channel.LogHead, error) {
	ctx, cancel := context.WithTimeout(l.ctx, readTimeout)
	defer cancel()
	heads, err := l.hub.cfg.Reader.LogHeads(ctx, []channel.LogKey{l.key})
	if head, ok := heads[l.key]; ok {
		return head, nil
	}
	if err == nil {
		err = fmt.Errorf("live: the reader gave no head of log %s: %w", l.key.ID.UUID(), channel.ErrNotFound)
	}
	return channel.LogHead{}, outOfTime(err)
}
