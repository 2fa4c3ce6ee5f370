package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"linkspan/internal/channel"
	"linkspan/internal/gqlhttp"
)

// Watch is told what the edge does, for metrics. Its methods must not wait, and are called concurrently. Of what a client
// chooses, nothing comes to it but the code that a client closes a socket with.
type Watch interface {
	// Opened, Closed and Sent are [gqlhttp.Watch]'s.
	Opened(kind gqlhttp.Kind)
	Closed(kind gqlhttp.Kind, code gqlhttp.CloseCode)
	Sent(kind gqlhttp.Kind)
	// Began is told that a valid operation begins to run.
	Began(o Operation)
	// Answered is told how long it took from when the request came to when its answer was there, or a subscription had begun.
	// It comes once for each Began.
	Answered(o Operation, took time.Duration)
	// Failed is told the code of an error that a client gets.
	Failed(code channel.FaultCode)
	// SignedIn is told what became of a token.
	SignedIn(result SignInResult)
	// RateLimited is told that an operation was refused because its sender asks too often.
	RateLimited()
}

// Tracer makes traces of what the edge does. Nothing that a client chooses comes to it but the request's headers.
type Tracer interface {
	// Handler traces requests for GraphQL.
	Handler(next http.Handler) http.Handler
	// Operation is told that an operation begins. Its context is the returned one; answered is called as [Watch].Answered is.
	Operation(ctx context.Context, o Operation) (_ context.Context, answered func())
	// Failed is told the code of an error that a client gets.
	Failed(ctx context.Context, code channel.FaultCode)
}

// Operation is what may be said of an operation.
type Operation struct {
	Type ast.Operation
	Name string // where it is listed in [Operations]; else OtherOperation
}

// OtherOperation stands for the name of every operation whose document is not listed.
const OtherOperation = "other"

// SignInResult is what became of a token.
type SignInResult string

// The results.
const (
	TokenOK        SignInResult = "ok"
	TokenExpired   SignInResult = "expired"
	TokenRefused   SignInResult = "refused"
	TokenUndecided SignInResult = "undecided" // nobody could find out whether it is good
)

// observers are told what happens; either may be nil.
type observers struct {
	watch  Watch
	tracer Tracer
}

func (o observers) failed(ctx context.Context, code channel.FaultCode) {
	if o.watch != nil {
		o.watch.Failed(code)
	}
	if o.tracer != nil {
		o.tracer.Failed(ctx, code)
	}
}

func (o observers) signedIn(err error) {
	if o.watch == nil {
		return
	}
	switch {
	case err == nil:
		o.watch.SignedIn(TokenOK)
	case errors.Is(err, errTokenExpired):
		o.watch.SignedIn(TokenExpired)
	case errors.Is(err, errToken):
		o.watch.SignedIn(TokenRefused)
	default:
		o.watch.SignedIn(TokenUndecided)
	}
}

func (o observers) rateLimited() {
	if o.watch != nil {
		o.watch.RateLimited()
	}
}

// observed tells the observers of operations.
type observed struct {
	observers
	listed map[string]struct{} // documents
}

var _ graphql.OperationInterceptor = observed{}

func newObserved(o observers, operations Operations) observed {
	listed := make(map[string]struct{}, len(operations.ByHash))
	for _, document := range operations.ByHash {
		listed[document] = struct{}{}
	}
	return observed{o, listed}
}

// ExtensionName implements [graphql.HandlerExtension].
func (observed) ExtensionName() string { return "Observed" }

// Validate implements [graphql.HandlerExtension].
func (observed) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptOperation implements [graphql.OperationInterceptor]. A query runs when its response is asked for; a
// subscription's events may be long in coming, so it counts as answered when it has begun.
func (o observed) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if o.watch == nil && o.tracer == nil {
		return next(ctx)
	}
	run := &observedRun{observed: o}
	ctx = run.begin(ctx)
	if run.operation.Type == ast.Subscription {
		defer run.answered()
		return next(ctx)
	}
	run.responses = next(ctx)
	return run.response
}

// observedRun is an operation under way.
type observedRun struct {
	observed
	operation Operation
	came      time.Time
	traced    func()
	responses graphql.ResponseHandler
	done      bool
}

func (r *observedRun) begin(ctx context.Context) context.Context {
	operation := graphql.GetOperationContext(ctx)
	r.operation, r.came = Operation{operation.Operation.Operation, OtherOperation}, operation.Stats.OperationStart
	if len(r.listed) > 0 && operation.Operation.Name != "" {
		if _, ok := r.listed[operation.RawQuery]; ok {
			r.operation.Name = operation.Operation.Name
		}
	}
	if r.watch != nil {
		r.watch.Began(r.operation)
	}
	if r.tracer != nil {
		ctx, r.traced = r.tracer.Operation(ctx, r.operation)
	}
	return ctx
}

func (r *observedRun) response(ctx context.Context) *graphql.Response {
	if !r.done {
		defer r.answered()
	}
	return r.responses(ctx)
}

func (r *observedRun) answered() {
	r.done = true
	if r.watch != nil {
		r.watch.Answered(r.operation, time.Since(r.came))
	}
	if r.traced != nil {
		r.traced()
	}
}
