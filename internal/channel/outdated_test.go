package channel

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/ids"
)

// outdatedShards are shards with sides that have old messages, so many batches each.
type outdatedShards struct {
	Shards
	mu     sync.Mutex
	left   map[ids.Side]int
	on     map[ids.Side]string
	since  map[ids.Side]int
	errs   map[ids.Side]error
	later  map[ids.Side]bool // put off
	silent bool              // no cluster answers to who puts off
	hangs  string            // a cluster that does not answer
	asked  map[string]int
	worked int
}

func (o *outdatedShards) ShardClusters() []string { return []string{"a", "b"} }

func (o *outdatedShards) DueSides(ctx context.Context, cluster string, limit int) (due []ids.Side, err error) {
	if cluster == o.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked[cluster]++
	for side, batches := range o.left {
		if batches > 0 && o.on[side] == cluster && !o.later[side] {
			due = append(due, side)
		}
	}
	slices.SortFunc(due, func(a, b ids.Side) int { return cmp.Compare(o.since[a], o.since[b]) })
	return due[:min(limit, len(due))], nil
}

func (o *outdatedShards) DeleteOutdated(_ context.Context, side ids.Side, limit int) (DeletedOutdated, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.worked++
	if err := o.errs[side]; err != nil {
		return DeletedOutdated{}, err
	}
	o.left[side]--
	return DeletedOutdated{limit, []LogKey{ChannelLogOf(side.Channel, side.Group)}}, nil
}

func (o *outdatedShards) PutOffSide(_ context.Context, side ids.Side) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.silent {
		return Unavailable(errors.New("no route"))
	}
	o.later[side] = true
	return nil
}

func (o *outdatedShards) add(cluster string, batches int, err error) ids.Side {
	o.mu.Lock()
	defer o.mu.Unlock()
	side := ids.Side{Channel: ids.NewChannel(time.Now(), 1), Group: ids.NewGroup()}
	o.left[side], o.on[side], o.errs[side], o.since[side] = batches, cluster, err, len(o.since)
	return side
}

func newOutdatedShards() *outdatedShards {
	return &outdatedShards{left: map[ids.Side]int{}, on: map[ids.Side]string{}, since: map[ids.Side]int{}, later: map[ids.Side]bool{}, errs: map[ids.Side]error{}, asked: map[string]int{}}
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

// All that is due goes, batch by batch, and is told; sides that can't be done, slow ones too, are told of, and put off, and don't hold up the
// others, however many stand before them; where nothing answers it ends.
func TestDeleteOutdated(t *testing.T) {
	t.Parallel()
	broken, slow := errors.New("a row is broken"), Unavailable(errors.New("canceling statement due to statement timeout"))
	for name, test := range map[string]struct {
		err    error
		fail   int
		silent bool
		want   int
	}{
		"all": {want: 2}, "one fails": {err: broken, fail: 1, want: 2}, "one is slow": {err: slow, fail: 1, want: 2},
		"a page of them and more": {err: slow, fail: 2*deleteSides + 1, want: 2}, "nothing answers": {err: slow, fail: deleteSides, silent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, hints, counted := newOutdatedShards(), &toldLogs{moved: map[LogKey]int{}}, 0
			o.silent = test.silent
			s := &Service{Shards: o, Hints: hints, Logger: slog.New(slog.DiscardHandler), Outdated: func(n int) { counted += n }}
			for range test.fail {
				o.add("a", 2, test.err)
			}
			behind := o.add("a", 2, nil)
			o.add("b", 1, nil)
			deleted, err := s.DeleteOutdated(t.Context(), "a")
			if (err != nil) != (test.err != nil) || !errors.Is(err, test.err) || deleted != counted || deleted != test.want*deleteBatch {
				t.Errorf("deleted %d, counted %d, want %d batches; %v", deleted, counted, test.want, err)
			}
			if told := hints.moved[ChannelLogOf(behind.Channel, behind.Group)]; told != test.want || o.left[behind] != 2-test.want {
				t.Errorf("told %d times; %d batches are left", told, o.left[behind])
			}
			tried, off := test.fail, test.fail
			if test.silent {
				tried, off = 1, 0
			}
			if o.worked != tried+test.want || len(o.later) != off || o.asked["b"] > 0 {
				t.Errorf("%d tries, %d put off, asked were %v", o.worked, len(o.later), o.asked)
			}
		})
	}
}

// A cluster that hangs delays no other, what was deleted is told in a line, and all ends with the context.
func TestSweepDeletesOnEachClusterByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, hints := newOutdatedShards(), &toldLogs{moved: map[LogKey]int{}}
		o.hangs = "a"
		o.add("a", 1, nil)
		o.add("b", 1, nil)
		var log bytes.Buffer
		s := &Service{Shards: o, Hints: hints, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		ctx, end := context.WithCancel(t.Context())
		var sweeping sync.WaitGroup
		for _, cluster := range o.ShardClusters() {
			sweeping.Go(func() { s.keepOutdated(ctx, cluster) })
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
