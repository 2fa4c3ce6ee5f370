package channel

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/ids"
)

// oldMessages are shards with sides that have old messages, so many batches each.
type oldMessages struct {
	Shards
	mu     sync.Mutex
	left   map[ids.Side]int
	on     map[ids.Side]string
	errs   map[ids.Side]error
	hangs  string // a cluster that does not answer
	asked  map[string]int
	worked int
}

func (o *oldMessages) ShardClusters() []string { return []string{"a", "b"} }

func (o *oldMessages) DueSides(ctx context.Context, cluster string, _ int) (due []ids.Side, err error) {
	if cluster == o.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked[cluster]++
	for side, batches := range o.left {
		if batches > 0 && o.on[side] == cluster {
			due = append(due, side)
		}
	}
	return due, nil
}

func (o *oldMessages) DeleteOld(_ context.Context, side ids.Side, limit int) (Cleared, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.worked++
	if err := o.errs[side]; err != nil {
		return Cleared{}, err
	}
	o.left[side]--
	return Cleared{limit, []LogKey{ChannelLogOf(side.Channel, side.Group)}}, nil
}

func (o *oldMessages) add(cluster string, batches int, err error) ids.Side {
	o.mu.Lock()
	defer o.mu.Unlock()
	side := ids.Side{Channel: ids.NewChannel(time.Now(), 1), Group: ids.NewGroup()}
	o.left[side], o.on[side], o.errs[side] = batches, cluster, err
	return side
}

func newOldMessages() *oldMessages {
	return &oldMessages{left: map[ids.Side]int{}, on: map[ids.Side]string{}, errs: map[ids.Side]error{}, asked: map[string]int{}}
}

// told counts what is told of logs.
type toldLogs struct {
	Hints
	mu    sync.Mutex
	moved map[LogKey]int
}

func (l *toldLogs) Moved(log LogKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.moved[log]++
}

// All that is due goes, batch by batch, and is told; a side that can't be done is told of and does not hold up the others, but for those of a
// cluster that is out of reach.
func TestDeleteOutdated(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		deleted int
		broken  bool
	}{
		"all": {deleted: 4 * deleteBatch}, "one fails": {err: errors.New("a row is broken"), broken: true}, "out of reach": {err: Unavailable(errors.New("no route")), broken: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, hints, counted := newOldMessages(), &toldLogs{moved: map[LogKey]int{}}, 0
			s := &Service{Shards: o, Hints: hints, Logger: slog.New(slog.DiscardHandler), Outdated: func(n int) { counted += n }}
			twice, broken := o.add("a", 2, nil), o.add("a", 2, test.err)
			o.add("b", 1, nil)
			deleted, err := s.DeleteOutdated(t.Context(), "a")
			if (err != nil) != test.broken || !errors.Is(err, test.err) || deleted != counted {
				t.Errorf("deleted %d, counted %d, %v", deleted, counted, err)
			}
			var fault *Fault
			if !errors.As(test.err, &fault) {
				if want := map[bool]int{true: deleteBatch, false: test.deleted}[test.broken]; deleted != want || hints.moved[ChannelLogOf(twice.Channel, twice.Group)] == 0 {
					t.Errorf("deleted %d, want %d; told of %v", deleted, want, hints.moved)
				}
			} else if o.worked > 2 {
				t.Errorf("%d tries on a cluster that is out of reach", o.worked)
			}
			if o.left[broken] != map[bool]int{true: 2, false: 0}[test.broken] || o.asked["b"] > 0 {
				t.Errorf("left are %v, asked were %v", o.left, o.asked)
			}
		})
	}
}

// A cluster that hangs delays no other, what was deleted is told in a line, and all ends with the context.
func TestSweepDeletesOnEachClusterByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, hints := newOldMessages(), &toldLogs{moved: map[LogKey]int{}}
		o.hangs = "a"
		o.add("a", 1, nil)
		o.add("b", 1, nil)
		var log bytes.Buffer
		s := &Service{Shards: o, Hints: hints, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		ctx, end := context.WithCancel(t.Context())
		var sweeping sync.WaitGroup
		for _, cluster := range o.ShardClusters() {
			sweeping.Go(func() { s.keepRetention(ctx, cluster) })
		}
		time.Sleep(deleteEvery + time.Second)
		o.add("b", 1, nil)
		time.Sleep(deleteEvery)
		end()
		sweeping.Wait()
		if lines := strings.Count(log.String(), "cluster=b messages=100"); lines != 2 || strings.Count(log.String(), "\n") != 2 || o.asked["a"] > 0 {
			t.Errorf("the log says %s", log.String())
		}
	})
}
