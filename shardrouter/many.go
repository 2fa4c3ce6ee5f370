package shardrouter

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/uptrace/bun"
)

// ClusterError says for which slots a [Router.ReadMany] failed, and why. Err is what Read would return.
type ClusterError struct {
	Cluster string
	Slots   []Slot // sorted
	Err     error
}

func (e ClusterError) Error() string { return e.Err.Error() }
func (e ClusterError) Unwrap() error { return e.Err }

// ReadMany reads slots of many clusters: it calls fn once a cluster, at the same time, with the slots that
// live there, and waits for all. A cluster that fails does not fail the others: the result says which
// slots have no answer, sorted by cluster, and is nil when all have.
//
// fn is called concurrently, and may be called again for the same slots: it must lock what it collects
// into, and set a slot's result rather than add to it. When it finds slots that are not owned there (see
// [OwnedMany]), it keeps the results of the others and returns [NotOwned] with those slots; returning
// ErrNotOwned itself means all of them.
func (r *Router) ReadMany(ctx context.Context, slots []Slot, fn func(ctx context.Context, db bun.IDB, slots []Slot) error) []ClusterError {
	return r.readMany(ctx, slots, func(d *Database, slots []Slot) error {
		return d.Read(ctx, func(ctx context.Context, db bun.IDB) error { return fn(ctx, db, slices.Clone(slots)) })
	})
}

// ReadManyPgx is ReadMany past bun, for the hottest statements.
func (r *Router) ReadManyPgx(ctx context.Context, slots []Slot, fn func(ctx context.Context, conn Conn, slots []Slot) error) []ClusterError {
	return r.readMany(ctx, slots, func(d *Database, slots []Slot) error {
		return d.ReadPgx(ctx, func(ctx context.Context, conn Conn) error { return fn(ctx, conn, slices.Clone(slots)) })
	})
}

func (r *Router) readMany(ctx context.Context, slots []Slot, fn func(d *Database, slots []Slot) error) []ClusterError {
	m := &manyRead{router: r, fn: fn}
	slots = slices.Clone(slots)
	slices.Sort(slots)
	m.read(ctx, newSearch(r.config.RetryBudget), slices.Compact(slots))
	slices.SortFunc(m.failed, func(a, b ClusterError) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Slots[0], b.Slots[0]))
	})
	return m.failed
}

type manyRead struct {
	router *Router
	fn     func(d *Database, slots []Slot) error

	mu     sync.Mutex
	failed []ClusterError
}

func (m *manyRead) read(ctx context.Context, s *search, slots []Slot) {
	groups := make(map[*owner][]Slot)
	current := m.router.table.current.Load()
	for _, slot := range slots {
		groups[current[slot].cluster] = append(groups[current[slot].cluster], slot)
	}
	var reading sync.WaitGroup
	left := len(groups)
	for at, group := range groups {
		own := *s
		if left--; left == 0 {
			m.readGroup(ctx, &own, current, at, group) // mostly the only one: no goroutine for it
			break
		}
		reading.Go(func() { m.readGroup(ctx, &own, current, at, group) })
	}
	reading.Wait()
}

// readGroup reads the slots of one cluster, and those that it does not own where they went.
func (m *manyRead) readGroup(ctx context.Context, s *search, current *[Slots]place, at *owner, slots []Slot) {
	err := error(&UnavailableError{Cluster: at.name, Slot: NoSlot, Err: errNoCluster})
	if at.database != nil {
		err = m.fn(at.database, slots)
	}
	refused := slots
	switch {
	case err == nil:
		return
	case errors.Is(err, ErrNotOwned):
		at.database.counts.notOwned.Add(1) // it refused, so it is there
		err = &UnavailableError{Cluster: at.name, Slot: NoSlot, Err: err}
		if some := (*notOwnedError)(nil); errors.As(err, &some) {
			refused = intersect(slots, some.slots)
		}
	case at.database != nil:
		m.fail(at.name, slots, err)
		return
	}
	var seen int64
	for _, slot := range refused {
		seen += current[slot].epoch
	}
	switch {
	case len(refused) == 0:
	case m.router.find(ctx, s, at.database, refused, seen):
		m.read(ctx, s, refused)
	case ctx.Err() != nil:
		m.fail(at.name, refused, ctx.Err())
	default:
		m.fail(at.name, refused, err)
	}
}

func (m *manyRead) fail(cluster string, slots []Slot, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed = append(m.failed, ClusterError{cluster, slots, err})
}

// intersect keeps the order of a.
func intersect(a, b []Slot) []Slot {
	var in [Slots]bool
	for _, slot := range b {
		in[slot] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(slot Slot) bool { return !in[slot] })
}
