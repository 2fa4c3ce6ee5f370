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
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
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
}

var (
	_ server.Tracer               = (*Traces)(nil)
	_ shardrouter.StatementTracer = (*Traces)(nil)
)

// FromEnv returns traces as OpenTelemetry's environment variables ask for them; nil if they ask for none. Close ends them.
// What goes wrong in sending is logged.
func FromEnv(ctx context.Context, logger *slog.Logger) (*Traces, error) {
	kind := exporterFromEnv()
	if kind == "none" {
		return nil, nil
	}
	exporter, err := newExporter(ctx, kind)
	if err != nil {
		return nil, err
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("traces", "err", err) }))
	of, err := resource.Merge(resource.NewSchemaless(attribute.String("service.name", "linkspan")), resource.Environment())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return New(sdk.WithBatcher(exporter), sdk.WithResource(of)), nil
}

// New returns traces with these options; the sampler is that of OTEL_TRACES_SAMPLER, unless they name one.
func New(options ...sdk.TracerProviderOption) *Traces {
	provider := sdk.NewTracerProvider(options...)
	return &Traces{provider, provider.Tracer("linkspan")}
}

// Close sends what is left, until ctx ends.
func (t *Traces) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// exporterFromEnv is the exporter that the environment asks for; none: nothing does.
func exporterFromEnv() string {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return "none"
	}
	if kind := os.Getenv("OTEL_TRACES_EXPORTER"); kind != "" {
		return kind
	}
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "" {
		return "otlp"
	}
	return "none"
}

func newExporter(ctx context.Context, kind string) (sdk.SpanExporter, error) {
	switch kind {
	case "otlp":
		for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
			if protocol := os.Getenv(name); protocol != "" && protocol != "http/protobuf" {
				return nil, fmt.Errorf("%s is %q: only http/protobuf is spoken here (port 4318 of a collector)", name, protocol)
			}
		}
		return otlptracehttp.New(ctx)
	case "console":
		return stdouttrace.New(stdouttrace.WithWriter(os.Stderr))
	}
	return nil, fmt.Errorf("OTEL_TRACES_EXPORTER is %q: it can be otlp, console or none", kind)
}
