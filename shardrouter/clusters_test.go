package shardrouter

import (
	"context"
	"errors"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"linkspan/internal/localpg"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/migrations"
)

// newConfigWith is newConfig with one shard, real, as a Postgres process of its own; the others are on the
// shared server. It is durable: a kill must not take back what the test has set up.
func newConfigWith(t *testing.T, real string, shards ...string) (*localpg.Clusters, Config) {
	t.Helper()
	clusters := localpgtest.Clusters(t, true, real)
	if err := migrate(t.Context(), clusters.DSN(real), migrations.Shard); err != nil {
		t.Fatal(err)
	}
	config := newConfig(t, shards...)
	config.Shards = append(config.Shards, Shard{real, clusters.DSN(real)})
	return clusters, bootstrapped(t, config)
}

// wantDown tries every way to a slot and wants each to say that its cluster is unavailable. The first may
// still be served: backends outlive a killed postmaster by a moment.
func wantDown(t *testing.T, r *Router, slot Slot) {
	t.Helper()
	cluster := r.ClusterOf(slot)
	eventually(t, "the cluster is down", func() bool {
		_, err := noteWays[0].read(t.Context(), r, slot, 1)
		return err != nil && !errors.Is(err, errNoNote)
	})
	for _, way := range noteWays {
		_, readErr := way.read(t.Context(), r, slot, 1)
		for what, err := range map[string]error{"read": readErr, "write": way.write(t.Context(), r, slot, 1, "x")} {
			var unavailable *UnavailableError
			if !errors.As(err, &unavailable) || unavailable.Cluster != cluster || unavailable.Slot != slot {
				t.Errorf("%s: %s: %v, want slot %d of %s to be unavailable", way.name, what, err, slot, cluster)
			}
		}
	}
}

func wantUp(t *testing.T, r *Router, slot Slot) {
	t.Helper()
	for _, way := range noteWays {
		if err := way.write(t.Context(), r, slot, 1, "x"); err != nil {
			t.Errorf("%s: write on %s: %v", way.name, r.ClusterOf(slot), err)
		}
		if _, err := way.read(t.Context(), r, slot, 1); err != nil {
			t.Errorf("%s: read on %s: %v", way.name, r.ClusterOf(slot), err)
		}
	}
}

func wantBack(t *testing.T, r *Router, slot Slot) {
	t.Helper()
	eventually(t, "the cluster is back by itself", func() bool { return r.shards[r.ClusterOf(slot)].down() == nil })
	runs := 0
	if err := r.ReadPgx(t.Context(), slot, func(ctx context.Context, conn Conn) error {
		runs++
		_, err := conn.Exec(ctx, "SELECT 1")
		return err
	}); err != nil || runs != 1 {
		t.Errorf("first read after the outage: %v after %d runs, want success at once: no old connection is left", err, runs)
	}
	wantUp(t, r, slot)
}

// fillPool leaves the pool of the slot's cluster with as many idle connections as it may have.
func fillPool(t *testing.T, r *Router, slot Slot) {
	t.Helper()
	var all sync.WaitGroup
	all.Add(r.config.PoolSize)
	var group errgroup.Group
	for range r.config.PoolSize {
		group.Go(func() error {
			return r.ReadPgx(t.Context(), slot, func(context.Context, Conn) error {
				all.Done()
				all.Wait()
				return nil
			})
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}
