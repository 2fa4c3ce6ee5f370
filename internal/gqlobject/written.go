package gqlobject

import (
	"bytes"
	"context"
	"io"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Texts keeps what was written of an object, by what was selected of it, as long as the object is what it is for all who get it. It is
// safe for concurrent use.
type Texts interface {
	// Text returns what is kept for a selection, by its number; nil: nothing.
	Text(selection uint64) []byte
	// Keep keeps a copy of a text.
	Keep(selection uint64, text []byte)
	// Watch returns a context to write in, and what tells afterwards whether that was for its one viewer.
	Watch(ctx context.Context) (watched context.Context, forOne func() bool)
}

// Written writes an object once for all who select the same of it, if texts (nil: nobody) keep it: where the document's selections are
// kept ([Selections]), nothing selected has arguments, nothing failed, and nothing was for the one viewer alone.
func Written[T interface {
	comparable
	Texts
}](ctx context.Context, selected ast.SelectionSet, texts T, write func(ctx context.Context) graphql.Marshaler) graphql.Marshaler {
	var none T
	s, _ := ctx.Value(selectionsKey{}).(*Selections)
	if texts == none || s == nil || len(selected) == 0 {
		return write(ctx)
	}
	number := s.number(selected)
	if number == 0 {
		return write(ctx)
	}
	if text := texts.Text(number); text != nil {
		return answer(text)
	}
	failed := len(graphql.GetErrors(ctx))
	watched, forOne := texts.Watch(ctx)
	made := write(watched)
	if made == graphql.Null || forOne() || len(graphql.GetErrors(ctx)) != failed {
		return made
	}
	var text bytes.Buffer
	made.MarshalGQL(&text)
	texts.Keep(number, text.Bytes())
	return answer(text.Bytes())
}

type answer []byte

// MarshalGQL implements [graphql.Marshaler].
func (text answer) MarshalGQL(w io.Writer) { _, _ = w.Write(text) }

// hasArguments reports whether a field has some, at whatever depth. Fragments of a valid document don't contain themselves.
func hasArguments(selected ast.SelectionSet) bool {
	for _, s := range selected {
		found := false
		switch s := s.(type) {
		case *ast.Field:
			found = len(s.Arguments) > 0 || hasArguments(s.SelectionSet)
		case *ast.InlineFragment:
			found = hasArguments(s.SelectionSet)
		case *ast.FragmentSpread:
			found = hasArguments(s.Definition.SelectionSet)
		}
		if found {
			return true
		}
	}
	return false
}
