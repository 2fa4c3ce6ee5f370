package gqlobject_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"linkspan/internal/gqlobject"
)

// kept keeps all that it is given.
type kept struct {
	texts  map[uint64][]byte
	forOne bool
}

func (k *kept) Text(selection uint64) []byte       { return k.texts[selection] }
func (k *kept) Keep(selection uint64, text []byte) { k.texts[selection] = bytes.Clone(text) }
func (k *kept) Watch(ctx context.Context) (context.Context, func() bool) {
	k.forOne = false
	return ctx, func() bool { return k.forOne }
}

// An object is written once for a selection, unless something of it hangs on more than that.
func TestWritten(t *testing.T) {
	t.Parallel()
	field := func(name string, arguments ast.ArgumentList, below ...ast.Selection) *ast.Field {
		return &ast.Field{Name: name, Alias: name, Arguments: arguments, SelectionSet: below}
	}
	given := ast.ArgumentList{{Name: "first", Value: &ast.Value{Kind: ast.IntValue, Raw: "1"}}}
	for name, c := range map[string]struct {
		selected  ast.SelectionSet
		no        bool // documents keep no selections
		full      bool // nor anything more
		made      func(ctx context.Context, k *kept) graphql.Marshaler
		writtenIn int // of three times
	}{
		"plain":                  {selected: ast.SelectionSet{field("id", nil)}, writtenIn: 1},
		"in fragments":           {selected: ast.SelectionSet{&ast.InlineFragment{SelectionSet: ast.SelectionSet{field("id", nil)}}}, writtenIn: 1},
		"nothing selected":       {writtenIn: 3},
		"selections that change": {selected: ast.SelectionSet{field("id", nil)}, no: true, writtenIn: 3},
		"no room":                {selected: ast.SelectionSet{field("id", nil)}, full: true, writtenIn: 3},
		"arguments":              {selected: ast.SelectionSet{field("list", given)}, writtenIn: 3},
		"arguments below":        {selected: ast.SelectionSet{field("node", nil, field("list", given))}, writtenIn: 3},
		"arguments in a fragment": {selected: ast.SelectionSet{&ast.FragmentSpread{
			Definition: &ast.FragmentDefinition{SelectionSet: ast.SelectionSet{&ast.InlineFragment{SelectionSet: ast.SelectionSet{field("list", given)}}}},
		}}, writtenIn: 3},
		"for one": {selected: ast.SelectionSet{field("id", nil)}, made: func(_ context.Context, k *kept) graphql.Marshaler {
			k.forOne = true
			return graphql.MarshalString("it")
		}, writtenIn: 3},
		"an error": {selected: ast.SelectionSet{field("id", nil)}, made: func(ctx context.Context, _ *kept) graphql.Marshaler {
			graphql.AddError(ctx, errors.New("no"))
			return graphql.MarshalString("it")
		}, writtenIn: 3},
		"null": {selected: ast.SelectionSet{field("id", nil)}, made: func(context.Context, *kept) graphql.Marshaler { return graphql.Null }, writtenIn: 3},
	} {
		k := &kept{texts: map[uint64][]byte{}}
		ctx := graphql.WithResponseContext(t.Context(), graphql.DefaultErrorPresenter, graphql.DefaultRecover)
		if !c.no {
			ctx = gqlobject.WithSelections(ctx, gqlobject.NewSelections(map[bool]int{false: 1 << 20}[c.full]))
		}
		times := 0
		for range 3 {
			var text bytes.Buffer
			gqlobject.Written(ctx, c.selected, k, func(ctx context.Context) graphql.Marshaler {
				times++
				if c.made != nil {
					return c.made(ctx, k)
				}
				return graphql.MarshalString("it")
			}).MarshalGQL(&text)
			if want := map[bool]string{false: `"it"`, true: "null"}[name == "null"]; strings.TrimSpace(text.String()) != want {
				t.Errorf("%s: wrote %s", name, text.String())
			}
		}
		if times != c.writtenIn || (len(k.texts) > 0) != (c.writtenIn == 1) {
			t.Errorf("%s: written %d times, and kept %d", name, times, len(k.texts))
		}
	}
	var none *kept
	gqlobject.Written(t.Context(), ast.SelectionSet{field("id", nil)}, none, func(context.Context) graphql.Marshaler { return graphql.Null })
}
