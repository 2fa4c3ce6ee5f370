package live

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// told keeps what a hub tells.
type told struct {
	behind  []int64
	replays []bool
}

func (w *told) Delivered(behind int64, _ time.Duration, replay bool) {
	w.behind, w.replays = append(w.behind, behind), append(w.replays, replay)
}

func TestDeliveriesAreTold(t *testing.T) {
	var w told
	bubble(t, Config{PageSize: 2, Watch: &w}, func(t *testing.T, m *memory, h *Hub) {
		key := m.newLog(3)
		s := follow(t, h, key, m.cursor(key, 0))
		if stat := h.Stat(); stat != (Stat{Logs: 1, Subscriptions: 1}) {
			t.Errorf("%+v", stat)
		}
		h.hint(key, m.append(key, 4))
		synctest.Wait()
		expect(t, s,
			got{first: 1, last: 2, position: 2},
			got{first: 3, last: 4, position: 4, checkpoint: true},
			got{first: 5, last: 6, position: 6},
			got{first: 7, last: 7, position: 7})
		if !slices.Equal(w.behind, []int64{5, 3, 1, 0}) || !slices.Equal(w.replays, []bool{true, true, false, false}) {
			t.Errorf("behind %v, replays %v", w.behind, w.replays)
		}
		s.Close()
		if stat := h.Stat(); stat != (Stat{}) {
			t.Errorf("%+v", stat)
		}
	})
}
