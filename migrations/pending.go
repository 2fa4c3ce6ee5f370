package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// Queryer is what [Pending] reads through: *sql.DB, *sql.Conn, and bun's DB, Tx and IDB.
type Queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// State tells where a database stands.
type State struct {
	Set     Set
	Current int64 // the newest migration that the database has; 0: none
	Newest  int64 // the newest migration that this binary has
}

// Pending is the number of migrations still to apply; 0 also when the database is newer than the binary.
func (s State) Pending() int64 { return max(0, s.Newest-s.Current) }

// NewerError says that a database was migrated by a newer binary than this one. This binary neither
// migrates it up nor down. It may go on serving it while replicas roll: releases expand a schema first
// and contract it one release later.
type NewerError struct {
	Set     Set
	Current int64 // of the database
	Newest  int64 // of the binary
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("the %s database is at schema version %d, this binary knows versions up to %d: use the newer binary",
		e.Set, e.Current, e.Newest)
}

// Pending reads where a database stands, in one read-only statement; a database that was never migrated
// has version 0. The state is also valid beside a [*NewerError].
func Pending(ctx context.Context, db Queryer, set Set) (State, error) {
	state := State{Set: set, Newest: Newest(set)}
	var current sql.NullInt64
	err := db.QueryRowContext(ctx, "SELECT max(version) FROM "+versionTable(set)).Scan(&current)
	switch {
	case isUndefined(err):
		return state, nil
	case err != nil:
		return state, fmt.Errorf("read the schema version of the %s database: %w", set, err)
	}
	state.Current = current.Int64
	if state.Current > state.Newest {
		return state, &NewerError{Set: set, Current: state.Current, Newest: state.Newest}
	}
	return state, nil
}

// isUndefined tells that the table or its schema does not exist (42P01, 3F000).
func isUndefined(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000")
}
