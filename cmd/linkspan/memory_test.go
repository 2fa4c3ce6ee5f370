package main

import (
	"io"
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"testing"
)

// TestMemory has garbage collected by what the program sets, or by Go's own variables where they are set: Go has read those at the
// start, here by way of debug.
func TestMemory(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
	set := func() (percent int, limit int64) {
		t.Helper()
		if err := tuneMemory(slog.New(slog.NewTextHandler(io.Discard, nil))); err != nil {
			t.Fatal(err)
		}
		percent = debug.SetGCPercent(100)
		return percent, debug.SetMemoryLimit(math.MaxInt64)
	}
	unset := func(name string) {
		t.Setenv(name, "") // so that it is as before in the end
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	unset("GOGC")
	unset("GOMEMLIMIT")
	unset("AUTOMEMLIMIT")
	if percent, limit := set(); percent != garbagePercent || limit <= 0 || limit == math.MaxInt64 {
		t.Errorf("GOGC is %d and the limit %d, want %d and one", percent, limit, garbagePercent)
	}
	t.Setenv("AUTOMEMLIMIT", "0.01")
	_, small := set()
	unset("AUTOMEMLIMIT")
	if _, limit := set(); small >= limit {
		t.Errorf("a share of a hundredth is %d, without one it is %d", small, limit)
	}
	t.Setenv("GOGC", "100")
	t.Setenv("GOMEMLIMIT", "1GiB")
	debug.SetMemoryLimit(1 << 30)
	if percent, limit := set(); percent != 100 || limit != 1<<30 {
		t.Errorf("with GOGC=100 and GOMEMLIMIT=1GiB, GOGC is %d and the limit %d", percent, limit)
	}
}
