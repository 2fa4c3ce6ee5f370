package metrics

import "github.com/prometheus/client_golang/prometheus"

// WatchPosts adds how messages were posted: look returns how many since the start to channels that were as they are known, how many to channels that were
// judged first, and how many were to be written as known in vain.
func (m *Metrics) WatchPosts(look func() (asKnown, judged, inVain int64)) {
	type posts struct{ asKnown, judged, inVain int64 }
	const count = prometheus.CounterValue
	posted := described("posts_total", "Messages that were posted, by how their channel was found: as it was known, in one round trip, or judged first, in more.", "found")
	inVain := described("posts_in_vain_total", "Messages that were to be posted to channels as they were known, which had changed: they were judged behind that.")
	m.register(figures[posts]{
		func() (p posts) {
			p.asKnown, p.judged, p.inVain = look()
			return p
		},
		[]figure[posts]{
			{posted, count, func(p posts) float64 { return float64(p.asKnown) }, []string{"known"}},
			{posted, count, func(p posts) float64 { return float64(p.judged) }, []string{"judged"}},
			{inVain, count, func(p posts) float64 { return float64(p.inVain) }, nil},
		},
	})
}
