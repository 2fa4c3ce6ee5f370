package gqldoc_test

import (
	"context"
	"os"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// schema is an executable schema that nothing is executed on.
type schema struct{ parsed *ast.Schema }

func (s schema) Schema() *ast.Schema { return s.parsed }

func (schema) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (schema) Exec(context.Context) graphql.ResponseHandler {
	return graphql.OneShot(&graphql.Response{Data: []byte(`{}`)})
}

// parsed returns the schema of a text.
func parsed(t testing.TB, text string) schema {
	t.Helper()
	loaded, err := gqlparser.LoadSchema(&ast.Source{Name: "test.graphqls", Input: text})
	if err != nil {
		t.Fatal(err)
	}
	return schema{loaded}
}

// linkspan returns the schema of the API.
func linkspan(t testing.TB) schema {
	t.Helper()
	return parsed(t, read(t, "../../schema.graphqls"))
}

func read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// ask makes the operation context of a request.
func ask(e graphql.GraphExecutor, document string, variables map[string]any) (*graphql.OperationContext, gqlerror.List) {
	return askFor(e, &graphql.RawParams{Query: document, Variables: variables})
}

func askFor(e graphql.GraphExecutor, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	return e.CreateOperationContext(graphql.StartOperationTrace(context.Background()), params)
}
