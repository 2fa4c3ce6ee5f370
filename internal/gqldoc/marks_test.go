package gqldoc_test

import (
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"linkspan/internal/gqldoc"
)

const marked = `
directive @own on FIELD_DEFINITION
type Query { it: Thing }
type Subscription { events(id: ID, after: String, list: [Input!]): Event! mine: Thing @own }
input Input { name: String }
interface Event { id: ID! thing: Thing seen: Boolean }
type Posted implements Event { id: ID! thing: Thing seen: Boolean @own by: Actor }
type Gone implements Event { id: ID! thing: Thing seen: Boolean }
type Thing { id: ID! name(short: Boolean, like: Input): String mine: Boolean @own inner: Thing }
union Actor = Thing | Bot
type Bot { name: String mine: Boolean @own }`

// TestMarks finds a mark wherever a document may reach it, and none where it can't.
func TestMarks(t *testing.T) {
	t.Parallel()
	schema := gqlparser.MustLoadSchema(&ast.Source{Name: "marked.graphqls", Input: marked})
	marks := gqldoc.NewMarks(schema, "own")
	for document, want := range map[string]bool{
		`subscription { events { id thing { id name inner { name } } } }`:                                                   false,
		`subscription { mine { id } }`:                                                                                      true,
		`subscription { events { thing { inner { inner { mine } } } } }`:                                                    true,
		`subscription { events { seen } }`:                                                                                  true, // for one of its types
		`subscription { events { ... on Gone { seen } } }`:                                                                  false,
		`subscription { events { ... on Posted { seen } } }`:                                                                true,
		`subscription { events { ... { ...F } } } fragment F on Event { thing { ...T } } fragment T on Thing { mine }`:      true,
		`subscription { events { ...F thing { ...T } } } fragment F on Event { thing { ...T } } fragment T on Thing { id }`: false,
		`subscription { events { ... on Posted { by { ... on Bot { name } } } } }`:                                          false,
		`subscription { events { ... on Posted { by { ... on Bot { mine } } } } }`:                                          true,
		`subscription ($no: Boolean! = false) { events { thing { mine @include(if: $no) } } }`:                              true,
		`subscription { events { mine: id __typename thing { __typename } } }`:                                              false, // names are the client's
		`subscription S { ...R } fragment R on Subscription { events { thing { m: mine } } }`:                               true,
	} {
		doc, err := gqlparser.LoadQueryWithRules(schema, document, nil)
		if err != nil {
			t.Fatalf("%s: %v", document, err)
		}
		if got := marks.In(doc.Operations[0]); got != want {
			t.Errorf("%s: %v", document, got)
		}
	}
}

// TestOnlyAt finds the variable that says where a subscription begins, and no other.
func TestOnlyAt(t *testing.T) {
	t.Parallel()
	schema := gqlparser.MustLoadSchema(&ast.Source{Name: "marked.graphqls", Input: marked})
	for document, want := range map[string]string{
		`subscription ($from: String) { events(after: $from) { id } }`:                                                      "from",
		`subscription ($a: String, $i: ID) { events(id: $i, after: $a) { id } }`:                                            "a",
		`subscription ($a: String) { ...R } fragment R on Subscription { ... { events(after: $a) { id } } }`:                "a",
		`subscription { events(after: "here") { id } }`:                                                                     "",
		`subscription { events { id } }`:                                                                                    "",
		`subscription ($a: String) { events(after: $a) { thing { name(like: {name: $a}) } } }`:                              "",
		`subscription ($a: String) { events(after: $a, list: [{name: $a}]) { id } }`:                                        "",
		`subscription ($a: String) { events(after: $a) { ...F } } fragment F on Event { thing { name(like: {name: $a}) } }`: "",
		`subscription ($a: String, $b: Boolean = true) { events(after: $a) { thing @skip(if: $b) { name(short: $b) } } }`:   "a",
	} {
		doc, err := gqlparser.LoadQueryWithRules(schema, document, nil)
		if err != nil {
			t.Fatalf("%s: %v", document, err)
		}
		if got := gqldoc.OnlyAt(doc.Operations[0], "after"); got != want {
			t.Errorf("%s: %q", document, got)
		}
	}
}
