package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// KeepWarm does as [Store.WarmUp] does, at once and again and again, until ctx ends: a pool lets go of connections that nobody uses for
// some minutes, and of each after an hour. failed is told each error.
func (s *Store) KeepWarm(ctx context.Context, connections int, every time.Duration, failed func(error)) {
	again := time.NewTicker(every)
	defer again.Stop()
	for {
		if err := s.WarmUp(ctx, connections); err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// WarmUp opens some connections to each shard's cluster at once, at most half of what its pool may have, and has each prepare and run,
// about nothing, what who posts to a channel or opens it asks first: else the first requests wait for that. A cluster out of reach keeps
// nobody from the others: the errors are the router's, of all clusters joined, and whoever asks later connects as without.
func (s *Store) WarmUp(ctx context.Context, connections int) error {
	var failed []error
	for _, name := range s.router.Clusters() {
		database, err := s.cluster(name)
		if err == nil {
			err = warmUp(ctx, database, min(connections, int(database.Pool().Config().MaxConns)/2))
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// warmUp has some callers hold a connection each until all have had one, or can't get any: none is given to two of them.
func warmUp(ctx context.Context, database *shardrouter.Database, connections int) error {
	callers, ctx := errgroup.WithContext(ctx)
	var all sync.WaitGroup
	all.Add(connections)
	for range connections {
		callers.Go(func() error {
			had := sync.OnceFunc(all.Done)
			defer had()
			return database.ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
				first := aboutNothing()
				err := conn.Send(ctx, &first)
				had()
				all.Wait()
				return err
			})
		})
	}
	return callers.Wait()
}

// aboutNothing are the statements of posts, of none, and of a channel that is opened, which is not there.
func aboutNothing() (batch pgx.Batch) {
	batch.Queue(setBusyAfter)
	batch.Queue(lockLogs, logsOf(nil)...)
	none := []*post(nil)
	batch.Queue(roomsOfPosts, roomsFor(none)...)
	batch.Queue(authorsOfPosts, about(none, keys(none, (*post).operation), keys(none, (*post).group), keys(none, (*post).author))...)
	batch.Queue(writePosts, append(about(none, written(none)...), column(none, (*post).at))...)
	batch.Queue(writeKnown, knownArgs(none, nil)...)
	batch.Queue(`SELECT $1::text::tsvector`, vector("word", mark(ids.Channel{}, ids.Group{})))
	nobody := channel.Reader{User: ids.User{Group: ids.NewGroup()}} // an operator, who has no group, asks otherwise
	var opened channel.Opened
	for _, p := range []part{
		openSides(nobody, ids.Channel{}, &opened, new(moment)), openMoment(nobody, ids.Channel{}, new(moment)), openUnread(nobody, ids.Channel{}, &opened),
		openMessages(nobody, ids.Channel{}, channel.MessageRange{Backward: true}, &opened),
	} {
		batch.Queue(p.query, p.args...)
	}
	return batch
}
