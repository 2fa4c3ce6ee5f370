package shardrouter

import (
	"errors"
	"testing"

	"linkspan/internal/localpg/localpgtest"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	clusters, config := newConfigWith(t, "a", "b")
	var p *proxy
	p, config.MainDSN = newProxy(t, config.MainDSN)
	r := openRouter(t, config)
	check := func(when string, wantDown string) {
		t.Helper()
		health := r.Health(t.Context())
		if len(health) != 3 || health[0].Name != MainName || health[1].Name != "a" || health[2].Name != "b" {
			t.Fatalf("%s: %+v, want main, a, b", when, health)
		}
		for i, h := range health {
			down := h.Name == wantDown
			if h.Main != (i == 0) || h.Reachable == down || h.Identified == down || (h.Err != nil) != down {
				t.Errorf("%s: %+v", when, h)
			}
		}
	}
	check("all up", "")
	clusters.Kill("a")
	eventually(t, "a is dead", func() bool { return r.Health(t.Context())[1].Err != nil })
	check("a known to be dead", "a")
	if err := clusters.Restart(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a is back", func() bool { return r.shards["a"].down() == nil })
	check("a back", "")
	thaw := localpgtest.Freeze(t, clusters, "a")
	check("a frozen", "a")
	thaw()
	eventually(t, "a is back", func() bool { return r.Health(t.Context())[1].Err == nil })
	p.stop()
	check("main dead", MainName)
}

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
