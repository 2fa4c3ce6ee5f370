package live

import (
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

const patience = 20 * time.Second

type heard struct {
	log     channel.LogKey
	reached int64
}

// listen returns what the hints tell from now on.
func listen(t testing.TB, h *Hints) <-chan heard {
	t.Helper()
	told := make(chan heard, 1<<10)
	cancel := h.Subscribe(func(log channel.LogKey, reached int64) {
		select {
		case told <- heard{log, reached}:
		default: // the test has lost interest
		}
	})
	t.Cleanup(cancel)
	return told
}

func newKey() channel.LogKey { return channel.InboxOf(ids.NewGroup()) }

// eventually publishes a hint again and again until it is heard, for hints may be lost.
func eventually(t testing.TB, publisher *Hints, told <-chan heard) {
	t.Helper()
	want := heard{newKey(), 7}
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	late := time.After(patience)
	for {
		publisher.Publish(want.log, want.reached)
		select {
		case got := <-told:
			if got == want {
				return
			}
		case <-again.C:
		case <-late:
			t.Fatal("the hint was never heard")
		}
	}
}

func alone(t testing.TB) *Hints {
	t.Helper()
	h := Alone(nil)
	t.Cleanup(h.Close)
	return h
}

func TestHintsOfOneProcess(t *testing.T) {
	t.Parallel()
	h := alone(t)
	first, second := listen(t, h), listen(t, h)
	key := newKey()
	h.Publish(key, 3)
	for _, told := range []<-chan heard{first, second} {
		if got := <-told; got != (heard{key, 3}) {
			t.Fatalf("heard %v", got)
		}
	}
	if s := h.Stats(); s.Kept != 1 || s.Sent+s.Received+s.Lost+s.Malformed != 0 {
		t.Errorf("%+v", s)
	}
}

func TestHintsOfOneLogLeaveAsOneIfTheyWait(t *testing.T) {
	t.Parallel()
	h := alone(t)
	told := listen(t, h)
	key := newKey()
	for n := range int64(10_000) {
		h.Publish(key, n) // 0 says nothing
	}
	for got := range told {
		if got.reached == 9_999 {
			break
		}
	}
	h.Publish(key, 4)
	if got := <-told; got.reached != 4 {
		t.Errorf("heard %v", got)
	}
}

func TestTheHighestOfWaitingHintsLeaves(t *testing.T) {
	t.Parallel()
	h := newHints(nil) // nobody sends
	key := newKey()
	for _, number := range []int64{5, 9, 3, 0, -1} {
		h.Publish(key, number)
	}
	if h.waiting[key] != 9 || len(h.waiting) != 1 {
		t.Errorf("waiting: %v", h.waiting)
	}
}

func TestUnsubscribedListenersHearNothing(t *testing.T) {
	t.Parallel()
	h := alone(t)
	cancel := h.Subscribe(func(channel.LogKey, int64) { t.Error("heard after cancel") })
	cancel()
	cancel()
	eventually(t, h, listen(t, h))
}

func TestClosedHintsTakeAndTellNothing(t *testing.T) {
	t.Parallel()
	h := alone(t)
	h.Subscribe(func(channel.LogKey, int64) { t.Error("heard after Close") })
	h.Close()
	h.Close()
	h.Publish(newKey(), 1)
	if len(h.waiting) != 0 {
		t.Error("a hint waits for ever")
	}
}
