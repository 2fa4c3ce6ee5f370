package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"golang.org/x/sync/errgroup"

	"linkspan/internal/server"
	"linkspan/migrations"
	"linkspan/shardrouter"
)

// clustersFromEnv reads where the clusters are.
func clustersFromEnv() (shardrouter.Config, error) {
	config := shardrouter.Config{MainDSN: os.Getenv("LINKSPAN_MAIN_DSN")}
	if config.MainDSN == "" {
		return config, errors.New("LINKSPAN_MAIN_DSN is not set: where is the main database? For local clusters use `linkspan dev`")
	}
	for _, pair := range strings.Split(os.Getenv("LINKSPAN_SHARD_DSNS"), ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		name, dsn, ok := strings.Cut(pair, "=")
		if !ok || strings.TrimSpace(name) == "" || strings.TrimSpace(dsn) == "" {
			return config, errors.New("LINKSPAN_SHARD_DSNS has an entry that is not name=dsn; entries are separated by commas")
		}
		config.Shards = append(config.Shards, shardrouter.Shard{Name: strings.TrimSpace(name), DSN: strings.TrimSpace(dsn)})
	}
	if len(config.Shards) == 0 {
		return config, errors.New("LINKSPAN_SHARD_DSNS is not set: name at least one shard, as name=dsn,name=dsn")
	}
	return config, nil
}

// migrateStep is one line of the progress of a migration.
type migrateStep struct {
	cluster string
	step    migrations.Step
}

// prepare migrates all clusters, concurrently, and makes an installation of them. progress may be nil.
func prepare(ctx context.Context, config shardrouter.Config, progress func(migrateStep)) error {
	var telling sync.Mutex
	group, migrating := errgroup.WithContext(ctx)
	migrate := func(cluster, dsn string, set migrations.Set) {
		group.Go(func() error {
			return migrateCluster(migrating, cluster, dsn, set, func(step migrations.Step) {
				telling.Lock()
				defer telling.Unlock()
				if progress != nil {
					progress(migrateStep{cluster, step})
				}
			})
		})
	}
	migrate(shardrouter.MainName, config.MainDSN, migrations.Main)
	for _, shard := range config.Shards {
		migrate(shard.Name, shard.DSN, migrations.Shard)
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return shardrouter.Bootstrap(ctx, config)
}

func migrateCluster(ctx context.Context, cluster, dsn string, set migrations.Set, progress func(migrations.Step)) error {
	parsed, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("the DSN of cluster %s does not parse", cluster) // err could repeat the password
	}
	db := stdlib.OpenDB(*parsed)
	defer db.Close()
	if err := migrations.Up(ctx, db, set, progress); err != nil {
		return fmt.Errorf("cluster %s: %w", cluster, err)
	}
	return nil
}

// healthOf asks all clusters whether they can serve: reachable, the right ones, and migrated.
func healthOf(router *shardrouter.Router) server.Health {
	return func(ctx context.Context) []server.ClusterHealth {
		found := router.Health(ctx)
		answer := make([]server.ClusterHealth, len(found))
		var asking sync.WaitGroup
		for i, cluster := range found {
			answer[i] = server.ClusterHealth{Name: cluster.Name}
			if cluster.Err != nil {
				answer[i].Reason = cluster.Err.Error()
				continue
			}
			asking.Go(func() { answer[i].Reason = pendingReason(ctx, router, cluster) })
		}
		asking.Wait()
		for i := range answer {
			answer[i].Ready = answer[i].Reason == ""
		}
		return answer
	}
}

func pendingReason(ctx context.Context, router *shardrouter.Router, cluster shardrouter.ClusterHealth) string {
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
		return "" // it serves while replicas roll
	case err != nil:
		return err.Error()
	case state.Pending() > 0:
		return fmt.Sprintf("%d migrations are missing: run `linkspan migrate`", state.Pending())
	}
	return ""
}

// tookMS shows a duration in milliseconds.
func tookMS(d time.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}
