package traces_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"linkspan/internal/traces"
)

// setEnv sets these variables of OpenTelemetry, and none besides.
func setEnv(t *testing.T, set map[string]string) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
	for name, value := range set {
		t.Setenv(name, value)
	}
}

// TestFromEnv reads the standard variables.
func TestFromEnv(t *testing.T) {
	const secret = "s3cr3t"
	for name, c := range map[string]struct {
		env    map[string]string
		traces bool
		err    string
	}{
		"nothing is set":   {},
		"an endpoint":      {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, traces: true},
		"by https":         {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector:1/below"}, traces: true},
		"traces' own":      {env: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, traces: true},
		"an exporter":      {env: map[string]string{"OTEL_TRACES_EXPORTER": "console"}, traces: true},
		"none":             {env: map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}},
		"disabled":         {env: map[string]string{"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}},
		"another exporter": {env: map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, err: "can be otlp, console or none"},
		"another protocol": {
			env: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
			err: "OTEL_EXPORTER_OTLP_PROTOCOL is \"grpc\": only http/protobuf",
		},
		"another protocol of traces": {
			env: map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"},
			err: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is",
		},
		"another protocol, but not of traces": {
			env:    map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"},
			traces: true,
		},
		"no scheme":       {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": secret + ":4318"}, err: "OTEL_EXPORTER_OTLP_ENDPOINT is not the URL"},
		"an address":      {env: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "127.0.0.1:4318/" + secret}, err: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is not the URL"},
		"another scheme":  {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "grpc://" + secret + ":4317"}, err: "as http://127.0.0.1:4318"},
		"no host":         {env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://:4318"}, err: "OTEL_EXPORTER_OTLP_ENDPOINT"},
		"no propagation":  {env: map[string]string{"OTEL_TRACES_EXPORTER": "console", "OTEL_PROPAGATORS": "none"}, traces: true},
		"propagation":     {env: map[string]string{"OTEL_TRACES_EXPORTER": "console", "OTEL_PROPAGATORS": "tracecontext"}, traces: true},
		"and baggage":     {env: map[string]string{"OTEL_TRACES_EXPORTER": "console", "OTEL_PROPAGATORS": "tracecontext, baggage"}, traces: true},
		"another's":       {env: map[string]string{"OTEL_TRACES_EXPORTER": "console", "OTEL_PROPAGATORS": "tracecontext,b3"}, err: "it can be tracecontext or none"},
		"another's, idle": {env: map[string]string{"OTEL_PROPAGATORS": "b3"}},
	} {
		t.Run(name, func(t *testing.T) {
			setEnv(t, c.env)
			got, err := traces.FromEnv(t.Context(), slog.New(slog.DiscardHandler))
			if (got != nil) != c.traces || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("traces: %v, error %v", got != nil, err)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error tells an endpoint: %v", err)
			}
			if got != nil {
				if err := got.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestPropagators has a caller name a trace and want it sampled, where the sampler itself takes none. Spans go to a collector.
func TestPropagators(t *testing.T) {
	const caller = "0af7651916cd43dd8448eb211c80319c"
	for propagators, want := range map[string]bool{"": true, "tracecontext": true, "tracecontext,baggage": true, "baggage": false, "none": false} {
		t.Run(propagators, func(t *testing.T) {
			var sent atomic.Int32
			collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if _, err := io.Copy(io.Discard, r.Body); err == nil && r.URL.Path == "/v1/traces" {
					sent.Add(1)
				}
			}))
			defer collector.Close()
			setEnv(t, map[string]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_PROPAGATORS": propagators, "OTEL_TRACES_SAMPLER": "parentbased_always_off",
			})
			tracing, err := traces.FromEnv(t.Context(), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
			request.Header.Set("Traceparent", "00-"+caller+"-b7ad6b7169203331-01")
			tracing.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				span := trace.SpanContextFromContext(r.Context())
				if got := span.TraceID().String() == caller; got != want || span.IsSampled() != want {
					t.Errorf("trace %s, sampled %v", span.TraceID(), span.IsSampled())
				}
			})).ServeHTTP(httptest.NewRecorder(), request)
			if err := tracing.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if got := sent.Load() > 0; got != want {
				t.Errorf("the collector got %d requests", sent.Load())
			}
		})
	}
}

// TestOwnLog has OpenTelemetry complain of a variable: it does so in the program's log, without the variable's value.
func TestOwnLog(t *testing.T) {
	const secret = "s3cr3t"
	setEnv(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_HEADERS": secret, "OTEL_TRACES_SAMPLER": "nonsense",
	})
	var log bytes.Buffer
	tracing, err := traces.FromEnv(t.Context(), slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	if err := tracing.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		`"level":"WARN","msg":"traces: parse headers","err":"missing '=","about":"input"`,
		`"level":"WARN","msg":"traces","err":"unsupported sampler: nonsense"`,
		`"level":"DEBUG","msg":"traces: TracerProvider created"`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	if strings.Contains(log.String(), secret) || t.Failed() {
		t.Errorf("the log: %s", log.String())
	}
}
