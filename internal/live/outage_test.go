package live

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/channel"
)

var errDown = channel.Unavailable(errors.New("connection refused"))

func isUnavailable(err error) bool {
	var fault *channel.Fault
	return errors.As(err, &fault) && fault.Code == channel.ShardUnavailable
}

func TestOutageIsWaitedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		m := newMemory()
		h, stop := start(t, Config{Reader: m, PageSize: 2, Ring: 2, Logger: slog.New(slog.NewTextHandler(&lines, nil))})
		key := m.newLog(4)
		waiting, replaying := follow(t, h, key, nil), follow(t, h, key, m.cursor(key, 0))
		next(t, waiting)
		for range 2 {
			m.fail(errDown)
			h.hint(key, m.append(key, 1))
			<-time.After(20 * time.Second)
			if _, err := h.Follow(t.Context(), key, nil); !isUnavailable(err) {
				t.Fatalf("Follow during an outage: got %v, want SHARD_UNAVAILABLE", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			for _, s := range []channel.Subscription{waiting, replaying} {
				if _, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("Next during an outage: got %v, want to wait", err)
				}
			}
			cancel()
			m.fail(nil)
			begin := time.Now()
			d := next(t, waiting)
			if len(d.Events) != 1 || time.Since(begin) > 2*time.Second {
				t.Fatalf("after the outage: got %+v after %v", short(d), time.Since(begin))
			}
			<-time.After(3 * time.Second) // a poll sees that all is well
		}
		expect(t, replaying,
			got{first: 1, last: 2, position: 2},
			got{first: 3, last: 4, position: 4, checkpoint: true},
			got{first: 5, last: 6, position: 6})
		stop()
		for text, want := range map[string]int{"logs out of reach": 2, "logs in reach again": 2} {
			if n := strings.Count(lines.String(), text); n != want {
				t.Errorf("%d lines %q, want %d:\n%s", n, text, want, &lines)
			}
		}
	})
}

// The logs of other clusters are polled and followed as if nothing were.
func TestOutageOfOneCluster(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		dead, alive := m.newLog(1), m.newLog(1)
		onDead, onAlive := follow(t, h, dead, nil), follow(t, h, alive, nil)
		next(t, onDead)
		next(t, onAlive)
		m.cut(dead, true)
		for i := int64(2); i < 10; i++ {
			h.hint(dead, m.append(dead, 1))
			m.append(alive, 1) // whose hint is lost
			begin := time.Now()
			expect(t, onAlive, got{first: i, last: i, position: i})
			if waited := time.Since(begin); waited > 2*time.Second {
				t.Fatalf("event %d came after %v", i, waited)
			}
		}
		m.cut(dead, false)
		expect(t, onDead, got{first: 2, last: 9, position: 9})
	})
}

// A subscriber at the head is told that it still stands there, also while nobody can know more.
func TestIdleCheckpointDuringAnOutage(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(2)
		s := follow(t, h, key, nil)
		next(t, s)
		m.fail(errDown)
		h.hint(key, m.append(key, 1))
		expect(t, s, got{position: 2, checkpoint: true}, got{position: 2, checkpoint: true})
		m.fail(nil)
		expect(t, s, got{first: 3, last: 3, position: 3})
	})
}

// The first checkpoint of a replay tells its end, so none comes for idleness before.
func TestNoIdleCheckpointInsideAReplay(t *testing.T) {
	bubble(t, Config{PageSize: 2}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(4)
		s := follow(t, h, key, m.cursor(key, 0))
		expect(t, s, got{first: 1, last: 2, position: 2})
		m.fail(errDown)
		time.AfterFunc(5*time.Minute, func() { m.fail(nil) })
		expect(t, s, got{first: 3, last: 4, position: 4, checkpoint: true})
	})
}

// Nor while the hub has read less than the log held when the replay began.
func TestNoIdleCheckpointBeforeTheHubHasCaughtUp(t *testing.T) {
	bubble(t, Config{PageSize: 2}, func(t *testing.T, m *memory, h *Hub) {
		m.slow(func() (time.Duration, time.Duration) { return time.Millisecond, 0 })
		key := m.newLog(2)
		next(t, follow(t, h, key, nil))
		m.append(key, 4)
		s := follow(t, h, key, m.cursor(key, 2))
		m.fail(errDown) // the next page is on its way
		expect(t, s, got{first: 3, last: 4, position: 4})
		time.AfterFunc(5*time.Minute, func() { m.fail(nil) })
		expect(t, s, got{first: 5, last: 6, position: 6, checkpoint: true})
	})
}

// A read that failed is tried again soon, not only when the next poll or hint comes.
func TestShortOutageCostsLittle(t *testing.T) {
	bubble(t, Config{Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(1)
		s := follow(t, h, key, nil)
		next(t, s)
		m.fail(errDown)
		h.hint(key, m.append(key, 1))
		time.AfterFunc(100*time.Millisecond, func() { m.fail(nil) })
		begin := time.Now()
		expect(t, s, got{first: 2, last: 2, position: 2})
		if waited := time.Since(begin); waited > time.Second {
			t.Errorf("took %v", waited)
		}
	})
}

func TestReadThatHangsIsAnOutage(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(3)
		m.slow(func() (time.Duration, time.Duration) { return time.Hour, 0 })
		begin := time.Now()
		if _, err := h.Follow(t.Context(), key, nil); !isUnavailable(err) {
			t.Fatalf("Follow: got %v, want SHARD_UNAVAILABLE", err)
		}
		if took := time.Since(begin); took != readTimeout {
			t.Fatalf("gave up after %v", took)
		}
		m.slow(nil)
		expect(t, follow(t, h, key, nil), got{position: 3, checkpoint: true})
	})
}

func TestErrorsThatNoWaitingMends(t *testing.T) {
	broken := errors.New("column does not exist")
	bubble(t, Config{PageSize: 2, Ring: 2}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(3)
		waiting, replaying := follow(t, h, key, nil), follow(t, h, key, m.cursor(key, 0))
		next(t, waiting)
		m.fail(broken)
		h.hint(key, m.append(key, 1))
		for _, s := range []channel.Subscription{waiting, replaying} {
			if _, err := s.Next(t.Context()); !errors.Is(err, broken) {
				t.Fatalf("Next: got %v, want the reader's error", err)
			}
		}
		if _, err := h.Follow(t.Context(), key, nil); !errors.Is(err, broken) {
			t.Fatalf("Follow: got %v, want the reader's error", err)
		}
		m.fail(nil)
		synctest.Wait()
		expect(t, waiting, got{first: 4, last: 4, position: 4}) // found by the poll
		expect(t, replaying, got{first: 1, last: 2, position: 2})
	})
}

// gappy drops the second event of each page, which the hub must not pass on as if nothing were missing.
type gappy struct{ *memory }

func (g gappy) ReadLog(ctx context.Context, key channel.LogKey, after int64, limit int) (channel.LogPage, error) {
	page, err := g.memory.ReadLog(ctx, key, after, limit)
	if len(page.Events) > 1 {
		page.Events = append(page.Events[:1], page.Events[2:]...)
	}
	return page, err
}

func TestReaderThatBreaksItsPromise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		h, _ := start(t, Config{Reader: gappy{m}})
		key := m.newLog(9)
		if d, err := follow(t, h, key, m.cursor(key, 0)).Next(t.Context()); err == nil {
			t.Fatalf("got %+v, want an error", short(d))
		}
		unknown := channel.LogKey{Kind: key.Kind}
		if _, err := h.Follow(t.Context(), unknown, nil); err == nil {
			t.Fatal("a log without a head: want an error")
		}
	})
}
