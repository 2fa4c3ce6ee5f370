package metrics

import "github.com/prometheus/client_golang/prometheus"

// WatchPosts adds how messages were posted: look returns how many since the start to channels that were as they are known, how many to channels that were
// judged first, and how many were to be written as known in vain.
func (m *Metrics) WatchPosts(look func() (asKnown, judged, inVain int64)) {
	m.register(&postCollector{
		look,
		described("posts_total", "Messages that were posted, by how their channel was found: as it was known, in one round trip, or judged first, in more.", "found"),
		described("posts_in_vain_total", "Messages that were to be posted to channels as they were known, which had changed: they were judged behind that."),
	})
}

type postCollector struct {
	look           func() (asKnown, judged, inVain int64)
	posted, inVain *prometheus.Desc
}

// Describe implements [prometheus.Collector].
func (c *postCollector) Describe(to chan<- *prometheus.Desc) {
	to <- c.posted
	to <- c.inVain
}

// Collect implements [prometheus.Collector].
func (c *postCollector) Collect(to chan<- prometheus.Metric) {
	asKnown, judged, inVain := c.look()
	to <- prometheus.MustNewConstMetric(c.posted, prometheus.CounterValue, float64(asKnown), "known")
	to <- prometheus.MustNewConstMetric(c.posted, prometheus.CounterValue, float64(judged), "judged")
	to <- prometheus.MustNewConstMetric(c.inVain, prometheus.CounterValue, float64(inVain))
}
