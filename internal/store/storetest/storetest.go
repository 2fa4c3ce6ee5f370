// Package storetest makes installations for tests: a migrated main database and shards, each a database of its own on
// one shared Postgres.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx" for migrations

	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/store"
	"linkspan/migrations"
	"linkspan/shardrouter"
)

// Config returns an installation of that many shards, migrated and bootstrapped: all of a test binary that have as many
// are copies of one. With none, main and the one shard share a database, as on an engine that shards by itself.
func Config(t testing.TB, shards int) shardrouter.Config {
	t.Helper()
	names := []string{fmt.Sprintf("main_of_%d", shards)}
	for n := range shards {
		names = append(names, fmt.Sprintf("shard_%d_of_%d", n+1, shards))
	}
	return config(localpgtest.Databases(t, names, func(ctx context.Context, dsns []string) error {
		return install(ctx, config(dsns))
	}))
}

// config is the installation on main's database and those of the shards.
func config(dsns []string) shardrouter.Config {
	// A test machine may be so busy that its one Postgres says nothing for a second; what a silent cluster does is tested with
	// the router's own limits, elsewhere.
	c := shardrouter.Config{
		MainDSN: dsns[0], Logger: slog.New(slog.DiscardHandler), PoolSize: 8, AttemptTimeout: 5 * time.Second, Settings: store.Settings(),
	}
	for i, dsn := range dsns[min(1, len(dsns)-1):] {
		c.Shards = append(c.Shards, shardrouter.Shard{Name: fmt.Sprintf("shard-%d", i+1), DSN: dsn})
	}
	return c
}

// DSN is the DSN of a cluster by its name; main's where no shard has that name.
func DSN(config shardrouter.Config, cluster string) string {
	for _, shard := range config.Shards {
		if shard.Name == cluster {
			return shard.DSN
		}
	}
	return config.MainDSN
}

// Migrate makes an installation of empty databases.
func Migrate(t testing.TB, config shardrouter.Config) {
	t.Helper()
	if err := install(t.Context(), config); err != nil {
		t.Fatal(err)
	}
}

func install(ctx context.Context, config shardrouter.Config) error {
	err := migrate(ctx, config.MainDSN, migrations.Main)
	for _, shard := range config.Shards {
		if err == nil {
			err = migrate(ctx, shard.DSN, migrations.Shard)
		}
	}
	if err != nil {
		return err
	}
	return shardrouter.Bootstrap(ctx, config)
}

func migrate(ctx context.Context, dsn string, set migrations.Set) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	return migrations.Up(ctx, db, set, nil)
}

// Open returns a store over a new installation; it is closed when the test ends.
func Open(t testing.TB, shards int) (*store.Store, *shardrouter.Router) {
	t.Helper()
	return OpenConfig(t, Config(t, shards))
}

// OpenConfig returns a store over an installation; it is closed when the test ends.
func OpenConfig(t testing.TB, config shardrouter.Config, options ...store.Option) (*store.Store, *shardrouter.Router) {
	t.Helper()
	router, err := shardrouter.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(router.Close)
	return store.New(router, options...), router
}
