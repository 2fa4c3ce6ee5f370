package shardrouter

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
)

// writeWays write a note with an operation id, by bun and by pgx: the closure of a repeatable write.
var writeWays = map[string]func(ctx context.Context, r *Router, slot Slot, operation string, runs *int, options ...WriteOption) error{
	"Write": func(ctx context.Context, r *Router, slot Slot, operation string, runs *int, options ...WriteOption) error {
		return r.Write(ctx, slot, func(ctx context.Context, tx bun.Tx) error {
			*runs++
			result, err := tx.ExecContext(ctx, `INSERT INTO linkspan_shard.operation (slot, id) SELECT slot, ? FROM `+Owned+` ON CONFLICT DO NOTHING`, operation, slot)
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err != nil || n == 0 {
				return err
			}
			_, err = tx.ExecContext(ctx, `INSERT INTO linkspan_shard.note (slot, id, body)
				SELECT ?, 1 + count(*), ? FROM linkspan_shard.note WHERE slot = ?`, slot, operation, slot)
			return err
		}, options...)
	},
	"WritePgx": func(ctx context.Context, r *Router, slot Slot, operation string, runs *int, options ...WriteOption) error {
		return r.WritePgx(ctx, slot, func(ctx context.Context, tx *Tx) error {
			*runs++
			tag, err := tx.Exec(ctx, `INSERT INTO linkspan_shard.operation (slot, id) SELECT slot, $2 FROM `+OwnedFirst+` ON CONFLICT DO NOTHING`, slot, operation)
			if err != nil || tag.RowsAffected() == 0 {
				return err
			}
			_, err = tx.Exec(ctx, `INSERT INTO linkspan_shard.note (slot, id, body)
				SELECT $1, 1 + count(*), $2 FROM linkspan_shard.note WHERE slot = $1`, slot, operation)
			return err
		}, options...)
	},
	"WritePgx in one round trip": func(ctx context.Context, r *Router, slot Slot, operation string, runs *int, options ...WriteOption) error {
		return r.WritePgx(ctx, slot, func(_ context.Context, tx *Tx) error {
			*runs++
			tx.Queue(writeAtOnce, slot, operation)
			return nil
		}, options...)
	},
}

// writeAtOnce writes a note for an operation that has none.
const writeAtOnce = `WITH claimed AS (
	INSERT INTO linkspan_shard.operation (slot, id) SELECT slot, $2 FROM ` + OwnedFirst + ` ON CONFLICT DO NOTHING RETURNING slot, id
) INSERT INTO linkspan_shard.note (slot, id, body)
	SELECT slot, 1 + (SELECT count(*) FROM linkspan_shard.note WHERE slot = $1), id FROM claimed`

// openProxied opens a router that reaches the only shard through a proxy.
func openProxied(t *testing.T, config Config) (*Router, *proxy) {
	t.Helper()
	p, dsn := newProxy(t, config.Shards[0].DSN)
	config.Shards = []Shard{{"a", dsn}}
	return openRouter(t, config), p
}

// The connection is lost at COMMIT, with the server having got it or not.
func TestConnectionLostAtCommit(t *testing.T) {
	t.Parallel()
	config := installed(t, "a")
	n := 0
	for name, write := range writeWays {
		for _, happened := range []bool{true, false} {
			own := n // they write at once: each to a slot of its own
			n++
			t.Run(fmt.Sprintf("%s, happened %v", name, happened), func(t *testing.T) {
				t.Parallel()
				r, p := openProxied(t, config)
				slot := slotOn(t, r, "a", own)
				notes := func(operation string) int {
					return lookup[int](t, config.dsn("a"), `SELECT count(*) FROM linkspan_shard.note WHERE slot = $1 AND body = $2`,
						int16(slot), operation)
				}

				p.breakCommits(1, happened)
				runs := 0
				err := write(t.Context(), r, slot, "once", &runs)
				var unknown *OutcomeUnknownError
				var unavailable *UnavailableError
				if !errors.As(err, &unknown) || unknown.Cluster != "a" || !errors.As(err, &unavailable) || unavailable.Slot != slot {
					t.Errorf("without Repeatable: %v, want an unknown outcome on a, slot %d", err, slot)
				}
				if runs != 1 {
					t.Errorf("without Repeatable it ran %d times", runs)
				}
				if want := map[bool]int{true: 1, false: 0}[happened]; notes("once") != want {
					t.Errorf("without Repeatable: %d notes, want %d", notes("once"), want)
				}

				p.breakCommits(1, happened)
				runs = 0
				if err := write(t.Context(), r, slot, "repeatable", &runs, Repeatable()); err != nil {
					t.Errorf("with Repeatable: %v", err)
				}
				if runs != 2 || notes("repeatable") != 1 {
					t.Errorf("with Repeatable: %d runs, %d notes, want 2 and 1", runs, notes("repeatable"))
				}

				p.breakCommits(2, happened)
				runs = 0
				err = write(t.Context(), r, slot, "lost twice", &runs, Repeatable())
				if !errors.As(err, &unknown) || !errors.As(err, &unavailable) {
					t.Errorf("lost again when repeated: %v, want an unknown outcome", err)
				}
				eventually(t, "the cluster is back", func() bool { return r.shards["a"].down() == nil })
				p.breakCommits(0, false)
				if err := write(t.Context(), r, slot, "lost twice", &runs, Repeatable()); err != nil {
					t.Errorf("the caller's own repeat: %v", err)
				}
				if runs != 3 || notes("lost twice") != 1 {
					t.Errorf("lost again when repeated: %d runs, %d notes, want 3 and 1", runs, notes("lost twice"))
				}
			})
		}
	}
}

// The caller may go away while COMMIT is under way: it still happens, and is told as it was.
func TestCallerGoesAwayAtCommit(t *testing.T) {
	t.Parallel()
	config := installed(t, "a")
	n := 0
	for name, write := range writeWays {
		own := n // the ways write at once: each to a slot of its own
		n++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			interrupted := config
			interrupted.tracer = commitTracer(cancel)
			r := openRouter(t, interrupted)
			runs := 0
			if err := write(ctx, r, slotOn(t, r, "a", own), name, &runs); err != nil {
				t.Fatal(err)
			}
			if ctx.Err() == nil {
				t.Fatal("the caller has not gone away: this test tests nothing")
			}
			if n := lookup[int](t, config.dsn("a"), `SELECT count(*) FROM linkspan_shard.note WHERE body = $1`, name); n != 1 {
				t.Errorf("%d notes, want 1", n)
			}
		})
	}
}

// commitTracer runs a function when COMMIT is about to be sent.
type commitTracer func()

func (then commitTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if data.SQL == "commit" {
		then()
	}
	return ctx
}

func (commitTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (then commitTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	for _, query := range data.Batch.QueuedQueries {
		if query.SQL == commitText || query.SQL == writeAtOnce {
			then()
		}
	}
	return ctx
}

func (commitTracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (commitTracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// A closure that hides a failed statement cannot commit; that is its own mistake, and known.
func TestCommitOfAFailedTransaction(t *testing.T) {
	t.Parallel()
	r, _ := newRouter(t, "a")
	runs := 0
	err := r.Write(t.Context(), slotOn(t, r, "a", 0), func(ctx context.Context, tx bun.Tx) error {
		runs++
		_, _ = tx.ExecContext(ctx, "SELECT 1/0")
		return nil
	})
	if !errors.Is(err, pgx.ErrTxCommitRollback) || runs != 1 {
		t.Errorf("%v after %d runs, want %v after 1", err, runs, pgx.ErrTxCommitRollback)
	}
}

// Lost before COMMIT, a transaction has not happened, and its closure runs again by itself.
func TestConnectionLostBeforeCommit(t *testing.T) {
	t.Parallel()
	r, config := newRouter(t, "a")
	slot := slotOn(t, r, "a", 0)
	runs := 0
	err := r.Write(t.Context(), slot, func(ctx context.Context, tx bun.Tx) error {
		if err := writeNote(slot, 1, "x")(ctx, tx); err != nil {
			return err
		}
		if runs++; runs == 1 {
			_, err := tx.ExecContext(ctx, "SELECT pg_terminate_backend(pg_backend_pid())")
			return fmt.Errorf("lost: %w", err)
		}
		return nil
	})
	if err != nil || runs != 2 {
		t.Errorf("%v after %d runs, want success after 2", err, runs)
	}
	if n := lookup[int](t, config.dsn("a"), `SELECT count(*) FROM linkspan_shard.note`); n != 1 {
		t.Errorf("%d notes, want 1", n)
	}
}
