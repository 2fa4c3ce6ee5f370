package gqldoc

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
)

// SetErrorPresenter sets what makes of an error the one that a client sees.
func (e *Executor) SetErrorPresenter(present graphql.ErrorPresenterFunc) {
	e.inner.SetErrorPresenter(present)
}

// SetRecoverFunc sets what makes an error of a panic in a resolver.
func (e *Executor) SetRecoverFunc(recovered graphql.RecoverFunc) {
	e.recoverFunc = recovered
	e.inner.SetRecoverFunc(recovered)
}

// Use adds an extension of gqlgen's, within those that were added before. It panics if the extension does not fit the
// schema. extension.Introspection and extension.ComplexityLimit have no use here: see [Config].
func (e *Executor) Use(extension graphql.HandlerExtension) {
	e.inner.Use(extension)
	if m, ok := extension.(graphql.OperationParameterMutator); ok {
		e.parameterMutators = append(e.parameterMutators, m)
	}
	if m, ok := extension.(graphql.OperationContextMutator); ok {
		e.contextMutators = append(e.contextMutators, m)
	}
	if hook, ok := extension.(graphql.FieldInterceptor); ok {
		e.fieldHooks = append(e.fieldHooks, hook)
	}
	if hook, ok := extension.(graphql.RootFieldInterceptor); ok {
		e.rootHooks = append(e.rootHooks, hook)
	}
	e.chainHooks()
}

// AroundOperations adds what runs around each operation.
func (e *Executor) AroundOperations(f graphql.OperationMiddleware) { e.inner.AroundOperations(f) }

// AroundResponses adds what runs around each response.
func (e *Executor) AroundResponses(f graphql.ResponseMiddleware) { e.inner.AroundResponses(f) }

// chainHooks joins what runs around fields; what was added first is outermost.
func (e *Executor) chainHooks() {
	e.resolverMiddle = func(ctx context.Context, next graphql.Resolver) (any, error) { return next(ctx) }
	for _, hook := range slices.Backward(e.fieldHooks) {
		within := e.resolverMiddle
		e.resolverMiddle = func(ctx context.Context, next graphql.Resolver) (any, error) {
			return hook.InterceptField(ctx, func(ctx context.Context) (any, error) { return within(ctx, next) })
		}
	}
	e.rootMiddle = func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler { return next(ctx) }
	for _, hook := range slices.Backward(e.rootHooks) {
		within := e.rootMiddle
		e.rootMiddle = func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
			return hook.InterceptRootField(ctx, func(ctx context.Context) graphql.Marshaler { return within(ctx, next) })
		}
	}
}
