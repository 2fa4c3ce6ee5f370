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

// Config returns an installation of that many shards, migrated and bootstrapped. With none, main and the one shard
// share a database, as on an engine that shards by itself.
func Config(t testing.TB, shards int) shardrouter.Config {
	t.Helper()
	// A test machine may be so busy that its one Postgres says nothing for a second; what a silent cluster does is tested with
	// the router's own limits, elsewhere.
	config := shardrouter.Config{Logger: slog.New(slog.DiscardHandler), PoolSize: 8, AttemptTimeout: 5 * time.Second}
	if shards == 0 {
		config.MainDSN = localpgtest.DatabaseFrom(t, template(t, "both", migrations.Main, migrations.Shard))
		config.Shards = []shardrouter.Shard{{Name: "shard-1", DSN: config.MainDSN}}
	} else {
		config.MainDSN = localpgtest.DatabaseFrom(t, template(t, "main", migrations.Main))
		for n := range shards {
			dsn := localpgtest.DatabaseFrom(t, template(t, "shard", migrations.Shard))
			config.Shards = append(config.Shards, shardrouter.Shard{Name: fmt.Sprintf("shard-%d", n+1), DSN: dsn})
		}
	}
	if err := shardrouter.Bootstrap(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	return config
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
	err := migrate(t.Context(), config.MainDSN, migrations.Main)
	for _, shard := range config.Shards {
		if err == nil {
			err = migrate(t.Context(), shard.DSN, migrations.Shard)
		}
	}
	if err == nil {
		err = shardrouter.Bootstrap(t.Context(), config)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// template is a migrated database that others are copied from.
func template(t testing.TB, name string, sets ...migrations.Set) string {
	return localpgtest.Template(t, name, func(ctx context.Context, dsn string) error { return migrate(ctx, dsn, sets...) })
}

func migrate(ctx context.Context, dsn string, sets ...migrations.Set) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, set := range sets {
		if err := migrations.Up(ctx, db, set, nil); err != nil {
			return err
		}
	}
	return nil
}

// Open returns a store over a new installation; it is closed when the test ends.
func Open(t testing.TB, shards int) (*store.Store, *shardrouter.Router) {
	t.Helper()
	return OpenConfig(t, Config(t, shards))
}

// OpenConfig returns a store over an installation; it is closed when the test ends.
func OpenConfig(t testing.TB, config shardrouter.Config) (*store.Store, *shardrouter.Router) {
	t.Helper()
	router, err := shardrouter.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(router.Close)
	return store.New(router), router
}
