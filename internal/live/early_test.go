package live

import (
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/channel"
)

// Who follows a log gets in order, without a read, what this process wrote and published in any order.
func TestPublishedInAnyOrder(t *testing.T) {
	bubble(t, Config{Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(2)
		s := follow(t, h, key, nil)
		expect(t, s, got{position: 2, checkpoint: true})
		synctest.Wait() // the hub has looked for what was missed before it ran
		m.append(key, 6)
		all := m.appended(key, 6)
		for _, i := range []int{5, 1, 3, 0, 4, 2, 1} {
			h.Publish(all[i])
			h.hint(key, all[i].Event.Number) // as it comes back from NATS
		}
		expect(t, s, got{first: 3, last: 8, position: 8})
		time.Sleep(time.Minute)
		if pages, _ := m.counts(); pages != 0 {
			t.Errorf("%d reads of what was written here", pages)
		}
	})
}

// What nobody here publishes is read: when a hint tells of it at once, else soon.
func TestGapsAreRead(t *testing.T) {
	for name, test := range map[string]struct {
		hint int64
		soon time.Duration
	}{"with a hint": {3, 0}, "without": {0, gapPatience}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
				key := m.newLog(2)
				s := follow(t, h, key, nil)
				expect(t, s, got{position: 2, checkpoint: true})
				synctest.Wait()  // the hub has looked for what was missed before it ran
				m.append(key, 3) // of these the first was written elsewhere
				began := time.Now()
				for _, own := range m.appended(key, 2) {
					h.Publish(own)
				}
				h.hint(key, test.hint)
				expect(t, s, got{first: 3, last: 5, position: 5})
				if took := time.Since(began); took != test.soon {
					t.Errorf("they came after %v, want %v", took, test.soon)
				}
				time.Sleep(time.Minute)
				if pages, _ := m.counts(); pages != 1 {
					t.Errorf("they were read %d times", pages)
				}
			})
		})
	}
}

// Of what comes early no more is kept than is bounded, and nothing of what was lost with a cluster.
func TestEarlyIsForgotten(t *testing.T) {
	bubble(t, Config{Poll: time.Hour, Ring: 2 * maxEarly, PageSize: 2 * maxEarly}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(2)
		s := follow(t, h, key, nil)
		expect(t, s, got{position: 2, checkpoint: true})
		synctest.Wait() // the hub has looked for what was missed before it ran
		m.append(key, maxEarly+2)
		for _, own := range m.appended(key, maxEarly+1) {
			h.Publish(own) // the last is one too many, and has all read
		}
		expect(t, s, got{first: 3, last: maxEarly + 4, position: maxEarly + 4})

		m.append(key, 2)
		lost := m.appended(key, 2)
		h.Publish(lost[1])
		m.restore(key, maxEarly+4, false)
		time.Sleep(time.Second)
		m.append(key, 2)
		found := m.appended(key, 2)
		h.Publish(found[0])
		expect(t, s, got{first: maxEarly + 5, last: maxEarly + 5, position: maxEarly + 5})
		h.Publish(found[1])
		d := next(t, s)
		if len(d.Events) != 1 || d.Events[0] != found[1].Event {
			t.Errorf("got %v, want %v", d.Events, found[1].Event)
		}
	})
}

// What came early before a log went back, whose number is given again, is shown to nobody afterwards.
func TestEarlyIsForgottenWhereALogGoesBack(t *testing.T) {
	bubble(t, Config{Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(5)
		old := follow(t, h, key, nil)
		expect(t, old, got{position: 5, checkpoint: true})
		synctest.Wait() // the hub has looked for what was missed before it ran
		m.append(key, 2)
		h.Publish(m.appended(key, 1)[0]) // ahead of one that nobody publishes
		m.restore(key, 3, false)
		h.hint(key, 8)
		synctest.Wait() // sooner than what came early is given up
		if _, err := old.Next(t.Context()); !isExpired(err) {
			t.Fatalf("the log went back: got %v, want CURSOR_EXPIRED", err)
		}
		s := follow(t, h, key, nil)
		expect(t, s, got{position: 3, checkpoint: true})
		m.append(key, 3)
		for _, own := range m.appended(key, 3) {
			h.Publish(own)
		}
		expect(t, s, got{first: 4, last: 6, position: 6})
	})
}

// A log's standing tells which events came by a read: they, and what they tell of, may be another process's.
func TestStandingTellsWhatWasRead(t *testing.T) {
	bubble(t, Config{Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(2)
		s := follow(t, h, key, nil)
		expect(t, s, got{position: 2, checkpoint: true})
		synctest.Wait()
		stands := func(what string, want channel.LogStanding) {
			t.Helper()
			synctest.Wait()
			if got := s.Standing(); got != want {
				t.Errorf("%s: %+v, want %+v", what, got, want)
			}
		}
		stands("at the beginning", channel.LogStanding{Known: 2, Needed: 2, Read: 2})
		m.append(key, 1)
		h.Publish(m.appended(key, 1)[0])
		stands("with one of ours", channel.LogStanding{Known: 3, Needed: 2, Read: 2})
		h.hint(key, m.append(key, 1))
		stands("with one of another process", channel.LogStanding{Known: 4, Needed: 2, Read: 4})
		m.append(key, 3)
		for _, own := range m.appended(key, 2) {
			h.Publish(own)
		}
		stands("with two ahead of one", channel.LogStanding{Known: 4, Needed: 2, Read: 4})
		h.hint(key, 5)
		stands("with that one read", channel.LogStanding{Known: 7, Needed: 2, Read: 7})
		m.append(key, 1)
		h.Publish(m.appended(key, 1)[0])
		stands("with one of ours more", channel.LogStanding{Known: 8, Needed: 2, Read: 7})
	})
}
