package gqldoc

import (
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

const (
	// maxErrors is after how many errors validation gives up.
	maxErrors = 50
	// maxMessageBytes is where the message of an error is cut: rules repeat what the document holds.
	maxMessageBytes = 500
)

// validator validates documents against one schema by the specification's rules, and by those of this package. It is
// safe for concurrent use.
type validator struct {
	schema  *ast.Schema
	rules   []core.Rule
	scalars map[string]func(any) error
}

// newValidator returns a validator. Without introspection, no error suggests names, and __schema and __type are refused.
// What a field or an input object that the document names requires is told all the same.
func newValidator(schema *ast.Schema, introspection bool, scalars map[string]func(any) error) *validator {
	v := &validator{schema: schema, scalars: scalars}
	all := rules.NewDefaultRules()
	if !introspection {
		for told, silent := range map[string]core.Rule{
			rules.FieldsOnCorrectTypeRule.Name: rules.FieldsOnCorrectTypeRuleWithoutSuggestions,
			rules.KnownArgumentNamesRule.Name:  rules.KnownArgumentNamesRuleWithoutSuggestions,
			rules.KnownTypeNamesRule.Name:      rules.KnownTypeNamesRuleWithoutSuggestions,
			rules.ScalarLeafsRule.Name:         rules.ScalarLeafsRuleWithoutSuggestions,
			rules.ValuesOfCorrectTypeRule.Name: rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
		} {
			all.ReplaceRule(told, silent.RuleFunc)
		}
		all.AddRule("NoIntrospection", noIntrospection)
	}
	for name, rule := range all.GetInner() {
		v.rules = append(v.rules, core.Rule{Name: name, RuleFunc: rule})
	}
	sort.Sort(core.NameSorter(v.rules))
	return v
}

// enough ends a walk that has found maxErrors errors.
type enough struct{}

// neverNull are the variables that may be null by their type, but stand where null may not.
type neverNull map[*ast.VariableDefinition]bool

// validate returns what is wrong with a document whose shape was checked. It fills in the document's definitions.
func (v *validator) validate(doc *ast.QueryDocument) (strict neverNull, errs gqlerror.List) {
	defer func() {
		switch r := recover().(type) {
		case nil, enough:
		default:
			panic(r)
		}
	}()
	add := func(err *gqlerror.Error) {
		err.Message = cut(err.Message, maxMessageBytes)
		errcode.Set(err, errcode.ValidationFailed)
		if errs = append(errs, err); len(errs) == maxErrors {
			panic(enough{})
		}
	}
	var events core.Events
	for _, rule := range v.rules {
		rule.RuleFunc(&events, func(options ...core.ErrorOption) {
			err := &gqlerror.Error{Rule: rule.Name}
			for _, option := range options {
				option(err)
			}
			add(err)
		})
	}
	refused := map[*ast.Value]bool{} // a value is walked with its fragment, and with each operation that spreads it
	events.OnValue(func(_ *core.Walker, value *ast.Value) {
		if d := value.VariableDefinition; d != nil && !d.Type.NonNull && value.ExpectedType != nil && value.ExpectedType.NonNull {
			if strict == nil {
				strict = neverNull{}
			}
			strict[d] = true
		}
		if err := v.checkLiteral(value); err != nil && !refused[value] {
			refused[value] = true
			add(err)
		}
	})
	core.Walk(v.schema, doc, &events)
	return strict, errs
}

// noIntrospection is a rule.
func noIntrospection(events *core.Events, addError core.AddErrFunc) {
	events.OnField(func(_ *core.Walker, field *ast.Field) {
		if field.Name == "__schema" || field.Name == "__type" {
			addError(core.Message("Introspection is switched off on this server."), core.At(field.Position))
		}
	})
}

// checkLiteral refuses literals that the rules let through, though no such value can be read: an Int beyond 32 bits, an
// empty object for a scalar or an enum, and what is not of a scalar's form.
func (v *validator) checkLiteral(value *ast.Value) *gqlerror.Error {
	if value.Definition == nil || value.ExpectedType == nil || value.Definition.Kind == ast.InputObject ||
		value.Kind == ast.Variable || value.Kind == ast.NullValue || value.Kind == ast.ListValue && value.ExpectedType.Elem != nil {
		return nil // a list's items come by themselves
	}
	name := value.Definition.Name
	_, isBuiltin := builtin[name]
	switch {
	case value.Kind == ast.ObjectValue && (isBuiltin || value.Definition.Kind == ast.Enum):
		return badLiteral(name+" can't be an object.", value.Position)
	case value.Kind == ast.IntValue && name == "Int":
		if n, err := value.Value(nil); err == nil && !isInt32(n.(int64)) {
			return badLiteral(notInt32Message, value.Position)
		}
	}
	check := v.scalars[name]
	if check == nil || holdsVariable(value) {
		return nil
	}
	raw, err := value.Value(nil)
	if err == nil {
		err = check(raw)
	}
	if err != nil {
		return badLiteral(err.Error(), value.Position)
	}
	return nil
}

func holdsVariable(value *ast.Value) bool {
	if value.Kind == ast.Variable {
		return true
	}
	for _, child := range value.Children {
		if holdsVariable(child.Value) {
			return true
		}
	}
	return false
}

// cut shortens a text to at most n bytes and says so by an ellipsis.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}
