package shardrouter

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver pgx/v5
	"go.uber.org/goleak"

	"linkspan/internal/localpg/localpgtest"
	"linkspan/migrations"
)

func TestMain(m *testing.M) {
	code := localpgtest.Main(m)
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// testTables are a small domain for the tests, on each shard.
const testTables = `
	CREATE TABLE linkspan_shard.note (slot smallint, id integer, body text NOT NULL, PRIMARY KEY (slot, id));
	CREATE TABLE linkspan_shard.operation (slot smallint, id text, PRIMARY KEY (slot, id));`

func migrate(ctx context.Context, dsn string, set migrations.Set) error {
	db, err := sql.Open("pgx/v5", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := migrations.Up(ctx, db, set, nil); err != nil || set == migrations.Main {
		return err
	}
	_, err = db.ExecContext(ctx, testTables)
	return err
}

// mainDatabase and shardDatabase make migrated databases on the shared server.
func mainDatabase(t testing.TB) string { return migrated(t, "main", migrations.Main) }

func shardDatabase(t testing.TB) string { return migrated(t, "shard", migrations.Shard) }

func migrated(t testing.TB, name string, set migrations.Set) string {
	t.Helper()
	return localpgtest.Databases(t, []string{name}, func(ctx context.Context, dsns []string) error {
		return migrate(ctx, dsns[0], set)
	})[0]
}

// configOf is the configuration of main's database and those of shards.
func configOf(dsns, shards []string) Config {
	config := Config{MainDSN: dsns[0], PoolSize: 4, Logger: slog.New(slog.DiscardHandler)}
	for i, name := range shards {
		config.Shards = append(config.Shards, Shard{name, dsns[1+i]})
	}
	return config
}

// newConfig is the configuration of new, migrated databases that know of nothing yet.
func newConfig(t testing.TB, shards ...string) Config {
	t.Helper()
	dsns := []string{mainDatabase(t)}
	for range shards {
		dsns = append(dsns, shardDatabase(t))
	}
	return configOf(dsns, shards)
}

func bootstrapped(t testing.TB, config Config) Config {
	t.Helper()
	if err := Bootstrap(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	return config
}

func openRouter(t testing.TB, config Config) *Router {
	t.Helper()
	r, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// installed is the configuration of an installation of its own: a copy of one that was made for the test binary.
func installed(t testing.TB, shards ...string) Config {
	t.Helper()
	of := "_of_" + strings.Join(shards, "_")
	names := []string{"main" + of}
	for _, name := range shards {
		names = append(names, "shard_"+name+of)
	}
	return configOf(localpgtest.Databases(t, names, func(ctx context.Context, dsns []string) error {
		err := migrate(ctx, dsns[0], migrations.Main)
		for _, dsn := range dsns[1:] {
			if err == nil {
				err = migrate(ctx, dsn, migrations.Shard)
			}
		}
		if err != nil {
			return err
		}
		return Bootstrap(ctx, configOf(dsns, shards))
	}), shards)
}

// newRouter is a router over new databases.
func newRouter(t testing.TB, shards ...string) (*Router, Config) {
	t.Helper()
	config := installed(t, shards...)
	return openRouter(t, config), config
}

// slotOn is a slot that the cluster owns, the n-th one.
func slotOn(t testing.TB, r *Router, cluster string, n int) Slot {
	t.Helper()
	for slot := range Slot(Slots) {
		if r.ClusterOf(slot) == cluster {
			if n == 0 {
				return slot
			}
			n--
		}
	}
	t.Fatalf("cluster %s has too few slots", cluster)
	return 0
}

func (c Config) dsn(cluster string) string {
	for _, shard := range c.Shards {
		if shard.Name == cluster {
			return shard.DSN
		}
	}
	return c.MainDSN
}

// execute runs SQL past the router, as an operator or a mover would.
func execute(t testing.TB, dsn, query string, args ...any) {
	t.Helper()
	if _, err := localpgtest.Pool(t, dsn).Exec(context.WithoutCancel(t.Context()), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// lookup reads one value past the router.
func lookup[T any](t testing.TB, dsn, query string, args ...any) T {
	t.Helper()
	var value T
	if err := localpgtest.Pool(t, dsn).QueryRow(t.Context(), query, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

// move moves a slot as a mover would, without its rows.
func move(t testing.TB, config Config, slot Slot, from, to string, epoch int64) {
	t.Helper()
	execute(t, config.dsn(to), `INSERT INTO linkspan_shard.owned_slot (slot, epoch, state) VALUES ($1, $2, 'OWNED')
		ON CONFLICT (slot) DO UPDATE SET epoch = excluded.epoch, state = 'OWNED', moved_to = NULL`, int16(slot), epoch)
	execute(t, config.MainDSN, `UPDATE linkspan_main.slot SET cluster = $2, epoch = $3 WHERE slot = $1`, int16(slot), to, epoch)
	execute(t, config.dsn(from), `UPDATE linkspan_shard.owned_slot SET state = 'MOVED', epoch = $2, moved_to = $3 WHERE slot = $1`,
		int16(slot), epoch, to)
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("never: %s", what)
		}
	}
}
