package shardrouter

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
)

// What goes wrong once is counted once, on the cluster where it did.
func TestStat(t *testing.T) {
	t.Parallel()
	r, config := newRouter(t, "a", "b")
	moved, many, onB := slotOn(t, r, "a", 0), slotOn(t, r, "a", 1), slotOn(t, r, "b", 0)
	a, _ := r.Cluster("a")
	b, _ := r.Cluster("b")

	move(t, config, moved, "a", "b", 2)
	if err := r.Write(t.Context(), moved, writeNote(moved, 1, "hello")); err != nil {
		t.Fatal(err)
	}
	move(t, config, many, "a", "b", 2)
	if failed := r.ReadMany(t.Context(), []Slot{many, onB}, func(ctx context.Context, db bun.IDB, slots []Slot) error {
		_, err := readNotes(ctx, db, slots)
		return err
	}); failed != nil {
		t.Fatal(failed)
	}
	if stat := a.Stat(); stat.NotOwned != 2 || b.Stat().NotOwned != 0 {
		t.Errorf("a refused %d, b %d; want 2 and 0", stat.NotOwned, b.Stat().NotOwned)
	}

	var runs atomic.Int32
	if err := b.Write(t.Context(), func(context.Context, bun.Tx) error {
		if runs.Add(1) == 1 {
			return &pgconn.PgError{Code: "40001"}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	stat := b.Stat()
	if stat.Conflicts != 1 || stat.Down != 0 || stat.Outages != 0 || stat.Pool.AcquireCount() == 0 || stat.HostChanges != 0 {
		t.Errorf("b: %+v", stat)
	}

	a.trip(errSilent)
	if stat := a.Stat(); stat.Outages != 1 {
		t.Errorf("a has had %d outages, want 1", stat.Outages)
	}
	eventually(t, "a is back", func() bool { return a.Stat().Down == 0 })
	if names := r.Databases(); len(names) != 3 || names[0].Name() != MainName || names[2].Name() != "b" {
		t.Errorf("databases %v", names)
	}
}

// A cluster that nobody asks for anything counts as down when it is.
func TestIdleClusterDies(t *testing.T) {
	t.Parallel()
	config := installed(t, "a", "b")
	config.IdleProbe = 20 * time.Millisecond
	var p *proxy
	p, config.Shards[0].DSN = newProxy(t, config.Shards[0].DSN)
	r := openRouter(t, config)
	a, _ := r.Cluster("a")
	eventually(t, "a is asked though nobody uses it", func() bool { return p.accepted.Load() >= 3 })
	if stat := a.Stat(); stat.Down != 0 || stat.Pool.AcquireCount() != 0 {
		t.Errorf("a before it dies: %+v", stat)
	}
	p.stop()
	eventually(t, "a counts as down", func() bool { return a.Stat().Down > 0 })
	for _, d := range r.Databases() {
		if stat := d.Stat(); d != a && stat.Outages != 0 {
			t.Errorf("%s has had %d outages", d.Name(), stat.Outages)
		}
	}
}

func TestHostChangesAreCounted(t *testing.T) {
	t.Parallel()
	var c counts
	for _, address := range []string{"10.0.0.1:5432", "10.0.0.1:5432", "10.0.0.2:5432", "10.0.0.2:5432", "10.0.0.1:5432"} {
		c.connected(address)
	}
	if got := c.hostChanges.Load(); got != 2 {
		t.Errorf("%d changes, want 2", got)
	}
}
