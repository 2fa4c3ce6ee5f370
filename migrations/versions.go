package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pressly/goose/v3/database"
)

func versionTable(set Set) string { return set.Schema() + ".schema_version" }

const createVersions = `
CREATE TABLE $table (
    version    bigint      PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT schema_version_from_one CHECK (version >= 1)
);
COMMENT ON TABLE $table IS 'The migrations that this schema has, one row each.';
COMMENT ON COLUMN $table.version IS 'Number of the migration''s file.';
COMMENT ON COLUMN $table.applied_at IS 'When it was applied.';
`

// versions keeps goose's record of one set. goose's own table numbers its rows from a sequence; here the
// version is the key, so that a migration cannot be recorded twice. goose wants a version 0, which this
// table does not hold: it is added when goose reads.
type versions struct{ set Set }

var _ database.Store = versions{}

func (v versions) Tablename() string { return versionTable(v.set) }

// TableExists spares goose the question: [prepare] has made the table.
func (v versions) TableExists(context.Context, database.DBTxConn) (bool, error) { return true, nil }

func (v versions) CreateVersionTable(context.Context, database.DBTxConn) error { return nil }

func (v versions) Insert(ctx context.Context, db database.DBTxConn, req database.InsertRequest) error {
	_, err := db.ExecContext(ctx, "INSERT INTO "+v.Tablename()+" (version) VALUES ($1)", req.Version)
	if err != nil {
		return fmt.Errorf("record version %d: %w", req.Version, err)
	}
	return nil
}

func (v versions) Delete(ctx context.Context, db database.DBTxConn, version int64) error {
	_, err := db.ExecContext(ctx, "DELETE FROM "+v.Tablename()+" WHERE version = $1", version)
	if err != nil {
		return fmt.Errorf("unrecord version %d: %w", version, err)
	}
	return nil
}

func (v versions) GetMigration(ctx context.Context, db database.DBTxConn, version int64) (*database.GetMigrationResult, error) {
	var at time.Time
	err := db.QueryRowContext(ctx, "SELECT applied_at FROM "+v.Tablename()+" WHERE version = $1", version).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: %d", database.ErrVersionNotFound, version)
	}
	if err != nil {
		return nil, fmt.Errorf("read version %d: %w", version, err)
	}
	return &database.GetMigrationResult{Timestamp: at, IsApplied: true}, nil
}

func (v versions) GetLatestVersion(ctx context.Context, db database.DBTxConn) (int64, error) {
	var latest int64
	err := db.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM "+v.Tablename()).Scan(&latest)
	if err != nil {
		return -1, fmt.Errorf("read the latest version: %w", err)
	}
	return latest, nil
}

func (v versions) ListMigrations(ctx context.Context, db database.DBTxConn) (_ []*database.ListMigrationsResult, err error) {
	rows, err := db.QueryContext(ctx, "SELECT version FROM "+v.Tablename()+" ORDER BY version DESC")
	if err != nil {
		return nil, fmt.Errorf("list versions: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var list []*database.ListMigrationsResult
	for rows.Next() {
		var version int64
		if err := rows.Scan(&version); err != nil {
			return nil, fmt.Errorf("list versions: %w", err)
		}
		list = append(list, &database.ListMigrationsResult{Version: version, IsApplied: true})
	}
	return append(list, &database.ListMigrationsResult{Version: 0, IsApplied: true}), rows.Err()
}
