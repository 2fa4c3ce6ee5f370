package traces

import (
	"context"
	"log/slog"
	"strings"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"
)

// LogHandler adds to each record the trace and the span in whose context it is written.
func LogHandler(next slog.Handler) slog.Handler { return logHandler{next} }

type logHandler struct{ slog.Handler }

func (h logHandler) Handle(ctx context.Context, record slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		record.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, record)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}
func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.Handler.WithGroup(name)} }

// logOf has OpenTelemetry log here what goes wrong, for the whole process.
func logOf(logger *slog.Logger) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("traces", "err", err) }))
	otel.SetLogger(logr.FromSlogHandler(ownLog{logger.Handler()}))
}

// ownLog takes OpenTelemetry's own log. Of what it is given it tells an error, and of all else the names alone: values come
// from variables that may hold secrets, as OTEL_EXPORTER_OTLP_HEADERS does.
type ownLog struct{ to slog.Handler }

// levelOf is the level here of one of theirs, which are 0 less the verbosity: 1 for warnings, 4 and more for the rest.
func levelOf(level slog.Level) slog.Level {
	if level >= -1 {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func (l ownLog) Enabled(ctx context.Context, level slog.Level) bool {
	return l.to.Enabled(ctx, levelOf(level))
}

func (l ownLog) Handle(ctx context.Context, theirs slog.Record) error {
	record := slog.NewRecord(theirs.Time, levelOf(theirs.Level), "traces: "+theirs.Message, 0)
	var about []string
	theirs.Attrs(func(attr slog.Attr) bool {
		if err, ok := attr.Value.Any().(error); ok {
			record.AddAttrs(slog.Any("err", err))
		} else {
			about = append(about, attr.Key)
		}
		return true
	})
	if len(about) > 0 {
		record.AddAttrs(slog.String("about", strings.Join(about, " ")))
	}
	return l.to.Handle(ctx, record)
}

func (l ownLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l ownLog) WithGroup(string) slog.Handler      { return l }
