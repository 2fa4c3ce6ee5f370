package metrics

import "github.com/prometheus/client_golang/prometheus"

// WatchPosts adds how messages were posted: look returns how many since the start to channels that were as they were known to be, and how many to channels
// that were judged first.
func (m *Metrics) WatchPosts(look func() (asKnown, judged int64)) {
	m.register(&postCollector{look, described("posts_total",
		"Messages that were posted, by how their channel was found: as it was known, in one round trip, or judged first, in two.", "found")})
}

type postCollector struct {
	look   func() (asKnown, judged int64)
	posted *prometheus.Desc
}

// Describe implements [prometheus.Collector].
func (c *postCollector) Describe(to chan<- *prometheus.Desc) { to <- c.posted }

// Collect implements [prometheus.Collector].
func (c *postCollector) Collect(to chan<- prometheus.Metric) {
	asKnown, judged := c.look()
	to <- prometheus.MustNewConstMetric(c.posted, prometheus.CounterValue, float64(asKnown), "known")
	to <- prometheus.MustNewConstMetric(c.posted, prometheus.CounterValue, float64(judged), "judged")
}
