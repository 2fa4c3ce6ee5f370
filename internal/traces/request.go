package traces

import (
	"context"
	"net/http"
	"sync"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/vektah/gqlparser/v2/ast"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"linkspan/internal/channel"
	"linkspan/internal/server"
)

// route is the path whose requests are traced.
const route = "/graphql"

// endRequestKey is under which a request's context has what ends its span.
type endRequestKey struct{}

// Handler implements [server.Tracer]: a span for each request, in the trace that its headers name if propagation is on. It
// ends with the answer, and that of a stream when its subscription has begun. A WebSocket's is its upgrade; operations on
// it begin traces of their own.
func (t *Traces) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != route {
			next.ServeHTTP(w, r)
			return
		}
		method := methodOf(r)
		ctx := t.headers.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := t.tracer.Start(ctx, method+" "+route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("http.request.method", method), attribute.String("http.route", route),
		))
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		end := sync.OnceFunc(func() {
			if status := ww.Status(); status > 0 {
				span.SetAttributes(attribute.Int("http.response.status_code", status))
				if status >= http.StatusInternalServerError {
					span.SetStatus(codes.Error, "")
				}
			}
			span.End()
		})
		defer end()
		ctx = context.WithValue(ctx, endRequestKey{}, end)
		next.ServeHTTP(ww, r.WithContext(ctx))
	})
}

// methodOf is the method of a request if it is one that HTTP knows.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodOptions, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return r.Method
	}
	return "_OTHER"
}

// Operation implements [server.Tracer].
func (t *Traces) Operation(ctx context.Context, o server.Operation) (context.Context, func()) {
	name := string(o.Type)
	attributes := []attribute.KeyValue{attribute.String("graphql.operation.type", name)}
	if o.Name != server.OtherOperation {
		name += " " + o.Name
		attributes = append(attributes, attribute.String("graphql.operation.name", o.Name))
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithAttributes(attributes...))
	endRequest, _ := ctx.Value(endRequestKey{}).(func())
	return ctx, func() {
		span.End()
		if endRequest != nil && o.Type == ast.Subscription {
			endRequest() // the answer goes on for as long as the client likes
		}
	}
}

// Failed implements [server.Tracer]: the span under way is marked with the code, as failed where that is the server's doing.
func (t *Traces) Failed(ctx context.Context, code channel.FaultCode) {
	span := trace.SpanFromContext(ctx)
	span.SetAttributes(attribute.String("error.type", string(code)))
	if code == channel.Internal || code == channel.ShardUnavailable {
		span.SetStatus(codes.Error, string(code))
	}
}
