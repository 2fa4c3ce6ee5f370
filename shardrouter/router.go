package shardrouter

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// Router runs closures on the cluster that owns a slot. All methods may be called at once, and all
// return the errors described with the package. A slot of 4096 or more panics: slots come from [SlotOf]
// or from a decoded id, which has 12 bits for it.
type Router struct {
	config Config
	main   *Database
	shards map[string]*Database
	names  []string
	table  *slotTable
}

// Open reads the slot table from the main database and returns a router. A shard that is down does not
// fail it: it counts as down once somebody has asked it, or IdleProbe is over. If main is down, the error is
// an [*UnavailableError] and trying again is right; if the databases are not set up, [ErrNotBootstrapped].
func Open(ctx context.Context, config Config) (*Router, error) {
	config, err := config.checked()
	if err != nil {
		return nil, err
	}
	r := &Router{config: config, shards: make(map[string]*Database)}
	installation := new(atomic.Pointer[uuid.UUID])
	if r.main, err = newDatabase(config, identity{MainName, installation}, config.MainDSN); err != nil {
		return nil, err
	}
	for _, shard := range config.Shards {
		if r.shards[shard.Name], err = newDatabase(config, identity{shard.Name, installation}, shard.DSN); err != nil {
			delete(r.shards, shard.Name)
			r.Close()
			return nil, err
		}
	}
	r.names = slices.Sorted(maps.Keys(r.shards))
	r.table = newSlotTable(r.shards)
	if err := r.table.reload(ctx, r.main); err != nil {
		r.Close()
		return nil, err
	}
	for _, d := range r.Databases() {
		d.spawn(d.probeIdle)
	}
	return r, nil
}

// Close closes the pools. It waits for closures that run, 3 s at most; then their connections are cut.
func (r *Router) Close() {
	var closing sync.WaitGroup
	closing.Go(r.main.close)
	for _, shard := range r.shards {
		closing.Go(shard.close)
	}
	closing.Wait()
}

// Main is the main database.
func (r *Router) Main() *Database { return r.main }

// Clusters are the names of the configured shards, sorted.
func (r *Router) Clusters() []string { return slices.Clone(r.names) }

// Cluster is the shard of that name, for what concerns a whole cluster: checks, sweeps, statistics. What
// it runs there must not take a slot's ownership for granted.
func (r *Router) Cluster(name string) (*Database, bool) {
	d, ok := r.shards[name]
	return d, ok
}

// ClusterOf is the name of the cluster that owns the slot, as far as this process knows.
func (r *Router) ClusterOf(slot Slot) string { return r.table.at(slot).cluster.name }

// Read is [Database.Read] on the slot's cluster.
func (r *Router) Read(ctx context.Context, slot Slot, fn func(ctx context.Context, db bun.IDB) error) error {
	return r.follow(ctx, slot, func(d *Database) error { return d.Read(ctx, fn) })
}

// Snapshot is [Database.Snapshot] on the slot's cluster.
func (r *Router) Snapshot(ctx context.Context, slot Slot, fn func(ctx context.Context, tx bun.Tx) error) error {
	return r.follow(ctx, slot, func(d *Database) error { return d.Snapshot(ctx, fn) })
}

// Write is [Database.Write] on the slot's cluster.
func (r *Router) Write(ctx context.Context, slot Slot, fn func(ctx context.Context, tx bun.Tx) error, options ...WriteOption) error {
	return r.follow(ctx, slot, func(d *Database) error { return d.Write(ctx, fn, options...) })
}

// ReadPgx is [Database.ReadPgx] on the slot's cluster.
func (r *Router) ReadPgx(ctx context.Context, slot Slot, fn func(ctx context.Context, conn Conn) error) error {
	return r.follow(ctx, slot, func(d *Database) error { return d.ReadPgx(ctx, fn) })
}

// WritePgx is [Database.WritePgx] on the slot's cluster.
func (r *Router) WritePgx(ctx context.Context, slot Slot, fn func(ctx context.Context, tx *Tx) error, options ...WriteOption) error {
	return r.follow(ctx, slot, func(d *Database) error { return d.WritePgx(ctx, fn, options...) })
}

// Route calls do with the slot's cluster, and, as long as do returns [ErrNotOwned], with that where it went. It is for callers
// that gather work for a cluster; what do runs there must see to the slot's ownership as closures do.
func (r *Router) Route(ctx context.Context, slot Slot, do func(d *Database) error) error {
	return r.follow(ctx, slot, do)
}

// follow runs do on the slot's cluster, and on the next one as long as the slot turns out to have moved.
func (r *Router) follow(ctx context.Context, slot Slot, do func(*Database) error) error {
	search := newSearch(r.config.RetryBudget)
	var unknown error // of a COMMIT on the way
	for {
		at := r.table.at(slot)
		err := error(&UnavailableError{Cluster: at.cluster.name, Slot: slot, Err: errNoCluster})
		if at.cluster.database != nil {
			err = do(at.cluster.database)
		}
		refused := errors.Is(err, ErrNotOwned)
		if err == nil || !refused && at.cluster.database != nil {
			return named(err, slot, unknown)
		}
		if commit := (*OutcomeUnknownError)(nil); errors.As(err, &commit) {
			unknown = commit.Err
		}
		if refused {
			at.cluster.database.counts.notOwned.Add(1)
			err = &UnavailableError{Cluster: at.cluster.name, Slot: slot, Err: ErrNotOwned}
		}
		if !r.find(ctx, search, at.cluster.database, []Slot{slot}, at.epoch) {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return named(err, slot, unknown)
		}
	}
}

// named completes an error with the slot, and with the unknown outcome of a COMMIT on the way there. It leaves err as it is, which
// others may have got, too.
func named(err error, slot Slot, unknown error) error {
	var unavailable *UnavailableError
	if !errors.As(err, &unavailable) {
		return err
	}
	own := *unavailable
	if own.Slot == NoSlot {
		own.Slot = slot
	}
	if commit := (*OutcomeUnknownError)(nil); unknown != nil || errors.As(err, &commit) {
		return &OutcomeUnknownError{Cluster: own.Cluster, Err: &own}
	}
	return &own
}
