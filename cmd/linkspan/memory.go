package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// mostGarbage and leastGarbage are how much garbage there may be before it is collected, in per cent of what lives. Go's own 100
	// has a server that holds little and allocates much collect several times a second: a quarter of what a read costs. One that
	// holds much, as for ten thousand subscribers, would keep several times that for nothing.
	mostGarbage, leastGarbage = 400, 100
	// garbageBytes is how much garbage there may be between the two.
	garbageBytes = 128 << 20
	// memoryShare is how much of the memory that there is for the process it uses before it collects more often than that.
	memoryShare = 0.8
	// memoryEvery is between two looks at what lives.
	memoryEvery = time.Second
)

// limitMemory sets from how much memory on garbage is collected more often, unless Go's own GOMEMLIMIT does. The memory that there is,
// is that of the cgroup, or else of the machine.
func limitMemory(logger *slog.Logger) error {
	there := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)
	limit, err := memlimit.Set(memlimit.WithRatio(memoryShare), memlimit.WithProvider(there))
	if err != nil {
		return fmt.Errorf("how much memory there is can't be told: %w; set GOMEMLIMIT, as in GOMEMLIMIT=1GiB", err)
	}
	logger.Info("memory", "limitBytes", limit)
	return nil
}

// paceCollections says how much garbage there may be for as much as lives, until ctx ends, unless Go's own GOGC does.
func paceCollections(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := mostGarbage
	debug.SetGCPercent(percent)
	look := time.NewTicker(memoryEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if now := garbageFor(liveBytes()); now != percent {
			percent = now
			debug.SetGCPercent(percent)
		}
	}
}

// garbageFor is how much garbage there may be for what lives, in steps of 50 per cent.
func garbageFor(live uint64) int {
	if live == 0 {
		return mostGarbage
	}
	const step = 50
	percent := int(garbageBytes*100/live) / step * step
	return min(max(percent, leastGarbage), mostGarbage)
}

// liveBytes is what the last collection has left.
func liveBytes() uint64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return live[0].Value.Uint64()
}
