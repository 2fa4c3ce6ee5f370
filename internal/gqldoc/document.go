package gqldoc

import (
	"fmt"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"linkspan/internal/gqlobject"
)

// document is a valid document with what each request of it needs. Nobody changes it, but for the selections.
type document struct {
	doc        *ast.QueryDocument
	operations []operation           // in the document's order
	selections *gqlobject.Selections // nil: what they come to hangs on variables
}

// operation is one operation of a document.
type operation struct {
	definition *ast.OperationDefinition
	variables  []variable
	cost       *cost
}

// variable is a variable of an operation.
type variable struct {
	name       string
	typ        *valueType
	hasDefault bool
	preset     any // the default
	neverNull  bool
}

// A document in the cache takes about so much memory besides its text and its costs: see BenchmarkCacheMemory and
// TestCacheMemory.
const (
	bytesPerDocument = 800
	bytesPerToken    = 120
	bytesPerInner    = 130 // more for a token inside parentheses: values, their types, and once more as a default
	bytesPerField    = 256 // what its selections come to, with those of its own: see [gqlobject.Selections]
)

// prepare parses and validates a document, and returns it with about how many bytes of memory it takes.
func (e *Executor) prepare(text string) (*document, int, gqlerror.List) {
	bytes, refused := scan(text, &e.limits)
	if refused != nil {
		return nil, 0, gqlerror.List{refused}
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, e.limits.Tokens)
	if err != nil {
		return nil, 0, gqlerror.List{parseError(err)}
	}
	if len(doc.Operations) == 0 {
		return nil, 0, gqlerror.List{invalid("no operation provided")}
	}
	if refused := checkShape(doc, &e.limits); refused != nil {
		return nil, 0, gqlerror.List{refused}
	}
	strict, errs := e.validator.validate(doc)
	if len(errs) > 0 {
		return nil, 0, errs
	}
	fields, alike := selectedIn(doc)
	made := &document{doc: doc, operations: make([]operation, len(doc.Operations))}
	if alike {
		made.selections = gqlobject.NewSelections(fields * bytesPerField)
		bytes += fields * bytesPerField
	}
	for i, definition := range doc.Operations {
		op := &made.operations[i]
		op.definition, op.cost = definition, newCost(definition)
		bytes += op.cost.bytes()
		for _, v := range definition.VariableDefinitions {
			variable, refused := e.variable(v)
			if refused != nil {
				return nil, 0, gqlerror.List{refused}
			}
			variable.neverNull = strict[v]
			op.variables = append(op.variables, variable)
		}
	}
	return made, bytes, nil
}

// selectedIn counts the fields that a document selects, each fragment's once, and reports whether they are the same whatever the
// variables are.
func selectedIn(doc *ast.QueryDocument) (fields int, alike bool) {
	alike = true
	var count func(selected ast.SelectionSet)
	judge := func(directives ast.DirectiveList) {
		for _, d := range directives {
			alike = alike && d.Name != "skip" && d.Name != "include" && d.Name != "defer"
		}
	}
	count = func(selected ast.SelectionSet) {
		for _, s := range selected {
			switch s := s.(type) {
			case *ast.Field:
				fields++
				judge(s.Directives)
				count(s.SelectionSet)
			case *ast.InlineFragment:
				judge(s.Directives)
				count(s.SelectionSet)
			case *ast.FragmentSpread:
				judge(s.Directives)
			}
		}
	}
	for _, operation := range doc.Operations {
		count(operation.SelectionSet)
	}
	for _, fragment := range doc.Fragments {
		count(fragment.SelectionSet)
	}
	return fields, alike
}

func parseError(err error) *gqlerror.Error {
	parsed := gqlerror.WrapIfUnwrapped(err)
	parsed.Message = cut(parsed.Message, maxMessageBytes)
	errcode.Set(parsed, errcode.ParseFailed)
	return parsed
}

// variable makes a variable of a valid document ready. The error is of a default that is not of the variable's type,
// though the rules let it through.
func (e *Executor) variable(definition *ast.VariableDefinition) (variable, *gqlerror.Error) {
	v := variable{name: definition.Variable, typ: e.inputs.typeOf(definition.Type)}
	if definition.DefaultValue == nil {
		return v, nil
	}
	raw, err := definition.DefaultValue.Value(nil)
	if err != nil {
		return v, badLiteral(fmt.Sprintf("The default of $%s can't be read.", v.name), definition.DefaultValue.Position)
	}
	c := coercion{depth: e.limits.Depth}
	v.preset, _ = c.coerce(v.typ, raw, 0)
	v.hasDefault = true
	if c.problem != nil {
		return v, badLiteral(c.problem.message, definition.DefaultValue.Position)
	}
	return v, nil
}

// operation returns the operation of that name, or the only one if the name is empty.
func (d *document) operation(name string) (*operation, *gqlerror.Error) {
	if name == "" && len(d.operations) == 1 {
		return &d.operations[0], nil
	}
	for i := range d.operations {
		if d.operations[i].definition.Name == name {
			return &d.operations[i], nil
		}
	}
	if name == "" {
		return nil, invalid("The document has several operations: name one by operationName.")
	}
	return nil, invalid(fmt.Sprintf("The document has no operation named %q.", cut(name, maxNameBytes)))
}

// invalid is the error of a request that is no valid one.
func invalid(message string) *gqlerror.Error {
	err := &gqlerror.Error{Message: message}
	errcode.Set(err, errcode.ValidationFailed)
	return err
}

// coerce returns the values of an operation's variables. Those that it does not define are left out.
func (op *operation) coerce(given map[string]any, limits *Limits) (map[string]any, *gqlerror.Error) {
	values := make(map[string]any, len(op.variables))
	c := coercion{depth: limits.Depth}
	for i := range op.variables {
		v := &op.variables[i]
		value, ok := given[v.name]
		switch {
		case !ok && v.hasDefault:
			values[v.name] = v.preset
			continue
		case !ok && v.typ.nonNull:
			return nil, badVariable(v.name, &problem{message: "a value of type " + v.typ.text + " is required."})
		case !ok:
			continue
		}
		if value == nil && v.neverNull {
			return nil, badVariable(v.name, &problem{message: "it must not be null where the document uses it."})
		}
		values[v.name], _ = c.coerce(v.typ, value, 0)
		if c.problem != nil {
			return nil, badVariable(v.name, c.problem)
		}
	}
	return values, nil
}
