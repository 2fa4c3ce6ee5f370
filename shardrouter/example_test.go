package shardrouter_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/uptrace/bun"

	"linkspan/internal/localpg/localpgtest"
	"linkspan/migrations"
	"linkspan/shardrouter"
)

// Every statement starts from the owned slot. No row means that the slot is not here; a row of NULLs that
// it is, but not the note.
func Example() {
	router, done := exampleRouter()
	defer done()
	ctx := context.Background()
	slot := shardrouter.SlotOf([16]byte{0: 7})

	write := func(id int, body string) error {
		return router.Write(ctx, slot, func(ctx context.Context, tx bun.Tx) error {
			result, err := tx.ExecContext(ctx, `
				INSERT INTO linkspan_shard.note (slot, id, body)
				SELECT owned.slot, ?, ? FROM `+shardrouter.Owned, id, body, slot)
			if err != nil {
				return fmt.Errorf("insert note: %w", err)
			}
			if n, err := result.RowsAffected(); err != nil || n == 1 {
				return err
			}
			return shardrouter.ErrNotOwned
		})
	}
	read := func(id int) (body sql.NullString, err error) {
		err = router.Read(ctx, slot, func(ctx context.Context, db bun.IDB) error {
			err := db.QueryRowContext(ctx, `
				SELECT note.body FROM `+shardrouter.Owned+`
				LEFT JOIN linkspan_shard.note ON note.slot = owned.slot AND note.id = ?`, slot, id).Scan(&body)
			if errors.Is(err, sql.ErrNoRows) {
				return shardrouter.ErrNotOwned
			}
			return err
		})
		return body, err
	}

	fmt.Println(write(1, "hello"))
	fmt.Println(read(1))
	fmt.Println(read(2))
	// Output:
	// <nil>
	// {hello true} <nil>
	// { false} <nil>
}

// A write that may touch nothing says by the same rule why it touched nothing.
func ExampleRouter_Write() {
	router, done := exampleRouter()
	defer done()
	ctx := context.Background()
	slot := shardrouter.SlotOf([16]byte{0: 7})

	var changed sql.NullInt64
	err := router.Write(ctx, slot, func(ctx context.Context, tx bun.Tx) error {
		err := tx.QueryRowContext(ctx, `
			WITH owned AS (SELECT slot FROM `+shardrouter.Owned+`),
			     changed AS (UPDATE linkspan_shard.note SET body = ? FROM owned
			                 WHERE note.slot = owned.slot AND note.id = ? RETURNING note.id)
			SELECT changed.id FROM owned LEFT JOIN changed ON true`, slot, "new", 1).Scan(&changed)
		if errors.Is(err, sql.ErrNoRows) {
			return shardrouter.ErrNotOwned
		}
		return err
	})
	fmt.Println("owned here, and changed:", err == nil, changed.Valid)
	// Output:
	// owned here, and changed: true false
}

// exampleRouter is a router over three new databases, with a table of notes on the shards.
func exampleRouter() (router *shardrouter.Router, done func()) {
	t := &exampleTB{}
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	ctx := context.Background()
	config := shardrouter.Config{
		MainDSN: localpgtest.Database(t),
		Shards:  []shardrouter.Shard{{Name: "a", DSN: localpgtest.Database(t)}, {Name: "b", DSN: localpgtest.Database(t)}},
		Logger:  slog.New(slog.DiscardHandler),
	}
	must(migrateExample(ctx, config.MainDSN, migrations.Main, ""))
	for _, shard := range config.Shards {
		must(migrateExample(ctx, shard.DSN, migrations.Shard,
			`CREATE TABLE linkspan_shard.note (slot smallint, id integer, body text, PRIMARY KEY (slot, id))`))
	}
	must(shardrouter.Bootstrap(ctx, config))
	router, err := shardrouter.Open(ctx, config)
	must(err)
	return router, func() {
		router.Close()
		t.done()
	}
}

func migrateExample(ctx context.Context, dsn string, set migrations.Set, tables string) error {
	db, err := sql.Open("pgx/v5", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := migrations.Up(ctx, db, set, nil); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, tables)
	return err
}

// exampleTB lets an example, which has no testing.T, ask for databases.
type exampleTB struct {
	testing.TB
	cleanups []func()
}

func (t *exampleTB) Helper()                           {}
func (t *exampleTB) Name() string                      { return "example" }
func (t *exampleTB) Context() context.Context          { return context.Background() }
func (t *exampleTB) Cleanup(f func())                  { t.cleanups = append(t.cleanups, f) }
func (t *exampleTB) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (t *exampleTB) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (t *exampleTB) done() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}
