package load_test

import (
	"strings"
	"testing"
	"time"

	"linkspan/internal/load"
)

// TestEndToEndBesideSlow has two slow subscribers: what is stuffed is more than the way to them holds, so the server's writes to
// them come to a stand, and those beside them miss nothing.
func TestEndToEndBesideSlow(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.apart = 3
	stuff := f.call()
	stuff.Body = `{"body":"{{mark}} ` + strings.Repeat("x", 500_000) + `"}`
	result, err := load.EndToEnd(t.Context(), load.EndToEndConfig{
		Post: f.call(), Connections: 2, Subscribers: f.listeners(3),
		Slow:   load.Slow{Subscribers: f.listeners(2), BytesPerSecond: 10, Stuff: stuff, Stuffings: 2},
		WarmUp: 50 * time.Millisecond, For: 300 * time.Millisecond, Grace: 10 * time.Second, Processes: own(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := result.Check(); err != nil || result.Posts == 0 || result.Deliveries != 3*result.Posts {
		t.Errorf("%v, %+v", err, result)
	}
	// The first piece that was stuffed is under way to each, and what came behind it waits.
	if stuck := f.counted(func() int { return f.stuck }); stuck < 2*(2+result.Posts) {
		t.Errorf("%d writes of at least %d to slow subscribers are stuck", stuck, 2*(2+result.Posts))
	}
}

// TestSlowMustBeThere has slow subscribers whom the server refuses.
func TestSlowMustBeThere(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	refused := f.listeners(1)
	refused.Variables = map[string]any{"channel": "c2"}
	_, err := load.EndToEnd(t.Context(), load.EndToEndConfig{
		Post: f.call(), Connections: 1, Subscribers: f.listeners(1), Slow: load.Slow{Subscribers: refused, Stuff: f.call()}, For: time.Millisecond,
	})
	if err == nil || !strings.Contains(err.Error(), "No such channel") {
		t.Errorf("got %v", err)
	}
}
