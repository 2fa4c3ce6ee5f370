package gqlobject

import (
	"context"
	"reflect"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

var noteTypes, userTypes = []string{"Note", "Named"}, []string{"User", "Named"}

// asked is an operation with a selection of one field with fragments.
func asked(t *testing.T) (*graphql.OperationContext, ast.SelectionSet) {
	t.Helper()
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `
		interface Named { name: String }
		type Note implements Named { name: String text: String }
		type User implements Named { name: String home: String }
		type Query { named: Named }`})
	doc := gqlparser.MustLoadQuery(schema, `{ named { name ... on Note { text } ...Who } } fragment Who on User { home name }`) //nolint:staticcheck // the rules don't matter here
	return &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0]}, doc.Operations[0].SelectionSet[0].(*ast.Field).SelectionSet
}

func namesOf(fields []graphql.CollectedField) (names []string) {
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}

// TestFields has what a selection comes to for each type, found once for all requests.
func TestFields(t *testing.T) {
	t.Parallel()
	op, selected := asked(t)
	ctx := WithSelections(context.Background(), NewSelections(1<<20))
	for _, c := range []struct{ types, want []string }{{noteTypes, []string{"name", "text"}}, {userTypes, []string{"name", "home"}}} {
		first := Fields(ctx, op, selected, c.types)
		if got := namesOf(first); !reflect.DeepEqual(got, c.want) {
			t.Errorf("of %v there are %v, want %v", c.types, got, c.want)
		}
		if again := Fields(ctx, &graphql.OperationContext{Doc: op.Doc}, selected, c.types); &again[0] != &first[0] || cap(again) != len(again) {
			t.Errorf("of %v another request finds them anew, or may add to them", c.types)
		}
		if alone := Fields(context.Background(), op, selected, c.types); !reflect.DeepEqual(namesOf(alone), c.want) {
			t.Errorf("where nothing is kept %v has %v", c.types, namesOf(alone))
		}
	}
	if got := Fields(ctx, op, nil, noteTypes); len(got) != 0 {
		t.Errorf("nothing was selected, and there are %v", namesOf(got))
	}
}

// TestSelectionsAreBounded keeps nothing more from what does not fit on, not even of what comes to no field, and has it found anew.
func TestSelectionsAreBounded(t *testing.T) {
	t.Parallel()
	op, selected := asked(t)
	s := NewSelections(500)
	ctx := WithSelections(context.Background(), s)
	Fields(ctx, op, selected, noteTypes)
	for range 2 {
		if got := namesOf(Fields(ctx, op, selected, userTypes)); !reflect.DeepEqual(got, []string{"name", "home"}) {
			t.Errorf("beyond the bound there are %v", got)
		}
		anew := ast.SelectionSet{selected[1]} // on another type
		if got := Fields(ctx, op, anew, userTypes); len(got) != 0 {
			t.Errorf("beyond the bound there are %v", namesOf(got))
		}
	}
	if len(s.kept) != 1 {
		t.Errorf("it keeps %d selections, want the first", len(s.kept))
	}
}

// TestSelectionsAtOnce has all requests get the same fields, whoever was first.
func TestSelectionsAtOnce(t *testing.T) {
	t.Parallel()
	op, selected := asked(t)
	ctx := WithSelections(context.Background(), NewSelections(1<<20))
	var all [8][]graphql.CollectedField
	var finding sync.WaitGroup
	for i := range all {
		finding.Go(func() { all[i] = Fields(ctx, &graphql.OperationContext{Doc: op.Doc}, selected, noteTypes) })
	}
	finding.Wait()
	for i := range all {
		if &all[i][0] != &all[0][0] {
			t.Errorf("request %d has fields of its own", i)
		}
	}
}
