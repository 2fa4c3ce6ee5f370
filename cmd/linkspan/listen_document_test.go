package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
)

// source reads a GraphQL file of the project.
func source(t *testing.T, path string) *ast.Source {
	t.Helper()
	text, err := os.ReadFile("../../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return &ast.Source{Name: path, Input: string(text)}
}

func TestListenSendsWhatTheSchemaKnows(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(source(t, "schema.graphqls"))
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range []string{listenViewer, listenInbox, listenAccept} {
		if _, errs := gqlparser.LoadQueryWithRules(schema, document, nil); len(errs) > 0 {
			t.Errorf("%v in %s", errs, document)
		}
	}
}

func TestListenShowsTheFieldsOfFragmentInvite(t *testing.T) {
	t.Parallel()
	ours, err := parser.ParseQuery(source(t, "clients/operations.graphql"))
	if err != nil {
		t.Fatal(err)
	}
	sent, err := parser.ParseQuery(&ast.Source{Input: listenInbox})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Invite", "GroupRef", "ActorRef"} {
		if diff := cmp.Diff(formatted(ours, name), formatted(sent, name)); diff != "" {
			t.Errorf("fragment %s: %s", name, diff)
		}
	}
}

func formatted(document *ast.QueryDocument, fragment string) string {
	var text bytes.Buffer
	formatter.NewFormatter(&text).FormatQueryDocument(&ast.QueryDocument{
		Fragments: ast.FragmentDefinitionList{document.Fragments.ForName(fragment)},
	})
	return text.String()
}
