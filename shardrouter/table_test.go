package shardrouter

import (
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"
)

// Of all claims about a slot, in whatever order they come, the one with the highest epoch stays.
func TestTableNeverGoesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		table := newSlotTable(map[string]*Database{"a": nil, "b": nil})
		highest := make(map[Slot]int64)
		for range rapid.IntRange(1, 20).Draw(t, "times") {
			claims := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) claim {
				return claim{Slot(rapid.IntRange(0, 3).Draw(t, "slot")), rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "cluster"), rapid.Int64Range(1, 9).Draw(t, "epoch")}
			}), 0, 4).Draw(t, "claims")
			table.learn(claims)
			for _, c := range claims {
				highest[c.Slot] = max(highest[c.Slot], c.Epoch)
			}
			for slot, epoch := range highest {
				if got := table.at(slot).epoch; got != epoch {
					t.Fatalf("slot %d is at epoch %d, want %d", slot, got, epoch)
				}
			}
		}
	})
}

// However many find out at once that a slot has moved, main is read once at a time.
func TestOneRefreshAtATime(t *testing.T) {
	t.Parallel()
	config := installed(t, "a", "b")
	count := &statementTracer{}
	r := openRouter(t, config)
	counted := config
	counted.tracer = count
	counted.AttemptTimeout = time.Hour // a busy machine is not asked whether it lives: that would be a statement more
	database, err := newDatabase(mustCheck(t, counted), identity{MainName, r.main.identity.installation}, config.MainDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer database.close()
	table := newSlotTable(r.shards)
	table.mu.Lock() // holds the first refresh, and the others where they join it
	release := make(chan struct{})
	first := &refresh{done: release}
	table.refresh = first
	table.mu.Unlock()
	var group errgroup.Group
	for range 50 {
		group.Go(func() error { return table.reload(t.Context(), database) })
	}
	close(release)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := count.started.Load(); n != 0 {
		t.Errorf("%d statements of callers who should have joined the refresh under way", n)
	}
	table.mu.Lock()
	table.refresh = nil
	table.mu.Unlock()
	if err := table.reload(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	if n := count.started.Load(); n != 3 { // identity, memory, table
		t.Errorf("%d statements of one refresh, want 3", n)
	}
}

func mustCheck(t *testing.T, config Config) Config {
	t.Helper()
	config, err := config.checked()
	if err != nil {
		t.Fatal(err)
	}
	return config
}
