package live

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

func isExpired(err error) bool {
	var fault *channel.Fault
	return errors.As(err, &fault) && fault.Code == channel.CursorExpired
}

func TestForeignCursorsAreExpired(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(5)
		beyond := m.cursor(key, 6)
		other := m.cursor(key, 2)
		other.History = ids.NewHistory()
		for name, cursor := range map[string]*ids.LogCursor{"beyond the head": beyond, "of another history": other} {
			if _, err := h.Follow(t.Context(), key, cursor); !isExpired(err) {
				t.Errorf("%s: got %v, want CURSOR_EXPIRED", name, err)
			}
		}
		if len(h.live()) != 0 {
			t.Error("a refused subscriber keeps the log live")
		}
	})
}

// A cursor is judged by the log as it is, not by what the hub knew of it.
func TestCursorsAreJudgedByAFreshRead(t *testing.T) {
	bubble(t, Config{Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(5)
		old := follow(t, h, key, nil)
		expect(t, old, got{position: 5, checkpoint: true})
		m.append(key, 3) // no hint
		expect(t, follow(t, h, key, m.cursor(key, 8)), got{position: 8, checkpoint: true})
		expect(t, follow(t, h, key, nil), got{position: 8, checkpoint: true})
		expect(t, old, got{first: 6, last: 8, position: 8})

		before := m.cursor(key, 4)
		m.restore(key, 4, true)
		if _, err := h.Follow(t.Context(), key, before); !isExpired(err) {
			t.Errorf("old history: got %v, want CURSOR_EXPIRED", err)
		}
		expect(t, follow(t, h, key, m.cursor(key, 4)), got{position: 4, checkpoint: true})
		if _, err := old.Next(t.Context()); !isExpired(err) {
			t.Errorf("live subscription: got %v, want CURSOR_EXPIRED", err)
		}
	})
}

func TestChangedHistoryExpiresSubscriptions(t *testing.T) {
	for name, tc := range map[string]struct {
		left int
		anew bool
		more int
	}{
		"restored":                       {left: 3, anew: true},
		"restored and grown past":        {left: 3, anew: true, more: 9},
		"lost its newest events":         {left: 3},
		"new history at the same number": {left: 5, anew: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
				key := m.newLog(5)
				waiting, away := follow(t, h, key, nil), follow(t, h, key, nil)
				next(t, waiting)
				next(t, away)
				m.restore(key, tc.left, tc.anew)
				m.append(key, tc.more)
				if _, err := waiting.Next(t.Context()); !isExpired(err) {
					t.Fatalf("got %v, want CURSOR_EXPIRED", err)
				}
				// Who was not waiting learns it too, and nothing that comes later hides it.
				h.hint(key, m.append(key, 10))
				synctest.Wait()
				for range 2 {
					if _, err := away.Next(t.Context()); !isExpired(err) {
						t.Fatalf("got %v, want CURSOR_EXPIRED", err)
					}
				}
				expect(t, follow(t, h, key, nil), got{position: int64(tc.left + tc.more + 10), checkpoint: true})
			})
		})
	}
}

func TestChangedHistoryExpiresAReplay(t *testing.T) {
	bubble(t, Config{PageSize: 2, Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(9)
		s := follow(t, h, key, m.cursor(key, 0))
		expect(t, s, got{first: 1, last: 2, position: 2})
		m.restore(key, 8, true)
		if _, err := s.Next(t.Context()); !isExpired(err) {
			t.Fatalf("got %v, want CURSOR_EXPIRED", err)
		}
	})
}
