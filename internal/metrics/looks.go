package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// lookFresh is for how long a look at main serves scrapes.
	lookFresh = 5 * time.Second
	// lookTimeout bounds a look.
	lookTimeout = time.Second
)

// lookCollector looks at main when somebody asks, but not more often than main likes. Where it can't be asked there are no values.
type lookCollector[T any] struct {
	look   func(ctx context.Context) (T, error)
	failed *prometheus.Desc // counts the looks that failed
	values []lookedAt[T]

	mu       sync.Mutex
	looked   time.Time
	found    T
	err      error
	failures int64
}

// lookedAt is a gauge of what a look finds.
type lookedAt[T any] struct {
	desc *prometheus.Desc
	of   func(T) float64
}

// Describe implements [prometheus.Collector].
func (c *lookCollector[T]) Describe(to chan<- *prometheus.Desc) {
	to <- c.failed
	for _, value := range c.values {
		to <- value.desc
	}
}

// Collect implements [prometheus.Collector].
func (c *lookCollector[T]) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looked.IsZero() || time.Since(c.looked) >= lookFresh {
		ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
		c.found, c.err = c.look(ctx)
		cancel()
		c.looked = time.Now()
		if c.err != nil {
			c.failures++
		}
	}
	to <- prometheus.MustNewConstMetric(c.failed, prometheus.CounterValue, float64(c.failures))
	if c.err != nil {
		return
	}
	for _, value := range c.values {
		to <- prometheus.MustNewConstMetric(value.desc, prometheus.GaugeValue, value.of(c.found))
	}
}
