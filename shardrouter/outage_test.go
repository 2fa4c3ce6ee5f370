package shardrouter

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
	"golang.org/x/sync/errgroup"
)

// wantDown tries every way to a slot and wants each to say that its cluster is unavailable.
func wantDown(t *testing.T, r *Router, slot Slot) {
	t.Helper()
	cluster := r.ClusterOf(slot)
	for _, way := range noteWays {
		_, readErr := way.read(t.Context(), r, slot, 1)
		for what, err := range map[string]error{"read": readErr, "write": way.write(t.Context(), r, slot, 1, "x")} {
			var unavailable *UnavailableError
			if !errors.As(err, &unavailable) || unavailable.Cluster != cluster || unavailable.Slot != slot {
				t.Errorf("%s: %s: %v, want slot %d of %s to be unavailable", way.name, what, err, slot, cluster)
			}
		}
	}
}

func wantUp(t *testing.T, r *Router, slot Slot) {
	t.Helper()
	for _, way := range noteWays {
		if err := way.write(t.Context(), r, slot, 1, "x"); err != nil {
			t.Errorf("%s: write on %s: %v", way.name, r.ClusterOf(slot), err)
		}
		if _, err := way.read(t.Context(), r, slot, 1); err != nil {
			t.Errorf("%s: read on %s: %v", way.name, r.ClusterOf(slot), err)
		}
	}
}

func wantBack(t *testing.T, r *Router, slot Slot) {
	t.Helper()
	eventually(t, "the cluster is back by itself", func() bool { return r.shards[r.ClusterOf(slot)].down() == nil })
	runs := 0
	if err := r.Read(t.Context(), slot, func(ctx context.Context, db bun.IDB) error {
		runs++
		_, err := db.ExecContext(ctx, "SELECT 1")
		return err
	}); err != nil || runs != 1 {
		t.Errorf("first read after the outage: %v after %d runs, want success at once: no old connection is left", err, runs)
	}
	wantUp(t, r, slot)
}

func TestDeadClusterFailsItsOwnSlotsOnly(t *testing.T) {
	t.Parallel()
	clusters, config := realClusters(t, MainName, "a", "b")
	r := openRouter(t, config)
	onA, onB := slotOn(t, r, "a", 0), slotOn(t, r, "b", 0)
	wantUp(t, r, onA)
	wantUp(t, r, onB)

	clusters.Kill("a")
	wantDown(t, r, onA)
	wantUp(t, r, onB)
	failed := r.ReadMany(t.Context(), []Slot{onA, onB}, func(ctx context.Context, db bun.IDB, slots []Slot) error {
		_, err := readNotes(ctx, db, slots)
		return err
	})
	if len(failed) != 1 || failed[0].Cluster != "a" {
		t.Errorf("ReadMany: %v, want a alone to fail", failed)
	}

	if err := clusters.Restart(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	wantBack(t, r, onA)
}

// Nobody is told of a restart between two calls: idle connections die, and are replaced in silence.
func TestRestartBetweenCalls(t *testing.T) {
	t.Parallel()
	clusters, config := realClusters(t, MainName, "a")
	r := openRouter(t, config)
	slot := slotOn(t, r, "a", 0)
	for _, way := range noteWays {
		var group errgroup.Group
		for range 2 * config.PoolSize { // fills the pool
			group.Go(func() error {
				return r.Read(t.Context(), slot, func(ctx context.Context, db bun.IDB) error {
					_, err := db.ExecContext(ctx, "SELECT pg_sleep(0.02)")
					return err
				})
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		clusters.Kill("a")
		if err := clusters.Restart(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if err := way.write(t.Context(), r, slot, 1, "x"); err != nil {
			t.Errorf("%s: %v", way.name, err)
		}
	}
}

// A cluster that hangs gives an error to those who wait, and at once to those who come later; others are
// served meanwhile.
func TestFrozenCluster(t *testing.T) {
	t.Parallel()
	clusters, config := realClusters(t, MainName, "a", "b")
	config.StatementTimeout = time.Hour // whoever ends in this test, it is not by this limit
	config.ConnectTimeout = time.Hour
	p, dsn := newProxy(t, config.dsn("a"))
	for i, shard := range config.Shards {
		if shard.Name == "a" {
			config.Shards[i].DSN = dsn
		}
	}
	r := openRouter(t, config)
	onA, onB := slotOn(t, r, "a", 0), slotOn(t, r, "b", 0)
	wantUp(t, r, onA)

	thaw := freeze(t, clusters, "a")
	began := time.Now()
	var waiting errgroup.Group
	for i := range 4 * config.PoolSize { // more than there are connections
		waiting.Go(func() error {
			err := noteWays[i%len(noteWays)].write(t.Context(), r, onA, i, "x")
			var unavailable *UnavailableError
			if !errors.As(err, &unavailable) || unavailable.Cluster != "a" {
				return fmt.Errorf("%w, want a to be unavailable", err)
			}
			return nil
		})
	}
	ended := make(chan error, 1)
	go func() { ended <- waiting.Wait() }()
	served := 0
	for done := false; !done; {
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
			done = true
		default:
			if err := noteWays[0].write(t.Context(), r, onB, 1, "x"); err != nil {
				t.Fatalf("b while a hangs: %v", err)
			}
			served++
		}
	}
	t.Logf("a's callers had their error after %v; b served %d meanwhile", time.Since(began), served)
	if took := time.Since(began); took > 10*config.AttemptTimeout && took > 20*time.Second {
		t.Errorf("the error took %v", took)
	}
	if served < 2 {
		t.Errorf("b served %d while a hung", served)
	}

	// From now on nobody touches the cluster but the prober: it makes one connection at a time.
	before := p.accepted.Load()
	for range 1000 {
		ran := false
		err := r.Read(t.Context(), onA, func(context.Context, bun.IDB) error {
			ran = true
			return nil
		})
		var unavailable *UnavailableError
		if ran || !errors.As(err, &unavailable) {
			t.Fatalf("%v, ran %v: want a to be unavailable without a try", err, ran)
		}
	}
	if probes := p.accepted.Load() - before; probes > 50 {
		t.Errorf("%d connections to a cluster that is down", probes)
	}
	if stat := r.shards["a"].pool.Stat(); stat.AcquiredConns() > 0 {
		t.Errorf("%d connections are held though nobody waits", stat.AcquiredConns())
	}

	thaw()
	wantBack(t, r, onA)
}

// It may hang in the middle of a closure, and the caller may be gone before the router knows.
func TestFrozenInsideATransaction(t *testing.T) {
	t.Parallel()
	clusters, config := realClusters(t, MainName, "a")
	config.StatementTimeout = time.Hour
	r := openRouter(t, config)
	slot := slotOn(t, r, "a", 0)
	var thaw func()
	runs := 0
	err := r.Write(t.Context(), slot, func(ctx context.Context, tx bun.Tx) error {
		if err := writeNote(slot, 1, "x")(ctx, tx); err != nil {
			return err
		}
		if runs++; runs == 1 {
			thaw = freeze(t, clusters, "a")
		}
		return writeNote(slot, 2, "x")(ctx, tx)
	})
	var unavailable *UnavailableError
	var unknown *OutcomeUnknownError
	if !errors.As(err, &unavailable) || errors.As(err, &unknown) {
		t.Errorf("%v, want unavailable, and nothing unknown before COMMIT", err)
	}
	thaw()
	wantBack(t, r, slot)

	thaw = freeze(t, clusters, "a")
	ctx, cancel := context.WithTimeout(t.Context(), config.AttemptTimeout/8+10*time.Millisecond)
	defer cancel()
	if err := noteWays[0].write(ctx, r, slot, 1, "x"); err != context.DeadlineExceeded {
		t.Errorf("a caller with little time: %v, want %v", err, context.DeadlineExceeded)
	}
	thaw()
	wantBack(t, r, slot)
}

func TestFrozenAtCommit(t *testing.T) {
	t.Parallel()
	clusters, config := realClusters(t, MainName, "a")
	config.StatementTimeout = time.Hour
	var once sync.Once
	thaw := func() {}
	config.tracer = commitTracer(func() { once.Do(func() { thaw = freeze(t, clusters, "a") }) })
	r := openRouter(t, config)
	slot := slotOn(t, r, "a", 0)
	runs := 0
	err := writeWays["Write"](t.Context(), r, slot, "x", &runs)
	var unknown *OutcomeUnknownError
	if !errors.As(err, &unknown) {
		t.Errorf("%v, want an unknown outcome", err)
	}
	thaw()
	wantBack(t, r, slot)
}

// Whoever is slow is not dead: neither a statement nor a wait for a lock makes an outage.
func TestSlowIsNotDown(t *testing.T) {
	t.Parallel()
	config := bootstrapped(t, newConfig(t, "a"))
	config.AttemptTimeout = 2 * time.Second
	config.PoolSize = 1 // the second waits for the connection
	r := openRouter(t, config)
	slot := slotOn(t, r, "a", 0)
	var group errgroup.Group
	for range 2 {
		group.Go(func() error {
			return r.Read(t.Context(), slot, func(ctx context.Context, db bun.IDB) error {
				_, err := db.ExecContext(ctx, "SELECT pg_sleep(2.2)")
				return err
			})
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if err := r.shards["a"].down(); err != nil {
		t.Errorf("slow statements made an outage: %v", err)
	}
}

// The server's own limits, and ours behind them, end what takes too long.
func TestStatementTimeout(t *testing.T) {
	t.Parallel()
	config := bootstrapped(t, newConfig(t, "a"))
	config.StatementTimeout, config.AttemptTimeout = 200*time.Millisecond, 400*time.Millisecond
	r := openRouter(t, config)
	slot := slotOn(t, r, "a", 0)
	for name, statement := range map[string]string{
		"by the server": "SELECT pg_sleep(600)",
		"by the router": "SET LOCAL statement_timeout = 0; SELECT pg_sleep(600)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			err := r.Write(t.Context(), slot, func(ctx context.Context, tx bun.Tx) error {
				runs++
				_, err := tx.ExecContext(ctx, statement)
				return err
			})
			var unavailable *UnavailableError
			if !errors.As(err, &unavailable) || runs != 1 {
				t.Errorf("%v after %d runs, want unavailable after 1", err, runs)
			}
			if err := r.shards["a"].down(); err != nil {
				t.Errorf("it made an outage: %v", err)
			}
		})
	}
}

// A server without a free connection turns the caller away, and goes on serving those that it has.
func TestFullServer(t *testing.T) {
	t.Parallel()
	config := bootstrapped(t, newConfig(t, "a"))
	config.RetryBudget = 20 * time.Millisecond
	role := newRole(t, config.dsn("a"), 1)
	config.Shards[0].DSN = withUser(config.Shards[0].DSN, role)
	r := openRouter(t, config)
	slot := slotOn(t, r, "a", 0)
	err := r.ReadPgx(t.Context(), slot, func(ctx context.Context, conn Conn) error {
		other := openRouter(t, config)
		_, err := noteWays[0].read(t.Context(), other, slot, 1)
		var unavailable *UnavailableError
		if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "53300") {
			t.Errorf("%v, want unavailable because of 53300", err)
		}
		if err := other.shards["a"].down(); err != nil {
			t.Errorf("a full server made an outage: %v", err)
		}
		_, err = conn.Exec(ctx, "SELECT 1")
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// newRole makes a user who may have so many connections.
func newRole(t *testing.T, dsn string, limit int) string {
	t.Helper()
	role := fmt.Sprintf("limited_%d", time.Now().UnixNano())
	execute(t, dsn, fmt.Sprintf(`CREATE ROLE %s LOGIN CONNECTION LIMIT %d;
		GRANT USAGE ON SCHEMA linkspan_shard TO %[1]s;
		GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA linkspan_shard TO %[1]s`, role, limit))
	t.Cleanup(func() { execute(t, dsn, fmt.Sprintf("DROP OWNED BY %s; DROP ROLE %[1]s", role)) })
	return role
}

func withUser(dsn, user string) string {
	var parts []string
	for part := range strings.FieldsSeq(dsn) {
		if !strings.HasPrefix(part, "user=") {
			parts = append(parts, part)
		}
	}
	return strings.Join(append(parts, "user="+url.PathEscape(user)), " ")
}

// After a failover the DSN may lead to a standby, or to something else altogether.
func TestWrongServerAfterFailover(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil, mend string
		is          error
	}{
		"read-only": {
			`ALTER DATABASE $database SET default_transaction_read_only = on`,
			`BEGIN READ WRITE; ALTER DATABASE $database RESET default_transaction_read_only; COMMIT`, nil,
		},
		"another cluster": {
			`UPDATE linkspan_shard.identity SET cluster = 'z'`, `UPDATE linkspan_shard.identity SET cluster = 'a'`, ErrSwapped,
		},
		"another installation": {
			`UPDATE linkspan_shard.identity SET installation = gen_random_uuid()`, `UPDATE linkspan_shard.identity SET installation = '$installation'`, ErrForeign,
		},
		"blank": {
			`ALTER TABLE linkspan_shard.identity RENAME TO elsewhere`, `ALTER TABLE linkspan_shard.elsewhere RENAME TO identity`, ErrNotBootstrapped,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, config := newRouter(t, "a")
			slot := slotOn(t, r, "a", 0)
			wantUp(t, r, slot)
			dsn := config.dsn("a")
			names := strings.NewReplacer(
				"$database", pgx.Identifier{lookup[string](t, dsn, "SELECT current_database()")}.Sanitize(),
				"$installation", lookup[string](t, dsn, "SELECT installation::text FROM linkspan_shard.identity"))
			execute(t, dsn, names.Replace(test.spoil))
			execute(t, dsn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
			wantDown(t, r, slot)
			_, err := noteWays[0].read(t.Context(), r, slot, 1)
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v, want %v", err, test.is)
			}
			health := r.Health(t.Context())[1]
			if health.Identified || health.Err == nil || health.Reachable != (test.is != nil) {
				t.Errorf("health: %+v", health)
			}
			execute(t, dsn, names.Replace(test.mend))
			wantBack(t, r, slot)
		})
	}
}
