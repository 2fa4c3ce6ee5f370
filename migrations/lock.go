package migrations

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3/lock"
)

// LockLease is how long the lock of a migrator that died, or lost its database, blocks the next one.
const LockLease = 15 * time.Second

const (
	lockHeartbeat = 3 * time.Second
	lockRetry     = 100 * time.Millisecond
	lockRetries   = 6000 // ten minutes; the caller's context ends it earlier
	unlockRetries = 20
)

func newLocker(set Set) (lock.Locker, error) {
	return lock.NewPostgresTableLocker(
		lock.WithTableName(lockTable(set)),
		lock.WithTableLeaseDuration(LockLease),
		lock.WithTableHeartbeatInterval(lockHeartbeat),
		lock.WithTableLockTimeout(lockRetry, lockRetries),
		lock.WithTableUnlockTimeout(lockRetry, unlockRetries),
		lock.WithTableRetryPolicy(mayClear),
		lock.WithTableLogger(slog.New(slog.DiscardHandler)),
	)
}

// mayClear tells whether waiting helps a lock that was not got: yes when somebody else holds it (goose
// has no type for that), no when the database refuses or does not answer.
func mayClear(err error) bool {
	var (
		pg      *pgconn.PgError
		connect *pgconn.ConnectError
		network net.Error
	)
	switch {
	case errors.As(err, &pg):
		return pg.Code == "40001" || pg.Code == "40P01"
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone):
		return false
	}
	return true
}

// prepare makes the schema, its version table and its lock table where they are missing. It is safe when
// several do it at once: all of it is one transaction, and whoever loses looks again.
func prepare(ctx context.Context, db *sql.DB, set Set) error {
	for attempt := 1; ; attempt++ {
		missing, err := missingParts(ctx, db, set)
		if err != nil || missing == "" {
			return err
		}
		_, err = db.ExecContext(ctx, missing)
		if err == nil || attempt == 5 || !isDuplicate(err) {
			return err
		}
	}
}

// missingParts is the SQL that makes what is missing, or "". It asks first instead of saying IF NOT
// EXISTS, because that needs the right to create a schema even where the operator made it beforehand.
func missingParts(ctx context.Context, db *sql.DB, set Set) (string, error) {
	var hasSchema, hasVersions, hasLock bool
	err := db.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = '`+set.Schema()+`'),
		       EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = '`+set.Schema()+`' AND tablename = 'schema_version'),
		       EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = '`+set.Schema()+`' AND tablename = 'schema_lock')`,
	).Scan(&hasSchema, &hasVersions, &hasLock)
	if err != nil {
		return "", err
	}
	var parts strings.Builder
	if !hasSchema {
		parts.WriteString("CREATE SCHEMA " + set.Schema() + ";\n")
	}
	if !hasVersions {
		parts.WriteString(strings.ReplaceAll(createVersions, "$table", versionTable(set)))
	}
	if !hasLock {
		parts.WriteString(strings.ReplaceAll(createLock, "$table", lockTable(set)))
	}
	return parts.String(), nil
}

// isDuplicate tells that somebody else made the same schema or table in the meantime.
func isDuplicate(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "23505", "42P06", "42P07", "42710": // a catalogue's unique index, schema, table, type
		return true
	}
	return false
}

func lockTable(set Set) string { return set.Schema() + ".schema_lock" }

// The columns are those that goose's table lock uses.
const createLock = `
CREATE TABLE $table (
    lock_id          bigint  NOT NULL PRIMARY KEY,
    locked           boolean NOT NULL DEFAULT false,
    locked_at        timestamptz,
    locked_by        text,
    lease_expires_at timestamptz,
    updated_at       timestamptz
);
COMMENT ON TABLE $table IS 'Lets one migrator at a time work on this schema. A row with a lease, so that a dead migrator does not block the next.';
COMMENT ON COLUMN $table.lock_id IS 'Always the same number: one lock.';
COMMENT ON COLUMN $table.locked IS 'Whether a migrator holds the lock.';
COMMENT ON COLUMN $table.locked_at IS 'Since when.';
COMMENT ON COLUMN $table.locked_by IS 'Host, process and a random part of the holder.';
COMMENT ON COLUMN $table.lease_expires_at IS 'From when on anybody may take the lock over; the holder moves it on while it lives.';
COMMENT ON COLUMN $table.updated_at IS 'When the row last changed.';
`
