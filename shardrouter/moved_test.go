package shardrouter

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"golang.org/x/sync/errgroup"
)

func TestReadAndWrite(t *testing.T) {
	t.Parallel()
	r, config := newRouter(t, "a", "b")
	for i, way := range noteWays {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			for _, cluster := range r.Clusters() {
				slot := slotOn(t, r, cluster, i)
				if _, err := way.read(t.Context(), r, slot, 1); !errors.Is(err, errNoNote) {
					t.Errorf("before: %v, want %v", err, errNoNote)
				}
				if err := way.write(t.Context(), r, slot, 1, "hello"); err != nil {
					t.Fatal(err)
				}
				if body, err := way.read(t.Context(), r, slot, 1); err != nil || body != "hello" {
					t.Errorf("after: %q, %v", body, err)
				}
				if n := lookup[int](t, config.dsn(cluster), `SELECT count(*) FROM linkspan_shard.note WHERE slot = $1`, int16(slot)); n != 1 {
					t.Errorf("cluster %s has %d notes of slot %d, want 1", cluster, n, slot)
				}
			}
		})
	}
}

// A stale router is refused by the cluster and finds the slot, by the word of the cluster or of main.
func TestStaleRouterFollowsAMovedSlot(t *testing.T) {
	t.Parallel()
	r, config := newRouter(t, "a", "b", "c")
	moved := 0 // slots until now
	for name, prepare := range map[string]func(t *testing.T, config Config, slot Slot){
		"moved": func(t *testing.T, config Config, slot Slot) {
			move(t, config, slot, "a", "b", 2)
		},
		"moved on": func(t *testing.T, config Config, slot Slot) {
			move(t, config, slot, "a", "c", 2)
			move(t, config, slot, "c", "b", 3)
		},
		"moved away and back and on": func(t *testing.T, config Config, slot Slot) {
			move(t, config, slot, "a", "c", 2)
			move(t, config, slot, "c", "a", 3)
			move(t, config, slot, "a", "b", 4)
		},
		"only the clusters know": func(t *testing.T, config Config, slot Slot) {
			move(t, config, slot, "a", "b", 2)
			execute(t, config.MainDSN, `UPDATE linkspan_main.slot SET cluster = 'a', epoch = 1 WHERE slot = $1`, int16(slot))
		},
		"only main knows": func(t *testing.T, config Config, slot Slot) {
			move(t, config, slot, "a", "b", 2)
			execute(t, config.dsn("a"), `DELETE FROM linkspan_shard.owned_slot WHERE slot = $1`, int16(slot))
		},
		"fenced, main knows": func(t *testing.T, config Config, slot Slot) {
			move(t, config, slot, "a", "b", 2)
			execute(t, config.dsn("a"), `UPDATE linkspan_shard.owned_slot SET state = 'FENCED', moved_to = NULL WHERE slot = $1`, int16(slot))
		},
		"the cluster's word is old": func(t *testing.T, config Config, slot Slot) {
			move(t, config, slot, "a", "b", 3)
			execute(t, config.dsn("a"), `UPDATE linkspan_shard.owned_slot SET moved_to = 'gone', epoch = 2 WHERE slot = $1`, int16(slot))
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, way := range noteWays {
				slot := slotOn(t, r, "a", moved) // nobody has heard of it
				moved++
				prepare(t, config, slot)
				if err := way.write(t.Context(), r, slot, 1, "moved"); err != nil {
					t.Fatalf("%s: write: %v", way.name, err)
				}
				if got := r.ClusterOf(slot); got != "b" {
					t.Errorf("%s: slot %d is on %s, want b", way.name, slot, got)
				}
				if n := lookup[int](t, config.dsn("b"), `SELECT count(*) FROM linkspan_shard.note WHERE slot = $1`, int16(slot)); n != 1 {
					t.Errorf("%s: b has %d notes, want 1", way.name, n)
				}
				move(t, config, slot, "b", "a", 9)
				if _, err := way.read(t.Context(), r, slot, 1); !errors.Is(err, errNoNote) {
					t.Errorf("%s: read after the move back: %v, want %v", way.name, err, errNoNote)
				}
				if got := r.ClusterOf(slot); got != "a" {
					t.Errorf("%s: slot %d is on %s, want a", way.name, slot, got)
				}
			}
		})
	}
}

// While a slot is fenced its operations wait, and go on where the mover has put it.
func TestFencedSlotIsWaitedFor(t *testing.T) {
	t.Parallel()
	config := installed(t, "a", "b")
	config.RetryBudget = time.Minute
	r := openRouter(t, config)
	slot := slotOn(t, r, "a", 0)
	execute(t, config.dsn("a"), `UPDATE linkspan_shard.owned_slot SET state = 'FENCED' WHERE slot = $1`, int16(slot))

	refused := make(chan struct{})
	var once sync.Once
	group, ctx := errgroup.WithContext(t.Context())
	for id := range 4 {
		group.Go(func() error {
			return r.Write(ctx, slot, func(ctx context.Context, tx bun.Tx) error {
				err := writeNote(slot, id, "x")(ctx, tx)
				if errors.Is(err, ErrNotOwned) {
					once.Do(func() { close(refused) })
				}
				return err
			})
		})
	}
	<-refused
	move(t, config, slot, "a", "b", 2)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := lookup[int](t, config.dsn("b"), `SELECT count(*) FROM linkspan_shard.note`); n != 4 {
		t.Errorf("b has %d notes, want 4", n)
	}
}

// A slot that nobody owns costs the budget and no more, and harms no other slot.
func TestSlotThatNobodyOwns(t *testing.T) {
	t.Parallel()
	config := installed(t, "a", "b")
	config.RetryBudget = 50 * time.Millisecond
	r := openRouter(t, config)
	for name, state := range map[string]string{
		"no row":   `DELETE FROM linkspan_shard.owned_slot WHERE slot = $1`,
		"fenced":   `UPDATE linkspan_shard.owned_slot SET state = 'FENCED' WHERE slot = $1`,
		"arriving": `UPDATE linkspan_shard.owned_slot SET state = 'ARRIVING' WHERE slot = $1`,
		"moved to a cluster that is not configured": `UPDATE linkspan_shard.owned_slot SET state = 'MOVED', moved_to = 'z', epoch = 2 WHERE slot = $1`,
	} {
		slot := slotOn(t, r, "a", len(name))
		execute(t, config.dsn("a"), state, int16(slot))
		for _, way := range noteWays {
			_, readErr := way.read(t.Context(), r, slot, 1)
			for what, err := range map[string]error{"read": readErr, "write": way.write(t.Context(), r, slot, 1, "x")} {
				var unavailable *UnavailableError
				if !errors.As(err, &unavailable) || unavailable.Slot != slot || unavailable.Cluster != "a" || !errors.Is(err, ErrNotOwned) {
					t.Errorf("%s: %s: %s: %v, want slot %d of a to be unavailable because it is not owned", name, way.name, what, err, slot)
				}
			}
		}
	}
	if err := noteWays[0].write(t.Context(), r, slotOn(t, r, "a", 0), 1, "x"); err != nil {
		t.Errorf("another slot: %v", err)
	}
}

// Main may name a cluster that this process has not been told of, when another process was.
func TestSlotOnAClusterWithoutDSN(t *testing.T) {
	t.Parallel()
	config := installed(t, "a", "b", "c")
	old := config
	old.Shards, old.RetryBudget = config.Shards[:2], 50*time.Millisecond
	r := openRouter(t, old)
	slot := slotOn(t, openRouter(t, config), "c", 0)
	var unavailable *UnavailableError
	if err := noteWays[0].write(t.Context(), r, slot, 1, "x"); !errors.As(err, &unavailable) || unavailable.Cluster != "c" || unavailable.Slot != slot {
		t.Fatalf("%v, want c to be unavailable", err)
	}
	move(t, config, slot, "c", "a", 2)
	eventually(t, "it is found after the move to a", func() bool {
		return noteWays[0].write(t.Context(), r, slot, 1, "x") == nil
	})
}

func TestKnownMapGoesOnWithoutMain(t *testing.T) {
	t.Parallel()
	config := installed(t, "a", "b")
	proxied := config
	var p *proxy
	p, proxied.MainDSN = newProxy(t, config.MainDSN)
	r := openRouter(t, proxied)
	slot := slotOn(t, r, "a", 0)
	move(t, config, slot, "a", "b", 2)
	p.stop()
	if err := noteWays[0].write(t.Context(), r, slot, 1, "x"); err != nil {
		t.Errorf("a slot whose old owner knows where it went: %v", err)
	}
	if err := noteWays[0].write(t.Context(), r, slotOn(t, r, "a", 1), 1, "x"); err != nil {
		t.Errorf("a slot that is where it was: %v", err)
	}
	var unavailable *UnavailableError
	if err := openError(t, proxied); !errors.As(err, &unavailable) || unavailable.Cluster != MainName {
		t.Errorf("Open: %v, want main to be unavailable", err)
	}
}
