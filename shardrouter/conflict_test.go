package shardrouter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
	"golang.org/x/sync/errgroup"
)

// barrier lets two go on when both have come.
type barrier struct {
	once sync.Once
	left atomic.Int32
	both chan struct{}
}

func newBarrier() *barrier {
	b := &barrier{both: make(chan struct{})}
	b.left.Store(2)
	return b
}

func (b *barrier) wait(ctx context.Context) error {
	if b.left.Add(-1) <= 0 {
		b.once.Do(func() { close(b.both) })
	}
	select {
	case <-b.both:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const increment = `UPDATE linkspan_shard.note SET body = body::int + 1 WHERE slot = ? AND id = ?`

// Two transactions that meet both succeed, because the loser runs again.
func TestConflictsAreRetried(t *testing.T) {
	t.Parallel()
	for state, conflict := range map[string]func(ctx context.Context, tx bun.Tx, slot Slot, me int, meet func() error) error{
		"40001": func(ctx context.Context, tx bun.Tx, slot Slot, _ int, meet func() error) error {
			if _, err := tx.ExecContext(ctx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "SELECT 1 FROM linkspan_shard.note"); err != nil {
				return err
			}
			if err := meet(); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, increment, slot, 0); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, increment, slot, 1)
			return err
		},
		"40P01": func(ctx context.Context, tx bun.Tx, slot Slot, me int, meet func() error) error {
			if _, err := tx.ExecContext(ctx, "SET LOCAL deadlock_timeout = '20ms'"); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, increment, slot, me); err != nil {
				return err
			}
			if err := meet(); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, increment, slot, 1-me)
			return err
		},
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			r, config := newRouter(t, "a")
			slot := slotOn(t, r, "a", 0)
			for id := range 2 {
				if err := noteWays[0].write(t.Context(), r, slot, id, "0"); err != nil {
					t.Fatal(err)
				}
			}
			meeting := newBarrier()
			var seen atomic.Int32
			group, ctx := errgroup.WithContext(t.Context())
			for me := range 2 {
				first := true
				group.Go(func() error {
					return r.Write(ctx, slot, func(ctx context.Context, tx bun.Tx) error {
						err := conflict(ctx, tx, slot, me, func() error {
							if !first {
								return nil
							}
							first = false
							return meeting.wait(ctx)
						})
						var pg *pgconn.PgError
						if errors.As(err, &pg) && pg.Code == state {
							seen.Add(1)
						}
						return err
					})
				})
			}
			if err := group.Wait(); err != nil {
				t.Fatal(err)
			}
			if seen.Load() == 0 {
				t.Errorf("no %s came: this test tests nothing", state)
			}
			if sum := lookup[int](t, config.dsn("a"), `SELECT sum(body::int) FROM linkspan_shard.note`); sum != 4 {
				t.Errorf("the counters add up to %d, want 4", sum)
			}
		})
	}
}

func TestConflictsEnd(t *testing.T) {
	t.Parallel()
	r, _ := newRouter(t, "a")
	slot := slotOn(t, r, "a", 0)
	runs := 0
	err := r.Write(t.Context(), slot, func(context.Context, bun.Tx) error {
		runs++
		return fmt.Errorf("update: %w", &pgconn.PgError{Code: "40001"})
	})
	var unavailable *UnavailableError
	if !errors.As(err, &unavailable) || unavailable.Slot != slot || runs != 1+conflictRetries {
		t.Errorf("%v after %d runs, want unavailable after %d", err, runs, 1+conflictRetries)
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	r, config := newRouter(t, "a")
	slot := slotOn(t, r, "a", 0)
	errTaken := errors.New("the name is taken")
	for _, test := range []struct {
		giveBack int
		want     error
	}{{0, nil}, {3, nil}, {conflictRetries, nil}, {conflictRetries + 1, errTaken}} {
		runs := 0
		err := r.Write(t.Context(), slot, func(ctx context.Context, tx bun.Tx) error {
			runs++
			if err := writeNote(slot, 100*test.giveBack+runs, "x")(ctx, tx); err != nil {
				return err
			}
			if runs <= test.giveBack {
				return fmt.Errorf("insert: %w", Retry(errTaken))
			}
			return nil
		})
		if err != test.want || runs != min(test.giveBack, conflictRetries)+1 {
			t.Errorf("given back %d times: %v after %d runs", test.giveBack, err, runs)
		}
	}
	if n := lookup[int](t, config.dsn("a"), `SELECT count(*) FROM linkspan_shard.note`); n != 3 {
		t.Errorf("%d notes: the runs that were given back were committed", n)
	}
}

// A closure's own error rolls back and comes back as it is, a constraint's PgError too.
func TestOwnErrorsComeBackAsTheyAre(t *testing.T) {
	t.Parallel()
	r, config := newRouter(t, "a")
	slot := slotOn(t, r, "a", 0)
	own := errors.New("refused")
	runs := 0
	err := r.Write(t.Context(), slot, func(ctx context.Context, tx bun.Tx) error {
		runs++
		if err := writeNote(slot, 1, "x")(ctx, tx); err != nil {
			return err
		}
		return own
	})
	if err != own || runs != 1 {
		t.Errorf("%v after %d runs, want the very error after 1", err, runs)
	}
	err = r.Write(t.Context(), slot, func(ctx context.Context, tx bun.Tx) error {
		if err := writeNote(slot, 1, "x")(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO linkspan_shard.note (slot, id, body) VALUES (?, 1, 'again')`, slot)
		return fmt.Errorf("insert: %w", err)
	})
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "23505" || pg.ConstraintName != "note_pkey" {
		t.Errorf("%v, want 23505 of note_pkey", err)
	}
	err = r.Snapshot(t.Context(), slot, func(ctx context.Context, tx bun.Tx) error {
		return writeNote(slot, 1, "x")(ctx, tx)
	})
	if !errors.As(err, &pg) || pg.Code != "25006" {
		t.Errorf("a write in a snapshot: %v, want 25006", err)
	}
	if n := lookup[int](t, config.dsn("a"), `SELECT count(*) FROM linkspan_shard.note`); n != 0 {
		t.Errorf("%d notes were left by writes that failed", n)
	}
	if err := r.shards["a"].down(); err != nil {
		t.Errorf("a closure's mistake made an outage: %v", err)
	}
}

func TestPanicRollsBack(t *testing.T) {
	t.Parallel()
	r, config := newRouter(t, "a")
	slot := slotOn(t, r, "a", 0)
	func() {
		defer func() {
			if recover() != "oops" {
				t.Error("the panic was lost")
			}
		}()
		_ = r.Write(t.Context(), slot, func(ctx context.Context, tx bun.Tx) error {
			if err := writeNote(slot, 1, "x")(ctx, tx); err != nil {
				return err
			}
			panic("oops")
		})
	}()
	if n := lookup[int](t, config.dsn("a"), `SELECT count(*) FROM linkspan_shard.note`); n != 0 {
		t.Error("the transaction of a closure that panicked was committed")
	}
	eventually(t, "its connection is given back", func() bool { return r.shards["a"].pool.Stat().AcquiredConns() == 0 })
}

func TestSnapshotIsOneState(t *testing.T) {
	t.Parallel()
	r, _ := newRouter(t, "a")
	slot := slotOn(t, r, "a", 0)
	err := r.Snapshot(t.Context(), slot, func(ctx context.Context, tx bun.Tx) error {
		var body string
		if err := readNote(slot, 1, &body)(ctx, tx); !errors.Is(err, errNoNote) {
			return fmt.Errorf("first: %w", err)
		}
		if err := noteWays[0].write(t.Context(), r, slot, 1, "x"); err != nil { // another caller's
			return err
		}
		if err := readNote(slot, 1, &body)(ctx, tx); !errors.Is(err, errNoNote) {
			return fmt.Errorf("second: %w", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
