package check

import (
	"context"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"linkspan/shardrouter"
)

// page is a batch of main's objects: how many, the last of them, and where they are to be found.
type page struct {
	objects      int
	last         uuid.UUID
	destinations []*destination
}

// walk compares what main wants with what the shards have, a batch after the other. next returns the destinations of
// the batch behind an object, again those of given subjects; both in a snapshot of main, and perhaps more than once.
// What is in flight is looked at again when all else is done.
func (c *checker) walk(
	ctx context.Context, part string, total int64, done *int64,
	next func(tx bun.Tx, behind uuid.UUID) (page, error), again func(tx bun.Tx, subjects []uuid.UUID) ([]*destination, error),
) error {
	var open []uuid.UUID
	var last uuid.UUID
	for {
		c.tell(Progress{Cluster: shardrouter.MainName, Part: part, Done: *done, Total: max(total, *done+1)})
		var batch page
		err := c.router.Main().Snapshot(ctx, func(_ context.Context, tx bun.Tx) (err error) {
			batch, err = next(tx, last)
			return err
		})
		if err != nil {
			return failed(shardrouter.MainName, part, err)
		}
		if batch.objects == 0 {
			break
		}
		last = batch.last
		*done += int64(batch.objects)
		open = append(open, c.judge(ctx, part, batch.destinations)...)
	}
	for range rounds {
		var left []uuid.UUID
		for len(open) > 0 {
			some := open[:min(len(open), channelBatch)]
			open = open[len(some):]
			var batch []*destination
			err := c.router.Main().Snapshot(ctx, func(_ context.Context, tx bun.Tx) (err error) {
				batch, err = again(tx, some)
				return err
			})
			if err != nil {
				return failed(shardrouter.MainName, part, err)
			}
			left = append(left, c.judge(ctx, part, batch)...)
		}
		open = left
	}
	c.report.InFlight += int64(len(open))
	c.tell(Progress{Cluster: shardrouter.MainName, Part: part, Done: *done, Total: *done})
	return nil
}

// judge compares destinations with what is there, all clusters at once, and returns the subjects of those that are on their
// way. A cluster that can't be read is noted, and not asked again.
func (c *checker) judge(ctx context.Context, part string, batch []*destination) (open []uuid.UUID) {
	byCluster := make(map[string][]*destination)
	for _, d := range batch {
		name := c.router.ClusterOf(d.slot)
		byCluster[name] = append(byCluster[name], d)
	}
	var mu sync.Mutex
	var judging sync.WaitGroup
	for name, there := range byCluster {
		if c.isUnread(name) {
			continue
		}
		judging.Go(func() {
			found, err := c.judgeOn(ctx, name, there)
			if err != nil {
				c.noteUnread(name, failed(name, part, err))
			}
			mu.Lock()
			defer mu.Unlock()
			open = append(open, found...)
		})
	}
	judging.Wait()
	return open
}

func (c *checker) judgeOn(ctx context.Context, cluster string, batch []*destination) (open []uuid.UUID, err error) {
	database, ok := c.router.Cluster(cluster)
	if !ok {
		return nil, fmt.Errorf("main names a cluster that is not configured")
	}
	var found map[*destination]*arrived
	err = database.Snapshot(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		found, err = readArrived(ctx, tx, batch)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, d := range batch {
		there := found[d]
		switch {
		case there.reached < d.stream.Head-1:
			c.breach(Breach{stepReached.Name, cluster, d.object(),
				fmt.Sprintf("main has noted step %d, and %d was reached here", d.stream.Head-1, there.reached)})
		case there.reached != d.stream.Tail:
			open = append(open, d.stream.Subject)
		default:
			err := compare(d.want, there.facts, func(k *kind, key, detail string) {
				object := k.object + " " + key
				if subject := d.stream.Subject.String(); key != subject {
					object += " for channel " + subject
				}
				c.breach(Breach{k.invariant.Name, cluster, object, detail})
			})
			if err != nil {
				return open, err
			}
		}
	}
	return open, nil
}

// isUnread reports whether the cluster could not be read before.
func (c *checker) isUnread(cluster string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost[cluster] != nil
}

func (c *checker) noteUnread(cluster string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost == nil {
		c.lost = make(map[string]error)
	}
	c.lost[cluster] = err
}
