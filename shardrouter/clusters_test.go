package shardrouter

import (
	"testing"

	"linkspan/internal/localpg"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/migrations"
)

// newConfigWith is newConfig with one shard, real, as a Postgres process of its own; the others are on the
// shared server. It is durable: a kill must not take back what the test has set up.
func newConfigWith(t *testing.T, real string, shards ...string) (*localpg.Clusters, Config) {
	t.Helper()
	clusters := localpgtest.Clusters(t, true, real)
	if err := migrate(t.Context(), clusters.DSN(real), migrations.Shard); err != nil {
		t.Fatal(err)
	}
	config := newConfig(t, shards...)
	config.Shards = append(config.Shards, Shard{real, clusters.DSN(real)})
	return clusters, bootstrapped(t, config)
}
