package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/ast"

	"linkspan/internal/channel"
	"linkspan/internal/gqlhttp"
	"linkspan/internal/server"
)

// edge counts what clients do. What is counted for each operation and message is found without a search by labels.
type edge struct {
	operations *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	series     *sync.Map // server.Operation → *operationSeries; bounded by the list of operations
	inFlight   map[ast.Operation]prometheus.Gauge
	errors     *prometheus.CounterVec
	limited    prometheus.Counter
	open       map[gqlhttp.Kind]prometheus.Gauge
	closed     *prometheus.CounterVec
	sent       map[gqlhttp.Kind]prometheus.Counter
	tokens     map[server.SignInResult]prometheus.Counter
}

// operationSeries is what is counted of one operation.
type operationSeries struct {
	began prometheus.Counter
	took  prometheus.Observer
}

func newEdge(register func(...prometheus.Collector)) edge {
	e := edge{
		operations: counters("operations_total", "Valid operations that began to run, by type and by the name that the list of operations has for them, else other.", "type", "name"),
		durations: histograms("operation_duration_seconds", "Time from a request to its answer, or until a subscription has begun.",
			[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}, "type", "name"),
		series:   &sync.Map{},
		inFlight: map[ast.Operation]prometheus.Gauge{},
		errors:   counters("errors_total", "Errors at the top level of answers, by code. Partial answers count too.", "code"),
		limited:  counter("rate_limited_total", "Operations refused because a user or an address asked too often."),
		open:     map[gqlhttp.Kind]prometheus.Gauge{},
		closed: counters("connections_closed_total", "WebSockets and streams that ended, by the code of the WebSocket (other: one that a client made up; none: a stream).",
			"kind", "code"),
		sent:   map[gqlhttp.Kind]prometheus.Counter{},
		tokens: map[server.SignInResult]prometheus.Counter{},
	}
	inFlight := gauges("operations_in_flight", "Queries and mutations under way, and subscriptions that are beginning.", "type")
	for _, operation := range []ast.Operation{ast.Query, ast.Mutation, ast.Subscription} {
		e.inFlight[operation] = inFlight.WithLabelValues(string(operation))
		e.seriesOf(server.Operation{Type: operation, Name: server.OtherOperation})
	}
	open := gauges("connections_open", "WebSockets and streams that are open.", "kind")
	sent := counters("messages_sent_total", "Responses sent on WebSockets and streams.", "kind")
	for _, kind := range []gqlhttp.Kind{gqlhttp.WebSocket, gqlhttp.SSE, gqlhttp.Multipart} {
		e.open[kind], e.sent[kind] = open.WithLabelValues(string(kind)), sent.WithLabelValues(string(kind))
	}
	tokens := counters("tokens_verified_total", "Tokens by what became of them; undecided: nobody could find out.", "result")
	for _, result := range []server.SignInResult{server.TokenOK, server.TokenExpired, server.TokenRefused, server.TokenUndecided} {
		e.tokens[result] = tokens.WithLabelValues(string(result))
	}
	begin(e.errors, faultCodes)
	for _, code := range append([]gqlhttp.CloseCode{0}, closeCodes...) {
		e.closed.WithLabelValues(string(gqlhttp.WebSocket), codeLabel(gqlhttp.WebSocket, code))
	}
	for _, kind := range []gqlhttp.Kind{gqlhttp.SSE, gqlhttp.Multipart} {
		e.closed.WithLabelValues(string(kind), codeLabel(kind, 0))
	}
	register(e.operations, e.durations, inFlight, e.errors, e.limited, open, e.closed, sent, tokens)
	return e
}

func (e *edge) seriesOf(o server.Operation) *operationSeries {
	if found, ok := e.series.Load(o); ok {
		return found.(*operationSeries)
	}
	made := &operationSeries{
		e.operations.WithLabelValues(string(o.Type), o.Name), e.durations.WithLabelValues(string(o.Type), o.Name),
	}
	found, _ := e.series.LoadOrStore(o, made)
	return found.(*operationSeries)
}

// Began implements [server.Watch].
func (e *edge) Began(o server.Operation) {
	e.seriesOf(o).began.Inc()
	e.inFlight[o.Type].Inc()
}

// Answered implements [server.Watch].
func (e *edge) Answered(o server.Operation, took time.Duration) {
	e.seriesOf(o).took.Observe(took.Seconds())
	e.inFlight[o.Type].Dec()
}

// Failed implements [server.Watch].
func (e *edge) Failed(code channel.FaultCode) { e.errors.WithLabelValues(string(code)).Inc() }

// RateLimited implements [server.Watch].
func (e *edge) RateLimited() { e.limited.Inc() }

// SignedIn implements [server.Watch].
func (e *edge) SignedIn(result server.SignInResult) { e.tokens[result].Inc() }

// Opened implements [server.Watch].
func (e *edge) Opened(kind gqlhttp.Kind) { e.open[kind].Inc() }

// Closed implements [server.Watch].
func (e *edge) Closed(kind gqlhttp.Kind, code gqlhttp.CloseCode) {
	e.open[kind].Dec()
	e.closed.WithLabelValues(string(kind), codeLabel(kind, code)).Inc()
}

// Sent implements [server.Watch].
func (e *edge) Sent(kind gqlhttp.Kind) { e.sent[kind].Inc() }
