//go:build long

package proof_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server/servertest"
)

// trouble is something that befalls a cluster.
type trouble struct {
	name string
	// denies tells that whoever needs the cluster gets faults meanwhile; else all goes on, if not as fast.
	denies bool
	// reads tells that who only reads there is served; so an invitation may be waited for that cannot come.
	reads bool
	// begin begins it and returns what ends it. Both return when it is so.
	begin func(t *testing.T, s *site, w *wire, cluster string) (end func())
}

var troubles = []trouble{
	{"stopped", true, false, func(t *testing.T, s *site, _ *wire, cluster string) func() {
		return localpgtest.Freeze(t, s.clusters, cluster)
	}},
	{"refusing connections", true, false, func(t *testing.T, _ *site, w *wire, _ string) func() {
		w.refuse()
		return func() { w.mend(t) }
	}},
	{"slow", false, false, func(t *testing.T, _ *site, w *wire, _ string) func() {
		w.delay.Store(int64(40 * time.Millisecond))
		return func() { w.delay.Store(0) }
	}},
	{"slower than any patience", true, false, func(t *testing.T, _ *site, w *wire, _ string) func() {
		w.delay.Store(int64(5 * time.Second))
		return func() { w.delay.Store(0) }
	}},
	{"without a free connection", true, false, takeConnections},
	{"with a full disk", true, true, fillDisk},
	{"restarted", false, false, func(t *testing.T, s *site, _ *wire, cluster string) func() {
		restart(t, s, cluster)
		return func() {}
	}},
	{"crashed and restarted", false, false, func(t *testing.T, s *site, _ *wire, cluster string) func() {
		s.clusters.Kill(cluster)
		restart(t, s, cluster)
		return func() {}
	}},
}

func restart(t *testing.T, s *site, cluster string) {
	t.Helper()
	if err := s.clusters.Restart(t.Context(), cluster); err != nil {
		t.Fatal(err)
	}
}

// takeConnections takes all connections that a cluster has, the program's too.
func takeConnections(t *testing.T, s *site, _ *wire, cluster string) (end func()) {
	t.Helper()
	var taken []*pgx.Conn
	end = func() {
		for _, conn := range taken {
			conn.Close(context.Background())
		}
	}
	limit := 0
	servertest.Eventually(t, "all connections to "+cluster+" are taken", func() bool {
		for conn, err := pgx.Connect(t.Context(), s.clusters.DSN(cluster)); err == nil; {
			taken = append(taken, conn)
			conn, err = pgx.Connect(t.Context(), s.clusters.DSN(cluster))
		}
		if len(taken) == 0 {
			return false
		}
		err := taken[0].QueryRow(t.Context(), `
			SELECT current_setting('max_connections')::integer, count(pg_terminate_backend(pid))
			FROM pg_stat_activity WHERE application_name = 'linkspan'`).Scan(&limit, new(int))
		if err != nil {
			t.Fatal(err)
		}
		return len(taken) == limit
	})
	t.Logf("%d connections are taken", len(taken))
	return end
}

// fillDisk lets every write of Linkspan's fail as on a full disk: PostgreSQL itself says so, for any user and on any disk.
func fillDisk(t *testing.T, s *site, _ *wire, cluster string) (end func()) {
	t.Helper()
	run := func(statements ...string) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), s.clusters.DSN(cluster))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		for _, statement := range statements {
			if _, err := conn.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Each table in a transaction of its own: one that holds locks on several would be in the program's way, and it in its.
	const onEach = `DO $$ DECLARE a_table regclass; BEGIN
		FOR a_table IN SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
			WHERE n.nspname LIKE 'linkspan%%' AND c.relkind = 'r' LOOP
			EXECUTE format('%s', a_table);
			COMMIT;
		END LOOP; END $$`
	run(`CREATE SCHEMA full_disk`,
		`CREATE FUNCTION full_disk.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$`,
		fmt.Sprintf(onEach, `CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE OR DELETE ON %s EXECUTE FUNCTION full_disk.fail()`))
	return func() { run(fmt.Sprintf(onEach, `DROP TRIGGER full_disk ON %s`), `DROP SCHEMA full_disk CASCADE`) }
}
