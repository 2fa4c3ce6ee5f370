package shardrouter

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"
)

// WriteOption changes how a Write treats failures.
type WriteOption func(*writeOptions)

type writeOptions struct {
	repeatable bool
	explain    func(error) error
}

// Repeatable says that the closure may run again after it was committed: it finds by its operation id
// that its effect is there, and then has the same result. Write runs such a closure again when the
// connection is lost during COMMIT, instead of returning [*OutcomeUnknownError].
func Repeatable() WriteOption {
	return func(o *writeOptions) { o.repeatable = true }
}

// Explained has explain make of the error of a run, the closure's or a statement's that was sent with COMMIT, what it
// means: [ErrNotOwned], [Retry], an error of the caller's own. For WritePgx.
func Explained(explain func(error) error) WriteOption {
	return func(o *writeOptions) { o.explain = explain }
}

// Write runs fn in a READ COMMITTED transaction and commits it. fn runs again, in a new transaction,
// after a serialization failure or deadlock, a connection lost before COMMIT, and when it returns
// [Retry]. Its own error rolls back and is returned as it is.
func (d *Database) Write(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error, options ...WriteOption) error {
	return d.run(ctx, false, optionsOf(options).repeatable, func(a *attempt) error {
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

// WritePgx is Write past bun, for the hottest transactions; see [Tx].
func (d *Database) WritePgx(ctx context.Context, fn func(ctx context.Context, tx *Tx) error, options ...WriteOption) error {
	o := optionsOf(options)
	return d.run(ctx, false, o.repeatable, func(a *attempt) error {
		conn, err := d.pool.Acquire(a.ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		tx := &Tx{conn: Conn{conn.Conn(), d.prepared}}
		defer tx.rollback(a.ctx) // does nothing after COMMIT
		err = fn(holding(a.ctx), tx)
		if err == nil {
			err = a.commit(func() error { return tx.commit(a.ctx) })
			// A connection that goes on has had its answer, or was sent nothing.
			a.unknown = a.unknown && conn.Conn().IsClosed()
		}
		if err != nil && o.explain != nil {
			err = o.explain(err)
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

func optionsOf(options []WriteOption) writeOptions {
	var o writeOptions
	for _, option := range options {
		option(&o)
	}
	return o
}
