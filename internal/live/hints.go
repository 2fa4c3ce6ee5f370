package live

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"linkspan/internal/channel"
)

// maxWaitingHints bounds what a connection that takes nothing makes pile up: one hint a log, about 5 MB in all.
const maxWaitingHints = 1 << 16

// Hints tells all processes "log L has reached n" and "user U has read channel C up to p" over NATS core. A [Hub] speaks and listens
// through it. While the connection is down, or where there is none, what this process publishes reaches this process alone; what is
// lost is found by the polls of the others. It is safe for concurrent use.
type Hints struct {
	conn    *nats.Conn // nil: there are no others
	stop    func()     // what Close does beside the connection
	logger  *slog.Logger
	up      atomic.Bool // the connection is, as far as is known
	stats   stats
	quiet   throttle // complaints about what comes in
	unheard throttle // complaints about what does not go out
	link    throttle // complaints about the connection

	mu      sync.Mutex
	waiting map[channel.LogKey]int64 // hints to send, one a log
	marks   map[markKey]channel.Place
	wake    chan struct{}  // something waits
	end     chan struct{}  // closed by Close
	sent    sync.WaitGroup // the sender

	listening sync.RWMutex
	listeners map[int]listener
	newest    int // number of the newest listener
}

// listener is told hints, or marks.
type listener struct {
	hint func(channel.LogKey, int64)
	mark func(channel.Marked)
}

func newHints(logger *slog.Logger) *Hints {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Hints{
		logger:    logger,
		quiet:     throttle{logger: logger},
		unheard:   throttle{logger: logger},
		link:      throttle{logger: logger},
		waiting:   map[channel.LogKey]int64{},
		marks:     map[markKey]channel.Place{},
		wake:      make(chan struct{}, 1),
		end:       make(chan struct{}),
		listeners: map[int]listener{},
	}
}

// Alone are the hints of a process that has no others beside it. The caller ends them with Close.
func Alone(logger *slog.Logger) *Hints {
	h := newHints(logger)
	h.stop = func() {}
	h.sent.Go(h.send)
	return h
}

// HintStats counts hints since the start.
type HintStats struct {
	Sent      uint64 // to NATS
	Kept      uint64 // told to this process alone, for there was no connection
	Lost      uint64 // dropped, because too many waited
	Received  uint64 // from NATS, this process's own among them
	Malformed uint64 // of those, not understood
}

type stats struct{ sent, kept, lost, received, malformed atomic.Uint64 }

// Stats returns the counts so far.
func (h *Hints) Stats() HintStats {
	return HintStats{
		Sent:      h.stats.sent.Load(),
		Kept:      h.stats.kept.Load(),
		Lost:      h.stats.lost.Load(),
		Received:  h.stats.received.Load(),
		Malformed: h.stats.malformed.Load(),
	}
}

// Publish tells everybody, this process too. It takes under a microsecond and never fails. Hints for the same log that wait
// together leave as one.
func (h *Hints) Publish(log channel.LogKey, reached int64) {
	if reached < 1 {
		return // says nothing
	}
	h.mu.Lock()
	if h.closed() {
		h.mu.Unlock()
		return
	}
	before, ok := h.waiting[log]
	full := !ok && len(h.waiting) >= maxWaitingHints
	if !full {
		h.waiting[log] = max(before, reached)
	}
	h.mu.Unlock()
	h.waitingToSend(full)
}

// waitingToSend tells the sender that something waits, or that it could not.
func (h *Hints) waitingToSend(full bool) {
	if full {
		h.stats.lost.Add(1)
		h.unheard.warn("too many hints wait; one is dropped and left to the polls")
		return
	}
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Subscribe has f called with every hint until cancel. f must be safe for concurrent use and must not wait. When cancel
// returns, f is not running and will not run again, so f must not call it.
func (h *Hints) Subscribe(f func(log channel.LogKey, reached int64)) (cancel func()) {
	return h.listen(listener{hint: f})
}

func (h *Hints) listen(l listener) (cancel func()) {
	h.listening.Lock()
	defer h.listening.Unlock()
	h.newest++
	me := h.newest
	h.listeners[me] = l
	return func() {
		h.listening.Lock()
		defer h.listening.Unlock()
		delete(h.listeners, me)
	}
}

// Close ends the connection and waits for that. Hints that wait are lost; those published later go nowhere.
func (h *Hints) Close() {
	h.mu.Lock()
	if h.closed() {
		h.mu.Unlock()
		return
	}
	close(h.end)
	h.mu.Unlock()
	h.stop()
	h.sent.Wait()
}

// closed needs mu.
func (h *Hints) closed() bool {
	select {
	case <-h.end:
		return true
	default:
		return false
	}
}

// send gives NATS what waits, at once, until Close. It is the only one whom a connection that takes nothing can hold up.
func (h *Hints) send() {
	sending, marks := map[channel.LogKey]int64{}, map[markKey]channel.Place{}
	for {
		select {
		case <-h.end:
			return
		case <-h.wake:
		}
		h.mu.Lock()
		sending, h.waiting = h.waiting, sending
		marks, h.marks = h.marks, marks
		h.mu.Unlock()
		for log, reached := range sending {
			h.sendOne(log, reached)
		}
		for key, upTo := range marks {
			h.sendMark(channel.Marked{User: key.user, Channel: key.channel, UpTo: upTo})
		}
		clear(sending)
		clear(marks)
	}
}

func (h *Hints) sendOne(log channel.LogKey, reached int64) {
	payload := encodeHint(log, reached)
	if !h.publish(hintSubject, payload[:]) {
		h.tell(log, reached)
	}
}

// publish gives NATS a message; false: it is for this process alone.
func (h *Hints) publish(subject string, payload []byte) bool {
	if h.up.Load() {
		err := h.conn.Publish(subject, payload)
		if err == nil {
			h.stats.sent.Add(1)
			return true
		}
		h.unheard.warn("a hint could not be sent; it is left to the polls", "error", err)
	}
	h.stats.kept.Add(1)
	return false
}

// receive takes in a message from NATS, which anybody may have sent.
func (h *Hints) receive(message *nats.Msg) {
	h.stats.received.Add(1)
	log, reached, err := decodeHint(message.Data)
	if err != nil {
		h.malformed(message, err)
		return
	}
	h.tell(log, reached)
}

func (h *Hints) malformed(message *nats.Msg, err error) {
	h.stats.malformed.Add(1)
	h.quiet.warn("dropped a message that is no hint", "subject", message.Subject, "error", err)
}

func (h *Hints) tell(log channel.LogKey, reached int64) {
	h.listening.RLock()
	defer h.listening.RUnlock()
	for _, l := range h.listeners {
		if l.hint != nil {
			l.hint(log, reached)
		}
	}
}

// throttle lets one line a minute through and counts the rest.
type throttle struct {
	logger *slog.Logger

	mu      sync.Mutex
	until   time.Time
	skipped int
}

func (t *throttle) warn(message string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Now().Before(t.until) {
		t.skipped++
		return
	}
	t.logger.Warn(message, append(args, "skipped", t.skipped)...)
	t.until, t.skipped = time.Now().Add(time.Minute), 0
}
