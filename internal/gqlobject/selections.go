package gqlobject

import (
	"context"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Selections are which fields the selections of a document come to for each type, so that its requests need not find that out one after
// the other. The document has none of the directives that leave fields out or put them off. It is safe for concurrent use.
type Selections struct {
	most int // fields that are kept

	mu     sync.RWMutex
	kept   map[selection][]graphql.CollectedField
	fields int
}

// selection is a selection for a type, by where both are in memory, which kept holds on to.
type selection struct {
	first  *ast.Selection
	length int
	types  *string
}

// NewSelections returns those of a document that keep that many fields; what comes behind these is found anew by each request.
func NewSelections(most int) *Selections {
	return &Selections{most: most, kept: map[selection][]graphql.CollectedField{}}
}

type selectionsKey struct{}

// WithSelections has [Fields] use what is kept of the document that is executed in a context.
func WithSelections(ctx context.Context, s *Selections) context.Context {
	return context.WithValue(ctx, selectionsKey{}, s)
}

// Fields is [graphql.CollectFields] by way of the [Selections] of the context, if it has some. Types are those that an object is of, the
// same slice for each object of a type. Nobody changes what it returns.
func Fields(ctx context.Context, op *graphql.OperationContext, selected ast.SelectionSet, types []string) []graphql.CollectedField {
	s, _ := ctx.Value(selectionsKey{}).(*Selections)
	if s == nil || len(selected) == 0 || len(types) == 0 {
		return graphql.CollectFields(op, selected, types)
	}
	key := selection{&selected[0], len(selected), &types[0]}
	s.mu.RLock()
	fields, found := s.kept[key]
	s.mu.RUnlock()
	if found {
		return fields
	}
	return s.keep(key, slices.Clip(graphql.CollectFields(op, selected, types)))
}

// keep keeps fields, unless another request was first: its are returned, for what is kept of the fields' own selections is by them.
func (s *Selections) keep(key selection, fields []graphql.CollectedField) []graphql.CollectedField {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, found := s.kept[key]; found {
		return first
	}
	if s.fields+len(fields) <= s.most {
		s.kept[key] = fields
		s.fields += len(fields)
	}
	return fields
}
