package shardrouter

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/uptrace/bun"
)

// place is where a slot lives, as far as this process knows.
type place struct {
	cluster *owner
	epoch   int64
}

// owner is a cluster that may own slots. The database is nil when the configuration lacks the cluster.
type owner struct {
	name     string
	database *Database
}

// slotTable is the map of slots in memory. Reading it is one atomic load; changing it copies the array,
// which happens only when slots move. A place never goes back to a lower epoch.
type slotTable struct {
	current atomic.Pointer[[Slots]place]

	mu      sync.Mutex // guards changes
	owners  map[string]*owner
	refresh *refresh // the one under way
}

// refresh is one reading of main's table, which all who need it share.
type refresh struct {
	done chan struct{}
	err  error
}

func newSlotTable(databases map[string]*Database) *slotTable {
	t := &slotTable{owners: make(map[string]*owner)}
	for name, database := range databases {
		t.owners[name] = &owner{name, database}
	}
	t.current.Store(&[Slots]place{})
	return t
}

// at is the place of a valid slot.
func (t *slotTable) at(slot Slot) place { return t.current.Load()[slot] }

// epochs sums the epochs of slots: it rises when a move of any of them is learned.
func (t *slotTable) epochs(slots []Slot) int64 {
	current := t.current.Load()
	var sum int64
	for _, slot := range slots {
		sum += current[slot].epoch
	}
	return sum
}

// claim says that a cluster owns a slot since an epoch.
type claim struct {
	Slot    Slot   `bun:"slot"`
	Cluster string `bun:"cluster"`
	Epoch   int64  `bun:"epoch"`
}

// learn takes over the claims that are newer than what is known.
func (t *slotTable) learn(claims []claim) {
	t.mu.Lock()
	defer t.mu.Unlock()
	places := t.current.Load()
	changed := false
	for _, c := range claims {
		if int(c.Slot) >= Slots || c.Epoch <= places[c.Slot].epoch {
			continue
		}
		if !changed {
			next := *places // readers have the old one
			places, changed = &next, true
		}
		if t.owners[c.Cluster] == nil {
			t.owners[c.Cluster] = &owner{name: c.Cluster}
		}
		places[c.Slot] = place{t.owners[c.Cluster], c.Epoch}
	}
	if changed {
		t.current.Store(places)
	}
}

// reload reads main's table. Those who ask while it is being read wait for the same reading; ctx limits
// the wait only. When main is down, the map in memory goes on.
func (t *slotTable) reload(ctx context.Context, main *Database) error {
	t.mu.Lock()
	r := t.refresh
	if r == nil {
		r = &refresh{done: make(chan struct{})}
		started := main.spawn(func(ctx context.Context) {
			r.err = t.load(ctx, main)
			t.mu.Lock()
			t.refresh = nil
			t.mu.Unlock()
			close(r.done)
		})
		if !started {
			t.mu.Unlock()
			return ErrClosed
		}
		t.refresh = r
	}
	t.mu.Unlock()
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *slotTable) load(ctx context.Context, main *Database) error {
	var claims []claim
	err := main.Read(ctx, func(ctx context.Context, db bun.IDB) error {
		claims = nil
		return db.NewRaw("SELECT slot, cluster, epoch FROM linkspan_main.slot").Scan(ctx, &claims)
	})
	switch {
	case isUndefinedTable(err):
		return &IdentityError{Cluster: MainName, Err: ErrNotBootstrapped}
	case err != nil:
		return err
	case len(claims) != Slots:
		return &IdentityError{Cluster: MainName, Err: ErrNotBootstrapped}
	}
	t.learn(claims)
	return nil
}

// errNoCluster says that main names a cluster that this process was not told of.
var errNoCluster = errors.New("this process has no DSN for the cluster")
