package live

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/channel"
)

// followMany has n subscribers wait for what comes behind event 5, and returns what each got once all have it.
func followMany(t *testing.T, m *memory, h *Hub, key channel.LogKey, n int) (wait func() []channel.Delivery) {
	t.Helper()
	deliveries := make([]channel.Delivery, n)
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			s, err := h.Follow(t.Context(), key, m.cursor(key, 5))
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if _, err := s.Next(t.Context()); err != nil { // the checkpoint
				t.Error(err)
			}
			if deliveries[i], err = s.Next(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	synctest.Wait()
	return func() []channel.Delivery {
		done.Wait()
		return deliveries
	}
}

func TestOneEventToManyCostsOneRead(t *testing.T) {
	bubble(t, Config{Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		const n = 1000
		key := m.newLog(5)
		m.slow(func() (time.Duration, time.Duration) { return time.Millisecond, time.Millisecond })
		wait := followMany(t, m, h, key, n)
		<-time.After(time.Second)
		synctest.Wait()
		if pages, heads := m.counts(); pages > 1 || heads > 1 {
			t.Errorf("%d subscribers at once cost %d reads of pages and %d of heads", n, pages, heads)
		}
		before, _ := m.counts()
		h.hint(key, m.append(key, 1))
		deliveries := wait()
		if after, _ := m.counts(); after != before+1 {
			t.Errorf("one event cost %d reads", after-before)
		}
		for _, d := range deliveries {
			if short(d) != (got{first: 6, last: 6, position: 6}) {
				t.Fatalf("got %+v", short(d))
			}
			if &d.Events[0] != &deliveries[0].Events[0] {
				t.Fatal("the event is in memory more than once")
			}
		}
	})
}

func TestReplaysFromOnePlaceShareTheirReads(t *testing.T) {
	bubble(t, Config{Poll: time.Hour, PageSize: 10}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(95)
		m.slow(func() (time.Duration, time.Duration) { return time.Millisecond, time.Millisecond })
		wait := followMany(t, m, h, key, 100)
		wait()
		// Whoever comes while the first one follows shares a round, and then each of two pages.
		if pages, _ := m.counts(); pages > 2+1+2 {
			t.Errorf("100 replays cost %d reads of pages", pages)
		}
	})
}

func TestASlowSubscriberDelaysNobody(t *testing.T) {
	bubble(t, Config{Ring: 4, PageSize: 3, Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(0)
		slow, fast := follow(t, h, key, nil), follow(t, h, key, nil)
		next(t, slow)
		next(t, fast)
		for i := int64(1); i <= 50; i++ {
			begin := time.Now()
			h.hint(key, m.append(key, 1))
			expect(t, fast, got{first: i, last: i, position: i})
			if waited := time.Since(begin); waited != 0 {
				t.Fatalf("event %d came after %v", i, waited)
			}
		}
		seen := int64(0)
		for seen < 50 {
			d := next(t, slow)
			for _, event := range d.Events {
				if seen++; event.Number != seen {
					t.Fatalf("got event %d, want %d", event.Number, seen)
				}
			}
		}
	})
}

func TestMemoryOfALogIsBounded(t *testing.T) {
	bubble(t, Config{Ring: 16, PageSize: 5}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(0)
		next(t, follow(t, h, key, nil))
		for range 200 {
			h.hint(key, m.append(key, 7))
			synctest.Wait()
			recent := h.logs[key].now.Load().recent
			if len(recent) > 16 || cap(recent) > 4*16 {
				t.Fatalf("%d events are kept, in room for %d", len(recent), cap(recent))
			}
		}
	})
}

func TestRecentEventsCostNoRead(t *testing.T) {
	bubble(t, Config{Ring: 16, Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(0)
		quick, behind := follow(t, h, key, nil), follow(t, h, key, nil)
		next(t, quick)
		next(t, behind)
		h.hint(key, m.append(key, 16))
		next(t, quick)
		before, _ := m.counts()
		expect(t, behind, got{first: 1, last: 16, position: 16})
		if after, _ := m.counts(); after != before {
			t.Errorf("cost %d reads", after-before)
		}
	})
}

func TestNothingIsReadWhileNothingIsFollowed(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(3)
		<-time.After(time.Hour)
		if pages, heads := m.counts(); pages+heads != 0 {
			t.Errorf("%d reads before", pages+heads)
		}
		s := follow(t, h, key, nil)
		next(t, s)
		s.Close()
		before, heads := m.counts()
		<-time.After(time.Hour)
		if after, headsAfter := m.counts(); after != before || headsAfter != heads {
			t.Errorf("%d reads afterwards", after-before+headsAfter-heads)
		}
	})
}

func TestOnePollForAllLogs(t *testing.T) {
	bubble(t, Config{Poll: 2 * time.Second}, func(t *testing.T, m *memory, h *Hub) {
		keys := make([]channel.LogKey, 50)
		subscriptions := make([]channel.Subscription, len(keys))
		for i := range keys {
			keys[i] = m.newLog(i)
			subscriptions[i] = follow(t, h, keys[i], nil)
			next(t, subscriptions[i])
		}
		synctest.Wait() // for the poll that Run begins with
		pages, heads := m.counts()
		<-time.After(20 * time.Second)
		synctest.Wait()
		if pagesAfter, headsAfter := m.counts(); pagesAfter != pages || headsAfter != heads+10 || m.asked != len(keys) {
			t.Errorf("10 polls cost %d reads of pages and %d of heads, the last of %d logs", pagesAfter-pages, headsAfter-heads, m.asked)
		}
		m.append(keys[7], 1) // whose hint is lost
		begin := time.Now()
		expect(t, subscriptions[7], got{first: 8, last: 8, position: 8})
		if waited := time.Since(begin); waited > 2*time.Second {
			t.Errorf("a lost hint cost %v", waited)
		}
	})
}

func TestOneHintForManyPages(t *testing.T) {
	bubble(t, Config{Poll: time.Hour, PageSize: 3}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(0)
		s := follow(t, h, key, nil)
		next(t, s)
		begin := time.Now()
		h.hint(key, m.append(key, 8))
		for seen := 0; seen < 8; {
			seen += len(next(t, s).Events)
		}
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("took %v", waited)
		}
	})
}

// A hint that lies too high must not keep the hub reading.
func TestHintsThatLie(t *testing.T) {
	bubble(t, Config{Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(5)
		s := follow(t, h, key, nil)
		next(t, s)
		before, _ := m.counts()
		h.hint(key, 1<<62)
		synctest.Wait()
		if after, _ := m.counts(); after > before+1 {
			t.Errorf("one hint too high cost %d reads", after-before)
		}
		before, _ = m.counts()
		for _, low := range []int64{-1, 0, 1, 5} {
			h.hint(key, low)
		}
		synctest.Wait()
		if after, _ := m.counts(); after != before {
			t.Errorf("hints too low cost %d reads", after-before)
		}
		m.append(key, 2)
		h.hint(key, 6)
		expect(t, s, got{first: 6, last: 7, position: 7})
	})
}
