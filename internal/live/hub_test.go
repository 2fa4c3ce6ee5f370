package live

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// start runs a hub until the test ends, or until stop.
func start(t testing.TB, cfg Config) (h *Hub, stop func()) {
	t.Helper()
	h = NewHub(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := h.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return h, stop
}

func follow(t testing.TB, h *Hub, key channel.LogKey, from *ids.LogCursor) channel.Subscription {
	t.Helper()
	s, err := h.Follow(t.Context(), key, from)
	if err != nil {
		t.Fatalf("Follow: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

func next(t testing.TB, s channel.Subscription) channel.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // of a bubble's time, mostly
	defer cancel()
	d, err := s.Next(ctx)
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	return d
}

// bubble runs a test with its own time. The hub must be stopped in it.
func bubble(t *testing.T, cfg Config, f func(t *testing.T, m *memory, h *Hub)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		cfg.Reader = m
		h, _ := start(t, cfg)
		f(t, m, h)
	})
}

// got is a delivery in short.
type got struct {
	first, last int64 // 0: no events
	position    int64
	checkpoint  bool
}

func short(d channel.Delivery) got {
	g := got{position: d.Position.Number, checkpoint: d.Checkpoint}
	if len(d.Events) > 0 {
		g.first, g.last = d.Events[0].Number, d.Events[len(d.Events)-1].Number
	}
	return g
}

func expect(t *testing.T, s channel.Subscription, want ...got) {
	t.Helper()
	for i, w := range want {
		if g := short(next(t, s)); g != w {
			t.Fatalf("delivery %d: got %+v, want %+v", i+1, g, w)
		}
	}
}

func TestWithoutCursorACheckpointComesFirst(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(7)
		s := follow(t, h, key, nil)
		h.hint(key, m.append(key, 2)) // before the first Next: still behind the checkpoint
		expect(t, s, got{position: 7, checkpoint: true}, got{first: 8, last: 9, position: 9})
	})
}

func TestReplayEndsWithACheckpoint(t *testing.T) {
	bubble(t, Config{PageSize: 4}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(10)
		expect(t, follow(t, h, key, m.cursor(key, 1)),
			got{first: 2, last: 5, position: 5},
			got{first: 6, last: 9, position: 9},
			got{first: 10, last: 10, position: 10, checkpoint: true})
	})
}

func TestReplayOfNothingIsACheckpoint(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(3)
		s := follow(t, h, key, m.cursor(key, 3))
		expect(t, s, got{position: 3, checkpoint: true})
		h.hint(key, m.append(key, 1))
		expect(t, s, got{first: 4, last: 4, position: 4})
	})
}

func TestReplayOfAnEmptyLogIsACheckpoint(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(0)
		expect(t, follow(t, h, key, m.cursor(key, 0)), got{checkpoint: true})
	})
}

func TestReplayEndsWhereTheLogStoodAtItsBeginning(t *testing.T) {
	bubble(t, Config{PageSize: 2}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(3)
		s := follow(t, h, key, m.cursor(key, 0))
		h.hint(key, m.append(key, 4))
		synctest.Wait()
		expect(t, s,
			got{first: 1, last: 2, position: 2},
			got{first: 3, last: 4, position: 4, checkpoint: true},
			got{first: 5, last: 6, position: 6},
			got{first: 7, last: 7, position: 7})
	})
}

func TestEventsAreDeliveredWhole(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(5)
		d := next(t, follow(t, h, key, m.cursor(key, 2)))
		if want := m.events(key)[2:]; !slices.Equal(d.Events, want) {
			t.Fatalf("got %v, want %v", d.Events, want)
		}
		if d.Position.History != m.cursor(key, 0).History {
			t.Fatalf("position is of history %v", d.Position.History)
		}
	})
}

func TestIdleCheckpoint(t *testing.T) {
	bubble(t, Config{Idle: time.Minute}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(1)
		s := follow(t, h, key, nil)
		next(t, s)
		begin := time.Now()
		expect(t, s, got{position: 1, checkpoint: true})
		if took := time.Since(begin); took != time.Minute {
			t.Fatalf("idle checkpoint after %v", took)
		}
		// An event in between puts it off.
		<-time.After(40 * time.Second)
		h.hint(key, m.append(key, 1))
		expect(t, s, got{first: 2, last: 2, position: 2})
		begin = time.Now()
		expect(t, s, got{position: 2, checkpoint: true})
		if took := time.Since(begin); took != time.Minute {
			t.Fatalf("idle checkpoint after %v", took)
		}
		// The time in which the subscriber is busy elsewhere counts.
		<-time.After(45 * time.Second)
		begin = time.Now()
		expect(t, s, got{position: 2, checkpoint: true})
		if took := time.Since(begin); took != 15*time.Second {
			t.Fatalf("idle checkpoint after %v more", took)
		}
	})
}

func TestEndOfContext(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(1)
		s := follow(t, h, key, nil)
		next(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v, want the context's error", err)
		}
		if _, err := h.Follow(ctx, key, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v, want the context's error", err)
		}
		// The subscription still stands.
		h.hint(key, m.append(key, 1))
		expect(t, s, got{first: 2, last: 2, position: 2})
	})
}

func TestClosedHub(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		h, stop := start(t, Config{Reader: m})
		key := m.newLog(1)
		waiting, replaying := follow(t, h, key, nil), follow(t, h, key, m.cursor(key, 0))
		next(t, waiting)
		m.mu.Lock()
		m.hold = make(chan struct{})
		m.mu.Unlock()
		var ended sync.WaitGroup
		for _, s := range []channel.Subscription{waiting, replaying} {
			ended.Go(func() {
				if _, err := s.Next(t.Context()); !errors.Is(err, channel.ErrHubClosed) {
					t.Errorf("Next: got %v, want channel.ErrHubClosed", err)
				}
			})
		}
		ended.Go(func() {
			if _, err := h.Follow(t.Context(), key, nil); !errors.Is(err, channel.ErrHubClosed) {
				t.Errorf("Follow: got %v, want channel.ErrHubClosed", err)
			}
		})
		synctest.Wait()
		stop()
		ended.Wait()
		if _, err := h.Follow(t.Context(), key, nil); !errors.Is(err, channel.ErrHubClosed) {
			t.Errorf("Follow afterwards: got %v, want channel.ErrHubClosed", err)
		}
		if _, err := waiting.Next(t.Context()); !errors.Is(err, channel.ErrHubClosed) {
			t.Errorf("Next afterwards: got %v, want channel.ErrHubClosed", err)
		}
	})
}

func TestClosedSubscription(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(1)
		first, second := follow(t, h, key, nil), follow(t, h, key, nil)
		first.Close()
		first.Close() // counts once
		if _, err := first.Next(t.Context()); !errors.Is(err, channel.ErrHubClosed) {
			t.Errorf("got %v, want channel.ErrHubClosed", err)
		}
		if len(h.live()) != 1 {
			t.Error("the log is dropped while it has a subscriber")
		}
		second.Close()
		if len(h.logs) != 0 {
			t.Error("the log is kept without a subscriber")
		}
		h.hint(key, 99) // for nobody
	})
}
