package shardrouter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"linkspan/internal/localpg/localpgtest"
)

// payload is harmless text, unless backslashes escape quotes: then it is SQL.
const payload = `\' OR true -- `

// With standard_conforming_strings off on the server, text that a user wrote would become SQL. The router
// does not leave it to the server.
func TestBackslashesAreText(t *testing.T) {
	t.Parallel()
	config := installed(t, "a")
	dsn := config.dsn("a")
	name := pgx.Identifier{lookup[string](t, dsn, "SELECT current_database()")}.Sanitize()
	execute(t, dsn, "ALTER DATABASE "+name+" SET standard_conforming_strings = off")
	localpgtest.Pool(t, dsn).Reset() // a session keeps the setting that it began with
	if got := lookup[string](t, dsn, "SHOW standard_conforming_strings"); got != "off" {
		t.Fatalf("the server's default is %q: this test tests nothing", got)
	}
	r := openRouter(t, config)
	slot := slotOn(t, r, "a", 0)
	for id, body := range []string{"first", "second", payload} {
		if err := noteWays[0].write(t.Context(), r, slot, id, body); err != nil {
			t.Fatal(err)
		}
	}
	find := func(ctx context.Context, db bun.IDB) (found []string, err error) {
		err = db.NewRaw(`SELECT body FROM linkspan_shard.note WHERE body = ?`, payload).Scan(ctx, &found)
		return found, err
	}
	if err := r.Read(t.Context(), slot, func(ctx context.Context, db bun.IDB) error {
		found, err := find(ctx, db)
		if diff := cmp.Diff([]string{payload}, found); diff != "" {
			t.Errorf("found (-want +got):\n%s", diff)
		}
		return err
	}); err != nil {
		t.Error(err)
	}

	// A closure that switches it off harms its own statements, and no later ones on its connection.
	spoiled := false
	if err := r.Write(t.Context(), slot, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.ExecContext(ctx, "SET standard_conforming_strings = off"); err != nil {
			return err
		}
		found, err := find(ctx, tx)
		spoiled = len(found) > 1
		return err
	}); err != nil {
		t.Error(err)
	}
	if !spoiled {
		t.Error("the payload did no harm where backslashes escape: this test tests nothing")
	}
	for range 2 * config.PoolSize {
		if err := r.Read(t.Context(), slot, func(ctx context.Context, db bun.IDB) error {
			found, err := find(ctx, db)
			if len(found) != 1 {
				t.Errorf("found %q after a closure had switched it off", found)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
}

func TestSessionSettings(t *testing.T) {
	t.Parallel()
	config := installed(t, "a")
	pooled := config
	pooled.DisablePreparing = true
	for name, test := range map[string]struct {
		config Config
		limit  string
	}{"direct": {config, "10s"}, "pooler": {pooled, "0"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := openRouter(t, test.config)
			slot := slotOn(t, r, "a", 0)
			want := map[string]string{
				"application_name": "linkspan", "standard_conforming_strings": "on",
				"statement_timeout": test.limit, "idle_in_transaction_session_timeout": test.limit,
			}
			got := make(map[string]string)
			if err := r.Write(t.Context(), slot, func(ctx context.Context, tx bun.Tx) error {
				want["transaction_isolation"], want["transaction_read_only"] = "read committed", "off"
				return readSettings(ctx, tx, want, got)
			}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Write (-want +got):\n%s", diff)
			}
			if err := r.Snapshot(t.Context(), slot, func(ctx context.Context, tx bun.Tx) error {
				want["transaction_isolation"], want["transaction_read_only"] = "repeatable read", "on"
				return readSettings(ctx, tx, want, got)
			}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Snapshot (-want +got):\n%s", diff)
			}
		})
	}
}

func readSettings(ctx context.Context, tx bun.Tx, names, values map[string]string) error {
	for name := range names {
		var value string
		if err := tx.NewRaw("SELECT current_setting(?)", name).Scan(ctx, &value); err != nil {
			return err
		}
		values[name] = value
	}
	return nil
}

// Statements through bun are never prepared; those through Conn once each, unless that is switched off.
func TestPreparedStatements(t *testing.T) {
	t.Parallel()
	config := installed(t, "a")
	config.PoolSize = 1
	pooled := config
	pooled.DisablePreparing = true
	for name, test := range map[string]struct {
		config Config
		want   int
	}{"direct": {config, 4 /* a read, a write, BEGIN, COMMIT */}, "pooler": {pooled, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := openRouter(t, test.config)
			slot := slotOn(t, r, "a", 0)
			for id := range 20 {
				if err := noteWays[0].write(t.Context(), r, slot, id, "x"); err != nil {
					t.Fatal(err)
				}
				for _, way := range noteWays {
					if _, err := way.read(t.Context(), r, slot, id); err != nil {
						t.Fatalf("%s: %v", way.name, err)
					}
				}
				if err := noteWays[2].write(t.Context(), r, slot, id, "x"); err != nil {
					t.Fatal(err)
				}
			}
			var statements []string
			if err := r.Read(t.Context(), slot, func(ctx context.Context, db bun.IDB) error {
				return db.NewRaw("SELECT statement FROM pg_prepared_statements").Scan(ctx, &statements)
			}); err != nil {
				t.Fatal(err)
			}
			if len(statements) != test.want {
				t.Errorf("%d prepared statements, want %d: %s", len(statements), test.want, strings.Join(statements, "\n"))
			}
		})
	}
}

// A migration may change a table under a prepared statement; the next who uses it does not notice.
func TestPreparedStatementsOutliveAMigration(t *testing.T) {
	t.Parallel()
	const query = "SELECT * FROM linkspan_shard.note"
	for name, run := range map[string]func(ctx context.Context, r *Router, slot Slot) (int, error){
		"ReadPgx": func(ctx context.Context, r *Router, slot Slot) (columns int, err error) {
			err = r.ReadPgx(ctx, slot, func(ctx context.Context, conn Conn) error {
				rows, err := conn.Query(ctx, query)
				if err != nil {
					return err
				}
				columns, err = columnsOf(rows)
				return err
			})
			return columns, err
		},
		"WritePgx": func(ctx context.Context, r *Router, slot Slot) (columns int, err error) {
			err = r.WritePgx(ctx, slot, func(_ context.Context, tx *Tx) error {
				tx.Queue(query).Query(func(rows pgx.Rows) (err error) {
					columns, err = columnsOf(rows)
					return err
				})
				return nil
			})
			return columns, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, config := newRouter(t, "a")
			slot := slotOn(t, r, "a", 0)
			for want := 3; want <= 5; want++ {
				columns, err := run(t.Context(), r, slot)
				if err != nil || columns != want {
					t.Errorf("%d columns, %v: want %d", columns, err, want)
				}
				execute(t, config.dsn("a"), fmt.Sprintf("ALTER TABLE linkspan_shard.note ADD COLUMN more%d text", want))
			}
		})
	}
}

// columnsOf tells how many columns rows have, and closes them.
func columnsOf(rows pgx.Rows) (int, error) {
	if err := rows.Err(); err != nil {
		return 0, err
	}
	columns := len(rows.FieldDescriptions())
	rows.Close()
	return columns, rows.Err()
}

// The many-slot fragments, by bun (see readNotes) and by pgx.
func TestOwnedFirstMany(t *testing.T) {
	t.Parallel()
	config := installed(t, "a", "b")
	for _, disable := range []bool{false, true} {
		config.DisablePreparing = disable
		r := openRouter(t, config)
		onA, onB := slotOn(t, r, "a", 0), slotOn(t, r, "b", 0)
		var owned []Slot
		if err := r.ReadPgx(t.Context(), onA, func(ctx context.Context, conn Conn) error {
			rows, err := conn.Query(ctx, `SELECT slot FROM `+OwnedFirstMany, []Slot{onA, onB})
			if err != nil {
				return err
			}
			owned, err = pgx.CollectRows(rows, pgx.RowTo[Slot])
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Slot{onA}, owned); diff != "" {
			t.Errorf("preparing disabled %v (-want +got):\n%s", disable, diff)
		}
	}
}

func TestErrNotOwnedIsSeenThroughWrapping(t *testing.T) {
	t.Parallel()
	for _, err := range []error{ErrNotOwned, NotOwned(3), &OutcomeUnknownError{Cluster: "a", Err: ErrNotOwned}} {
		if !errors.Is(err, ErrNotOwned) {
			t.Errorf("%v is not ErrNotOwned", err)
		}
	}
}
