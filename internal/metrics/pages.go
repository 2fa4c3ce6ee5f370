package metrics

import "github.com/prometheus/client_golang/prometheus"

// WatchPages adds how much memory the pages of messages take that are kept, and where those came from that were opened: look returns
// the bytes, and since the start how many a statement confirmed and how many were read.
func (m *Metrics) WatchPages(look func() (bytes int, confirmed, read int64)) {
	m.register(&pageCollector{
		look,
		described("kept_pages_bytes", "About how much memory the pages of messages take that are kept."),
		described("pages_opened_total", "Pages of messages that were opened with their channel, by where they came from: memory, once a statement had confirmed them, or the cluster.", "from"),
	})
}

type pageCollector struct {
	look         func() (bytes int, confirmed, read int64)
	kept, opened *prometheus.Desc
}

// Describe implements [prometheus.Collector].
func (c *pageCollector) Describe(to chan<- *prometheus.Desc) {
	to <- c.kept
	to <- c.opened
}

// Collect implements [prometheus.Collector].
func (c *pageCollector) Collect(to chan<- prometheus.Metric) {
	bytes, confirmed, read := c.look()
	to <- prometheus.MustNewConstMetric(c.kept, prometheus.GaugeValue, float64(bytes))
	to <- prometheus.MustNewConstMetric(c.opened, prometheus.CounterValue, float64(confirmed), "memory")
	to <- prometheus.MustNewConstMetric(c.opened, prometheus.CounterValue, float64(read), "cluster")
}
