package gqldoc

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// coercion makes values that came as JSON into values of their types, as the specification's sections 3.5 to 3.13 and
// graphql-js do: nothing is converted that could be a mistake. It never changes what it is given: what differs is made
// anew, all else is shared.
type coercion struct {
	depth   int // how many lists and objects may nest
	problem *problem
}

// problem is what is wrong with a value, and where: the path from the innermost step outwards.
type problem struct {
	message string
	path    []ast.PathElement
	limit   *LimitError
}

func (p *problem) Error() string { return p.message }

func (c *coercion) refuse(format string, args ...any) (any, bool) {
	c.problem = &problem{message: fmt.Sprintf(format, args...)}
	return nil, false
}

// within notes that the problem lies within an element of what is being coerced.
func (c *coercion) within(step ast.PathElement) (any, bool) {
	c.problem.path = append(c.problem.path, step)
	return nil, false
}

// coerce returns the value as one of the type, and whether that is another than the given one. Where it can't be one,
// c.problem is set.
func (c *coercion) coerce(typ *valueType, value any, level int) (coerced any, changed bool) {
	if value == nil {
		if typ.nonNull {
			return c.refuse("%s must not be null.", typ.text)
		}
		return nil, false
	}
	if level > c.depth {
		limit := &LimitError{Limit: LimitDepth, Max: c.depth}
		c.problem = &problem{message: limit.Error(), limit: limit}
		return nil, false
	}
	if typ.elem != nil {
		return c.list(typ, value, level+1)
	}
	switch typ.named.kind {
	case kindInt:
		return c.integer(value)
	case kindFloat:
		return c.float(value)
	case kindString:
		if text, ok := value.(string); ok {
			return c.text(text, value)
		}
	case kindBoolean:
		if _, ok := value.(bool); ok {
			return value, false
		}
	case kindID:
		return c.id(value)
	case kindCustom:
		return c.custom(typ.named, value)
	case kindEnum:
		if name, ok := value.(string); ok {
			if _, ok := typ.named.values[name]; !ok {
				return c.refuse("%s has no such value.", typ.named.name)
			}
			return value, false
		}
	case kindObject:
		if object, ok := value.(map[string]any); ok {
			return c.object(typ.named, object, level+1)
		}
	}
	return c.refuse("%s can't be %s.", typ.named.name, describe(value))
}

// list coerces a list, or makes one of its only item.
func (c *coercion) list(typ *valueType, value any, level int) (any, bool) {
	items, ok := value.([]any)
	if !ok {
		item, _ := c.coerce(typ.elem, value, level)
		return []any{item}, true
	}
	changed := false
	for i, item := range items {
		coerced, differs := c.coerce(typ.elem, item, level)
		if c.problem != nil {
			return c.within(ast.PathIndex(i))
		}
		if !differs {
			continue
		}
		if !changed {
			items, changed = slices.Clone(items), true
		}
		items[i] = coerced
	}
	if !changed {
		return value, false
	}
	return items, true
}

func (c *coercion) object(typ *namedType, object map[string]any, level int) (any, bool) {
	result, changed, known := object, false, 0
	for i := range typ.fields {
		field := &typ.fields[i]
		value, given := object[field.name]
		if given {
			known++
		} else if field.hasDefault {
			value = field.preset
		} else if field.typ.nonNull {
			return c.refuse("%s.%s of type %s is required.", typ.name, field.name, field.typ.text)
		} else {
			continue
		}
		coerced, differs := c.coerce(field.typ, value, level)
		if c.problem != nil {
			return c.within(ast.PathName(field.name))
		}
		if given && !differs {
			continue
		}
		if !changed {
			result, changed = maps.Clone(object), true
		}
		result[field.name] = coerced
	}
	if known < len(object) {
		return c.refuse("%s has no field %q.", typ.name, cut(unknown(typ, object), maxNameBytes))
	}
	if typ.oneOf {
		if len(object) != 1 {
			return c.refuse("Exactly one field of %s must be given.", typ.name)
		}
		for name, value := range object {
			if value == nil {
				return c.refuse("%s.%s must not be null.", typ.name, name)
			}
		}
	}
	if !changed {
		return object, false
	}
	return result, true
}

// unknown returns the first name, in alphabetical order, that is no field of the type.
func unknown(typ *namedType, object map[string]any) string {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.ContainsFunc(typ.fields, func(f inputField) bool { return f.name == name }) {
			return name
		}
	}
	return ""
}

// describe says of which kind a value is, without repeating it.
func describe(value any) string {
	switch value.(type) {
	case string:
		return "a string"
	case bool:
		return "a Boolean"
	case json.Number, float64, int, int32, int64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("a value of type %T", value)
}
