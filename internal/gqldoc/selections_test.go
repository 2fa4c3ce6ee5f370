package gqldoc

import (
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// TestSelectedIn counts fields, and finds the directives by which a document's requests may select others.
func TestSelectedIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		fields int
		alike  bool
	}{
		`{ a b { c } }`: {3, true},
		`{ a { ...F } b { ...F ... on T { c } } } fragment F on T { d e }`: {5, true},
		`{ a @other b }`: {2, true},
		`query($v: Boolean!) { a b { c @include(if: $v) } }`:                 {3, false},
		`query($v: Boolean!) { a ...F @skip(if: $v) } fragment F on T { b }`: {2, false},
		`{ a ... on T @defer { b } }`:                                        {2, false},
		`{ a { ...F } } fragment F on T { ... @skip(if: true) { b } }`:       {2, false},
		`query A { a } query B { b @skip(if: false) }`:                       {2, false},
	} {
		doc, err := parser.ParseQuery(&ast.Source{Input: text})
		if err != nil {
			t.Fatal(err)
		}
		if fields, alike := selectedIn(doc); fields != want.fields || alike != want.alike {
			t.Errorf("%s: %d fields, alike %t; want %d, %t", text, fields, alike, want.fields, want.alike)
		}
	}
}
