package shardrouter

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Tx is the transaction of a WritePgx. Its statements wait until somebody needs an answer: Flush sends all that wait in
// one round trip, BEGIN with the first of them, and COMMIT goes with the last. So a closure that never flushes costs one
// round trip, and each Flush one more.
//
// Statements have $1, $2, … and each text is prepared once a connection (unless [Config.DisablePreparing]), so the
// texts must be few and constant. A text that the connection has not seen costs a round trip more, once. A Tx is for
// one goroutine, until its closure returns.
type Tx struct {
	conn  Conn
	batch pgx.Batch
	begun bool
}

const (
	beginText    = "BEGIN ISOLATION LEVEL READ COMMITTED"
	commitText   = "COMMIT"
	rollbackText = "ROLLBACK"
)

// Queue lets a statement wait. What is set on the result ([pgx.QueuedQuery.QueryRow] and its like) gets the answer when
// the statement is sent: during the next Flush, or, behind the last, during COMMIT.
func (t *Tx) Queue(sql string, args ...any) *pgx.QueuedQuery { return t.batch.Queue(sql, args...) }

// Flush sends what waits, in order, and returns the first error of a statement or of what took its answer. A statement
// that fails ends the transaction: the closure returns the error.
func (t *Tx) Flush(ctx context.Context) error {
	if t.batch.Len() == 0 {
		return nil
	}
	t.begin()
	return t.send(ctx)
}

// begin puts BEGIN before what waits, unless it was sent.
func (t *Tx) begin() {
	if !t.begun {
		begin := pgx.QueuedQuery{SQL: beginText}
		t.batch.QueuedQueries = append([]*pgx.QueuedQuery{&begin}, t.batch.QueuedQueries...)
		t.begun = true
	}
}

// Exec is Queue and Flush for a statement whose command tag is wanted.
func (t *Tx) Exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	t.Queue(sql, args...).Exec(func(got pgconn.CommandTag) error {
		tag = got
		return nil
	})
	err = t.Flush(ctx) // sets tag
	return tag, err
}

// QueryRow is Queue and Flush for a statement with one row; the error is pgx.ErrNoRows when there is none.
func (t *Tx) QueryRow(ctx context.Context, sql string, args []any, into ...any) error {
	t.Queue(sql, args...).QueryRow(func(row pgx.Row) error { return row.Scan(into...) })
	return t.Flush(ctx)
}

func (t *Tx) send(ctx context.Context) error {
	batch := t.batch
	t.batch = pgx.Batch{}
	return t.conn.Send(ctx, &batch)
}

// commit sends what waits and commits. Without a Flush before it there is no BEGIN to answer: what is sent together is
// one transaction by itself, READ COMMITTED as the session is. A pooler takes no setting of a session, so behind one BEGIN says
// so in the same round trip.
func (t *Tx) commit(ctx context.Context) error {
	if t.batch.Len() > 0 && t.conn.mode != pgx.QueryExecModeCacheStatement {
		t.begin()
	}
	if t.begun {
		t.Queue(commitText).Exec(func(tag pgconn.CommandTag) error {
			if tag.String() == rollbackText {
				return pgx.ErrTxCommitRollback
			}
			return nil
		})
	}
	if t.batch.Len() == 0 {
		return nil
	}
	return t.send(ctx)
}

// rollback ends a transaction that is still open. A connection on which that fails is not used again.
func (t *Tx) rollback(ctx context.Context) {
	const idle = 'I'
	if pg := t.conn.conn.PgConn(); !pg.IsClosed() && pg.TxStatus() != idle {
		_, _ = t.conn.conn.Exec(ctx, rollbackText)
	}
}
