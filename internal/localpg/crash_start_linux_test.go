//go:build long

package localpg_test

import (
	"path/filepath"
	"testing"

	"linkspan/internal/localpg"
)

// A program killed at any step of its first start leaves what the next one handles.
func TestKilledWhileStarting(t *testing.T) {
	t.Parallel()
	withoutCache := func(cfg *localpg.Config) { cfg.CacheDir = "" }
	newCache := func(cfg *localpg.Config) { cfg.CacheDir = filepath.Join(cfg.Root, "own-cache") }
	filledCache := func(*localpg.Config) {}
	for name, tc := range map[string]struct {
		step  string
		cache func(*localpg.Config)
	}{
		"finding PostgreSQL":     {"finding", filledCache},
		"initdb":                 {"initdb", withoutCache},
		"initdb for a cache":     {"initdb", newCache},
		"copying":                {"making", withoutCache},
		"copying from new cache": {"making", newCache},
		"copying from cache":     {"making", filledCache},
		"starting":               {"starting", filledCache},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := newConfig(t, "main", "shard-1", "shard-2")
			tc.cache(&cfg)
			program, out := runHelper(t, helperOrder{DieWith: tc.step}.as(cfg))
			if err := out.Decode(&helperReport{}); err == nil {
				t.Fatalf("the program survived the step %q", tc.step)
			}
			_ = program.Wait()
			clusters := start(t, cfg)
			for _, name := range cfg.Names {
				query(t, clusters.DSN(name), "SELECT 'fine'")
			}
			if left := unfinished(t, cfg); len(left) != 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}
