package shardrouter

import (
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

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

// freeze stops every process of a cluster, as a machine does that hangs, and returns what lets them go
// on; the end of the test does so in any case.
func freeze(t *testing.T, clusters *localpg.Clusters, name string) (thaw func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), clusters.DSN(name))
	if err != nil {
		t.Fatal(err)
	}
	stopped := []int{clusters.PID(name)}
	if err := syscall.Kill(stopped[0], syscall.SIGSTOP); err != nil { // first: it starts no more
		t.Fatal(err)
	}
	thaw = func() {
		for _, pid := range stopped {
			_ = syscall.Kill(pid, syscall.SIGCONT) // it may be gone
		}
	}
	t.Cleanup(thaw)
	rows, err := conn.Query(t.Context(), `SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()`)
	if err != nil {
		t.Fatal(err)
	}
	backends, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, pid := range backends {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err == nil {
			stopped = append(stopped, pid)
		}
	}
	return thaw
}
