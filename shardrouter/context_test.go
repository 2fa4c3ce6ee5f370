package shardrouter

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/uptrace/bun"
)

const endless = "SELECT pg_sleep(600)"

// endlessWays run a statement that does not end, in every way.
var endlessWays = map[string]func(ctx context.Context, r *Router, slot Slot) error{
	"Read": func(ctx context.Context, r *Router, slot Slot) error {
		return r.Read(ctx, slot, func(ctx context.Context, db bun.IDB) error { _, err := db.ExecContext(ctx, endless); return err })
	},
	"Snapshot": func(ctx context.Context, r *Router, slot Slot) error {
		return r.Snapshot(ctx, slot, func(ctx context.Context, tx bun.Tx) error { _, err := tx.ExecContext(ctx, endless); return err })
	},
	"Write": func(ctx context.Context, r *Router, slot Slot) error {
		return r.Write(ctx, slot, func(ctx context.Context, tx bun.Tx) error { _, err := tx.ExecContext(ctx, endless); return err })
	},
	"ReadPgx": func(ctx context.Context, r *Router, slot Slot) error {
		return r.ReadPgx(ctx, slot, func(ctx context.Context, conn Conn) error { _, err := conn.Exec(ctx, endless); return err })
	},
	"WritePgx": func(ctx context.Context, r *Router, slot Slot) error {
		return r.WritePgx(ctx, slot, func(ctx context.Context, tx *Tx) error { _, err := tx.Exec(ctx, endless); return err })
	},
	"ReadMany": func(ctx context.Context, r *Router, slot Slot) error {
		for _, failed := range r.ReadMany(ctx, []Slot{slot}, func(ctx context.Context, db bun.IDB, _ []Slot) error {
			_, err := db.ExecContext(ctx, endless)
			return err
		}) {
			return failed.Err
		}
		return nil
	},
}

const sleeping = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = '` + endless + `' AND state = 'active'`

// The end of the caller's context is its own error, the statement ends on the server too, and no
// connection stays taken.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	r, config := newRouter(t, "a")
	slot := slotOn(t, r, "a", 0)
	for name, run := range endlessWays {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- run(ctx, r, slot) }()
			eventually(t, "the statement runs", func() bool { return lookup[int](t, config.dsn("a"), sleeping) == 1 })
			cancel()
			if err := <-ended; err != context.Canceled {
				t.Errorf("canceled: %v, want %v", err, context.Canceled)
			}
			eventually(t, "the statement has ended", func() bool { return lookup[int](t, config.dsn("a"), sleeping) == 0 })
			eventually(t, "the connection is free", func() bool { return r.shards["a"].pool.Stat().AcquiredConns() == 0 })

			short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := run(short, r, slot); err != context.DeadlineExceeded {
				t.Errorf("deadline: %v, want %v", err, context.DeadlineExceeded)
			}
			if err := run(ctx, r, slot); err != context.Canceled {
				t.Errorf("canceled before: %v, want %v", err, context.Canceled)
			}
			if err := r.shards["a"].down(); err != nil {
				t.Errorf("it made an outage: %v", err)
			}
			eventually(t, "the last statement has ended", func() bool { return lookup[int](t, config.dsn("a"), sleeping) == 0 })
		})
	}
}

// A limit that a closure sets for itself is its own affair.
func TestClosuresOwnTimeout(t *testing.T) {
	t.Parallel()
	r, _ := newRouter(t, "a")
	runs := 0
	err := r.Write(t.Context(), slotOn(t, r, "a", 0), func(ctx context.Context, tx bun.Tx) error {
		runs++
		ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		_, err := tx.ExecContext(ctx, endless)
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) || runs != 1 || r.shards["a"].down() != nil {
		t.Errorf("%v after %d runs, outage %v", err, runs, r.shards["a"].down())
	}
}

func TestNestedCallsAreRefused(t *testing.T) {
	t.Parallel()
	r, _ := newRouter(t, "a", "b")
	onA, onB := slotOn(t, r, "a", 0), slotOn(t, r, "b", 0)
	inner := func(ctx context.Context) error {
		_, err := noteWays[0].read(ctx, r, onB, 1)
		return err
	}
	for name, err := range map[string]error{
		"Write":    r.Write(t.Context(), onA, func(ctx context.Context, _ bun.Tx) error { return inner(ctx) }),
		"Snapshot": r.Snapshot(t.Context(), onA, func(ctx context.Context, _ bun.Tx) error { return inner(ctx) }),
		"WritePgx": r.WritePgx(t.Context(), onA, func(ctx context.Context, _ *Tx) error { return inner(ctx) }),
		"ReadPgx":  r.ReadPgx(t.Context(), onA, func(ctx context.Context, _ Conn) error { return inner(ctx) }),
		"main":     r.Main().Write(t.Context(), func(ctx context.Context, _ bun.Tx) error { return inner(ctx) }),
	} {
		if !errors.Is(err, ErrNested) {
			t.Errorf("%s: %v, want %v", name, err, ErrNested)
		}
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	config := installed(t, "a")
	config.StatementTimeout = time.Hour // so that only Close can end them
	r, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	slot := slotOn(t, r, "a", 0)
	ended := make(chan error, len(endlessWays))
	for _, run := range endlessWays {
		go func() { ended <- run(t.Context(), r, slot) }()
	}
	eventually(t, "statements run", func() bool { return lookup[int](t, config.dsn("a"), sleeping) == config.PoolSize })
	r.Close() // waits, then cuts
	for range endlessWays {
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("%v, want %v", err, ErrClosed)
		}
	}
	for name, run := range endlessWays {
		if err := run(t.Context(), r, slot); !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v, want %v", name, err, ErrClosed)
		}
	}
	for _, health := range r.Health(t.Context()) {
		if !errors.Is(health.Err, ErrClosed) {
			t.Errorf("health after Close: %+v", health)
		}
	}
	r.Close() // again does nothing
}
