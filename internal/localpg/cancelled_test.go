//go:build long

package localpg_test

import (
	"context"
	"errors"
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
			if _, err := localpg.Start(ctx, cfg); !errors.Is(err, context.Canceled) {
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
