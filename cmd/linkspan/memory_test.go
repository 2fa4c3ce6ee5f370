package main

import (
	"context"
	"io"
	"log/slog"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"testing"
	"time"
)

// keepMemorySettings puts back in the end what a test sets.
func keepMemorySettings(t *testing.T) {
	t.Helper()
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
	for _, name := range []string{"GOGC", "GOMEMLIMIT", "AUTOMEMLIMIT"} {
		t.Setenv(name, "") // so that it is as before in the end
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMemoryLimit has the limit set by the memory that there is, or by Go's own variable: Go has read that at the start, here by way
// of debug.
func TestMemoryLimit(t *testing.T) {
	keepMemorySettings(t)
	set := func() int64 {
		t.Helper()
		if err := limitMemory(slog.New(slog.NewTextHandler(io.Discard, nil))); err != nil {
			t.Fatal(err)
		}
		return debug.SetMemoryLimit(math.MaxInt64)
	}
	whole := set()
	if whole <= 0 || whole == math.MaxInt64 {
		t.Errorf("the limit is %d", whole)
	}
	t.Setenv("AUTOMEMLIMIT", "0.01")
	if small := set(); small >= whole {
		t.Errorf("a share of a hundredth is %d, without one it is %d", small, whole)
	}
	t.Setenv("GOMEMLIMIT", "1GiB")
	debug.SetMemoryLimit(1 << 30)
	if limit := set(); limit != 1<<30 {
		t.Errorf("with GOMEMLIMIT=1GiB the limit is %d", limit)
	}
}

// TestCollections has much garbage allowed for little that lives, and less for much, unless GOGC is set.
func TestCollections(t *testing.T) {
	keepMemorySettings(t)
	for live, want := range map[uint64]int{0: 400, 1 << 20: 400, 32 << 20: 400, 33 << 20: 350, 64 << 20: 200, 100 << 20: 100, 128 << 20: 100, 1 << 40: 100} {
		if got := garbageFor(live); got != want {
			t.Errorf("for %d bytes there may be %d %% of garbage, want %d", live, got, want)
		}
	}
	pace := func(t *testing.T) func() {
		ctx, cancel := context.WithCancel(t.Context())
		var pacing sync.WaitGroup
		pacing.Go(func() { paceCollections(ctx) })
		return func() {
			cancel()
			pacing.Wait()
		}
	}
	percentIs := func(t *testing.T, want int) {
		t.Helper()
		waited, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		set := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		for ; ; <-time.After(10 * time.Millisecond) {
			metrics.Read(set)
			if set[0].Value.Uint64() == uint64(want) {
				return
			}
			if waited.Err() != nil {
				t.Fatalf("GOGC is %d, want %d", set[0].Value.Uint64(), want)
			}
		}
	}
	stop := pace(t)
	percentIs(t, mostGarbage)
	func() {
		much := make([]byte, 2*garbageBytes)
		runtime.GC()
		percentIs(t, leastGarbage)
		runtime.KeepAlive(much)
	}()
	runtime.GC()
	percentIs(t, mostGarbage)
	stop()
	debug.SetGCPercent(100)
	t.Setenv("GOGC", "100")
	pace(t)()
	percentIs(t, 100)
}
