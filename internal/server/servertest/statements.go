package servertest

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"linkspan/shardrouter"
)

// Statements counts what is sent to the clusters for queries and mutations, or for subscriptions, and not in the background.
type Statements struct {
	About           []string // tables: those alone that name one of these; empty: all
	OfSubscriptions bool     // count these, and not queries and mutations

	sent, trips atomic.Int64
}

// ofConnections is what each new connection begins with, whoever needs it, as tracers are told of it.
const ofConnections = "SELECT"

// Wants implements [shardrouter.StatementTracer].
func (s *Statements) Wants(ctx context.Context) bool {
	return graphql.HasOperationContext(ctx) && (graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription) == s.OfSubscriptions
}

// TraceStatement implements [shardrouter.StatementTracer].
func (s *Statements) TraceStatement(_ context.Context, statement shardrouter.Statement) func(error) {
	texts := []string{statement.Text}
	if statement.Count > 1 {
		texts = strings.Split(statement.Text, "; ")
	}
	counted := int64(0)
	for _, text := range texts {
		about := func(table string) bool { return strings.Contains(text, table) }
		if text != ofConnections && (len(s.About) == 0 || slices.ContainsFunc(s.About, about)) {
			counted++
		}
	}
	s.sent.Add(counted)
	s.trips.Add(min(counted, 1))
	return nil
}

// Sent returns how many there were.
func (s *Statements) Sent() int64 { return s.sent.Load() }

// Trips returns in how many round trips they went.
func (s *Statements) Trips() int64 { return s.trips.Load() }
