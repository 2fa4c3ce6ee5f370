package store

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// readOne runs a prepared statement on the cluster of a group's slot, which is its $1. scan is called for each row that
// has more than the slot; begin is called each time before the statement is tried.
func (s *Store) readOne(ctx context.Context, group ids.Group, query string, args []any, begin func(), scan func(row pgx.Rows) error) error {
	return s.readSlot(ctx, slotOf(group), query, args, begin, scan)
}

// readSlot is readOne for a slot.
func (s *Store) readSlot(ctx context.Context, slot shardrouter.Slot, query string, args []any, begin func(), scan func(row pgx.Rows) error) error {
	return translate(s.router.ReadPgx(ctx, slot, func(ctx context.Context, conn shardrouter.Conn) error {
		begin()
		owned, err := eachOwned(ctx, conn, query, append([]any{int16(slot)}, args...), scan)
		if err == nil && len(owned) == 0 {
			err = shardrouter.ErrNotOwned
		}
		return err
	}))
}

// readMany runs a prepared statement on each cluster that has some of the slots, concurrently. The slots that live
// there are its $1. fn runs it by eachOwned and returns what that returned; it may be called again for the same slots.
// The result says which slots could not be read, and why.
func (s *Store) readMany(
	ctx context.Context, slots []shardrouter.Slot,
	fn func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot) (owned []shardrouter.Slot, err error),
) map[shardrouter.Slot]error {
	failed := s.router.ReadManyPgx(ctx, slots, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot) error {
		owned, err := fn(ctx, conn, slots)
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

// onSlots sorts things by the slots that they live on.
func onSlots[T any](things iter.Seq[T], slotOf func(T) shardrouter.Slot) map[shardrouter.Slot][]T {
	bySlot := make(map[shardrouter.Slot][]T)
	for thing := range things {
		slot := slotOf(thing)
		bySlot[slot] = append(bySlot[slot], thing)
	}
	return bySlot
}

// unreadOn says for each of the things on slots that could not be read why.
func unreadOn[T comparable](bySlot map[shardrouter.Slot][]T, failed map[shardrouter.Slot]error) map[T]error {
	unread := make(map[T]error)
	for slot, err := range failed {
		for _, thing := range bySlot[slot] {
			unread[thing] = err
		}
	}
	return unread
}

// readBySlot is readMany for things that live on slots. What fn returns beside the slots is called, by one at a time, if what it read
// counts; what could not be read is returned by slot.
func readBySlot[T any](
	ctx context.Context, s *Store, bySlot map[shardrouter.Slot][]T,
	fn func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, here []T) ([]shardrouter.Slot, func(), error),
) map[shardrouter.Slot]error {
	var merging sync.Mutex
	return s.readMany(ctx, slices.Collect(maps.Keys(bySlot)), func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot) ([]shardrouter.Slot, error) {
		var here []T
		for _, slot := range slots {
			here = append(here, bySlot[slot]...)
		}
		owned, merge, err := fn(ctx, conn, slots, here)
		if err == nil {
			merging.Lock()
			defer merging.Unlock()
			merge()
		}
		return owned, err
	})
}

// eachOwned runs a query whose first column is the owned slot and whose second is NULL in the one row of a slot that
// has nothing else. It calls scan for the other rows and returns the slots of all. scan gets the row with the slot, which it
// passes over.
func eachOwned(ctx context.Context, conn shardrouter.Conn, query string, args []any, scan func(row pgx.Rows) error) ([]shardrouter.Slot, error) {
	rows, err := conn.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return scanOwned(rows, scan)
}

// scanOwned is eachOwned for the rows of a query that was sent with others. It closes them.
func scanOwned(rows pgx.Rows, scan func(row pgx.Rows) error) ([]shardrouter.Slot, error) {
	defer rows.Close()
	var owned []shardrouter.Slot
	var slot int16
	for rows.Next() {
		first, values := &rows.FieldDescriptions()[0], rows.RawValues()
		if err := rows.Conn().TypeMap().Scan(first.DataTypeOID, first.Format, values[0], &slot); err != nil {
			return nil, err
		}
		if last := shardrouter.Slot(slot); len(owned) == 0 || owned[len(owned)-1] != last {
			owned = append(owned, last)
		}
		if values[1] != nil {
			if err := scan(rows); err != nil {
				return nil, err
			}
		}
	}
	return owned, rows.Err()
}

// scanPart scans the head of a row, and the rest only if the last of the head, a *bool, is true.
func scanPart(row pgx.Rows, head, rest []any) error {
	all := make([]any, len(head)+len(rest))
	copy(all, head)
	if err := row.Scan(all...); err != nil || !*head[len(head)-1].(*bool) {
		return err
	}
	clear(all)
	copy(all[len(head):], rest)
	return row.Scan(all...)
}
