package traces

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"linkspan/internal/channel"
	"linkspan/internal/outbox"
	"linkspan/shardrouter"
)

// Wants implements [shardrouter.StatementTracer]: statements belong to a span that is still under way. What runs behind
// the operations, and what a subscription reads as long as it lasts, has none.
func (t *Traces) Wants(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// TraceStatement implements [shardrouter.StatementTracer].
func (t *Traces) TraceStatement(ctx context.Context, s shardrouter.Statement) func(error) {
	attributes := []attribute.KeyValue{
		attribute.String("db.system.name", "postgresql"), attribute.String("db.query.text", oneLine(s.Text)),
		attribute.String("linkspan.cluster", s.Cluster),
	}
	name, _, _ := strings.Cut(strings.TrimSpace(s.Text), " ")
	if s.Count > 1 {
		name = "BATCH"
		attributes = append(attributes, attribute.Int("db.operation.batch.size", s.Count))
	}
	_, span := t.tracer.Start(ctx, name+" on "+s.Cluster, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	return func(err error) {
		fail(span, err)
		span.End()
	}
}

// oneLine is a text with single spaces.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// fail marks a span with the kind of an error. Its text may hold values, and stays away.
func fail(span trace.Span, err error) {
	var pg *pgconn.PgError
	kind := "other"
	switch {
	case err == nil:
		return
	case errors.As(err, &pg):
		kind = pg.Code
	case errors.Is(err, context.DeadlineExceeded):
		kind = "deadline exceeded"
	case errors.Is(err, context.Canceled):
		kind = "canceled"
	case errors.Is(err, channel.ErrStepGap):
		kind = "early"
	}
	span.SetAttributes(attribute.String("error.type", kind))
	span.SetStatus(codes.Error, "")
}

// Deliver returns deliver, traced: in the trace of the operation that decided the step where that delivers it itself,
// and in one of its own where the relay does.
func (t *Traces) Deliver(deliver outbox.Deliver) outbox.Deliver {
	return func(ctx context.Context, step channel.Step) error {
		ctx, span := t.tracer.Start(ctx, "deliver "+string(step.Kind), trace.WithAttributes(
			attribute.String("linkspan.step.kind", string(step.Kind)), attribute.String("linkspan.op", step.Op.UUID().String()),
		))
		defer span.End()
		err := deliver(ctx, step)
		fail(span, err)
		return err
	}
}
