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

	sent atomic.Int64
}

// ofConnections is what each new connection begins with, whoever needs it, as tracers are told of it.
const ofConnections = "SELECT"

// Wants implements [shardrouter.StatementTracer].
func (s *Statements) Wants(ctx context.Context) bool {
	return graphql.HasOperationContext(ctx) && (graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription) == s.OfSubscriptions
}

// TraceStatement implements [shardrouter.StatementTracer].
func (s *Statements) TraceStatement(_ context.Context, statement shardrouter.Statement) func(error) {
	about := func(table string) bool { return strings.Contains(statement.Text, table) }
	if statement.Text != ofConnections && (len(s.About) == 0 || slices.ContainsFunc(s.About, about)) {
		s.sent.Add(int64(statement.Count))
	}
	return nil
}

// Sent returns how many there were.
func (s *Statements) Sent() int64 { return s.sent.Load() }
