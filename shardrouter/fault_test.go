package shardrouter

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestFaultOf(t *testing.T) {
	t.Parallel()
	state := func(code string) error { return &pgconn.PgError{Severity: "ERROR", Code: code} }
	for _, test := range []struct {
		err  error
		want fault
	}{
		{nil, faultNone},
		{errors.New("closure's own"), faultNone},
		{ErrNotOwned, faultNone},
		{pgx.ErrNoRows, faultNone},
		{sql.ErrNoRows, faultNone},
		{context.Canceled, faultNone},
		{context.DeadlineExceeded, faultNone},
		{state("23505"), faultNone},
		{state("23514"), faultNone},
		{state("22P02"), faultNone},
		{state("42P01"), faultNone},
		{state("25P02"), faultNone},
		{state("55P03"), faultNone},
		{state("40001"), faultConflict},
		{state("40P01"), faultConflict},
		{state("57014"), faultSlow},
		{state("0A000"), faultNone},
		{&pgconn.PgError{Severity: "ERROR", Code: "0A000", Routine: "RevalidateCachedQuery"}, faultStale},
		{state("53300"), faultFull},
		{state("53100"), faultFull},
		{state("57P01"), faultDown},
		{state("57P02"), faultDown},
		{state("57P03"), faultDown},
		{state("08006"), faultDown},
		{state("08P01"), faultDown},
		{state("25006"), faultDown},
		{state("25P03"), faultDown},
		{&pgconn.PgError{Severity: "FATAL", Code: "XX000"}, faultDown},
		{&pgconn.PgError{Severity: "FATALE", SeverityUnlocalized: "FATAL", Code: "XX000"}, faultDown},
		{&pgconn.ConnectError{}, faultDown},
		{&notServingError{state("42501")}, faultDown},
		{&notServingError{state("53300")}, faultFull},
		{&notServingError{&IdentityError{Err: ErrSwapped}}, faultDown},
		{&notServingError{context.DeadlineExceeded}, faultDown},
		{driver.ErrBadConn, faultDown},
		{sql.ErrConnDone, faultDown},
		{pgconn.ErrConnClosed, faultDown},
		{io.EOF, faultDown},
		{io.ErrUnexpectedEOF, faultDown},
		{net.ErrClosed, faultDown},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, faultDown},
		{syscall.EPIPE, faultDown},
	} {
		for _, err := range []error{test.err, fmt.Errorf("insert: %w", test.err)} {
			if test.err == nil {
				err = nil
			}
			if got := faultOf(err); got != test.want {
				t.Errorf("%v: fault %d, want %d", err, got, test.want)
			}
		}
	}
}

func TestCommitUnknown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{pgx.ErrTxCommitRollback, false},
		{sql.ErrTxDone, false},
		{&pgconn.PgError{Severity: "ERROR", Code: "40001"}, false},
		{&pgconn.PgError{Severity: "ERROR", Code: "23505"}, false},
		{&pgconn.PgError{Severity: "ERROR", Code: "40003"}, true},
		{&pgconn.PgError{Severity: "FATAL", Code: "57P01"}, true},
		{&pgconn.PgError{Severity: "ERROR", Code: "08007"}, true},
		{pgconn.ErrConnClosed, true}, // pgx calls it safe to retry; it is not, see commitUnknown
		{io.ErrUnexpectedEOF, true},
		{net.ErrClosed, true},
		{context.Canceled, true},
	} {
		if got := commitUnknown(test.err); got != test.want {
			t.Errorf("%v: unknown %v, want %v", test.err, got, test.want)
		}
	}
}
