package shardrouter

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"linkspan/internal/localpg/localpgtest"
	"linkspan/migrations"
)

// checkInstallation compares main and the shards with what Bootstrap promises.
func checkInstallation(t *testing.T, config Config) {
	t.Helper()
	installation := lookup[string](t, config.MainDSN, `SELECT id::text FROM linkspan_main.installation`)
	if n := lookup[int](t, config.MainDSN, `SELECT count(*) FROM linkspan_main.slot WHERE epoch = 1 AND state = 'SETTLED'`); n != Slots {
		t.Errorf("main has %d settled slots, want %d", n, Slots)
	}
	owned := 0
	for _, shard := range config.Shards {
		if got := lookup[string](t, shard.DSN, `SELECT cluster || ' of ' || installation FROM linkspan_shard.identity`); got != shard.Name+" of "+installation {
			t.Errorf("%s is %s, want it to be of %s", shard.Name, got, installation)
		}
		if !lookup[bool](t, config.MainDSN, `SELECT joined_at IS NOT NULL FROM linkspan_main.cluster WHERE name = $1`, shard.Name) {
			t.Errorf("%s has not joined", shard.Name)
		}
		theirs := lookup[string](t, shard.DSN, `SELECT coalesce(string_agg(slot::text, ' ' ORDER BY slot), '') FROM linkspan_shard.owned_slot WHERE state = 'OWNED' AND epoch = 1`)
		mains := lookup[string](t, config.MainDSN, `SELECT coalesce(string_agg(slot::text, ' ' ORDER BY slot), '') FROM linkspan_main.slot WHERE cluster = $1`, shard.Name)
		if diff := cmp.Diff(mains, theirs); diff != "" {
			t.Errorf("slots of %s (-main +shard):\n%s", shard.Name, diff)
		}
		owned += lookup[int](t, shard.DSN, `SELECT count(*) FROM linkspan_shard.owned_slot`)
	}
	if owned != Slots {
		t.Errorf("the shards own %d slots, want %d", owned, Slots)
	}
}

func TestBootstrap(t *testing.T) {
	t.Parallel()
	config := bootstrapped(t, newConfig(t, "a", "b", "c"))
	checkInstallation(t, config)
	r := openRouter(t, config)
	want := Deal([]string{"c", "b", "a"})
	for slot := range Slot(Slots) {
		if got := r.ClusterOf(slot); got != want[slot] {
			t.Fatalf("slot %d is on %s, want it dealt to %s", slot, got, want[slot])
		}
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, r.Clusters()); diff != "" {
		t.Error(diff)
	}

	before := lookup[string](t, config.MainDSN, `SELECT id::text FROM linkspan_main.installation`)
	slices.Reverse(config.Shards)
	bootstrapped(t, config)
	checkInstallation(t, config)
	if after := lookup[string](t, config.MainDSN, `SELECT id::text FROM linkspan_main.installation`); after != before {
		t.Errorf("the installation was %s and is %s after the second start", before, after)
	}
}

// A warm start only reads: one statement on main, one on each shard.
func TestBootstrapAgainCostsOneStatementADatabase(t *testing.T) {
	t.Parallel()
	config := installed(t, "a", "b", "c")
	count := &statementTracer{}
	config.tracer = count
	bootstrapped(t, config)
	if got, want := count.started.Load(), int64(1+len(config.Shards)); got != want {
		t.Errorf("%d statements, want %d", got, want)
	}
}

func TestBootstrapInManyProcessesAtOnce(t *testing.T) {
	t.Parallel()
	config := newConfig(t, "a", "b")
	var group errgroup.Group
	for range 8 {
		group.Go(func() error { return Bootstrap(t.Context(), config) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	checkInstallation(t, config)
}

// statementTracer counts statements and, at the n-th one, does something.
type statementTracer struct {
	started atomic.Int64
	at      int64
	then    func()
}

func (s *statementTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	if s.started.Add(1) == s.at {
		s.then()
	}
	return ctx
}

func (s *statementTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestBootstrapRefusesSwappedDSNs(t *testing.T) {
	t.Parallel()
	config := installed(t, "a", "b")
	config.Shards[0].DSN, config.Shards[1].DSN = config.Shards[1].DSN, config.Shards[0].DSN
	err := Bootstrap(t.Context(), config)
	wantIdentity(t, err, ErrSwapped)
	var wrong *IdentityError
	if errors.As(err, &wrong); wrong.Cluster == wrong.Found || wrong.Found == "" {
		t.Errorf("%+v does not say which two are swapped", wrong)
	}
}

func wantIdentity(t *testing.T, err, want error) {
	t.Helper()
	var wrong *IdentityError
	if !errors.Is(err, want) || !errors.As(err, &wrong) {
		t.Fatalf("%v, want an IdentityError of %v", err, want)
	}
}

func TestBootstrapRefusesAForeignShard(t *testing.T) {
	t.Parallel()
	ours, theirs := newConfig(t, "a", "b"), bootstrapped(t, newConfig(t, "b"))
	ours.Shards[1].DSN = theirs.Shards[0].DSN
	// Whether the installation is new or not, nothing is written anywhere.
	wantIdentity(t, Bootstrap(t.Context(), ours), ErrForeign)
	if n := lookup[int](t, ours.MainDSN, `SELECT count(*) FROM linkspan_main.installation`); n != 0 {
		t.Error("main was written to before all shards were compared")
	}
	ours.Shards[1].DSN = shardDatabase(t)
	bootstrapped(t, ours)
	ours.Shards[1].DSN = theirs.Shards[0].DSN
	wantIdentity(t, Bootstrap(t.Context(), ours), ErrForeign)
}

// An empty database in the place of one that had data is never filled anew.
func TestBootstrapRefusesABlankShard(t *testing.T) {
	t.Parallel()
	config := installed(t, "a", "b")
	config.Shards[1].DSN = shardDatabase(t)
	wantIdentity(t, Bootstrap(t.Context(), config), ErrBlank)
	if n := lookup[int](t, config.Shards[1].DSN, `SELECT count(*) FROM linkspan_shard.owned_slot`); n != 0 {
		t.Errorf("%d slots were given to a blank database", n)
	}
}

func TestBootstrapBeforeMigrations(t *testing.T) {
	t.Parallel()
	config := newConfig(t, "a")
	config.MainDSN = localpgtest.Database(t)
	wantIdentity(t, Bootstrap(t.Context(), config), ErrNotBootstrapped)
	config.MainDSN, config.Shards[0].DSN = mainDatabase(t), localpgtest.Database(t)
	wantIdentity(t, Bootstrap(t.Context(), config), ErrNotBootstrapped)
}

func TestBootstrapNeedsEveryRegisteredCluster(t *testing.T) {
	t.Parallel()
	config := installed(t, "a", "b", "c")
	config.Shards = config.Shards[1:2]
	var missing *MissingClustersError
	if err := Bootstrap(t.Context(), config); !errors.As(err, &missing) || !slices.Equal(missing.Names, []string{"a", "c"}) {
		t.Fatalf("%v, want a and c to be missing", err)
	}
}

// Nor does it touch those that have joined: one may be down, and their slots are the movers' affair.
func TestBootstrapAddsAClusterWithoutSlots(t *testing.T) {
	t.Parallel()
	config := installed(t, "a", "b")
	execute(t, config.dsn("a"), `DELETE FROM linkspan_shard.owned_slot`)
	config.Shards = append(config.Shards, Shard{"c", shardDatabase(t)})
	down := config
	down.Shards = slices.Clone(config.Shards)
	down.Shards[1].DSN = "host=" + t.TempDir() + " user=x dbname=x"
	bootstrapped(t, down)
	bootstrapped(t, config)
	if n := lookup[int](t, config.dsn("a"), `SELECT count(*) FROM linkspan_shard.owned_slot`); n != 0 {
		t.Errorf("a, which had joined, was given %d slots again", n)
	}
	if !lookup[bool](t, config.MainDSN, `SELECT joined_at IS NOT NULL FROM linkspan_main.cluster WHERE name = 'c'`) {
		t.Error("the new cluster has not joined")
	}
	if n := lookup[int](t, config.dsn("c"), `SELECT count(*) FROM linkspan_shard.owned_slot`); n != 0 {
		t.Errorf("the new cluster has %d slots", n)
	}
}

// Main, and the one shard that its tables can share a database with.
func TestBootstrapInOneDatabase(t *testing.T) {
	t.Parallel()
	dsn := localpgtest.Database(t)
	config := configOf([]string{dsn, dsn}, []string{"only"})
	for _, set := range []migrations.Set{migrations.Main, migrations.Shard} {
		if err := migrate(t.Context(), dsn, set); err != nil {
			t.Fatal(err)
		}
	}
	bootstrapped(t, config)
	checkInstallation(t, config)
	openRouter(t, config)
}

func TestBootstrapWithAClusterDown(t *testing.T) {
	t.Parallel()
	nowhere := "host=" + t.TempDir() + " user=x dbname=x"
	config := newConfig(t, "a", "b")
	good := config.Shards[1].DSN
	config.Shards[1].DSN = nowhere
	var unavailable *UnavailableError
	if err := Bootstrap(t.Context(), config); !errors.As(err, &unavailable) || unavailable.Cluster != "b" {
		t.Errorf("first start with b down: %v, want b to be unavailable", err)
	}
	config.Shards[1].DSN = good
	bootstrapped(t, config)
	config.Shards[1].DSN = nowhere
	if err := Bootstrap(t.Context(), config); err != nil {
		t.Errorf("later start with b down: %v", err)
	}
	config.MainDSN = nowhere
	if err := Bootstrap(t.Context(), config); !errors.As(err, &unavailable) || unavailable.Cluster != MainName {
		t.Errorf("with main down: %v, want main to be unavailable", err)
	}
}
