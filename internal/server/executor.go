package server

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"

	"linkspan/graph"
	"linkspan/internal/gqldoc"
	"linkspan/internal/ids"
	"linkspan/internal/scalar"
)

// newExecutor makes what runs operations, whichever way they come.
func newExecutor(config Config) graphql.GraphExecutor {
	e := gqldoc.New(graph.NewExecutableSchema(graph.Config{Resolvers: config.Resolvers}), gqldoc.Config{
		Limits: config.Limits, Introspection: !config.NoIntrospection, Scalars: scalars,
	})
	e.SetErrorPresenter(present)
	e.SetRecoverFunc(func(_ context.Context, v any) error { return panicked(v) })
	e.Use(newObserved(observers{config.Watch, config.Tracer}, config.Operations))
	gate := gate{config.Remedy}
	e.Use(newRated(config.Rate, gate))
	e.Use(newPersisted(config.Operations)) // before the gate, whose refusals show no document
	e.Use(gate)
	return e
}

// scalars read the schema's own scalars before anything is executed; their errors are what execution would say.
var scalars = map[string]func(any) error{
	"DateTime": func(v any) error {
		_, err := scalar.UnmarshalDateTime(v)
		return err
	},
	"LogCursor": func(v any) error {
		var cursor ids.LogCursor
		if err := cursor.UnmarshalGQL(v); err != nil {
			return fmt.Errorf("malformed value: %w", err)
		}
		return nil
	},
}
