package main

import (
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// garbagePercent is how much garbage there may be for what lives before it is collected. Go's own 100 has a server that holds
	// little and allocates much collect several times a second: a quarter of what a read costs.
	garbagePercent = 400
	// memoryShare is how much of the memory that there is for the process it uses before it collects more often than that.
	memoryShare = 0.8
)

// tuneMemory sets when garbage is collected, unless Go's own variables GOGC and GOMEMLIMIT do. The memory that there is, is that of
// the cgroup, or else of the machine.
func tuneMemory(logger *slog.Logger) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	there := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)
	limit, err := memlimit.Set(memlimit.WithRatio(memoryShare), memlimit.WithProvider(there))
	if err != nil {
		return fmt.Errorf("how much memory there is can't be told: %w; set GOMEMLIMIT, as in GOMEMLIMIT=1GiB", err)
	}
	logger.Info("memory", "limitBytes", limit)
	return nil
}
