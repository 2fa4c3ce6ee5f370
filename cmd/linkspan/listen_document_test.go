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
	for _, document := range []string{listenViewer, listenInbox, listenAccept, listenChannel, listenChannelEvents} {
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

func TestListenShowsTheFieldsOfChannelEvents(t *testing.T) {
	t.Parallel()
	ours, err := parser.ParseQuery(source(t, "clients/operations.graphql"))
	if err != nil {
		t.Fatal(err)
	}
	sent, err := parser.ParseQuery(&ast.Source{Input: listenChannelEvents})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"EventMsg", "GroupRef", "ActorRef"} {
		if diff := cmp.Diff(formatted(ours, name), formatted(sent, name)); diff != "" {
			t.Errorf("fragment %s: %s", name, diff)
		}
	}
	selected := func(operation *ast.OperationDefinition) string {
		var text bytes.Buffer
		formatter.NewFormatter(&text).FormatQueryDocument(&ast.QueryDocument{Operations: ast.OperationList{{
			Operation: ast.Subscription, SelectionSet: withoutWhatIsForPeople(operation.SelectionSet),
		}}})
		return text.String()
	}
	if diff := cmp.Diff(selected(ours.Operations.ForName("ChannelEvents")), selected(sent.Operations[0])); diff != "" {
		t.Error(diff)
	}
}

// withoutWhatIsForPeople leaves away what is selected on a condition, and what selects nothing then.
func withoutWhatIsForPeople(all ast.SelectionSet) (kept ast.SelectionSet) {
	for _, selection := range all {
		switch selection := selection.(type) {
		case *ast.FragmentSpread:
			if selection.Directives.ForName("include") != nil {
				continue
			}
		case *ast.InlineFragment:
			selection.SelectionSet = withoutWhatIsForPeople(selection.SelectionSet)
		case *ast.Field:
			selects := len(selection.SelectionSet) > 0
			if selection.SelectionSet = withoutWhatIsForPeople(selection.SelectionSet); selects && len(selection.SelectionSet) == 0 {
				continue
			}
		}
		kept = append(kept, selection)
	}
	return kept
}

func formatted(document *ast.QueryDocument, fragment string) string {
	var text bytes.Buffer
	formatter.NewFormatter(&text).FormatQueryDocument(&ast.QueryDocument{
		Fragments: ast.FragmentDefinitionList{document.Fragments.ForName(fragment)},
	})
	return text.String()
}
