package gqldoc

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// valueType is a type that a variable may have, made ready for coercion.
type valueType struct {
	text    string // as written in GraphQL
	nonNull bool
	elem    *valueType // of a list
	named   *namedType // of anything else
}

type namedKind int

const (
	kindInt namedKind = iota
	kindFloat
	kindString
	kindBoolean
	kindID
	kindCustom // a scalar of the schema's own
	kindEnum
	kindObject
)

// namedType is a scalar, an enum or an input object.
type namedType struct {
	name   string
	kind   namedKind
	check  func(any) error     // of kindCustom; may be nil
	values map[string]struct{} // of kindEnum
	fields []inputField        // of kindObject
	oneOf  bool                // of kindObject
}

type inputField struct {
	name       string
	typ        *valueType
	hasDefault bool
	preset     any // the default, not yet coerced
}

// inputs are the named input types of a schema.
type inputs map[string]*namedType

var builtin = map[string]namedKind{
	"Int": kindInt, "Float": kindFloat, "String": kindString, "Boolean": kindBoolean, "ID": kindID,
}

// newInputs makes all input types of a schema ready.
func newInputs(schema *ast.Schema, scalars map[string]func(any) error) inputs {
	all := inputs{}
	for name, definition := range schema.Types {
		if !definition.IsInputType() {
			continue
		}
		named := &namedType{name: name, kind: kindCustom, check: scalars[name]}
		switch definition.Kind {
		case ast.Scalar:
			if kind, ok := builtin[name]; ok {
				named.kind = kind
			}
		case ast.Enum:
			named.kind, named.values = kindEnum, map[string]struct{}{}
			for _, value := range definition.EnumValues {
				named.values[value.Name] = struct{}{}
			}
		case ast.InputObject:
			named.kind = kindObject
			named.oneOf = definition.Directives.ForName("oneOf") != nil
		}
		all[name] = named
	}
	for name, named := range all {
		if named.kind != kindObject {
			continue
		}
		for _, field := range schema.Types[name].Fields {
			made := inputField{name: field.Name, typ: all.typeOf(field.Type)}
			if field.DefaultValue != nil {
				preset, err := field.DefaultValue.Value(nil)
				made.preset, made.hasDefault = preset, err == nil
			}
			named.fields = append(named.fields, made)
		}
	}
	return all
}

// typeOf returns a type of the schema's or of a valid document's; nil if it is no input type.
func (all inputs) typeOf(typ *ast.Type) *valueType {
	made := &valueType{text: typ.String(), nonNull: typ.NonNull}
	if typ.Elem != nil {
		if made.elem = all.typeOf(typ.Elem); made.elem == nil {
			return nil
		}
		return made
	}
	if made.named = all[typ.NamedType]; made.named == nil {
		return nil
	}
	return made
}
