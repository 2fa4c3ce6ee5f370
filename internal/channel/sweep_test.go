package channel

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// noOperations is a main database that has nothing to forget.
type noOperations struct{ Main }

func (noOperations) ForgetOperations(context.Context, time.Duration, int) (int, error) { return 0, nil }

// oldEvents are shards with logs that have old events, for some batches on each cluster.
type oldEvents struct {
	Shards
	batches map[string]int
	ages    map[string][]time.Duration // that each batch was asked for
}

func (o *oldEvents) ShardClusters() []string { return []string{"a", "b"} }

func (o *oldEvents) ForgetChannelOperations(context.Context, string, time.Duration, int) (int, error) {
	return 0, nil
}

func (o *oldEvents) ForgetEvents(_ context.Context, cluster string, age time.Duration, _, _ int) (int, error) {
	o.ages[cluster] = append(o.ages[cluster], age)
	time.Sleep(time.Second) // of synctest's time
	if o.batches[cluster] == 0 {
		return 0, nil
	}
	o.batches[cluster]--
	return 1, nil
}

// The sweeper goes on, however few logs have old events, until none has any left of those that were old when it began.
func TestForgetTakesAllThatIsOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &oldEvents{batches: map[string]int{"a": 3}, ages: map[string][]time.Duration{}}
		s := &Service{Main: noOperations{}, Shards: o, LogRetention: time.Hour, Logger: slog.New(slog.DiscardHandler)}
		s.Forget(t.Context())
		want := []time.Duration{time.Hour, time.Hour + time.Second, time.Hour + 2*time.Second, time.Hour + 3*time.Second}
		if !slices.Equal(o.ages["a"], want) || !slices.Equal(o.ages["b"], want[:1]) {
			t.Errorf("asked for events older than %v, want %v on a and the first of them on b", o.ages, want)
		}
	})
}
