package gqldoc

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// Marks finds what an operation selects that a directive of the schema marks. It is safe for concurrent use.
type Marks struct {
	schema *ast.Schema
	marked map[*ast.FieldDefinition]bool
}

// NewMarks returns the marks of the directive. A field of an interface counts as marked if that of one of its types is.
func NewMarks(schema *ast.Schema, directive string) *Marks {
	m := &Marks{schema: schema, marked: map[*ast.FieldDefinition]bool{}}
	for _, typ := range schema.Types {
		for _, field := range typ.Fields {
			if field.Directives.ForName(directive) != nil {
				m.marked[field] = true
			}
		}
	}
	for _, typ := range schema.Types {
		if typ.Kind != ast.Interface {
			continue
		}
		for _, field := range typ.Fields {
			for _, possible := range schema.GetPossibleTypes(typ) {
				if of := possible.Fields.ForName(field.Name); of != nil && m.marked[of] {
					m.marked[field] = true
				}
			}
		}
	}
	return m
}

// In reports whether a valid operation selects a marked field, whatever its variables are.
func (m *Marks) In(operation *ast.OperationDefinition) bool {
	return m.in(operation.SelectionSet, map[*ast.FragmentDefinition]bool{})
}

func (m *Marks) in(set ast.SelectionSet, seen map[*ast.FragmentDefinition]bool) bool {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			if m.marked[selection.Definition] || m.in(selection.SelectionSet, seen) {
				return true
			}
		case *ast.InlineFragment:
			if m.in(selection.SelectionSet, seen) {
				return true
			}
		case *ast.FragmentSpread:
			if !seen[selection.Definition] {
				seen[selection.Definition] = true
				if m.in(selection.Definition.SelectionSet, seen) {
					return true
				}
			}
		}
	}
	return false
}

// OnlyAt returns the name of the variable that a valid operation passes as that argument of its one root field and uses nowhere
// else; empty: there is none.
func OnlyAt(operation *ast.OperationDefinition, argument string) string {
	u := uses{of: map[string]int{}, seen: map[*ast.FragmentDefinition]bool{}}
	u.set(operation.SelectionSet)
	u.directives(operation.Directives)
	root := RootField(operation.SelectionSet)
	if root == nil {
		return ""
	}
	given := root.Arguments.ForName(argument)
	if given == nil || given.Value.Kind != ast.Variable || u.of[given.Value.Raw] != 1 {
		return ""
	}
	return given.Value.Raw
}

// RootField is the field of a valid operation whose selection set names one alone, in fragments or not; nil: it names several, which may be one field all the same.
func RootField(set ast.SelectionSet) *ast.Field {
	if len(set) != 1 {
		return nil
	}
	switch selection := set[0].(type) {
	case *ast.Field:
		return selection
	case *ast.InlineFragment:
		return RootField(selection.SelectionSet)
	case *ast.FragmentSpread:
		return RootField(selection.Definition.SelectionSet)
	}
	return nil
}

// uses counts where an operation uses its variables; a fragment counts once.
type uses struct {
	of   map[string]int
	seen map[*ast.FragmentDefinition]bool
}

func (u *uses) set(set ast.SelectionSet) {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			u.arguments(selection.Arguments)
			u.directives(selection.Directives)
			u.set(selection.SelectionSet)
		case *ast.InlineFragment:
			u.directives(selection.Directives)
			u.set(selection.SelectionSet)
		case *ast.FragmentSpread:
			u.directives(selection.Directives)
			if !u.seen[selection.Definition] {
				u.seen[selection.Definition] = true
				u.directives(selection.Definition.Directives)
				u.set(selection.Definition.SelectionSet)
			}
		}
	}
}

func (u *uses) directives(directives ast.DirectiveList) {
	for _, directive := range directives {
		u.arguments(directive.Arguments)
	}
}

func (u *uses) arguments(arguments ast.ArgumentList) {
	for _, argument := range arguments {
		u.value(argument.Value)
	}
}

func (u *uses) value(value *ast.Value) {
	if value.Kind == ast.Variable {
		u.of[value.Raw]++
	}
	for _, child := range value.Children {
		u.value(child.Value)
	}
}
