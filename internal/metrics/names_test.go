package metrics

import (
	"regexp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

var fullName = regexp.MustCompile(`fqName: "(linkspan_[^"]*)"`)

// Names are the names of all metrics of our own, sorted; those without a value yet too.
func Names(m *Metrics) []string {
	descriptions := make(chan *prometheus.Desc)
	go func() {
		m.registry.Describe(descriptions)
		close(descriptions)
	}()
	var names []string
	for description := range descriptions {
		if match := fullName.FindStringSubmatch(description.String()); match != nil {
			names = append(names, match[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
