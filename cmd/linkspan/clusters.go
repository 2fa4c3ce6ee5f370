package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"

	"linkspan/internal/server"
	"linkspan/migrations"
	"linkspan/shardrouter"
)

// migrateStep is one line of the progress of a migration.
type migrateStep struct {
	cluster string
	step    migrations.Step
}

// prepare migrates all clusters, concurrently, and makes an installation of them. progress may be nil. One that fails
// does not hold up the others; the error tells of each.
func prepare(ctx context.Context, config shardrouter.Config, progress func(migrateStep)) error {
	var telling sync.Mutex
	var migrating sync.WaitGroup
	failed := make([]*clusterError, 1+len(config.Shards))
	migrate := func(i int, cluster, dsn string, set migrations.Set) {
		migrating.Go(func() {
			err := migrateCluster(ctx, dsn, set, func(step migrations.Step) {
				telling.Lock()
				defer telling.Unlock()
				if progress != nil {
					progress(migrateStep{cluster, step})
				}
			})
			if err != nil {
				failed[i] = &clusterError{cluster, err}
			}
		})
	}
	migrate(0, shardrouter.MainName, config.MainDSN, migrations.Main)
	for i, shard := range config.Shards {
		migrate(1+i, shard.Name, shard.DSN, migrations.Shard)
	}
	migrating.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	failed = slices.DeleteFunc(failed, func(err *clusterError) bool { return err == nil })
	if len(failed) > 0 {
		return &unmigratedError{failed, 1 + len(config.Shards)}
	}
	return inALine(shardrouter.Bootstrap(ctx, config))
}

// migrateConnectTimeout is how long a migration waits for a host that does not answer before it tries the DSN's next.
const migrateConnectTimeout = 10 * time.Second

func migrateCluster(ctx context.Context, dsn string, set migrations.Set, progress func(migrations.Step)) error {
	parsed, err := pgx.ParseConfig(dsn)
	if err != nil {
		return errors.New("its DSN does not parse") // err could repeat the password
	}
	parsed.ConnectTimeout = cmp.Or(parsed.ConnectTimeout, migrateConnectTimeout)
	db := stdlib.OpenDB(*parsed)
	defer db.Close()
	return migrations.Up(ctx, db, set, progress)
}

// healthOf asks all clusters whether they can serve: reachable, the right ones, and migrated.
func healthOf(router *shardrouter.Router) server.Health {
	return func(ctx context.Context) []server.ClusterHealth {
		found := router.Health(ctx)
		answer := make([]server.ClusterHealth, len(found))
		var asking sync.WaitGroup
		for i, cluster := range found {
			answer[i] = server.ClusterHealth{Name: cluster.Name, Err: cluster.Err}
			switch {
			case !cluster.Reachable:
				answer[i].Reason = server.Unreachable
			case errors.Is(cluster.Err, shardrouter.ErrNotBootstrapped):
				answer[i].Reason = server.NotMigrated
			case !cluster.Identified:
				answer[i].Reason = server.WrongCluster
			default:
				asking.Go(func() { answer[i].Reason, answer[i].Err = unmigrated(ctx, router, cluster) })
			}
		}
		asking.Wait()
		return answer
	}
}

// unmigrated tells whether a cluster lacks migrations; "" if not.
func unmigrated(ctx context.Context, router *shardrouter.Router, cluster shardrouter.ClusterHealth) (server.Reason, error) {
	database, set := router.Main(), migrations.Main
	if !cluster.Main {
		database, _ = router.Cluster(cluster.Name)
		set = migrations.Shard
	}
	var state migrations.State
	var newer *migrations.NewerError
	err := database.Read(ctx, func(ctx context.Context, db bun.IDB) (err error) {
		state, err = migrations.Pending(ctx, db, set)
		return err
	})
	switch {
	case errors.As(err, &newer):
		return "", nil // it serves while replicas roll
	case err != nil:
		return server.Unreachable, err
	case state.Pending() > 0:
		return server.NotMigrated, fmt.Errorf("it has version %d of %d", state.Current, state.Newest)
	}
	return "", nil
}

// tookMS shows a duration in milliseconds.
func tookMS(d time.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}
