package metrics

import (
	"context"
	"errors"
	"sync"
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

const (
	// backlogFresh is for how long a look at the outbox serves scrapes.
	backlogFresh = 5 * time.Second
	// backlogTimeout bounds a look.
	backlogTimeout = time.Second
)

// Backlog returns how many steps are open, and the age of the oldest; 0 and 0 where none is.
type Backlog func(ctx context.Context) (open int64, oldest time.Duration, err error)

// backlogCollector looks at the outbox when somebody asks, but not more often than main likes.
type backlogCollector struct {
	look              Backlog
	open, age, failed *prometheus.Desc

	mu       sync.Mutex
	looked   time.Time
	steps    int64
	oldest   time.Duration
	err      error
	failures int64
}

// WatchOutbox adds what is open in the outbox. Where main can't be asked, it has no values.
func (m *Metrics) WatchOutbox(look Backlog) {
	m.register(&backlogCollector{
		look:   look,
		open:   described("outbox_open_steps", "Steps of the outbox that have not taken effect, or whose effect is not noted yet. No value: main can't be asked."),
		age:    described("outbox_oldest_step_age_seconds", "Age of the oldest of them; 0: there is none."),
		failed: described("outbox_looks_failed_total", "Looks at the outbox, for the two above, that failed."),
	})
}

// Describe implements [prometheus.Collector].
func (c *backlogCollector) Describe(to chan<- *prometheus.Desc) {
	to <- c.open
	to <- c.age
	to <- c.failed
}

// Collect implements [prometheus.Collector].
func (c *backlogCollector) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looked.IsZero() || time.Since(c.looked) >= backlogFresh {
		ctx, cancel := context.WithTimeout(context.Background(), backlogTimeout)
		c.steps, c.oldest, c.err = c.look(ctx)
		cancel()
		c.looked = time.Now()
		if c.err != nil {
			c.failures++
		}
	}
	to <- prometheus.MustNewConstMetric(c.failed, prometheus.CounterValue, float64(c.failures))
	if c.err == nil {
		to <- prometheus.MustNewConstMetric(c.open, prometheus.GaugeValue, float64(c.steps))
		to <- prometheus.MustNewConstMetric(c.age, prometheus.GaugeValue, c.oldest.Seconds())
	}
}
