package migrations_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"linkspan/internal/localpg/localpgtest"
	"linkspan/migrations"
)

func TestMain(m *testing.M) {
	code := localpgtest.Main(m)
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// The router's handle serves, so that readiness can ask through its pools.
var _ migrations.Queryer = bun.IDB(nil)

var sets = []migrations.Set{migrations.Main, migrations.Shard}

// counter counts the statements of a connection pool.
type counter struct{ statements atomic.Int64 }

func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.statements.Add(1)
	return ctx
}

func (c *counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func open(t *testing.T, dsn string) (*sql.DB, *counter) {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	count := &counter{}
	config.Tracer = count
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, count
}

func newDatabase(t *testing.T) *sql.DB {
	t.Helper()
	db, _ := open(t, localpgtest.Database(t))
	return db
}

// tables lists what a schema holds, as "kind name".
func tables(t *testing.T, db *sql.DB, set migrations.Set) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `
		SELECT c.relkind::text || ' ' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 ORDER BY 1`, set.Schema())
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

// TestUpDownUp also migrates both sets in one database: each must leave the other alone.
func TestUpDownUp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		sets []migrations.Set
	}{
		{"main", sets[:1]}, {"shard", sets[1:]}, {"shared database", sets},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			var first [][]string
			for _, set := range test.sets {
				if err := migrations.Up(t.Context(), db, set, nil); err != nil {
					t.Fatal(err)
				}
				checkState(t, db, set, migrations.Newest(set))
			}
			for _, set := range test.sets {
				first = append(first, tables(t, db, set))
			}
			for _, set := range test.sets {
				if err := migrations.Down(t.Context(), db, set, 0); err != nil {
					t.Fatal(err)
				}
				checkState(t, db, set, 0)
				want := []string{"i schema_lock_pkey", "i schema_version_pkey", "r schema_lock", "r schema_version"}
				if diff := cmp.Diff(want, tables(t, db, set)); diff != "" {
					t.Errorf("left over in %s after down to 0 (-want +got):\n%s", set.Schema(), diff)
				}
				if err := migrations.Up(t.Context(), db, set, nil); err != nil {
					t.Fatal(err)
				}
			}
			for i, set := range test.sets {
				checkState(t, db, set, migrations.Newest(set))
				if diff := cmp.Diff(first[i], tables(t, db, set)); diff != "" {
					t.Errorf("%s after up, down, up (-first +second):\n%s", set.Schema(), diff)
				}
			}
		})
	}
}

func checkState(t *testing.T, db *sql.DB, set migrations.Set, want int64) {
	t.Helper()
	state, err := migrations.Pending(t.Context(), db, set)
	if err != nil {
		t.Fatal(err)
	}
	if state.Current != want || state.Pending() != migrations.Newest(set)-want {
		t.Fatalf("%s: state %+v with %d pending, want version %d", set, state, state.Pending(), want)
	}
}

func TestPendingOnAFreshDatabaseOnlyReads(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	for _, set := range sets {
		checkState(t, db, set, 0)
		if names := tables(t, db, set); len(names) != 0 {
			t.Errorf("%s: Pending made %v", set, names)
		}
	}
}

func TestProgressTellsEachStepBeforeAndAfter(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	for _, set := range sets {
		var steps []migrations.Step
		if err := migrations.Up(t.Context(), db, set, func(step migrations.Step) { steps = append(steps, step) }); err != nil {
			t.Fatal(err)
		}
		if got, want := len(steps), 2*int(migrations.Newest(set)); got != want {
			t.Fatalf("%s: %d steps, want %d", set, got, want)
		}
		for i, step := range steps {
			if step.Set != set || step.Version != int64(i/2+1) || step.Done != (i%2 == 1) || step.Name == "" || step.Done != (step.Took > 0) {
				t.Errorf("%s: step %d is %+v", set, i, step)
			}
		}
	}
}

// A warm start asks each database once.
func TestUpToDateCostsOneStatement(t *testing.T) {
	t.Parallel()
	db, count := open(t, localpgtest.Database(t))
	for _, set := range sets {
		if err := migrations.Up(t.Context(), db, set, nil); err != nil {
			t.Fatal(err)
		}
		before := count.statements.Load()
		if err := migrations.Up(t.Context(), db, set, nil); err != nil {
			t.Fatal(err)
		}
		if got := count.statements.Load() - before; got != 1 {
			t.Errorf("%s: %d statements on an up to date database, want 1", set, got)
		}
	}
}

func TestManyMigratorsAtOnce(t *testing.T) {
	t.Parallel()
	dsn := localpgtest.Database(t)
	var applied atomic.Int64
	group, ctx := errgroup.WithContext(t.Context())
	for i := range 8 {
		db, _ := open(t, dsn)
		group.Go(func() error {
			return migrations.Up(ctx, db, sets[i%2], func(step migrations.Step) {
				if step.Done {
					applied.Add(1)
				}
			})
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if want := migrations.Newest(migrations.Main) + migrations.Newest(migrations.Shard); applied.Load() != want {
		t.Errorf("applied %d migrations, want %d", applied.Load(), want)
	}
}

func TestNewerDatabase(t *testing.T) {
	t.Parallel()
	for _, set := range sets {
		t.Run(set.String(), func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			if err := migrations.Up(t.Context(), db, set, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := db.ExecContext(t.Context(), "INSERT INTO "+set.Schema()+".schema_version (version) VALUES (99999)"); err != nil {
				t.Fatal(err)
			}
			want := migrations.NewerError{Set: set, Current: 99999, Newest: migrations.Newest(set)}
			state, pendingErr := migrations.Pending(t.Context(), db, set)
			if state.Current != 99999 || state.Pending() != 0 {
				t.Errorf("state %+v", state)
			}
			for name, err := range map[string]error{
				"Pending": pendingErr,
				"Up":      migrations.Up(t.Context(), db, set, nil),
				"Down":    migrations.Down(t.Context(), db, set, 0),
			} {
				var newer *migrations.NewerError
				if !errors.As(err, &newer) || *newer != want {
					t.Errorf("%s: %v, want %v", name, err, &want)
				}
			}
		})
	}
}

func TestErrorsOfAnUnreachableDatabase(t *testing.T) {
	t.Parallel()
	db, _ := open(t, "host="+t.TempDir()+" user=nobody dbname=none")
	for name, err := range map[string]error{
		"Up":   migrations.Up(t.Context(), db, migrations.Main, nil),
		"Down": migrations.Down(t.Context(), db, migrations.Main, 0),
	} {
		var refused *pgconn.ConnectError
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v, want a connect error", name, err)
		}
	}
}
