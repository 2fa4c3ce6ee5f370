package gqldoc_test

import (
	"errors"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"linkspan/internal/gqldoc"
)

// TestContractWithinLimits asks each operation that clients send, with pages and lists of 100, and finds it within half
// of the limits: point 9 of the contract, with head room.
func TestContractWithinLimits(t *testing.T) {
	t.Parallel()
	document := read(t, "../../clients/operations.graphql")
	doc, err := parser.ParseQuery(&ast.Source{Input: document})
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Operations) < 15 {
		t.Fatalf("%d operations", len(doc.Operations))
	}
	limits := gqldoc.DefaultLimits()
	limits.Tokens, limits.Complexity, limits.Depth = limits.Tokens/2, limits.Complexity/2, limits.Depth/2
	e := gqldoc.New(linkspan(t), gqldoc.Config{Limits: limits})
	hundred := make([]any, 100)
	for i := range hundred {
		hundred[i] = "x"
	}
	for _, operation := range doc.Operations {
		given := map[string]any{}
		for _, v := range operation.VariableDefinitions {
			switch {
			case v.Type.String() == "Int":
				given[v.Variable] = 100
			case v.Type.Elem != nil && v.Type.Elem.NamedType == "ID":
				given[v.Variable] = hundred
			case v.Type.NamedType == "ID" || v.Type.NamedType == "String":
				given[v.Variable] = "x"
			}
		}
		_, errs := askFor(e, &graphql.RawParams{Query: document, OperationName: operation.Name, Variables: given})
		var value *gqldoc.ValueError
		if len(errs) > 0 && !errors.As(errs[0], &value) { // inputs are missing
			t.Errorf("%s: %v", operation.Name, errs)
		}
	}
}

// TestComplexity computes what the comment of CreateOperationContext says.
func TestComplexity(t *testing.T) {
	t.Parallel()
	s := parsed(t, `
		type Query { thing: Thing things(first: Int, last: Int): Page preset(first: Int = 5): Page byIDs(ids: [ID!]!): [Thing] all: [Thing!]! any: Any }
		type Thing { id: ID tags: [String] things(first: Int, last: Int): Page all: [Thing] }
		type Page { edges: [Edge] nodes: [Thing] total: Int }
		type Edge { node: Thing }
		interface Any { id: ID }
		type A implements Any { id: ID }
		type B implements Any { id: ID }
	`)
	for _, c := range []struct {
		document string
		given    map[string]any
		want     int
	}{
		{`{ thing { id } }`, nil, 2},
		{`{ thing { id tags } }`, nil, 3},
		{`{ all { id } }`, nil, 1 + 2},
		{`{ all { all { id } } }`, nil, 1 + 2*(1+2)},
		{`{ things { total } }`, nil, 1 + 20},
		{`{ things(first: 100) { total } }`, nil, 1 + 100},
		{`{ things(first: 3, last: 5) { total } }`, nil, 1 + 5},
		{`{ things(first: 0) { total } }`, nil, 1 + 1},
		{`{ things(first: -5) { total } }`, nil, 1 + 1},
		{`{ things(first: null) { total } }`, nil, 1 + 20},
		{`{ things(first: 10) { edges { node { id } } nodes { id } } }`, nil, 1 + 10*(3+2)},
		{`{ things(first: 10) { ...P } } fragment P on Page { nodes { id all { id } } }`, nil, 1 + 10*(2+1+2)},
		{`{ preset { total } }`, nil, 1 + 5},
		{`query ($n: Int) { things(first: $n) { total } }`, nil, 1 + 20},
		{`query ($n: Int) { things(first: $n) { total } }`, map[string]any{"n": nil}, 1 + 20},
		{`query ($n: Int) { things(first: $n) { total } }`, map[string]any{"n": 100}, 1 + 100},
		{`query ($n: Int) { things(last: $n) { total } }`, map[string]any{"n": 100}, 1 + 100},
		{`query ($n: Int = 7) { things(first: $n) { total } }`, nil, 1 + 7},
		{`query ($n: Int) { preset(first: $n) { total } }`, nil, 1 + 5},
		{`query ($n: Int, $m: Int) { things(first: $n, last: $m) { total } }`, map[string]any{"n": 3, "m": 4}, 1 + 4},
		{`query ($n: Int) { things(first: $n) { nodes { things(first: $n) { total } } } }`, map[string]any{"n": 10}, 1 + 10*(1+1+10)},
		{`{ byIDs(ids: ["a", "b", "c"]) { id } }`, nil, 1 + 3},
		{`{ byIDs(ids: "a") { id } }`, nil, 1 + 1},
		{`query ($ids: [ID!]!) { byIDs(ids: $ids) { id } }`, map[string]any{"ids": []any{"a", "b", "c", "d"}}, 1 + 4},
		{`query ($ids: [ID!]!) { byIDs(ids: $ids) { id } }`, map[string]any{"ids": "a"}, 1 + 1},
		{`query ($a: ID!) { byIDs(ids: [$a, $a]) { id } }`, map[string]any{"a": "a"}, 1 + 2},
		{`query ($n: Int) { ...F ...F } fragment F on Query { a: thing { ...G } b: thing { ...G } } fragment G on Thing { things(first: $n) { total } }`,
			map[string]any{"n": 10}, 2 * 2 * (1 + 1 + 10)},
		{`{ any { id ... on A { id } ... on B { id } } }`, nil, 1 + 3},
		{`{ thing { id @skip(if: true) } }`, nil, 2},
		{`query ($n: Int) { things(first: $n) { nodes { things(first: $n) { nodes { things(first: $n) { nodes { things(first: $n) { nodes { things(first: $n) { total } } } } } } } } } }`,
			map[string]any{"n": 2147483647}, 1 << 40},
	} {
		for limit, ok := range map[int]bool{c.want: true, c.want - 1: false} {
			e := gqldoc.New(s, gqldoc.Config{Limits: gqldoc.Limits{Complexity: limit}})
			_, errs := ask(e, c.document, c.given)
			var over *gqldoc.LimitError
			if refused := len(errs) > 0 && errors.As(errs[0], &over); len(errs) > 0 && !refused || refused == ok {
				t.Errorf("%s given %v costs %d; with a limit of %d: %v", c.document, c.given, c.want, limit, errs)
			}
		}
	}
}
