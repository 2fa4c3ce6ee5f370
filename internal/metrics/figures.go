package metrics

import "github.com/prometheus/client_golang/prometheus"

// figures asks a room for all its figures at once, so that they are of one moment.
type figures[T any] struct {
	look   func() T
	values []figure[T]
}

// figure is one metric of what a room tells.
type figure[T any] struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	of     func(T) float64
	labels []string // values of the description's
}

// Describe implements [prometheus.Collector].
func (f figures[T]) Describe(to chan<- *prometheus.Desc) {
	for _, value := range f.values {
		to <- value.desc
	}
}

// Collect implements [prometheus.Collector].
func (f figures[T]) Collect(to chan<- prometheus.Metric) {
	told := f.look()
	for _, value := range f.values {
		to <- value.metric(told, value.labels...)
	}
}

func (f figure[T]) metric(told T, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(f.desc, f.kind, f.of(told), labels...)
}
