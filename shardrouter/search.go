package shardrouter

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/uptrace/bun"
)

const (
	firstSearchPause = 5 * time.Millisecond
	lastSearchPause  = 100 * time.Millisecond
	maxHops          = 16 // of a slot, per operation: two clusters that send us to and fro must not keep us
)

// search is one operation's looking for the owner of its slots.
type search struct {
	until time.Time
	pause time.Duration
	hops  int
}

func newSearch(budget time.Duration) *search {
	return &search{until: time.Now().Add(budget), pause: firstSearchPause}
}

// find learns where slots are that from refused, or waits a moment if nobody knows better; false when the
// search has taken too long. from is nil when there is no such cluster to ask; seen are the slots' epochs
// when it was chosen.
func (r *Router) find(ctx context.Context, s *search, from *Database, slots []Slot, seen int64) bool {
	if s.hops++; s.hops > maxHops || time.Now().After(s.until) {
		return false
	}
	if r.learnMoves(ctx, s, from, slots, seen) {
		return true
	}
	pause := s.pause/2 + rand.N(s.pause/2)
	s.pause = min(2*s.pause, lastSearchPause)
	s.hops-- // it stayed
	return wait(ctx, min(pause, max(0, time.Until(s.until)))) == nil
}

// learnMoves asks the cluster that refused, and then main; false when neither knows of a move.
func (r *Router) learnMoves(ctx context.Context, s *search, from *Database, slots []Slot, seen int64) bool {
	ctx, cancel := context.WithDeadline(ctx, s.until)
	defer cancel()
	if r.table.epochs(slots) != seen {
		return true // another operation has learned it meanwhile
	}
	if from != nil {
		if claims, err := movedFrom(ctx, from, slots); err == nil {
			r.table.learn(r.known(claims))
		}
	}
	if r.table.epochs(slots) != seen {
		return true
	}
	_ = r.table.reload(ctx, r.main) // without main, the map goes on as it is
	return r.table.epochs(slots) != seen
}

// known drops claims for clusters that this process was not told of: main may know of a later move.
func (r *Router) known(claims []claim) []claim {
	var known []claim
	for _, c := range claims {
		if r.shards[c.Cluster] != nil {
			known = append(known, c)
		}
	}
	return known
}

// movedFrom asks a cluster that refused slots where they went.
func movedFrom(ctx context.Context, from *Database, slots []Slot) ([]claim, error) {
	var claims []claim
	err := from.Read(ctx, func(ctx context.Context, db bun.IDB) error {
		claims = nil
		return db.NewRaw(`
			SELECT slot, moved_to AS cluster, epoch FROM linkspan_shard.owned_slot
			WHERE slot IN (?) AND state = ?`, bun.List(slots), MovedState).Scan(ctx, &claims)
	})
	return claims, err
}
