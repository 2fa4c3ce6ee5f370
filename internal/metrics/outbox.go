package metrics

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"linkspan/internal/channel"
	"linkspan/internal/outbox"
)

// outboxSteps counts the deliveries of steps.
type outboxSteps struct {
	deliveries *prometheus.CounterVec
	took       prometheus.Histogram
	taken      *prometheus.CounterVec
}

func newOutboxSteps(register func(...prometheus.Collector)) outboxSteps {
	o := outboxSteps{
		deliveries: counters("outbox_deliveries_total", "Attempts to deliver a step, by its kind and result; early: an earlier step was missing.", "kind", "result"),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "outbox_delivery_duration_seconds", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .5, 1, 2},
			Help: "Time of an attempt to deliver a step.",
		}),
		taken: counters("outbox_taken_total", "Steps that the relay took up because no request had finished them; again: not for the first time.", "again"),
	}
	for _, kind := range stepKinds {
		begin(o.deliveries, deliveryResults, string(kind))
	}
	begin(o.taken, []string{yes, no})
	register(o.deliveries, o.took, o.taken)
	return o
}

// Deliver returns deliver, counted.
func (o *outboxSteps) Deliver(deliver outbox.Deliver) outbox.Deliver {
	return func(ctx context.Context, step channel.Step) error {
		began := time.Now()
		err := deliver(ctx, step)
		o.took.Observe(time.Since(began).Seconds())
		result := delivered
		switch {
		case errors.Is(err, channel.ErrStepGap):
			result = early
		case err != nil:
			result = failed
		}
		o.deliveries.WithLabelValues(string(step.Kind), result).Inc()
		return err
	}
}

// OutboxStore returns the store, whose claims are counted.
func (o *outboxSteps) OutboxStore(store outbox.Store) outbox.Store {
	return countedStore{store, o.taken}
}

type countedStore struct {
	outbox.Store
	taken *prometheus.CounterVec
}

// ClaimDue implements [outbox.Store].
func (s countedStore) ClaimDue(ctx context.Context, limit int, lease time.Duration) ([]outbox.Claim, error) {
	claims, err := s.Store.ClaimDue(ctx, limit, lease)
	for _, claim := range claims {
		again := no
		if claim.Attempts > 1 {
			again = yes
		}
		s.taken.WithLabelValues(again).Inc()
	}
	return claims, err
}

// Backlog returns how many steps are open, and the age of the oldest; 0 and 0 where none is.
type Backlog func(ctx context.Context) (open int64, oldest time.Duration, err error)

// backlog is what a look at the outbox finds.
type backlog struct {
	open   int64
	oldest time.Duration
}

// WatchOutbox adds what is open in the outbox. Where main can't be asked, it has no values.
func (m *Metrics) WatchOutbox(look Backlog) {
	m.register(&lookCollector[backlog]{
		look: func(ctx context.Context) (found backlog, err error) {
			found.open, found.oldest, err = look(ctx)
			return found, err
		},
		failed: described("outbox_looks_failed_total", "Looks at the outbox, for the two above, that failed."),
		values: []lookedAt[backlog]{
			{
				described("outbox_open_steps", "Steps of the outbox that have not taken effect, or whose effect is not noted yet. No value: main can't be asked."),
				func(b backlog) float64 { return float64(b.open) },
			},
			{
				described("outbox_oldest_step_age_seconds", "Age of the oldest of them; 0: there is none."),
				func(b backlog) float64 { return b.oldest.Seconds() },
			},
		},
	})
}
