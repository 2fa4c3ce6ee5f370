package metrics

import "github.com/prometheus/client_golang/prometheus"

// WatchPages adds how much memory the pages of messages take that are kept, and where those came from that were opened: look returns
// the bytes, and since the start how many a statement confirmed and how many were read.
func (m *Metrics) WatchPages(look func() (bytes int, confirmed, read int64)) {
	type pages struct {
		bytes           int
		confirmed, read int64
	}
	const count = prometheus.CounterValue
	kept := described("kept_pages_bytes", "About how much memory the pages of messages take that are kept.")
	opened := described("pages_opened_total", "Pages of messages that were opened with their channel, by where they came from: memory, once a statement had confirmed them, or the cluster.", "from")
	m.register(figures[pages]{
		func() (p pages) {
			p.bytes, p.confirmed, p.read = look()
			return p
		},
		[]figure[pages]{
			{kept, prometheus.GaugeValue, func(p pages) float64 { return float64(p.bytes) }, nil},
			{opened, count, func(p pages) float64 { return float64(p.confirmed) }, []string{"memory"}},
			{opened, count, func(p pages) float64 { return float64(p.read) }, []string{"cluster"}},
		},
	})
}
