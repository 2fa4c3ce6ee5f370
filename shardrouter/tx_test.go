package shardrouter

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"linkspan/internal/localpg/localpgtest"
)

const insertNote = `INSERT INTO linkspan_shard.note (slot, id, body) VALUES ($1, $2, $3)`

// notesOf reads what committed.
func notesOf(t *testing.T, r *Router, slot Slot) (ids []int) {
	t.Helper()
	if err := r.ReadPgx(t.Context(), slot, func(ctx context.Context, conn Conn) error {
		rows, err := conn.Query(ctx, `SELECT id FROM linkspan_shard.note WHERE slot = $1 ORDER BY id`, slot)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[int])
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return ids
}

// roundTrips counts batches.
type roundTrips struct{ sent atomic.Int64 }

func (*roundTrips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}
func (*roundTrips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (c *roundTrips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	c.sent.Add(1)
	return ctx
}
func (*roundTrips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*roundTrips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// What waits goes together: a transaction costs a round trip for each Flush and one for its end.
func TestTxRoundTrips(t *testing.T) {
	t.Parallel()
	config := installed(t, "a")
	for name, test := range map[string]struct {
		flushes int
		want    int64
	}{"never flushed": {0, 1}, "flushed once": {1, 2}, "flushed twice": {2, 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trips := &roundTrips{}
			traced := config
			traced.tracer = trips
			r := openRouter(t, traced)
			slot := slotOn(t, r, "a", test.flushes)
			if err := r.WritePgx(t.Context(), slot, func(ctx context.Context, tx *Tx) error {
				for n := range test.flushes {
					tx.Queue(insertNote, slot, 10*n, "waits")
					tx.Queue(insertNote, slot, 10*n+1, "is flushed")
					if err := tx.Flush(ctx); err != nil {
						return err
					}
				}
				tx.Queue(insertNote, slot, 100, "last")
				tx.Queue(insertNote, slot, 101, "last")
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if got := trips.sent.Load(); got != test.want {
				t.Errorf("%d round trips, want %d", got, test.want)
			}
			if got := notesOf(t, r, slot); len(got) != 2+2*test.flushes {
				t.Errorf("notes %v", got)
			}
		})
	}
}

// All of a transaction happens or nothing, wherever it fails; and its connection serves the next.
func TestTxFailsWhole(t *testing.T) {
	t.Parallel()
	errOwn := errors.New("the closure's own")
	config := installed(t, "a")
	config.PoolSize = 1
	n := 0
	for name, test := range map[string]struct {
		fn   func(ctx context.Context, tx *Tx, slot Slot) error
		want func(error) bool
	}{
		"in a flush": {func(ctx context.Context, tx *Tx, slot Slot) error {
			tx.Queue(insertNote, slot, 1, "x")
			tx.Queue(insertNote, slot, 1, "again")
			return tx.Flush(ctx)
		}, isUnique},
		"in the second flush": {func(ctx context.Context, tx *Tx, slot Slot) error {
			tx.Queue(insertNote, slot, 1, "x")
			if err := tx.Flush(ctx); err != nil {
				return err
			}
			tx.Queue(insertNote, slot, 1, "again")
			return tx.Flush(ctx)
		}, isUnique},
		"with COMMIT": {func(ctx context.Context, tx *Tx, slot Slot) error {
			tx.Queue(insertNote, slot, 1, "x")
			if err := tx.Flush(ctx); err != nil {
				return err
			}
			tx.Queue(insertNote, slot, 1, "again")
			return nil
		}, isUnique},
		"in the only round trip": {func(_ context.Context, tx *Tx, slot Slot) error {
			tx.Queue(insertNote, slot, 1, "x")
			tx.Queue(insertNote, slot, 1, "again")
			return nil
		}, isUnique},
		"by the closure": {func(ctx context.Context, tx *Tx, slot Slot) error {
			tx.Queue(insertNote, slot, 1, "x")
			return errors.Join(tx.Flush(ctx), errOwn)
		}, func(err error) bool { return errors.Is(err, errOwn) }},
		"unnoticed by the closure": {func(ctx context.Context, tx *Tx, slot Slot) error {
			tx.Queue("SELECT 1/$1::int", 0)
			_ = tx.Flush(ctx)
			return nil
		}, func(err error) bool { return errors.Is(err, pgx.ErrTxCommitRollback) }},
	} {
		own := n // they write at once: each to a slot of its own
		n++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := openRouter(t, config)
			slot := slotOn(t, r, "a", own)
			for range 2 {
				err := r.WritePgx(t.Context(), slot, func(ctx context.Context, tx *Tx) error { return test.fn(ctx, tx, slot) })
				if !test.want(err) {
					t.Errorf("got %v", err)
				}
				if got := notesOf(t, r, slot); len(got) != 0 {
					t.Errorf("notes %v", got)
				}
			}
			if got := r.shards["a"].pool.Stat().NewConnsCount(); got != 1 {
				t.Errorf("%d connections were made: the first was thrown away", got)
			}
		})
	}
}

func isUnique(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}

// What the closure itself gets wrong, a value that can't be sent or an answer that can't be taken, says nothing about the
// cluster, and its outcome is known.
func TestTxMistakesAreTheClosures(t *testing.T) {
	t.Parallel()
	r, _ := newRouter(t, "a")
	slot := slotOn(t, r, "a", 0)
	for name, queue := range map[string]func(tx *Tx){
		"a value": func(tx *Tx) { tx.Queue(insertNote, slot, struct{}{}, "x") },
		"an answer": func(tx *Tx) {
			tx.Queue(`SELECT $1::text`, "x").QueryRow(func(row pgx.Row) error { return row.Scan(new(int)) })
		},
	} {
		for _, flush := range []bool{true, false} {
			runs := 0
			err := r.WritePgx(t.Context(), slot, func(ctx context.Context, tx *Tx) error {
				runs++
				queue(tx)
				if flush {
					return tx.Flush(ctx)
				}
				return nil
			}, Repeatable())
			var unavailable *UnavailableError
			var unknown *OutcomeUnknownError
			if err == nil || errors.As(err, &unavailable) || errors.As(err, &unknown) || runs != 1 {
				t.Errorf("%s, flushed %v: %d runs, %v", name, flush, runs, err)
			}
		}
	}
	if err := r.shards["a"].down(); err != nil {
		t.Errorf("the cluster counts as down: %v", err)
	}
}

// An answer may be taken with COMMIT too, and errors are explained wherever they come from.
func TestTxAnswers(t *testing.T) {
	t.Parallel()
	r, _ := newRouter(t, "a")
	slot := slotOn(t, r, "a", 0)
	var early, late string
	const returning = insertNote + ` RETURNING body`
	write := func(flush bool) error {
		return r.WritePgx(t.Context(), slot, func(ctx context.Context, tx *Tx) error {
			tx.Queue(returning, slot, 1, "early").QueryRow(func(row pgx.Row) error { return row.Scan(&early) })
			if flush {
				if err := tx.Flush(ctx); err != nil {
					return err
				}
			}
			tx.Queue(returning, slot, 2, "late").QueryRow(func(row pgx.Row) error { return row.Scan(&late) })
			return nil
		}, Explained(func(err error) error {
			if isUnique(err) {
				return errKnown
			}
			return err
		}))
	}
	if err := write(true); err != nil || early != "early" || late != "late" {
		t.Errorf("%q, %q, %v", early, late, err)
	}
	for _, flush := range []bool{true, false} {
		if err := write(flush); !errors.Is(err, errKnown) {
			t.Errorf("a repetition, flushed %v: %v", flush, err)
		}
	}
}

var errKnown = errors.New("it is there already")

// A statement behind one that waits for a lock sees what that waited for, whatever the database's default isolation is: a
// transaction that is never flushed has no BEGIN that says so.
func TestTxSeesWhatItWaitedFor(t *testing.T) {
	t.Parallel()
	config := installed(t, "a")
	dsn := config.dsn("a")
	name := pgx.Identifier{lookup[string](t, dsn, "SELECT current_database()")}.Sanitize()
	execute(t, dsn, "ALTER DATABASE "+name+" SET default_transaction_isolation = 'repeatable read'")
	localpgtest.Pool(t, dsn).Reset() // a session keeps the setting that it began with
	if got := lookup[string](t, dsn, "SHOW default_transaction_isolation"); got != "repeatable read" {
		t.Fatalf("the server's default is %q: this test tests nothing", got)
	}
	pooled := config
	pooled.DisablePreparing = true
	for name, config := range map[string]Config{"direct": config, "pooler": pooled} {
		for _, flush := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, flushed %v", name, flush), func(t *testing.T) {
				t.Parallel()
				r := openRouter(t, config)
				var level string
				if err := r.WritePgx(t.Context(), slotOn(t, r, "a", 0), func(ctx context.Context, tx *Tx) error {
					tx.Queue(`SELECT current_setting('transaction_isolation')`).QueryRow(func(row pgx.Row) error { return row.Scan(&level) })
					if flush {
						return tx.Flush(ctx)
					}
					return nil
				}); err != nil || level != "read committed" {
					t.Errorf("%q, %v", level, err)
				}
			})
		}
	}
}
