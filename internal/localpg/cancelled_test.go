//go:build long

package localpg_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"linkspan/internal/localpg"
)

func TestStartCancelled(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"finding", "initdb", "making", "starting"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			cfg := newConfig(t, "main", "shard-1")
			if step == "initdb" {
				cfg.CacheDir = "" // the tests' cache has its template already
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cfg.Progress = func(now string) {
				if strings.HasPrefix(now, step) {
					cancel()
				}
			}
			clusters, err := localpg.Start(ctx, cfg)
			if err == nil {
				stop(t, clusters)
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want context.Canceled", err)
			}
			if left := processes(t, cfg.Root); len(left) != 0 {
				t.Errorf("processes after a cancelled Start: %v", left)
			}
			if left := unfinished(t, cfg); len(left) != 0 {
				t.Errorf("left over: %v", left)
			}
			cfg.Progress = nil
			query(t, start(t, cfg).DSN("shard-1"), "SELECT 'fine'")
		})
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main", "shard-1")
	cfg.CacheDir = ""
	var steps []string
	cfg.Progress = func(step string) { steps = append(steps, step) }
	stop(t, start(t, cfg))
	for _, want := range []string{"finding PostgreSQL", "initdb", "making main, shard-1", "starting main", "starting shard-1"} {
		if !slices.Contains(steps, want) {
			t.Errorf("step %q was not told: %q", want, steps)
		}
	}
	if i := slices.Index(steps, "initdb"); i >= 0 && slices.Contains(steps[i+1:], "initdb") {
		t.Errorf("initdb ran more than once: %q", steps)
	}
	steps = nil
	cfg.Names = append(cfg.Names, "shard-2")
	start(t, cfg)
	if !slices.Contains(steps, "making shard-2") || !slices.Contains(steps, "starting shard-2") {
		t.Errorf("a cluster added later: steps %q", steps)
	}
}
