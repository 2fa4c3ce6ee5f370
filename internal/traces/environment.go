package traces

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// OpenTelemetry's variables that are read here; its exporter and its SDK read others.
const (
	disabledVariable       = "OTEL_SDK_DISABLED"
	exporterVariable       = "OTEL_TRACES_EXPORTER"
	endpointVariable       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	tracesEndpointVariable = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	protocolVariable       = "OTEL_EXPORTER_OTLP_PROTOCOL"
	tracesProtocolVariable = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	propagatorsVariable    = "OTEL_PROPAGATORS"
)

// The exporters.
const (
	toCollector = "otlp"
	toConsole   = "console"
	toNowhere   = "none"
)

// exporterFromEnv is the exporter that the environment asks for.
func exporterFromEnv() (string, error) {
	if strings.EqualFold(os.Getenv(disabledVariable), "true") {
		return toNowhere, nil
	}
	switch kind := os.Getenv(exporterVariable); kind {
	case toCollector, toConsole, toNowhere:
		return kind, nil
	case "":
	default:
		return "", fmt.Errorf("%s is %q: it can be otlp, console or none", exporterVariable, kind)
	}
	if os.Getenv(endpointVariable) != "" || os.Getenv(tracesEndpointVariable) != "" {
		return toCollector, nil
	}
	return toNowhere, nil
}

// checkCollector says what is wrong with the variables of the collector. Where the exporter can't read one of them, it
// would send to localhost instead.
func checkCollector() error {
	for _, name := range []string{tracesProtocolVariable, protocolVariable} {
		protocol := os.Getenv(name)
		if protocol == "" {
			continue
		}
		if protocol != "http/protobuf" {
			return fmt.Errorf("%s is %q: only http/protobuf is spoken here (port 4318 of a collector)", name, protocol)
		}
		break // the traces' own wins
	}
	return errors.Join(checkEndpoint(endpointVariable), checkEndpoint(tracesEndpointVariable))
}

// checkEndpoint never repeats the value, which may hold a password.
func checkEndpoint(name string) error {
	value := os.Getenv(name)
	if value == "" {
		return nil
	}
	parsed, err := url.Parse(value)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Hostname() == "" {
		return fmt.Errorf("%s is not the URL of a collector, such as http://127.0.0.1:4318", name)
	}
	return nil
}

// propagatorFromEnv reads of which headers a request's trace comes. Baggage, the other half of OpenTelemetry's default,
// may be named and means nothing here: there is nowhere to carry it.
func propagatorFromEnv() (propagation.TextMapPropagator, error) {
	value := os.Getenv(propagatorsVariable)
	if value == "none" {
		return propagation.NewCompositeTextMapPropagator(), nil
	}
	if value == "" {
		return propagation.TraceContext{}, nil
	}
	var all []propagation.TextMapPropagator
	for name := range strings.SplitSeq(value, ",") {
		switch strings.TrimSpace(name) {
		case "tracecontext":
			all = append(all, propagation.TraceContext{})
		case "baggage":
		default:
			return nil, fmt.Errorf("%s is %q: it can be tracecontext or none", propagatorsVariable, value)
		}
	}
	return propagation.NewCompositeTextMapPropagator(all...), nil
}
