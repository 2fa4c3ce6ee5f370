package gqlobject

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

func fields(names ...string) (all []graphql.CollectedField) {
	for _, name := range names {
		all = append(all, graphql.CollectedField{Field: &ast.Field{Alias: name, Name: name}})
	}
	return all
}

func written(m graphql.Marshaler) string {
	var text bytes.Buffer
	m.MarshalGQL(&text)
	return text.String()
}

// TestObject writes objects as gqlgen's own field sets are written.
func TestObject(t *testing.T) {
	t.Parallel()
	for want, names := range map[string][]string{
		`{}`:                         {},
		`{"id":"0"}`:                 {"id"},
		`{"id":"0","name":"1"}`:      {"id", "name", "id", "name", "name"},
		`{"a":"0","b":"1","_c":"3"}`: {"a", "b", "a", "_c"},
	} {
		set := graphql.NewFieldSet(fields(names...))
		for i := range names {
			set.Values[i] = graphql.MarshalString(fmt.Sprint(i))
		}
		object := Object{fields(names...), set.Values}
		if got, its := written(object), written(set); got != want || its != want {
			t.Errorf("%v: %s and by gqlgen %s, want %s", names, got, its, want)
		}
	}
}

// TestList has each element know its place, and an error or a panic of one be told there and leave the others.
func TestList(t *testing.T) {
	t.Parallel()
	ctx := graphql.WithResponseContext(context.Background(), graphql.DefaultErrorPresenter,
		func(_ context.Context, v any) error { return fmt.Errorf("recovered: %v", v) })
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Field: fields("list")[0]})
	list := List(ctx, 4, func(ctx context.Context, i int) graphql.Marshaler {
		switch i {
		case 1:
			panic("no such element")
		case 2:
			graphql.AddError(ctx, errors.New("an error"))
			return graphql.Null
		}
		return graphql.MarshalString(graphql.GetPath(ctx).String())
	})
	if got, want := written(list), `["list[0]",null,null,"list[3]"]`; got != want {
		t.Errorf("the list is %s, want %s", got, want)
	}
	told := graphql.GetErrors(ctx)
	if len(told) != 2 || told[0].Path.String() != "list[1]" || told[1].Path.String() != "list[2]" {
		t.Errorf("the errors are %v", told)
	}
	if len(told) == 2 && told[0].Message != "recovered: no such element" {
		t.Errorf("the panic is told as %q", told[0].Message)
	}
	if got := written(List(ctx, 0, nil)); got != `[]` {
		t.Errorf("a list of nothing is %s", got)
	}
}

// TestDeferred has a group for fields that are wanted later, and none for others.
func TestDeferred(t *testing.T) {
	t.Parallel()
	ctx := graphql.WithFieldContext(context.Background(), &graphql.FieldContext{Field: fields("object")[0]})
	now := fields("a", "b")
	if group := Deferred(ctx, now); group.FieldSet != nil || group.Defers != nil {
		t.Errorf("fields that are wanted now have the group %v", group)
	}
	later := fields("a", "b")
	later[1].Deferrables = []*graphql.Deferrable{{Label: "later"}}
	if group := Deferred(ctx, later); group.FieldSet == nil || group.Defers == nil || group.Path.String() != "object" {
		t.Errorf("a field that is wanted later has the group %v", group)
	}
}

// TestAnswer has answers that share memory stay apart.
func TestAnswer(t *testing.T) {
	t.Parallel()
	var kept [][]byte
	for n := range 3 {
		var answer Answer
		if none := answer.Bytes(); len(none) > 0 {
			t.Errorf("before anything was written there is %q", none)
		}
		fmt.Fprintf(&answer, "answer %d", n)
		if _, err := answer.WriteString("."); err != nil {
			t.Fatal(err)
		}
		kept = append(kept, answer.Bytes())
	}
	for n, text := range kept {
		if want := fmt.Sprintf("answer %d.", n); string(text) != want {
			t.Errorf("it is %q, want %q", text, want)
		}
	}
	var long Answer
	if _, err := long.Write(bytes.Repeat([]byte("a"), 2*maxKeptBytes)); err != nil || len(long.Bytes()) != 2*maxKeptBytes {
		t.Errorf("a long answer is cut: %v", err)
	}
}
