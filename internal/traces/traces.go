// Package traces follows an operation from its request to its SQL statements, by OpenTelemetry. It is set up by the
// standard environment variables alone (OTEL_…), and where none is set there is none: nothing of it runs.
//
// A span never holds what a client sent or what is stored: no variable, no document, no token, no value of a statement,
// no text of an error.
package traces

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"linkspan/internal/server"
	"linkspan/shardrouter"
)

// Traces makes spans and sends them away. It is safe for concurrent use.
type Traces struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	headers  propagation.TextMapPropagator // that name a request's trace
}

var (
	_ server.Tracer               = (*Traces)(nil)
	_ shardrouter.StatementTracer = (*Traces)(nil)
)

// FromEnv returns traces as OpenTelemetry's environment variables ask for them; nil if they ask for none. Close ends them.
// What goes wrong in sending, and what OpenTelemetry itself has to say, is logged.
func FromEnv(ctx context.Context, logger *slog.Logger) (*Traces, error) {
	kind, err := exporterFromEnv()
	if err != nil || kind == toNowhere {
		return nil, err
	}
	headers, err := propagatorFromEnv()
	if err != nil {
		return nil, err
	}
	logOf(logger)
	exporter, err := newExporter(ctx, kind)
	if err != nil {
		return nil, err
	}
	of, err := resource.Merge(resource.NewSchemaless(attribute.String("service.name", "linkspan")), resource.Environment())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	t := New(sdk.WithBatcher(exporter), sdk.WithResource(of))
	t.headers = headers
	return t, nil
}

// New returns traces with these options; the sampler is that of OTEL_TRACES_SAMPLER, unless they name one. Requests are in
// the trace of their traceparent.
func New(options ...sdk.TracerProviderOption) *Traces {
	provider := sdk.NewTracerProvider(options...)
	return &Traces{provider, provider.Tracer("linkspan"), propagation.TraceContext{}}
}

// Close sends what is left, until ctx ends.
func (t *Traces) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

func newExporter(ctx context.Context, kind string) (sdk.SpanExporter, error) {
	if kind == toConsole {
		return stdouttrace.New(stdouttrace.WithWriter(os.Stderr))
	}
	if err := checkCollector(); err != nil {
		return nil, err
	}
	return otlptracehttp.New(ctx)
}
