package main

import (
	"context"
	"errors"
	"fmt"

	"linkspan/internal/clusterenv"
	"linkspan/migrations"
	"linkspan/shardrouter"
)

// migrateCmd brings every cluster to the newest schema.
type migrateCmd struct{}

// Help is shown below the flags.
func (migrateCmd) Help() string {
	return `The clusters come from the environment alone: LINKSPAN_MAIN_DSN and LINKSPAN_SHARD_DSNS (name=dsn,name=dsn).
It may be ended at any time and run again; two at once take turns.`
}

// Run implements the command.
func (c *migrateCmd) Run(ctx context.Context) error {
	config, err := clusterenv.Read()
	if err != nil {
		return err
	}
	width := len(shardrouter.MainName)
	for _, shard := range config.Shards {
		width = max(width, len(shard.Name))
	}
	applied := make(map[string]int)
	err = prepare(ctx, config, func(s migrateStep) {
		if s.step.Done {
			applied[s.cluster]++
			fmt.Printf("%-*s  %s  %s\n", width, s.cluster, s.step.Name, tookMS(s.step.Took))
		}
	})
	var some *unmigratedError
	if err != nil && !errors.As(err, &some) {
		return err
	}
	tell := func(cluster string, set migrations.Set) {
		if some.migrated(cluster) {
			fmt.Printf("%-*s  at version %d (%d applied)\n", width, cluster, migrations.Newest(set), applied[cluster])
		}
	}
	tell(shardrouter.MainName, migrations.Main)
	for _, shard := range config.Shards {
		tell(shard.Name, migrations.Shard)
	}
	return err
}
