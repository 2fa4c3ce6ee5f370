package gqldoc

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"linkspan/internal/gqlobject"
)

// Config is how an [Executor] judges documents.
type Config struct {
	Limits Limits
	// Introspection lets clients ask for the schema, and errors suggest names of it. Without it __schema and __type are
	// refused; __typename is not.
	Introspection bool
	// Scalars check values of the schema's own scalars, by name, before anything is executed: what came in a variable, or
	// what stands in the document. The text of their errors is shown to clients.
	Scalars map[string]func(value any) error
	// CacheEntries and CacheBytes bound the valid documents that are kept. 0: 1,000 and 32 MiB.
	CacheEntries, CacheBytes int
}

// Executor is gqlgen's executor behind limits. It is configured before its first request, and then safe for concurrent
// use.
type Executor struct {
	inner         *executor.Executor // dispatches
	limits        Limits
	introspection bool
	validator     *validator
	inputs        inputs
	cache         *cache

	// What gqlgen's own keeps to itself.
	recoverFunc       graphql.RecoverFunc
	resolverMiddle    graphql.FieldMiddleware
	rootMiddle        graphql.RootFieldMiddleware
	parameterMutators []graphql.OperationParameterMutator
	contextMutators   []graphql.OperationContextMutator
	fieldHooks        []graphql.FieldInterceptor
	rootHooks         []graphql.RootFieldInterceptor
}

var _ graphql.GraphExecutor = (*Executor)(nil)

// New returns an executor for the schema.
func New(schema graphql.ExecutableSchema, config Config) *Executor {
	if config.CacheEntries == 0 {
		config.CacheEntries = 1000
	}
	if config.CacheBytes == 0 {
		config.CacheBytes = 32 << 20
	}
	e := &Executor{
		inner:         executor.New(schema),
		limits:        config.Limits.withDefaults(),
		introspection: config.Introspection,
		validator:     newValidator(schema.Schema(), config.Introspection, config.Scalars),
		inputs:        newInputs(schema.Schema(), config.Scalars),
		cache:         newCache(config.CacheEntries, config.CacheBytes),
		recoverFunc:   graphql.DefaultRecover,
	}
	e.chainHooks()
	return e
}

// CreateOperationContext makes the operation that a request asks for ready for [Executor.DispatchOperation], as gqlgen's
// executor does. What it refuses was not executed. A document or value over a limit is a *LimitError, a value that is not
// of its type a *ValueError, each wrapped in a *gqlerror.Error; other errors say what is wrong with the document.
//
// The complexity of an operation is about how many fields its answer can hold. Each field is 1, and what is selected in
// it counts once for each item: as often as first or last says where the field has one of them (20 where neither is
// given, and lists directly within are of the same items), as often as a list among its arguments has items where it
// returns a list, and twice for other lists. Fragments on different types count together. Values of variables count as
// literals do, and @skip and @include leave nothing out.
func (e *Executor) CreateOperationContext(
	ctx context.Context, params *graphql.RawParams,
) (*graphql.OperationContext, gqlerror.List) {
	op := &graphql.OperationContext{
		DisableIntrospection:   !e.introspection,
		RecoverFunc:            e.recoverFunc,
		ResolverMiddleware:     e.resolverMiddle,
		RootResolverMiddleware: e.rootMiddle,
		Stats:                  graphql.Stats{Read: params.ReadTime, OperationStart: graphql.GetStartTime(ctx)},
	}
	if len(e.parameterMutators)+len(e.contextMutators) > 0 {
		ctx = graphql.WithOperationContext(ctx, op)
	}
	for _, m := range e.parameterMutators {
		if err := m.MutateOperationParameters(ctx, params); err != nil {
			return op, gqlerror.List{err}
		}
	}
	op.RawQuery, op.OperationName = params.Query, params.OperationName
	op.Extensions, op.Headers = params.Extensions, params.Headers
	// Parsing and validating a document are one here, and told as parsing; coercing variables is told as validation.
	now := graphql.Now()
	op.Stats.Parsing.Start = now
	document := e.cache.get(params.Query)
	if document == nil {
		made, bytes, errs := e.prepare(params.Query)
		if len(errs) > 0 {
			return op, errs
		}
		document = made
		e.cache.add(params.Query, document, bytes)
		now = graphql.Now()
	}
	op.Stats.Parsing.End, op.Stats.Validation.Start = now, now
	op.Doc = document.doc
	asked, err := document.operation(params.OperationName)
	if err != nil {
		return op, gqlerror.List{err}
	}
	op.Operation = asked.definition
	if op.Variables, err = asked.coerce(params.Variables, &e.limits); err != nil {
		return op, gqlerror.List{err}
	}
	if found := asked.cost.over(e.limits.Complexity, op.Variables); found > 0 {
		return op, gqlerror.List{(&LimitError{LimitComplexity, e.limits.Complexity, found}).refused()}
	}
	op.Stats.Validation.End = graphql.Now()
	for _, m := range e.contextMutators {
		if err := m.MutateOperationContext(ctx, op); err != nil {
			return op, gqlerror.List{err}
		}
	}
	return op, nil
}

// DispatchOperation runs an operation, with what was found of its document's selections before.
func (e *Executor) DispatchOperation(
	ctx context.Context, op *graphql.OperationContext,
) (graphql.ResponseHandler, context.Context) {
	if d := e.cache.peek(op.RawQuery); d != nil && d.doc == op.Doc && d.selections != nil {
		ctx = gqlobject.WithSelections(ctx, d.selections)
	}
	return e.inner.DispatchOperation(ctx, op)
}

// DispatchError makes the answer of a request that was refused.
func (e *Executor) DispatchError(ctx context.Context, errs gqlerror.List) *graphql.Response {
	return e.inner.DispatchError(ctx, errs)
}

// PresentRecoveredError makes an error of what a transport has recovered.
func (e *Executor) PresentRecoveredError(ctx context.Context, recovered any) error {
	return e.inner.PresentRecoveredError(ctx, recovered)
}
