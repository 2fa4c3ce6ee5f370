package shardrouter

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// conformingStrings is pinned because bun writes arguments into the SQL: where it is off, a
	// backslash in a string ends the string, and anybody's text becomes SQL.
	conformingStrings = "standard_conforming_strings"
	// defaultIsolation is pinned because a [Tx] that is never flushed has no BEGIN to say it: where a database or a role
	// has another, a statement behind one that waited for a lock would not see what it waited for.
	defaultIsolation = "default_transaction_isolation"
	applicationName  = "linkspan"
)

// connConfig is how this process connects to a cluster, whatever the DSN says about it.
func (c Config) connConfig(cluster, dsn string) (*pgxpool.Config, error) {
	pool, err := parseDSN(cluster, dsn)
	if err != nil {
		return nil, err
	}
	config := pool.ConnConfig
	config.ConnectTimeout = c.ConnectTimeout
	switch {
	case c.tracer != nil:
		config.Tracer = c.tracer
	case c.Statements != nil:
		config.Tracer = pgxTracer{cluster, c.Statements}
	}
	// bun's statements are all different texts: a statement cache would only fill the server's memory.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = applicationName
	}
	config.RuntimeParams[conformingStrings] = "on"
	if c.DisablePreparing {
		config.StatementCacheCapacity, config.DescriptionCacheCapacity = 0, 0
		return pool, nil
	}
	for name, value := range c.Settings {
		if _, inDSN := config.RuntimeParams[name]; !inDSN {
			config.RuntimeParams[name] = value
		}
	}
	config.RuntimeParams[defaultIsolation] = "read committed"
	// The server's own limits, for when this process cannot cancel any more.
	limit := strconv.FormatInt(c.StatementTimeout.Milliseconds(), 10)
	config.RuntimeParams["statement_timeout"] = limit
	config.RuntimeParams["idle_in_transaction_session_timeout"] = limit
	return pool, nil
}

// newPool makes the pool; it connects when it is first used.
func (d *Database) newPool(pool *pgxpool.Config) (*pgxpool.Pool, error) {
	pool.ConnConfig.DialFunc = d.dialer.dial
	pool.MaxConns = int32(d.config.PoolSize)
	pool.MinConns, pool.MinIdleConns = 0, 0
	pool.MaxConnLifetime, pool.MaxConnLifetimeJitter = time.Hour, 10*time.Minute
	pool.MaxConnIdleTime = 5 * time.Minute
	pool.BeforeConnect = func(ctx context.Context, config *pgx.ConnConfig) error {
		d.silentLast(ctx, config)
		return nil
	}
	pool.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		// For statements that are not prepared, where nobody else tells pgx the type.
		conn.TypeMap().RegisterDefaultPgType(Slot(0), "int2")
		conn.TypeMap().RegisterDefaultPgType([]Slot(nil), "_int2")
		// The pool connects in the background, under no caller's deadline.
		ctx, cancel := context.WithTimeout(ctx, d.config.ConnectTimeout)
		defer cancel()
		err := d.identity.verify(ctx, conn)
		if err == nil {
			err = keepMemory(ctx, conn)
		}
		if err == nil {
			d.counts.connected(conn.PgConn().Conn().RemoteAddr().String())
		}
		return err
	}
	// Again at each use, for it costs nothing: a closure may have changed it.
	pool.PrepareConn = func(_ context.Context, conn *pgx.Conn) (bool, error) {
		return conn.PgConn().ParameterStatus(conformingStrings) == "on", nil
	}
	// No round trip to ask whether an idle connection lives: an attempt that finds it dead runs again.
	pool.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	return pgxpool.NewWithConfig(context.Background(), pool)
}
