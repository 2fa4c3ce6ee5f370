package shardrouter

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
)

// A small domain, written as the store writes its statements. Each way to the database has a read and a
// write, so that a test can run all of them.

var errNoNote = errors.New("no such note")

const (
	selectNote = `SELECT n.body FROM ` + Owned + ` LEFT JOIN linkspan_shard.note AS n ON n.slot = owned.slot AND n.id = ?`
	upsertNote = `INSERT INTO linkspan_shard.note (slot, id, body) SELECT slot, ?, ? FROM ` + Owned + `
		ON CONFLICT (slot, id) DO UPDATE SET body = excluded.body`
)

// scanNote tells the three outcomes of a read apart.
func scanNote(row interface{ Scan(...any) error }, body *string) error {
	var found *string
	switch err := row.Scan(&found); {
	case errors.Is(err, sql.ErrNoRows), errors.Is(err, pgx.ErrNoRows):
		return ErrNotOwned
	case err != nil:
		return err
	case found == nil:
		return errNoNote
	}
	*body = *found
	return nil
}

func readNote(slot Slot, id int, body *string) func(context.Context, bun.IDB) error {
	return func(ctx context.Context, db bun.IDB) error {
		return scanNote(db.QueryRowContext(ctx, selectNote, slot, id), body)
	}
}

func writeNote(slot Slot, id int, body string) func(context.Context, bun.Tx) error {
	return func(ctx context.Context, tx bun.Tx) error {
		result, err := tx.ExecContext(ctx, upsertNote, id, body, slot)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return ErrNotOwned
	}
}

type noteWay struct {
	name  string
	read  func(ctx context.Context, r *Router, slot Slot, id int) (string, error)
	write func(ctx context.Context, r *Router, slot Slot, id int, body string) error
}

var noteWays = []noteWay{
	{
		"Read and Write",
		func(ctx context.Context, r *Router, slot Slot, id int) (body string, err error) {
			err = r.Read(ctx, slot, readNote(slot, id, &body))
			return body, err
		},
		func(ctx context.Context, r *Router, slot Slot, id int, body string) error {
			return r.Write(ctx, slot, writeNote(slot, id, body))
		},
	},
	{
		"Snapshot",
		func(ctx context.Context, r *Router, slot Slot, id int) (body string, err error) {
			err = r.Snapshot(ctx, slot, func(ctx context.Context, tx bun.Tx) error {
				return readNote(slot, id, &body)(ctx, tx)
			})
			return body, err
		},
		func(ctx context.Context, r *Router, slot Slot, id int, body string) error {
			return r.Write(ctx, slot, writeNote(slot, id, body), Repeatable())
		},
	},
	{
		"ReadPgx and WritePgx",
		func(ctx context.Context, r *Router, slot Slot, id int) (body string, err error) {
			err = r.ReadPgx(ctx, slot, func(ctx context.Context, conn Conn) error {
				return scanNote(conn.QueryRow(ctx, `SELECT n.body FROM `+OwnedFirst+`
					LEFT JOIN linkspan_shard.note AS n ON n.slot = owned.slot AND n.id = $2`, slot, id), &body)
			})
			return body, err
		},
		func(ctx context.Context, r *Router, slot Slot, id int, body string) error {
			return r.WritePgx(ctx, slot, func(ctx context.Context, tx *Tx) error {
				tag, err := tx.Exec(ctx, `INSERT INTO linkspan_shard.note (slot, id, body) SELECT slot, $2, $3 FROM `+OwnedFirst+`
					ON CONFLICT (slot, id) DO UPDATE SET body = excluded.body`, slot, id, body)
				if err == nil && tag.RowsAffected() == 0 {
					return ErrNotOwned
				}
				return err
			})
		},
	},
}
