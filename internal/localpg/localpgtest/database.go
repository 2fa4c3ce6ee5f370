package localpgtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"linkspan/internal/localpg"
)

// sharedName is the cluster's name on the shared server, maxConnections is how many connections all tests of a binary
// have, and poolSize how many of them a pool has at most.
const (
	sharedName     = "shared"
	maxConnections = "300"
	poolSize       = 4
)

// shared is the test binary's one server.
var shared server

// server starts when it is first asked for a connection.
type server struct {
	mu       sync.Mutex
	started  bool
	clusters *localpg.Clusters
	makers   *pgxpool.Pool // makes and drops databases
	root     string
	err      error
}

// get starts the server if it has not been started.
func (s *server) get() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.started = true
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.clusters, s.root, s.err = start(ctx, localpg.Config{
			Names:    []string{sharedName},
			Settings: map[string]string{"max_connections": maxConnections, "max_wal_size": "64MB"},
		})
		if s.err == nil {
			s.makers, s.err = openPool(s.clusters.DSN(sharedName))
		}
	}
	return s.err
}

func openPool(dsn string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns = poolSize
	// Nothing is prepared: tests change tables between two uses of a statement.
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	return pgxpool.NewWithConfig(context.Background(), config)
}

func (s *server) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clusters == nil {
		return nil
	}
	if s.makers != nil {
		s.makers.Close()
	}
	clusters := s.clusters
	s.clusters, s.err = nil, localpg.ErrStopped
	return end(clusters, s.root)
}

// Database makes an empty database on the shared server, drops it when the test ends, connections or not, and returns its
// DSN.
func Database(t testing.TB) string {
	t.Helper()
	return copyOf(t, "template1")
}

// copyOf is Database with a copy of another database of the shared server. Nobody may be connected to that one; it waits a
// while for connections that are just being closed.
func copyOf(t testing.TB, template string) string {
	t.Helper()
	if err := shared.get(); err != nil {
		t.Fatalf("localpgtest: %v", err)
	}
	name := databaseName(t)
	if err := shared.create(t.Context(), name, template); err != nil {
		t.Fatalf("localpgtest: %v", err)
	}
	dsn := shared.clusters.DatabaseDSN(sharedName, name)
	pool, err := openPool(dsn) // it connects when it is first used
	if err != nil {
		t.Fatalf("localpgtest: %v", err)
	}
	pools.Store(dsn, pool)
	t.Cleanup(func() {
		pools.Delete(dsn)
		pool.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := shared.drop(ctx, name); err != nil {
			t.Errorf("localpgtest: %v", err)
		}
	})
	return dsn
}

// pools are those of Pool, each a *pgxpool.Pool, by DSN.
var pools sync.Map

// Pool returns connections to a database that Database or Databases made, past the program under test: a connection
// costs more than most statements. All callers have the same few, until the database is dropped; none may leave a setting
// or a lock behind.
func Pool(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, ok := pools.Load(dsn)
	if !ok {
		t.Fatal("localpgtest: Pool: the DSN is none of Database or Databases, or the database is dropped")
	}
	return pool.(*pgxpool.Pool)
}

// templates are what Databases made, by all their names.
var templates struct {
	sync.Mutex
	made map[string]*madeTemplates
}

type madeTemplates struct {
	once sync.Once
	err  error
}

// Databases makes databases on the shared server once for the test binary, and lets fill bring them to the state that many
// tests begin with: migrated, say, and told of each other. It returns the DSNs of copies for this test, in the order of
// names. A name is part of one list of names alone; fill must close its connections.
func Databases(t testing.TB, names []string, fill func(ctx context.Context, dsns []string) error) (dsns []string) {
	t.Helper()
	key := strings.Join(names, " ")
	templates.Lock()
	if templates.made == nil {
		templates.made = map[string]*madeTemplates{}
	}
	made, ok := templates.made[key]
	if !ok {
		made = &madeTemplates{}
		templates.made[key] = made
	}
	templates.Unlock()
	databases := make([]string, len(names))
	for i, name := range names {
		databases[i] = "template_" + name
	}
	made.once.Do(func() { made.err = shared.fill(databases, fill) })
	if made.err != nil {
		t.Fatalf("localpgtest: templates %s: %v", key, made.err)
	}
	for _, database := range databases {
		dsns = append(dsns, copyOf(t, database))
	}
	return dsns
}

// fill makes databases and fills them.
func (s *server) fill(databases []string, fill func(ctx context.Context, dsns []string) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.get(); err != nil {
		return err
	}
	dsns := make([]string, len(databases))
	for i, database := range databases {
		if err := s.create(ctx, database, "template1"); err != nil {
			return err
		}
		dsns[i] = s.clusters.DatabaseDSN(sharedName, database)
	}
	return fill(ctx, dsns)
}

// lastDatabase numbers the databases of this test binary.
var lastDatabase atomic.Int64

// databaseName is a new name that shows, in a log, which test's database it is.
func databaseName(t testing.TB) string {
	const maxNameBytes = 63
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(t.Name()))
	name := fmt.Sprintf("t%d_%s", lastDatabase.Add(1), clean)
	return name[:min(len(name), maxNameBytes)]
}

// objectInUse is PostgreSQL's SQLSTATE for a template that somebody is connected to.
const objectInUse = "55006"

// create makes a database as a copy of a template.
func (s *server) create(ctx context.Context, name, template string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// FILE_COPY is the faster strategy where checkpoints cost nothing, as here.
	statement := fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy",
		pgx.Identifier{name}.Sanitize(), pgx.Identifier{template}.Sanitize())
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := s.execute(ctx, statement)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != objectInUse {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return err
		}
	}
}

func (s *server) drop(ctx context.Context, name string) error {
	return s.execute(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
}

func (s *server) execute(ctx context.Context, statement string) error {
	if _, err := s.makers.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
