package shardrouter

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
)

// WriteOption changes how a Write treats failures.
type WriteOption func(*writeOptions)

type writeOptions struct{ repeatable bool }

// Repeatable says that the closure may run again after it was committed: it finds by its operation id
// that its effect is there, and then has the same result. Write runs such a closure again when the
// connection is lost during COMMIT, instead of returning [*OutcomeUnknownError].
func Repeatable() WriteOption {
	return func(o *writeOptions) { o.repeatable = true }
}

// Write runs fn in a READ COMMITTED transaction and commits it. fn runs again, in a new transaction,
// after a serialization failure or deadlock, a connection lost before COMMIT, and when it returns
// [Retry]. Its own error rolls back and is returned as it is.
func (d *Database) Write(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error, options ...WriteOption) error {
	return d.run(ctx, false, isRepeatable(options), func(a *attempt) error {
		tx, err := d.bun.BeginTx(a.ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // does nothing after Commit
		if err := fn(holding(a.ctx), tx); err != nil {
			return err
		}
		return a.commit(tx.Commit)
	})
}

// WritePgx is Write past bun, for the hottest transactions.
func (d *Database) WritePgx(ctx context.Context, fn func(ctx context.Context, tx Conn) error, options ...WriteOption) error {
	return d.run(ctx, false, isRepeatable(options), func(a *attempt) error {
		conn, err := d.pool.Acquire(a.ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		tx, err := conn.BeginTx(a.ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(a.ctx) }()
		if err := fn(holding(a.ctx), Conn{tx, d.prepared}); err != nil {
			return err
		}
		return a.commit(func() error { return tx.Commit(a.ctx) })
	})
}

// WriteBatch sends the statements of a batch in one round trip, as one transaction that commits at its end. It is for
// statements that need no answer in between, and always [Repeatable]: the first statement fails where the effect is
// there already. explain, if not nil, makes of a statement's error what WriteBatch returns, ErrNotOwned included.
func (d *Database) WriteBatch(ctx context.Context, build func() *pgx.Batch, explain func(error) error) error {
	return d.run(ctx, false, true, func(a *attempt) error {
		conn, err := d.pool.Acquire(a.ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		batch := build()
		prepared := Conn{conn.Conn(), d.prepared}
		if err := prepared.prepare(a.ctx, batch); err != nil {
			return err
		}
		err = a.commit(func() error { return conn.SendBatch(a.ctx, batch).Close() })
		if err != nil && explain != nil {
			err = explain(err)
		}
		return err
	})
}

// commit commits and notes when nobody can tell whether it did.
func (a *attempt) commit(commit func() error) error {
	if err := a.seal(); err != nil {
		return err
	}
	err := commit()
	a.unknown = commitUnknown(err)
	return err
}

func isRepeatable(options []WriteOption) bool {
	var o writeOptions
	for _, option := range options {
		option(&o)
	}
	return o.repeatable
}
