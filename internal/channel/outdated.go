package channel

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"

	"linkspan/internal/ids"
)

// keepOutdated deletes outdated messages, those that their groups keep no longer, on a cluster until ctx ends. Each cluster has its own, so that
// one out of reach delays no other.
func (s *Service) keepOutdated(ctx context.Context, cluster string) {
	every(ctx, deleteEvery, func() {
		deleted, err := s.DeleteOutdated(ctx, cluster)
		if deleted > 0 {
			s.Logger.InfoContext(ctx, "sweep: deleted messages that their groups keep no longer", "cluster", cluster, "messages", deleted)
		}
		if err != nil && ctx.Err() == nil {
			s.Logger.WarnContext(ctx, "sweep: delete outdated messages of "+cluster, "err", err)
		}
	})
}

// DeleteOutdated deletes the messages on a cluster that are older than their groups keep them, one transaction after the other, and returns
// how many it deleted; the error joins what went wrong on some sides. Any number of processes may call it: each takes the sides in an order of
// its own, and those who meet at a channel take turns. A side that it could not do is put off, so that it holds up no other, however many there
// are; it ends early where not even that can be done, for then nothing answers.
func (s *Service) DeleteOutdated(ctx context.Context, cluster string) (deleted int, err error) {
	failed := map[ids.Side]bool{} // each is tried once: what could not be put off is still due
	for {
		due, unread := s.Shards.DueSides(ctx, cluster, deleteSides)
		due = slices.DeleteFunc(due, func(side ids.Side) bool { return failed[side] })
		if unread != nil || len(due) == 0 {
			return deleted, errors.Join(err, unread)
		}
		rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
		for _, side := range due {
			messages, cause := s.deleteOutdatedOf(ctx, side)
			deleted += messages
			if cause == nil {
				continue
			}
			failed[side], err = true, errors.Join(err, cause)
			if ctx.Err() != nil || s.Shards.PutOffSide(ctx, side) != nil {
				return deleted, err
			}
		}
	}
}

// deleteOutdatedOf deletes what is old of a side, one transaction of it, and tells of it.
func (s *Service) deleteOutdatedOf(ctx context.Context, side ids.Side) (int, error) {
	cleared, err := s.Shards.DeleteOutdated(ctx, side, deleteBatch)
	if err != nil {
		return 0, err
	}
	if cleared.Messages > 0 && s.Outdated != nil {
		s.Outdated(cleared.Messages)
	}
	for _, log := range cleared.Moved {
		s.Hints.Moved(log)
	}
	return cleared.Messages, nil
}
