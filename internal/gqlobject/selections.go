package gqlobject

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Selections are which fields the selections of a document come to for each type, so that its requests need not find that out one after
// the other. The document has none of the directives that leave fields out or put them off. It is safe for concurrent use.
type Selections struct {
	mu      sync.RWMutex
	kept    map[selection][]graphql.CollectedField
	numbers map[selection]uint64
	bytes   int // that may still be kept; below 0: nothing more is
}

// What is kept takes so many bytes: an entry, a field of it, and each selection in one of the slices that it holds on to.
const (
	entryBytes     = 160
	fieldBytes     = 64
	selectionBytes = 16
)

// selection is a selection for a type, by where both are in memory, which kept holds on to.
type selection struct {
	first  *ast.Selection
	length int
	types  *string
}

// NewSelections returns those of a document that take about so many bytes at most. From the first on that would take more nothing is
// kept, and each request finds it by itself.
func NewSelections(bytes int) *Selections {
	return &Selections{kept: map[selection][]graphql.CollectedField{}, numbers: map[selection]uint64{}, bytes: bytes}
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
	full := s.bytes < 0
	s.mu.RUnlock()
	if found {
		return fields
	}
	collected := graphql.CollectFields(op, selected, types)
	if full {
		return collected
	}
	return s.keep(key, collected)
}

// keep keeps fields, unless another request was first: its are returned, for what is kept of the fields' own selections is by them. What
// does not fit has selections that are made anew for each request: entries for those would never be found again.
func (s *Selections) keep(key selection, fields []graphql.CollectedField) []graphql.CollectedField {
	size := entryBytes + key.length*selectionBytes + len(fields)*fieldBytes
	for i := range fields {
		size += cap(fields[i].Selections) * selectionBytes
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, found := s.kept[key]; found {
		return first
	}
	if s.bytes -= size; s.bytes < 0 {
		return fields
	}
	exact := make([]graphql.CollectedField, len(fields)) // no room for who might add to it
	copy(exact, fields)
	s.kept[key] = exact
	return exact
}

// numbered is the last number that a selection of this process has.
var numbered atomic.Uint64

// number returns the number of a selection, which no other has or will have; 0: it has none, for a field has arguments, or nothing more is kept.
func (s *Selections) number(selected ast.SelectionSet) uint64 {
	key := selection{first: &selected[0], length: len(selected)}
	s.mu.RLock()
	number, found := s.numbers[key]
	full := s.bytes < 0
	s.mu.RUnlock()
	if found || full {
		return number
	}
	if !hasArguments(selected) {
		number = numbered.Add(1)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, found := s.numbers[key]; found {
		return first
	}
	if s.bytes -= entryBytes; s.bytes < 0 {
		return 0
	}
	s.numbers[key] = number
	return number
}
