package gqldoc_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"linkspan/internal/gqldoc"
)

// hooks is an extension that hooks into everything, and notes what was called.
type hooks struct {
	name   string
	calls  *[]string
	refuse string // the hook that refuses
}

func (x hooks) note(hook string) *gqlerror.Error {
	*x.calls = append(*x.calls, x.name+" "+hook)
	if x.refuse == hook {
		return gqlerror.Errorf("refused by %s", hook)
	}
	return nil
}

func (x hooks) ExtensionName() string                 { return x.name }
func (hooks) Validate(graphql.ExecutableSchema) error { return nil }

func (x hooks) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	if graphql.GetOperationContext(ctx) == nil {
		return gqlerror.Errorf("no operation context")
	}
	params.Query = strings.TrimPrefix(params.Query, "#"+x.name+"\n")
	return x.note("parameters")
}

func (x hooks) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	if graphql.GetOperationContext(ctx) != op || op.Operation == nil || op.Variables == nil {
		return gqlerror.Errorf("the operation context is not ready")
	}
	return x.note("context")
}

func (x hooks) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	x.note("operation")
	return next(ctx)
}

func (x hooks) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	x.note("response")
	return next(ctx)
}

func (x hooks) InterceptField(ctx context.Context, next graphql.Resolver) (any, error) {
	x.note("field")
	return next(ctx)
}

func (x hooks) InterceptRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	x.note("root field")
	return next(ctx)
}

// both is what gqldoc's executor and gqlgen's own have in common.
type both interface {
	graphql.GraphExecutor
	Use(graphql.HandlerExtension)
	AroundOperations(graphql.OperationMiddleware)
	AroundResponses(graphql.ResponseMiddleware)
	SetErrorPresenter(graphql.ErrorPresenterFunc)
	SetRecoverFunc(graphql.RecoverFunc)
	PresentRecoveredError(context.Context, any) error
}

// TestSameAsStock makes the same operation context as gqlgen's executor, and calls extensions in the same order.
func TestSameAsStock(t *testing.T) {
	t.Parallel()
	s := linkspan(t)
	var seen [2][]string
	var made [2]*graphql.OperationContext
	for i, e := range []both{executor.New(s), gqldoc.New(s, gqldoc.Config{})} {
		calls := &seen[i]
		e.Use(hooks{name: "a", calls: calls})
		e.Use(hooks{name: "b", calls: calls})
		e.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
			*calls = append(*calls, "around operations")
			return next(ctx)
		})
		e.AroundResponses(func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
			*calls = append(*calls, "around responses")
			return next(ctx)
		})
		e.SetErrorPresenter(func(_ context.Context, err error) *gqlerror.Error {
			return gqlerror.Errorf("presented: %v", err)
		})
		e.SetRecoverFunc(func(context.Context, any) error { return errors.New("recovered") })
		op, errs := askFor(e, &graphql.RawParams{
			Query: "#b\n#a\nquery A($id: ID!) { node(id: $id) { id } } query B { __typename }", OperationName: "A",
			Variables: map[string]any{"id": "x", "more": 1}, Extensions: map[string]any{"x": 1}, Headers: http.Header{"H": {"v"}},
		})
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		made[i] = op
		_, _ = op.ResolverMiddleware(t.Context(), func(context.Context) (any, error) {
			*calls = append(*calls, "resolver")
			return nil, nil
		})
		op.RootResolverMiddleware(t.Context(), func(context.Context) graphql.Marshaler {
			*calls = append(*calls, "root resolver")
			return graphql.Null
		})
		if err := op.RecoverFunc(t.Context(), "x"); err.Error() != "recovered" {
			t.Error(err)
		}
		responses, ctx := e.DispatchOperation(t.Context(), op)
		if got := string(responses(ctx).Data); got != "{}" {
			t.Error(got)
		}
		if refused := e.DispatchError(t.Context(), gqlerror.List{gqlerror.Errorf("x")}); refused.Errors[0].Message != "presented: input: x" {
			t.Error(refused.Errors[0].Message)
		}
		if err := e.PresentRecoveredError(t.Context(), "x"); !strings.Contains(err.Error(), "presented: recovered") {
			t.Error(err)
		}
	}
	if !slices.Equal(seen[0], seen[1]) {
		t.Errorf("extensions were called as\n%q, and by gqlgen's executor as\n%q", seen[1], seen[0])
	}
	want, got := made[0], made[1]
	if got.RawQuery != want.RawQuery || got.OperationName != want.OperationName || got.Operation.Name != "A" || len(got.Doc.Operations) != 2 ||
		got.Extensions["x"] != 1 || got.Headers.Get("H") != "v" || len(got.Variables) != 1 || got.Variables["id"] != "x" ||
		got.DisableIntrospection != want.DisableIntrospection {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	for name, at := range map[string]bool{
		"OperationStart": got.Stats.OperationStart.IsZero(), "Parsing.Start": got.Stats.Parsing.Start.IsZero(), "Parsing.End": got.Stats.Parsing.End.IsZero(),
		"Validation.Start": got.Stats.Validation.Start.IsZero(), "Validation.End": got.Stats.Validation.End.IsZero(),
	} {
		if at {
			t.Errorf("%s is not set", name)
		}
	}
}

// TestExtensionRefuses ends a request that an extension refuses.
func TestExtensionRefuses(t *testing.T) {
	t.Parallel()
	for _, hook := range []string{"parameters", "context"} {
		e := gqldoc.New(linkspan(t), gqldoc.Config{})
		var calls []string
		e.Use(hooks{name: "a", calls: &calls, refuse: hook})
		if _, errs := ask(e, `{ __typename }`, nil); len(errs) != 1 || errs[0].Message != "refused by "+hook {
			t.Errorf("%s: %v", hook, errs)
		}
	}
}

// TestBadRequests says of each request that is none what is wrong with it, under the code of its kind.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	e := gqldoc.New(linkspan(t), gqldoc.Config{Introspection: true})
	for _, c := range []struct{ document, operation, code, says string }{
		{"", "", "GRAPHQL_VALIDATION_FAILED", "no operation"},
		{"# nothing", "", "GRAPHQL_VALIDATION_FAILED", "no operation"},
		{"fragment F on Query { __typename }", "", "GRAPHQL_VALIDATION_FAILED", "no operation"},
		{"{", "", "GRAPHQL_PARSE_FAILED", ""},
		{"}", "", "GRAPHQL_PARSE_FAILED", ""},
		{"{ a ) }", "", "GRAPHQL_PARSE_FAILED", ""},
		{"{ a [ }", "", "GRAPHQL_PARSE_FAILED", ""},
		{"{ a(b: c(d: e(f: 1))) }", "", "GRAPHQL_PARSE_FAILED", ""},
		{"{ a(", "", "GRAPHQL_PARSE_FAILED", ""},
		{"\x00", "", "GRAPHQL_PARSE_FAILED", ""},
		{"query A { __typename } query B { __typename }", "", "GRAPHQL_VALIDATION_FAILED", "operationName"},
		{"query A { __typename } query B { __typename }", "C", "GRAPHQL_VALIDATION_FAILED", `"C"`},
		{"{ __typename }", "C", "GRAPHQL_VALIDATION_FAILED", `"C"`},
		{"{ __typename }", strings.Repeat("C", 100_000), "GRAPHQL_VALIDATION_FAILED", "…"},
		{"query A { __typename } query A { __typename }", "A", "GRAPHQL_VALIDATION_FAILED", "only one operation"},
		{"{ nothing }", "", "GRAPHQL_VALIDATION_FAILED", "nothing"},
		{`{ group(handle: "` + strings.Repeat("x", 100_000) + `", id: 1) { id } viewer(x: [1, {a: "` + strings.Repeat("é", 50_000) + `"}]) { id } }`,
			"", "GRAPHQL_VALIDATION_FAILED", ""},
	} {
		_, errs := askFor(e, &graphql.RawParams{Query: c.document, OperationName: c.operation})
		if len(errs) == 0 || errs[0].Extensions["code"] != c.code || !strings.Contains(errs[0].Message, c.says) {
			t.Errorf("%.100s: %v", c.document, errs)
		}
		for _, err := range errs {
			if len(err.Message) > 600 {
				t.Errorf("%.100s: the message has %d bytes", c.document, len(err.Message))
			}
		}
	}
	unknown := ""
	for i := range 500 {
		unknown += fmt.Sprintf("x%d ", i)
	}
	if _, errs := ask(e, "{ viewer { "+unknown+"} }", nil); len(errs) != 50 {
		t.Errorf("%d errors, want as many as validation looks for", len(errs))
	}
}
