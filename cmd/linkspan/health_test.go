//go:build long

package main

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// TestHealthOf looks at an installation in which each cluster comes to lack something else.
func TestHealthOf(t *testing.T) {
	t.Parallel()
	names := []string{shardrouter.MainName, "shard-1", "shard-2", "shard-3", "shard-4"}
	clusters := localpgtest.Clusters(t, false, names...)
	config := shardrouter.Config{MainDSN: clusters.DSN(shardrouter.MainName)}
	for _, name := range names[1:] {
		config.Shards = append(config.Shards, shardrouter.Shard{Name: name, DSN: clusters.DSN(name)})
	}
	storetest.Migrate(t, config)
	router, err := shardrouter.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(router.Close)
	ask := func() (reasons []server.Reason) {
		for i, cluster := range healthOf(router)(t.Context()) {
			if cluster.Name != names[i] || (cluster.Err == nil) != (cluster.Reason == "") {
				t.Errorf("%s: %+v", names[i], cluster)
			}
			reasons = append(reasons, cluster.Reason)
		}
		return reasons
	}
	if got := ask(); !slices.Equal(got, make([]server.Reason, len(names))) {
		t.Fatalf("when all is well: %q", got)
	}
	run := func(name, statement string) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), clusters.DSN(name))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.WithoutCancel(t.Context()))
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	run(shardrouter.MainName, `DELETE FROM linkspan_main.schema_version WHERE version > 1`)
	run("shard-1", `DROP TABLE linkspan_shard.schema_version`)
	run("shard-2", `UPDATE linkspan_shard.identity SET cluster = 'shard-9'`)
	run("shard-3", `DROP TABLE linkspan_shard.identity`)
	localpgtest.Freeze(t, clusters, "shard-4")
	want := []server.Reason{server.NotMigrated, server.NotMigrated, server.WrongCluster, server.NotMigrated, server.Unreachable}
	if got := ask(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
