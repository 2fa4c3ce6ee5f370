package shardrouter

import (
	"errors"
	"testing"

	"linkspan/internal/localpg/localpgtest"
)

func TestOpenBeforeBootstrap(t *testing.T) {
	t.Parallel()
	config := newConfig(t, "a")
	if err := openError(t, config); !errors.Is(err, ErrNotBootstrapped) {
		t.Errorf("migrated only: %v, want %v", err, ErrNotBootstrapped)
	}
	config.MainDSN = localpgtest.Database(t)
	if err := openError(t, config); !errors.Is(err, ErrNotBootstrapped) {
		t.Errorf("empty: %v, want %v", err, ErrNotBootstrapped)
	}
}

// A shard whose DSN leads to the wrong place serves nothing, and the others serve.
func TestOpenWithSwappedDSNs(t *testing.T) {
	t.Parallel()
	config := installed(t, "a", "b", "c")
	config.Shards[0].DSN, config.Shards[1].DSN = config.Shards[1].DSN, config.Shards[0].DSN
	r := openRouter(t, config)
	for _, cluster := range []string{"a", "b"} {
		wantDown(t, r, slotOn(t, r, cluster, 0))
		if err := noteWays[0].write(t.Context(), r, slotOn(t, r, cluster, 0), 1, "x"); !errors.Is(err, ErrSwapped) {
			t.Errorf("%s: %v, want %v", cluster, err, ErrSwapped)
		}
	}
	wantUp(t, r, slotOn(t, r, "c", 0))
	for _, health := range r.Health(t.Context())[1:3] {
		if !health.Reachable || health.Identified || !errors.Is(health.Err, ErrSwapped) {
			t.Errorf("health: %+v, want reachable, and swapped", health)
		}
	}
}
