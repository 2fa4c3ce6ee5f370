package live

import (
	"testing"
	"testing/synctest"
	"time"
)

// A cursor at the floor goes on, one below has expired.
func TestCursorsBelowTheFloorAreExpired(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(5)
		m.forget(key, 3)
		if _, err := h.Follow(t.Context(), key, m.cursor(key, 2)); !isExpired(err) {
			t.Errorf("below the floor: got %v, want CURSOR_EXPIRED", err)
		}
		expect(t, follow(t, h, key, m.cursor(key, 3)), got{first: 4, last: 5, position: 5, checkpoint: true})
	})
}

// Who is at the head notices nothing, not even when all was removed; nor does anybody read for it.
func TestRemovalIsNotNoticedAtTheHead(t *testing.T) {
	bubble(t, Config{Poll: time.Second}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(5)
		s := follow(t, h, key, nil)
		next(t, s)
		m.forget(key, 5)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if pages, _ := m.counts(); pages != 0 {
			t.Errorf("%d pages were read of a log that stands where it stood", pages)
		}
		h.hint(key, m.append(key, 2))
		expect(t, s, got{first: 6, last: 7, position: 7})
	})
}

// Whoever is so slow that what comes next was removed is told so, on the way of a replay and behind a hub that heard nothing.
func TestSlowSubscribersExpireBelowTheFloor(t *testing.T) {
	bubble(t, Config{PageSize: 2, Poll: time.Hour}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(9)
		slow, replaying := follow(t, h, key, nil), follow(t, h, key, m.cursor(key, 0))
		next(t, slow)
		expect(t, replaying, got{first: 1, last: 2, position: 2})
		m.forget(key, 4)
		if _, err := replaying.Next(t.Context()); !isExpired(err) {
			t.Errorf("a replay: got %v, want CURSOR_EXPIRED", err)
		}
		reached := m.append(key, 5)
		m.forget(key, 12)
		h.hint(key, reached)
		synctest.Wait()
		if _, err := slow.Next(t.Context()); !isExpired(err) {
			t.Errorf("behind the head: got %v, want CURSOR_EXPIRED", err)
		}
		expect(t, follow(t, h, key, m.cursor(key, 12)), got{first: 13, last: 14, position: 14, checkpoint: true})
	})
}
