package main

import (
	"strings"
	"testing"
)

// generated is what gqlgen makes of some types: of a note, a scalar that it has, one that may fail, one with a resolver and
// objects: an author, of whom nothing is said here, a home, of which all is there, and its owner, who has notes to wait for.
const generated = `package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

func (ec *executionContext) _Note_id(ctx context.Context, field graphql.CollectedField, obj *Note) (ret graphql.Marshaler) {
	return graphql.ResolveField(ctx, ec.OperationContext, field,
		func(ctx context.Context, field graphql.CollectedField) (*graphql.FieldContext, error) {
			return ec.fieldContext_Note_id(ctx, field)
		},
		func(ctx context.Context) (any, error) { return obj.ID, nil }, nil,
		func(ctx context.Context, selections ast.SelectionSet, v ID) graphql.Marshaler { return ec.marshalNID2ID(ctx, selections, v) }, true, true)
}
func (ec *executionContext) fieldContext_Note_id(_ context.Context, field graphql.CollectedField) (fc *graphql.FieldContext, err error) {
	return graphql.NewScalarFieldContext("Note", field, false, false, "ID")
}
func (ec *executionContext) _Note_name(ctx context.Context, field graphql.CollectedField, obj *Note) (ret graphql.Marshaler) {
	return graphql.ResolveField(ctx, ec.OperationContext, field,
		func(ctx context.Context, field graphql.CollectedField) (*graphql.FieldContext, error) {
			return ec.fieldContext_Note_name(ctx, field)
		},
		func(ctx context.Context) (any, error) { return obj.Name() }, nil,
		func(ctx context.Context, selections ast.SelectionSet, v string) graphql.Marshaler { return ec.marshalNString2string(ctx, selections, v) }, true, true)
}
func (ec *executionContext) fieldContext_Note_name(_ context.Context, field graphql.CollectedField) (fc *graphql.FieldContext, err error) {
	return graphql.NewScalarFieldContext("Note", field, true, false, "String")
}
func (ec *executionContext) _Note_count(ctx context.Context, field graphql.CollectedField, obj *Note) (ret graphql.Marshaler) {
	return graphql.ResolveField(ctx, ec.OperationContext, field,
		func(ctx context.Context, field graphql.CollectedField) (*graphql.FieldContext, error) {
			return ec.fieldContext_Note_count(ctx, field)
		},
		func(ctx context.Context) (any, error) { return ec.Resolvers.Note().Count(ctx, obj) }, nil,
		func(ctx context.Context, selections ast.SelectionSet, v int) graphql.Marshaler { return ec.marshalNInt2int(ctx, selections, v) }, true, true)
}
func (ec *executionContext) fieldContext_Note_count(_ context.Context, field graphql.CollectedField) (fc *graphql.FieldContext, err error) {
	return graphql.NewScalarFieldContext("Note", field, true, true, "Int")
}
func (ec *executionContext) _Note_author(ctx context.Context, field graphql.CollectedField, obj *Note) (ret graphql.Marshaler) {
	return graphql.ResolveField(ctx, ec.OperationContext, field,
		func(ctx context.Context, field graphql.CollectedField) (*graphql.FieldContext, error) {
			return ec.fieldContext_Note_author(ctx, field)
		},
		func(ctx context.Context) (any, error) { return obj.Author, nil }, nil,
		func(ctx context.Context, selections ast.SelectionSet, v *User) graphql.Marshaler { return ec.marshalNUser2User(ctx, selections, v) }, true, true)
}
func (ec *executionContext) fieldContext_Note_author(_ context.Context, field graphql.CollectedField) (fc *graphql.FieldContext, err error) {
	fc = &graphql.FieldContext{Object: "Note", Field: field}
	return fc, nil
}
func (ec *executionContext) _Note_homes(ctx context.Context, field graphql.CollectedField, obj *Note) (ret graphql.Marshaler) {
	return graphql.ResolveField(ctx, ec.OperationContext, field, context,
		func(ctx context.Context) (any, error) { return obj.Homes(), nil }, nil,
		func(ctx context.Context, selections ast.SelectionSet, v []Home) graphql.Marshaler { return ec.marshalNHome2ᚕHomeᚄ(ctx, selections, v) }, true, true)
}
func (ec *executionContext) _Note_place(ctx context.Context, field graphql.CollectedField, obj *Note) (ret graphql.Marshaler) {
	return graphql.ResolveField(ctx, ec.OperationContext, field, context,
		func(ctx context.Context) (any, error) { return obj.Place, nil }, nil,
		func(ctx context.Context, selections ast.SelectionSet, v Place) graphql.Marshaler { return ec.marshalOPlace2Place(ctx, selections, v) }, true, true)
}
func (ec *executionContext) _Note_owner(ctx context.Context, field graphql.CollectedField, obj *Note) (ret graphql.Marshaler) {
	return graphql.ResolveField(ctx, ec.OperationContext, field, context,
		func(ctx context.Context) (any, error) { return obj.Owner, nil }, nil,
		func(ctx context.Context, selections ast.SelectionSet, v Owner) graphql.Marshaler { return ec.marshalNOwner2Owner(ctx, selections, v) }, true, true)
}
func (ec *executionContext) _Home(ctx context.Context, sel ast.SelectionSet, obj *Home) graphql.Marshaler {
	for i, field := range fields {
		switch field.Name {
		case "id":
			out.Values[i] = ec._Home_id(ctx, field, obj)
		}
	}
	return gone
}
func (ec *executionContext) _Home_id(ctx context.Context, field graphql.CollectedField, obj *Home) (ret graphql.Marshaler) {
	return graphql.ResolveField(ctx, ec.OperationContext, field, context,
		func(ctx context.Context) (any, error) { return obj.ID, nil }, nil,
		func(ctx context.Context, selections ast.SelectionSet, v ID) graphql.Marshaler { return ec.marshalNID2ID(ctx, selections, v) }, true, true)
}
func (ec *executionContext) fieldContext_Home_id(_ context.Context, field graphql.CollectedField) (fc *graphql.FieldContext, err error) {
	return graphql.NewScalarFieldContext("Home", field, false, false, "ID")
}
func (ec *executionContext) _Place(ctx context.Context, sel ast.SelectionSet, obj Place) graphql.Marshaler {
	switch obj := (obj).(type) {
	case Home:
		return ec._Home(ctx, sel, &obj)
	}
	return gone
}
func (ec *executionContext) _Owner(ctx context.Context, sel ast.SelectionSet, obj *Owner) graphql.Marshaler {
	for i, field := range fields {
		switch field.Name {
		case "notes":
			out.ResolveConcurrently(ec.OperationContext, &deferred, i, true, true,
				func(ctx context.Context) graphql.Marshaler { return ec._Home_id(ctx, field, obj) })
		}
	}
	return gone
}
func (ec *executionContext) _Note(ctx context.Context, sel ast.SelectionSet, obj *Note) graphql.Marshaler {
	fields := graphql.CollectFields(ec.OperationContext, sel, noteImplementors)
	out := graphql.NewFieldSet(fields)
	deferred := graphql.NewDeferredGroup(ctx)
	for i, field := range fields {
		switch field.Name {
		case "id":
			out.Values[i] = ec._Note_id(ctx, field, obj)
		case "name":
			out.Values[i] = ec._Note_name(ctx, field, obj)
		case "author":
			out.Values[i] = ec._Note_author(ctx, field, obj)
		case "homes":
			out.Values[i] = ec._Note_homes(ctx, field, obj)
		case "place":
			out.Values[i] = ec._Note_place(ctx, field, obj)
		case "owner":
			out.Values[i] = ec._Note_owner(ctx, field, obj)
		case "count":
			out.ResolveConcurrently(ec.OperationContext, &deferred, i, true, true,
				func(ctx context.Context) graphql.Marshaler { return ec._Note_count(ctx, field, obj) })
		}
	}
	return out
}
func (e *executableSchema) Exec(ctx context.Context) graphql.ResponseHandler {
	if query {
		return func(ctx context.Context) *graphql.Response {
			var buf bytes.Buffer
			data.MarshalGQL(&buf)
			return &graphql.Response{Data: buf.Bytes()}
		}
	}
	var buf bytes.Buffer
	return func(ctx context.Context) *graphql.Response {
		buf.Reset()
		data.MarshalGQL(&buf)
		return &graphql.Response{Data: buf.Bytes()}
	}
}
func (ec *executionContext) marshalNNote2ᚖNote(ctx context.Context, sel ast.SelectionSet, v *Note) graphql.Marshaler {
	if v == nil {
		return graphql.Null
	}
	return ec._Note(ctx, sel, v)
}
func (ec *executionContext) marshalNHome2ᚖHome(ctx context.Context, sel ast.SelectionSet, v *Home) graphql.Marshaler {
	return ec._Home(ctx, sel, v)
}
func (ec *executionContext) marshalNNote2ᚕNoteᚄ(ctx context.Context, sel ast.SelectionSet, v []Note) graphql.Marshaler {
	ret := graphql.MarshalSliceConcurrently(ctx, len(v), 0, false, func(ctx context.Context, i int) graphql.Marshaler {
		return ec.marshalNNote2Note(ctx, sel, v[i])
	})
	return ret
}
func (ec *executionContext) marshalNUser2ᚕUserᚄ(ctx context.Context, sel ast.SelectionSet, v []User) graphql.Marshaler {
	ret := graphql.MarshalSliceConcurrently(ctx, len(v), 0, false, func(ctx context.Context, i int) graphql.Marshaler {
		return ec.marshalNUser2User(ctx, sel, v[i])
	})
	return ret
}
`

// TestRewrite changes what can be made without waiting, and leaves the rest to gqlgen.
func TestRewrite(t *testing.T) {
	t.Parallel()
	rewritten, err := rewrite([]byte(generated), "Note", []string{"Note", "Home"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"linkspan/internal/gqlobject"`,
		`out.Values[i] = ec.marshalNID2ID(ctx, field.Selections, obj.ID)`,
		`out.Values[i] = ec._Note_name(ctx, field, obj)`,
		`out.Values[i] = ec._Note_author(ctx, field, obj)`,
		`out.Values[i] = ec._Note_homes(ctx, field, obj)`, // a list, whose elements have places below the field's
		`out.Values[i] = ec.marshalOPlace2Place(ctx, field.Selections, obj.Place)`,
		`out.Values[i] = ec._Note_owner(ctx, field, obj)`,
		`return ec._Note_count(ctx, field, obj)`,
		`deferred := gqlobject.Deferred(ctx, fields)`,
		`fields := gqlobject.Fields(ctx, ec.OperationContext, sel, noteImplementors)`,
		`return gqlobject.Object{Fields: fields, Values: out.Values}`,
		`var buf gqlobject.Answer
			data.MarshalGQL(&buf)`,
		`var buf bytes.Buffer
	return func(`,
		`return gqlobject.Written(ctx, sel, v.Written, func(ctx context.Context) graphql.Marshaler { return ec._Note(ctx, sel, v) })`,
		`return ec._Home(ctx, sel, v)`,
		`ret := gqlobject.List(ctx, len(v), func(ctx context.Context, i int) graphql.Marshaler {
		return ec.marshalNNote2Note(ctx, sel, v[i])`,
		`ret := graphql.MarshalSliceConcurrently(ctx, len(v), 0, false, func(ctx context.Context, i int) graphql.Marshaler {
		return ec.marshalNUser2User(ctx, sel, v[i])`,
	} {
		if !strings.Contains(string(rewritten), want) {
			t.Errorf("it lacks %s:\n%s", want, rewritten)
		}
	}
}

// TestRewriteFindsNothing has code of another form be an error, so that a new gqlgen does not undo all this unseen.
func TestRewriteFindsNothing(t *testing.T) {
	t.Parallel()
	for was, is := range map[string]string{
		"graphql.NewScalarFieldContext(": "graphql.NewLeafContext(", "graphql.NewFieldSet(": "graphql.NewFields(",
		"graphql.CollectFields(": "graphql.Collected(", "graphql.MarshalSliceConcurrently(": "graphql.MarshalSlice(", "var buf bytes.Buffer": "buf := bytes.NewBuffer(nil)",
		"return ec._Note(ctx, sel, v)": "return ec.note(ctx, sel, v)",
	} {
		if _, err := rewrite([]byte(strings.ReplaceAll(generated, was, is)), "Note", []string{"Note"}); err == nil {
			t.Errorf("code with %s is rewritten", is)
		}
	}
}
