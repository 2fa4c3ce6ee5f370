package shardrouter

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// identity is what a cluster must prove on every new connection.
type identity struct {
	cluster string // MainName: the main database
	// installation is not known before main's first connection, which is believed; every later one, and
	// every shard, must agree.
	installation *atomic.Pointer[uuid.UUID]
}

// verify asks who is at the other end of a new connection, in one round trip. What it returns is a
// [*notServingError].
func (id identity) verify(ctx context.Context, conn *pgx.Conn) error {
	if err := id.read(ctx, conn); err != nil {
		return &notServingError{err}
	}
	return nil
}

func (id identity) read(ctx context.Context, conn *pgx.Conn) error {
	if got := conn.PgConn().ParameterStatus(conformingStrings); got != "on" {
		return fmt.Errorf("cluster %q: %s is %q", id.cluster, conformingStrings, got)
	}
	query := `SELECT installation::text, cluster, current_setting('transaction_read_only') FROM linkspan_shard.identity`
	if id.cluster == MainName {
		query = `SELECT id::text, 'main', current_setting('transaction_read_only') FROM linkspan_main.installation`
	}
	var text, cluster, readOnly string
	err := conn.QueryRow(ctx, query).Scan(&text, &cluster, &readOnly)
	switch {
	case errors.Is(err, pgx.ErrNoRows), isUndefinedTable(err):
		return &IdentityError{Cluster: id.cluster, Err: ErrNotBootstrapped}
	case err != nil:
		return fmt.Errorf("read the identity of cluster %q: %w", id.cluster, err)
	case readOnly != "off":
		return fmt.Errorf("cluster %q: the server is read-only", id.cluster)
	}
	installation, err := uuid.Parse(text)
	if err != nil {
		return fmt.Errorf("read the identity of cluster %q: %w", id.cluster, err)
	}
	if id.cluster == MainName {
		id.installation.CompareAndSwap(nil, &installation)
	}
	return compareIdentity(id.cluster, *id.installation.Load(), cluster, installation)
}

func compareIdentity(wantCluster string, wantInstallation uuid.UUID, cluster string, installation uuid.UUID) error {
	switch {
	case installation != wantInstallation:
		return &IdentityError{Cluster: wantCluster, Err: ErrForeign}
	case cluster != wantCluster:
		return &IdentityError{Cluster: wantCluster, Found: cluster, Err: ErrSwapped}
	}
	return nil
}

// isUndefinedTable tells that a table or its schema does not exist.
func isUndefinedTable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000")
}
