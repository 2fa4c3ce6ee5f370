package server_test

import (
	"slices"
	"strings"
	"testing"

	"linkspan/internal/server/servertest"
)

type schema struct {
	types map[string]schemaType
	nodes []string // the types that implement Node
}

type schemaType struct {
	Kind     string
	Fields   []schemaField
	Possible []string
}

type schemaField struct {
	name, typ string
	needs     bool // it has an argument that must be given
}

func introspect(t *testing.T, s *place) schema {
	t.Helper()
	data := s.Must("", `{ __schema { types { kind name possibleTypes { name } fields { name args { defaultValue type { kind } }
		type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }`, nil)
	found := schema{types: map[string]schemaType{}}
	for _, typ := range servertest.Get[[]any](t, data, "__schema", "types") {
		name := servertest.Get[string](t, typ, "name")
		if strings.HasPrefix(name, "__") {
			continue
		}
		described := schemaType{Kind: servertest.Get[string](t, typ, "kind")}
		possible, _ := typ.(object)["possibleTypes"].([]any)
		for _, one := range possible {
			described.Possible = append(described.Possible, servertest.Get[string](t, one, "name"))
		}
		fields, _ := typ.(object)["fields"].([]any)
		for _, one := range fields {
			field := schemaField{name: servertest.Get[string](t, one, "name")}
			for at, ok := one.(object)["type"].(object); ok; at, ok = at["ofType"].(object) {
				if name, ok := at["name"].(string); ok {
					field.typ = name
				}
			}
			for _, arg := range servertest.Get[[]any](t, one, "args") {
				if servertest.Get[string](t, arg, "type", "kind") == "NON_NULL" && arg.(object)["defaultValue"] == nil {
					field.needs = true
				}
			}
			described.Fields = append(described.Fields, field)
		}
		found.types[name] = described
	}
	found.nodes = found.types["Node"].Possible
	if len(found.nodes) < 7 {
		t.Fatalf("the schema's nodes are %v", found.nodes)
	}
	return found
}

// field returns a field of a type by the part of a table's entry before its arguments.
func (s schema) field(typ, entry string) (schemaField, bool) {
	name, _, _ := strings.Cut(entry, "(")
	for _, field := range s.types[typ].Fields {
		if field.name == name {
			return field, true
		}
	}
	return schemaField{}, false
}

// selection writes a selection on a type: its __typename alone, or down to a depth all that needs no arguments.
func (s schema) selection(typ string, depth int) string {
	described := s.types[typ]
	parts := []string{"__typename"}
	switch described.Kind {
	case "SCALAR", "ENUM":
		return ""
	case "INTERFACE", "UNION":
		for _, possible := range described.Possible {
			if depth > 0 {
				// With names of their own: two types may have fields of one name that don't merge.
				parts = append(parts, "... on "+possible+" { __typename "+s.fields(possible, depth, possible+"_")+" }")
			}
		}
	default:
		if depth > 0 {
			parts = append(parts, s.fields(typ, depth, ""))
		}
	}
	return "{ " + strings.Join(parts, " ") + " }"
}

// without leaves fields out, by "Type.field".
func (s schema) without(left map[string]bool) schema {
	types := map[string]schemaType{}
	for name, typ := range s.types {
		typ.Fields = slices.DeleteFunc(slices.Clone(typ.Fields), func(f schemaField) bool { return left[name+"."+f.name] })
		types[name] = typ
	}
	return schema{types, s.nodes}
}

// fields writes the inner part of a selection on an object type, each field under its name behind the prefix.
func (s schema) fields(typ string, depth int, prefix string) string {
	var parts []string
	for _, field := range s.types[typ].Fields {
		leaf := s.selection(field.typ, 0) == ""
		if field.needs || !leaf && depth == 1 {
			continue
		}
		name := field.name
		if prefix != "" {
			name = prefix + name + ": " + name
		}
		parts = append(parts, strings.TrimSpace(name+" "+s.selection(field.typ, depth-1)))
	}
	return strings.Join(parts, " ")
}
