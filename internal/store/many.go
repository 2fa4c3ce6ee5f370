package store

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"linkspan/shardrouter"
)

// readMany runs fn once a cluster for the slots that live there, concurrently. fn returns the slots that the cluster
// owned, with repetitions; it may be called again for the same slots. The result says which slots could not be read,
// and why.
func (s *Store) readMany(
	ctx context.Context, slots []shardrouter.Slot,
	fn func(ctx context.Context, db bun.IDB, slots []shardrouter.Slot) (owned []shardrouter.Slot, err error),
) map[shardrouter.Slot]error {
	failed := s.router.ReadMany(ctx, slots, func(ctx context.Context, db bun.IDB, slots []shardrouter.Slot) error {
		owned, err := fn(ctx, db, slots)
		if err != nil {
			return err
		}
		refused := slices.DeleteFunc(slots, func(slot shardrouter.Slot) bool { return slices.Contains(owned, slot) })
		if len(refused) > 0 {
			return shardrouter.NotOwned(refused...)
		}
		return nil
	})
	unread := make(map[shardrouter.Slot]error)
	for _, cluster := range failed {
		for _, slot := range cluster.Slots {
			unread[slot] = translate(cluster.Err)
		}
	}
	return unread
}
