//go:build long

package shardrouter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
	"golang.org/x/sync/errgroup"

	"linkspan/internal/localpg/localpgtest"
)

func TestDeadClusterFailsItsOwnSlotsOnly(t *testing.T) {
	t.Parallel()
	clusters, config := newConfigWith(t, "a", "b")
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
	clusters, config := newConfigWith(t, "a")
	r := openRouter(t, config)
	slot := slotOn(t, r, "a", 0)
	for _, way := range noteWays {
		fillPool(t, r, slot)
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
	clusters, config := newConfigWith(t, "a", "b")
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

	thaw := localpgtest.Freeze(t, clusters, "a")
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
	clusters, config := newConfigWith(t, "a")
	config.StatementTimeout = time.Hour
	r := openRouter(t, config)
	slot := slotOn(t, r, "a", 0)
	fillPool(t, r, slot)
	var thaw func()
	runs := 0
	err := r.Write(t.Context(), slot, func(ctx context.Context, tx bun.Tx) error {
		if err := writeNote(slot, 1, "x")(ctx, tx); err != nil {
			return err
		}
		if runs++; runs == 1 {
			thaw = localpgtest.Freeze(t, clusters, "a")
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

	thaw = localpgtest.Freeze(t, clusters, "a")
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
	clusters, config := newConfigWith(t, "a")
	config.StatementTimeout = time.Hour
	var once sync.Once
	thaw := func() {}
	config.tracer = commitTracer(func() { once.Do(func() { thaw = localpgtest.Freeze(t, clusters, "a") }) })
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

func TestHealth(t *testing.T) {
	t.Parallel()
	clusters, config := newConfigWith(t, "a", "b")
	var p *proxy
	p, config.MainDSN = newProxy(t, config.MainDSN)
	r := openRouter(t, config)
	check := func(when string, wantDown string) {
		t.Helper()
		health := r.Health(t.Context())
		if len(health) != 3 || health[0].Name != MainName || health[1].Name != "a" || health[2].Name != "b" {
			t.Fatalf("%s: %+v, want main, a, b", when, health)
		}
		for i, h := range health {
			down := h.Name == wantDown
			if h.Main != (i == 0) || h.Reachable == down || h.Identified == down || (h.Err != nil) != down {
				t.Errorf("%s: %+v", when, h)
			}
		}
	}
	check("all up", "")
	clusters.Kill("a")
	eventually(t, "a is dead", func() bool { return r.Health(t.Context())[1].Err != nil })
	check("a known to be dead", "a")
	if err := clusters.Restart(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a is back", func() bool { return r.shards["a"].down() == nil })
	check("a back", "")
	thaw := localpgtest.Freeze(t, clusters, "a")
	check("a frozen", "a")
	thaw()
	eventually(t, "a is back", func() bool { return r.Health(t.Context())[1].Err == nil })
	p.stop()
	check("main dead", MainName)
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
			execute(t, dsn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'linkspan'`)
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
