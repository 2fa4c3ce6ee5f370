package servertest

import (
	"testing"
	"time"
)

// Patience is how long Eventually waits: far longer than anything takes that happens at all.
const Patience = 30 * time.Second

// Eventually asks until the condition holds.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(Patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in %v: %s", Patience, what)
		}
	}
}
