// Package metrics counts what the program does, for Prometheus. The rooms do not know it: they have small hooks and tell
// their numbers when asked, and cmd joins them with this.
//
// A label's values come from the program, its configuration or a short list. What a client chooses is never one: a client
// that invents names would make the server hold a time series for each.
package metrics

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"linkspan/internal/channel"
	"linkspan/internal/live"
	"linkspan/internal/server"
)

// namespace begins the names of all metrics of our own.
const namespace = "linkspan"

// Metrics are all metrics of a process. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	logger   *slog.Logger

	edge
	events
	outboxSteps
	refusals *prometheus.CounterVec
	outdated prometheus.Counter
}

var (
	_ server.Watch = (*Metrics)(nil)
	_ live.Watch   = (*Metrics)(nil)
)

// New returns metrics in a registry of their own, with those of the Go runtime and the process.
func New(logger *slog.Logger) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), logger: logger}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector(),
	)
	m.edge, m.events, m.outboxSteps = newEdge(m.register), newEvents(m.register), newOutboxSteps(m.register)
	m.refusals = counters("refusals_total", "Refusals in the payloads of mutations, by code.", "code")
	begin(m.refusals, refusalCodes)
	m.outdated = counter("messages_outdated_total", "Messages that were deleted because their group keeps them no longer.")
	m.register(m.refusals, m.outdated)
	return m
}

func (m *Metrics) register(all ...prometheus.Collector) { m.registry.MustRegister(all...) }

// Refused counts a refusal that a mutation's payload tells; for channel.Service.
func (m *Metrics) Refused(code channel.UserErrorCode) {
	m.refusals.WithLabelValues(string(code)).Inc()
}

// Outdated counts messages that were deleted because their group keeps them no longer; for channel.Service.
func (m *Metrics) Outdated(messages int) { m.outdated.Add(float64(messages)) }

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

// described is a metric whose value is found when somebody asks.
func described(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}
