package store

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// sight is how a channel stands for a side v whose reader sees it. Arguments: slot, channel, group, as whom the reader is judged.
var sight = `
	SELECT owned.slot, ` + sideHead + `, v.members_only
	FROM ` + shardrouter.OwnedFirst + `
	LEFT JOIN (
		linkspan_shard.channel_side AS v JOIN linkspan_shard.channel_log AS l ON l.slot = v.slot AND l.channel_id = v.channel_id
	) ON v.slot = owned.slot AND v.channel_id = $2 AND v.group_id = $3 AND ` + sees(`v`, `$4`)

// Sees implements [channel.Conversation]. What everyone of a group sees is asked once for all who ask meanwhile, as somebody to whom nothing is
// shown that is kept to some: thousands who subscribe again are a few statements.
func (s *Store) Sees(ctx context.Context, reader channel.Reader, id ids.Channel) (channel.Sight, error) {
	side := ids.Side{Channel: id, Group: reader.User.Group}
	seen, err := s.sights.join(ctx, side, func(ctx context.Context) (channel.Sight, error) {
		return s.see(ctx, channel.Reader{User: ids.User{Group: side.Group}}, id)
	})
	if err == nil && seen.At.History.IsZero() {
		seen, err = s.see(ctx, reader, id)
	}
	if err == nil && seen.At.History.IsZero() {
		err = channel.ErrNotFound
	}
	return seen, err
}

// see returns the zero Sight where the reader sees no such channel.
func (s *Store) see(ctx context.Context, reader channel.Reader, id ids.Channel) (seen channel.Sight, err error) {
	begin := func() { seen = channel.Sight{} }
	err = s.readSlot(ctx, slotOfChannel(id), sight, []any{id, reader.User.Group, judgedAs(reader)}, begin, func(row pgx.Rows) error {
		return row.Scan(nil, &seen.At.History, &seen.At.Number, &seen.At.Floor, &seen.At.Ended, &seen.Members)
	})
	return seen, err
}

// sights has those who ask for the same side at the same time share a look. A look serves those who came before it began, so each is told
// what was so behind the moment of asking.
type sights struct {
	mu   sync.Mutex
	next map[ids.Side]*look // of sides that are looked at, the look that somebody waits for; nil: nobody does
}

type look struct {
	done chan struct{}
	seen channel.Sight
	err  error
}

func (s *sights) join(ctx context.Context, side ids.Side, see func(context.Context) (channel.Sight, error)) (channel.Sight, error) {
	s.mu.Lock()
	mine, going := s.next[side]
	if mine == nil {
		if s.next == nil {
			s.next = map[ids.Side]*look{}
		}
		mine = &look{done: make(chan struct{})}
		s.next[side] = mine
	}
	s.mu.Unlock()
	if !going {
		go s.run(context.WithoutCancel(ctx), side, see)
	}
	select {
	case <-mine.done:
		return mine.seen, mine.err
	case <-ctx.Done():
		return channel.Sight{}, ctx.Err()
	}
}

// run looks until nobody waits.
func (s *sights) run(ctx context.Context, side ids.Side, see func(context.Context) (channel.Sight, error)) {
	for {
		s.mu.Lock()
		this := s.next[side]
		if this == nil {
			delete(s.next, side)
			s.mu.Unlock()
			return
		}
		s.next[side] = nil
		s.mu.Unlock()
		this.err = safely(func() (err error) {
			this.seen, err = see(ctx)
			return err
		})
		close(this.done)
	}
}
