package shardrouter

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/uptrace/bun"
)

// Read runs fn without a transaction, for single statements: each takes a connection of its own from the
// pool, and two of them may see different states. A write belongs into Write: here database/sql may
// execute it twice when the connection breaks.
func (d *Database) Read(ctx context.Context, fn func(ctx context.Context, db bun.IDB) error) error {
	return d.run(ctx, true, false, func(a *attempt) error {
		return fn(a.ctx, d.bun)
	})
}

// Snapshot runs fn in a REPEATABLE READ, READ ONLY transaction: all its statements see the same state.
func (d *Database) Snapshot(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	return d.run(ctx, true, false, func(a *attempt) error {
		a.readsOnly = true
		tx, err := d.bun.BeginTx(a.ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // it has nothing to commit, and what was read was read
		return fn(holding(a.ctx), tx)
	})
}

// ReadPgx runs fn on one connection, without a transaction, past bun: for the hottest statements.
func (d *Database) ReadPgx(ctx context.Context, fn func(ctx context.Context, conn Conn) error) error {
	return d.run(ctx, true, false, func(a *attempt) error {
		conn, err := d.pool.Acquire(a.ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		return fn(holding(a.ctx), Conn{conn.Conn(), d.prepared})
	})
}

// Conn runs statements with $1, $2, … on one connection. Each text is prepared once a connection (unless
// [Config.DisablePreparing]), so the texts must be few and constant. It is for one goroutine, and rows must be closed
// before the next statement.
type Conn struct {
	conn *pgx.Conn
	mode pgx.QueryExecMode
}

// Exec executes a statement and tells how many rows it touched.
func (c Conn) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return c.conn.Exec(ctx, sql, c.with(args)...)
}

// Query runs a query. The rows must be closed, or read to the end.
func (c Conn) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return c.conn.Query(ctx, sql, c.with(args)...)
}

// QueryRow runs a query for its first row; Scan returns pgx.ErrNoRows when there is none.
func (c Conn) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return c.conn.QueryRow(ctx, sql, c.with(args)...)
}

// Send sends the statements of a batch in one round trip, and calls what takes their answers, in order. It returns the first error of
// a statement or of what took its answer; Postgres runs no statement behind one that failed.
func (c Conn) Send(ctx context.Context, batch *pgx.Batch) error {
	if err := c.prepare(ctx, batch); err != nil {
		return err
	}
	return c.conn.SendBatch(ctx, batch).Close()
}

// prepare prepares the statements of a batch that this connection has not seen.
func (c Conn) prepare(ctx context.Context, batch *pgx.Batch) error {
	if c.mode != pgx.QueryExecModeCacheStatement {
		return nil
	}
	for _, query := range batch.QueuedQueries {
		// With the text as its name the statement is prepared under a digest, and found again by the text.
		if _, err := c.conn.Prepare(ctx, query.SQL, query.SQL); err != nil {
			return err
		}
	}
	return nil
}

// with puts the mode before the arguments, where pgx looks for it.
func (c Conn) with(args []any) []any {
	all := make([]any, 0, 1+len(args))
	return append(append(all, c.mode), args...)
}

// holdsConnection marks the context of a closure that holds a connection. It says so and nothing more: no
// connection and no transaction is ever in a context.
type holdsConnection struct{}

func holding(ctx context.Context) context.Context {
	return context.WithValue(ctx, holdsConnection{}, true)
}

// isReadOnly tells that a statement tried to write where that is not allowed: in a transaction that asked
// to be read-only it is the closure's mistake and no failover.
func isReadOnly(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "25006"
}
