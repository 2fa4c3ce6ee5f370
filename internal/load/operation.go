package load

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
)

// Operations are GraphQL operations of one document, as clients keep them.
type Operations struct{ document *ast.QueryDocument }

// ReadOperations reads a document from a file.
func ReadOperations(path string) (Operations, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Operations{}, fmt.Errorf("load: %w", err)
	}
	document, err := parser.ParseQuery(&ast.Source{Name: path, Input: string(text)})
	if err != nil {
		return Operations{}, fmt.Errorf("load: %w", err)
	}
	return Operations{document}, nil
}

// Query is the text of one operation, with the fragments that it needs and nothing else.
func (o Operations) Query(name string) (string, error) {
	operation := o.document.Operations.ForName(name)
	if name == "" || operation == nil {
		return "", fmt.Errorf("load: there is no operation %q", name)
	}
	needed := map[string]bool{}
	if err := o.fragments(operation.SelectionSet, needed); err != nil {
		return "", err
	}
	one := &ast.QueryDocument{Operations: ast.OperationList{operation}}
	for _, fragment := range o.document.Fragments {
		if needed[fragment.Name] {
			one.Fragments = append(one.Fragments, fragment)
		}
	}
	var text strings.Builder
	formatter.NewFormatter(&text, formatter.WithIndent(" ")).FormatQueryDocument(one)
	return text.String(), nil
}

// Body is the body of an HTTP request for one operation.
func (o Operations) Body(name string, variables map[string]any) (string, error) {
	query, err := o.Query(name)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(map[string]any{"operationName": name, "query": query, "variables": variables})
	return string(body), err
}

// fragments adds the names of the fragments that a selection needs.
func (o Operations) fragments(selections ast.SelectionSet, needed map[string]bool) error {
	for _, selection := range selections {
		var within ast.SelectionSet
		switch selection := selection.(type) {
		case *ast.Field:
			within = selection.SelectionSet
		case *ast.InlineFragment:
			within = selection.SelectionSet
		case *ast.FragmentSpread:
			fragment := o.document.Fragments.ForName(selection.Name)
			if fragment == nil {
				return fmt.Errorf("load: there is no fragment %q", selection.Name)
			}
			if needed[fragment.Name] {
				continue
			}
			needed[fragment.Name] = true
			within = fragment.SelectionSet
		}
		if err := o.fragments(within, needed); err != nil {
			return err
		}
	}
	return nil
}
