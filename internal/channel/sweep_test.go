package channel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
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

// audits is a main database that tells how old the oldest is that has no entries, or that it can't tell.
type audits struct {
	Main
	oldest func() (time.Duration, error)
}

func (a audits) OldestUnaudited(context.Context) (time.Duration, error) { return a.oldest() }

// Late audits are told once a minute, from when they are late until they are not.
func TestLateAuditsAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var log strings.Builder
		m := audits{oldest: func() (time.Duration, error) {
			switch since := time.Since(began); {
			case since < 10*time.Minute:
				return since, nil
			case since < 11*time.Minute:
				return 0, errors.New("main is out of reach")
			}
			return time.Second, nil
		}}
		s := &Service{Main: m, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		ctx, end := context.WithTimeout(t.Context(), 15*time.Minute+time.Second)
		defer end()
		s.watchAudits(ctx)
		var told []string
		for line := range strings.Lines(log.String()) {
			_, said, _ := strings.Cut(line, "msg=")
			told = append(told, strings.TrimSpace(said))
		}
		late := func(minutes int) string {
			return fmt.Sprintf(`"audits are late" oldest=%dm0s`, minutes)
		}
		want := []string{late(6), late(7), late(8), late(9), `"sweep: look at audits" err="main is out of reach"`}
		if !slices.Equal(told, want) {
			t.Errorf("the log tells %q, want %q", told, want)
		}
	})
}
