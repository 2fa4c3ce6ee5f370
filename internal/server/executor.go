package server

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"

	"linkspan/graph"
)

const (
	// maxTokens bounds the size of a document before it is parsed.
	maxTokens = 15000
	// queryCacheSize is how many parsed documents are kept.
	queryCacheSize = 1000
)

// newExecutor makes what runs operations, whichever way they come.
func newExecutor(config Config) graphql.GraphExecutor {
	e := executor.New(graph.NewExecutableSchema(graph.Config{Resolvers: config.Resolvers}))
	e.SetQueryCache(lru.New[*ast.QueryDocument](queryCacheSize))
	e.SetParserTokenLimit(maxTokens)
	e.SetErrorPresenter(present)
	e.SetRecoverFunc(func(_ context.Context, v any) error { return panicked(v) })
	e.Use(extension.Introspection{})
	e.Use(newRated(config.Rate))
	e.Use(newPersisted(config.Operations)) // before the gate, whose refusals show no document
	e.Use(gate{config.Remedy})
	return e
}
