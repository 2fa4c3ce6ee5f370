package shardrouter

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// fault is what an error says about the cluster.
type fault int

const (
	faultNone     fault = iota // nothing: it is the closure's own
	faultConflict              // another transaction won; this one is rolled back and may run again
	faultDown                  // the connection or the cluster is lost
	faultFull                  // the cluster lives and lacks connections, memory or disk for this one
	faultSlow                  // a time limit of the server or of ours ended the statement
	faultStale                 // a prepared statement is older than its table
)

// notServingError is why a new connection is not used, or could not be made by the prober.
type notServingError struct{ err error }

func (e *notServingError) Error() string { return e.err.Error() }
func (e *notServingError) Unwrap() error { return e.err }

// faultOf classifies by type and SQLSTATE, never by text.
func faultOf(err error) fault {
	var (
		pg         *pgconn.PgError
		connect    *pgconn.ConnectError
		notServing *notServingError
	)
	isPg := errors.As(err, &pg)
	switch {
	case err == nil:
		return faultNone
	case errors.As(err, &connect), errors.As(err, &notServing):
		// Whatever the reason: a wrong password, an unknown database, a wrong identity.
		if isPg && faultOfState(pg) == faultFull {
			return faultFull
		}
		return faultDown
	case isPg:
		return faultOfState(pg)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return faultNone // a limit that the closure set itself; those of this package are told apart before
	case isLost(err):
		return faultDown
	}
	return faultNone
}

// isLost tells that a connection broke.
func isLost(err error) bool {
	var (
		network net.Error
		errno   syscall.Errno
	)
	if errors.As(err, &network) || errors.As(err, &errno) || pgconn.SafeToRetry(err) {
		return true
	}
	for _, lost := range []error{
		driver.ErrBadConn, sql.ErrConnDone, pgconn.ErrConnClosed, net.ErrClosed, io.EOF, io.ErrUnexpectedEOF,
	} {
		if errors.Is(err, lost) {
			return true
		}
	}
	return false
}

func faultOfState(pg *pgconn.PgError) fault {
	switch pg.Code {
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return faultConflict
	case "0A000": // feature_not_supported, which this one of its places is not
		if pg.Routine == "RevalidateCachedQuery" {
			return faultStale
		}
	case "57014": // query_canceled: statement_timeout, or an operator
		return faultSlow
	case "57P01", "57P02", "57P03", // admin_shutdown, crash_shutdown, cannot_connect_now
		"57P04", "57P05", // database_dropped, idle_session_timeout
		"25006", // read_only_sql_transaction: a standby, after a failover
		"25P03", // idle_in_transaction_session_timeout
		"58030": // io_error
		return faultDown
	}
	switch {
	case strings.HasPrefix(pg.Code, "53"): // insufficient_resources: connections, memory, disk
		return faultFull
	case strings.HasPrefix(pg.Code, "08"), isFatal(pg): // connection_exception
		return faultDown
	}
	return faultNone
}

func isFatal(pg *pgconn.PgError) bool {
	severity := pg.SeverityUnlocalized
	if severity == "" {
		severity = pg.Severity
	}
	return severity == "FATAL" || severity == "PANIC"
}

// answered tells whether err proves that the server is alive: it has answered, and not in order to hang up.
func answered(err error) bool {
	var pg *pgconn.PgError
	return err == nil || errors.As(err, &pg) && faultOfState(pg) != faultDown
}

// isEnd tells that err is, or may be, the mere consequence of a context that ended.
func isEnd(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, sql.ErrTxDone) ||
		faultOf(err) == faultDown || faultOf(err) == faultSlow
}

// commitUnknown tells whether an error of COMMIT leaves open what happened. An answer of the server is an
// answer, unless it hangs up with it: a backend may be told to end after it has committed. What was never
// sent has not happened; but pgx (5.12) says "conn closed, safe to retry" also for a connection that broke
// while it waited for the answer to a simple query, which COMMIT is.
func commitUnknown(err error) bool {
	var pg *pgconn.PgError
	switch {
	case err == nil, errors.Is(err, pgx.ErrTxCommitRollback), errors.Is(err, pgx.ErrTxClosed), errors.Is(err, sql.ErrTxDone):
		return false
	case errors.As(err, &pg):
		return pg.Code == "40003" || faultOfState(pg) == faultDown
	case errors.Is(err, pgconn.ErrConnClosed):
		return true
	}
	return !pgconn.SafeToRetry(err)
}
