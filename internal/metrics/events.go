package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"linkspan/internal/live"
)

// events counts what subscribers get.
type events struct {
	behind prometheus.Histogram
	age    prometheus.Histogram
}

func newEvents(register func(...prometheus.Collector)) events {
	e := events{
		behind: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "subscriber_lag_events", Buckets: []float64{0, 1, 10, 100, 1000, 10_000, 100_000},
			Help: "How many events a log has behind those that a subscriber is given, at each delivery. What grows here is a slow client.",
		}),
		age: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "event_age_seconds", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .5, 1, 2.5, 10, 60},
			Help: "Age of the newest event of a delivery, by the clocks of its shard and of this process. Replays do not count.",
		}),
	}
	register(e.behind, e.age)
	return e
}

// Delivered implements [live.Watch].
func (e *events) Delivered(behind int64, age time.Duration, replay bool) {
	e.behind.Observe(float64(behind))
	if !replay {
		e.age.Observe(max(age, 0).Seconds())
	}
}

// WatchHub adds what a hub has to do.
func (m *Metrics) WatchHub(hub *live.Hub) {
	m.register(figures[live.Stat]{hub.Stat, []figure[live.Stat]{
		{described("subscriptions", "Subscriptions that are open."), prometheus.GaugeValue, func(s live.Stat) float64 { return float64(s.Subscriptions) }, nil},
		{described("followed_logs", "Logs that somebody follows."), prometheus.GaugeValue, func(s live.Stat) float64 { return float64(s.Logs) }, nil},
	}})
}
