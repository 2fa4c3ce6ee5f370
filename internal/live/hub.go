package live

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// readTimeout bounds each call of the reader, so that one that hangs is an outage and not a standstill.
const readTimeout = 10 * time.Second

// Config is what a hub needs. Reader alone is required; zero values mean the defaults.
type Config struct {
	Reader   channel.HubReader
	Hints    *Hints        // nil: the poll alone finds news
	Poll     time.Duration // between two looks at the heads of all live logs; default 2 s, use 1 to 5
	Idle     time.Duration // a checkpoint comes when nothing came for that long; default 1 minute
	Ring     int           // newest events kept in memory of each live log; default 256
	PageSize int           // most events of a read, and of a delivery; default 100
	Logger   *slog.Logger  // default: none
	Watch    Watch         // nil: nobody is told
}

// Watch is told what subscribers get, for metrics. It must not wait, and is called concurrently.
type Watch interface {
	// Delivered is told of a delivery of events: how many more the log has, and how old its newest event is; a replay is of
	// events from before the subscription.
	Delivered(behind int64, age time.Duration, replay bool)
}

// Stat is what a hub has to do.
type Stat struct {
	Logs          int // that are followed
	Subscriptions int
}

// Stat tells what the hub has to do now.
func (h *Hub) Stat() Stat {
	watchers := h.lists.watchers()
	h.mu.Lock()
	defer h.mu.Unlock()
	stat := Stat{Logs: len(h.logs), Subscriptions: watchers}
	for _, l := range h.logs {
		stat.Subscriptions += l.subscribers
	}
	return stat
}

func (c Config) withDefaults() Config {
	if c.Poll <= 0 {
		c.Poll = 2 * time.Second
	}
	if c.Idle <= 0 {
		c.Idle = time.Minute
	}
	if c.Ring <= 0 {
		c.Ring = 256
	}
	if c.PageSize <= 0 {
		c.PageSize = 100
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Hub implements [channel.Hub]. It learns of news only while Run runs. It is safe for concurrent use.
type Hub struct {
	cfg    Config
	outage outage
	lists  *lists

	ctx    context.Context // ends with the hub
	cancel context.CancelFunc
	work   sync.WaitGroup // every goroutine the hub started

	mu     sync.Mutex // may be taken with a log's mutex held, never the other way round
	logs   map[channel.LogKey]*log
	closed bool
}

var (
	_ channel.Hub   = (*Hub)(nil)
	_ channel.Hints = (*Hub)(nil)
)

// NewHub makes a hub. It starts nothing: call Run.
func NewHub(cfg Config) *Hub {
	h := &Hub{cfg: cfg.withDefaults(), logs: map[channel.LogKey]*log{}}
	h.outage.logger = h.cfg.Logger
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.lists = newLists(h)
	return h
}

// Run takes in hints and polls until ctx ends. Then the hub is closed for good: Run returns nil once every read has
// ended, and every subscription's Next returns [channel.ErrHubClosed].
func (h *Hub) Run(ctx context.Context) error {
	defer h.close()
	if h.cfg.Hints != nil {
		defer h.cfg.Hints.Subscribe(h.hint)()
		defer h.cfg.Hints.SubscribeMarks(h.lists.marked)()
	}
	h.spawn(func() { h.lists.run(ctx) })
	tick := time.NewTicker(h.cfg.Poll)
	defer tick.Stop()
	for {
		h.poll(ctx) // the first one finds what was missed before Run
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (h *Hub) close() {
	h.mu.Lock()
	h.closed = true
	logs := slices.Collect(maps.Values(h.logs))
	h.mu.Unlock()
	h.cancel()
	for _, l := range logs {
		l.mu.Lock()
		l.callAll()
		l.mu.Unlock()
	}
	h.lists.close()
	h.work.Wait()
}

// Follow implements [channel.Hub]. It reads the log's head, at the same time as others at most twice for all of them.
// If the log's cluster is out of reach it returns the reader's error.
func (h *Hub) Follow(ctx context.Context, key channel.LogKey, from *ids.LogCursor) (channel.Subscription, error) {
	l, err := h.enter(key)
	if err != nil {
		return nil, err
	}
	s, err := l.follow(ctx, from)
	if err != nil {
		h.leave(l)
		return nil, err
	}
	return s, nil
}

// enter registers one more subscriber of the log.
func (h *Hub) enter(key channel.LogKey) (*log, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, channel.ErrHubClosed
	}
	l := h.logs[key]
	if l == nil {
		l = newLog(h, key)
		h.logs[key] = l
	}
	l.subscribers++
	return l, nil
}

// leave drops the log with its last subscriber.
func (h *Hub) leave(l *log) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l.subscribers--
	if l.subscribers == 0 {
		delete(h.logs, l.key)
		l.cancel()
	}
}

// spawn starts a goroutine that the hub's end waits for, unless the hub has ended.
func (h *Hub) spawn(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.work.Go(f)
	}
}

// Publish implements [channel.Hints]: who follows the log here gets the event without a read, if those before it are known, or
// are published a moment later; other processes get a hint.
func (h *Hub) Publish(a channel.Appended) {
	h.mu.Lock()
	l := h.logs[a.Log]
	h.mu.Unlock()
	if l == nil || l.take(a) {
		h.lists.hint(a.Log, a.Event.Number)
	} else {
		h.hint(a.Log, a.Event.Number)
	}
	if h.cfg.Hints != nil {
		h.cfg.Hints.Publish(a.Log, a.Event.Number)
	}
}

// Moved implements [channel.Hints].
func (h *Hub) Moved(log channel.LogKey) {
	h.hint(log, math.MaxInt64)
	if h.cfg.Hints != nil {
		h.cfg.Hints.Publish(log, math.MaxInt64)
	}
}

// Marked implements [channel.Hints].
func (h *Hub) Marked(m channel.Marked) {
	h.lists.marked(m)
	if h.cfg.Hints != nil {
		h.cfg.Hints.PublishMark(m)
	}
}

// hint takes in "log key has reached n". It never waits.
func (h *Hub) hint(key channel.LogKey, reached int64) {
	h.lists.hint(key, reached)
	h.mu.Lock()
	l := h.logs[key]
	h.mu.Unlock()
	if l == nil {
		return
	}
	if now := l.now.Load(); now == nil || reached > now.head.Number && !l.keeps(reached) {
		l.ask()
	}
}

// poll compares the heads of all live logs with what is known of them, and has those read that differ. What differs
// may be older than what is known by then; such a read finds nothing.
func (h *Hub) poll(ctx context.Context) {
	live := h.live()
	if len(live) == 0 {
		h.outage.forget()
		return
	}
	keys := make([]channel.LogKey, 0, len(live))
	for key := range live {
		keys = append(keys, key)
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	heads, err := h.cfg.Reader.LogHeads(ctx, keys)
	for key, head := range heads {
		if l := live[key]; l != nil && !l.now.Load().head.Is(head) {
			l.ask()
		}
	}
	switch {
	case err == nil:
		h.outage.end()
		for key, l := range live { // it is not for its side any more
			if _, ok := heads[key]; !ok {
				l.ask()
			}
		}
	case !errors.Is(ctx.Err(), context.Canceled):
		h.outage.begin(err)
	}
}

// live returns the logs that are followed and of which something is known.
func (h *Hub) live() map[channel.LogKey]*log {
	h.mu.Lock()
	defer h.mu.Unlock()
	live := make(map[channel.LogKey]*log, len(h.logs))
	for key, l := range h.logs {
		if l.now.Load() != nil {
			live[key] = l
		}
	}
	return live
}
