package gqldoc

import (
	"github.com/vektah/gqlparser/v2/ast"
)

const (
	// pageItems is how many items a page is taken to have where neither first nor last is given.
	pageItems = 20
	// listItems is how many items a list is taken to have that nobody can page through.
	listItems = 2
)

// cost is what an operation costs at most, as a sum of terms that hang on variables. Each fragment is a sum of its own,
// computed once however often it is spread.
type cost struct {
	sums []sum // each refers to earlier ones; the last is the operation
}

type sum struct {
	fixed int
	terms []term
}

// term is a multiple of an earlier sum.
type term struct {
	times factor
	of    int
}

// factor is how many items a field may have: the greatest of what its arguments ask for, at least 1.
type factor struct {
	fixed     int
	variables []string // whose numbers, or lists' lengths, count too
	unset     int      // instead of all that, where no variable is set
}

// bytes is about how much memory it takes.
func (c *cost) bytes() int {
	const ofSum, ofTerm, ofName = 32, 48, 16
	n := cap(c.sums) * ofSum
	for i := range c.sums {
		n += cap(c.sums[i].terms) * ofTerm
		for j := range c.sums[i].terms {
			n += cap(c.sums[i].terms[j].times.variables) * ofName
		}
	}
	return n
}

// over returns the cost where it is more than max, else 0.
func (c *cost) over(max int, variables map[string]any) int {
	var few [16]int
	values := few[:]
	if len(c.sums) > len(few) {
		values = make([]int, len(c.sums))
	}
	for i := range c.sums {
		s := &c.sums[i]
		total := s.fixed
		for _, t := range s.terms {
			total = min(total+times(t.times.value(variables), values[t.of]), tooMuch)
		}
		values[i] = total
	}
	if total := values[len(c.sums)-1]; total > max {
		return total
	}
	return 0
}

func (f *factor) value(variables map[string]any) int {
	n, set := f.fixed, f.fixed > 0
	for _, name := range f.variables {
		switch value := variables[name].(type) {
		case int64:
			n, set = max(n, int(value)), true
		case []any:
			n, set = max(n, len(value)), true
		}
	}
	if !set {
		return f.unset
	}
	return max(n, 1)
}

func times(n, of int) int {
	if n > tooMuch/max(of, 1) {
		return tooMuch
	}
	return min(n*of, tooMuch)
}

// costs makes the costs of a validated document's operations.
type costs struct {
	fragments map[fragmentUse]sum
	sums      []sum
}

type fragmentUse struct {
	name  string
	paged bool
}

// newCost returns the cost of an operation of a document without cycles.
func newCost(operation *ast.OperationDefinition) *cost {
	c := &costs{fragments: map[fragmentUse]sum{}}
	root := c.set(operation.SelectionSet, false)
	c.sums = append(c.sums, root)
	return &cost{sums: c.sums}
}

// set returns the cost of a selection set. That of a paged field's type is counted a page's times already, so its lists
// are not multiplied again.
func (c *costs) set(set ast.SelectionSet, paged bool) (s sum) {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			c.field(&s, selection, paged)
		case *ast.InlineFragment:
			s.add(c.set(selection.SelectionSet, paged))
		case *ast.FragmentSpread:
			s.add(c.fragment(selection.Definition, paged))
		}
	}
	return s
}

func (s *sum) add(other sum) {
	s.fixed = min(s.fixed+other.fixed, tooMuch)
	s.terms = append(s.terms, other.terms...)
}

func (c *costs) fragment(definition *ast.FragmentDefinition, paged bool) sum {
	use := fragmentUse{definition.Name, paged}
	found, ok := c.fragments[use]
	if !ok {
		found = c.one(c.set(definition.SelectionSet, paged))
		c.fragments[use] = found
	}
	return found
}

// one makes a sum that hangs on variables a single term, so that it is computed once for all its uses.
func (c *costs) one(s sum) sum {
	if len(s.terms) == 0 {
		return s
	}
	c.sums = append(c.sums, s)
	return sum{terms: []term{{times: factor{fixed: 1}, of: len(c.sums) - 1}}}
}

func (c *costs) field(s *sum, field *ast.Field, paged bool) {
	s.fixed = min(s.fixed+1, tooMuch)
	if len(field.SelectionSet) == 0 {
		return
	}
	n, pages := items(field, paged)
	inner := c.set(field.SelectionSet, pages)
	switch {
	case len(n.variables) == 0 && len(inner.terms) == 0:
		s.fixed = min(s.fixed+times(n.value(nil), inner.fixed), tooMuch)
	case inner.fixed == 0 && len(inner.terms) == 1 && n.isOne():
		s.terms = append(s.terms, inner.terms...)
	default:
		c.sums = append(c.sums, inner)
		s.terms = append(s.terms, term{times: n, of: len(c.sums) - 1})
	}
}

func (f *factor) isOne() bool { return len(f.variables) == 0 && f.fixed == 1 }

// items returns how many items a field may have, and whether it is a page, by the arguments first and last.
func items(field *ast.Field, paged bool) (n factor, pages bool) {
	for _, name := range []string{"first", "last"} {
		definition := field.Definition.Arguments.ForName(name)
		if definition == nil || definition.Type.NamedType != "Int" {
			continue
		}
		pages = true
		value := definition.DefaultValue
		if given := field.Arguments.ForName(name); given != nil {
			value = given.Value
			if value.Kind == ast.Variable && definition.DefaultValue != nil {
				n.unset = max(n.unset, intOf(definition.DefaultValue))
			}
		}
		n.ask(value, false)
	}
	if pages {
		if n.unset == 0 {
			n.unset = pageItems
		}
		return n, true
	}
	n.unset = 1
	if field.Definition.Type.Elem == nil || paged {
		n.fixed = 1
		return n, false
	}
	for _, argument := range field.Arguments {
		if definition := field.Definition.Arguments.ForName(argument.Name); definition != nil && definition.Type.Elem != nil {
			n.ask(argument.Value, true)
		}
	}
	if n.fixed == 0 && len(n.variables) == 0 {
		n.fixed = listItems
	}
	return n, false
}

// ask adds what an argument asks for: its number, or for a list of items their number.
func (f *factor) ask(value *ast.Value, list bool) {
	switch {
	case value == nil || value.Kind == ast.NullValue:
	case value.Kind == ast.Variable:
		f.variables = append(f.variables, value.Raw)
	case !list:
		f.fixed = max(f.fixed, intOf(value), 1)
	case value.Kind == ast.ListValue:
		f.fixed = max(f.fixed, len(value.Children), 1)
	default:
		f.fixed = max(f.fixed, 1) // an only item
	}
}

func intOf(value *ast.Value) int {
	if value.Kind != ast.IntValue {
		return 0
	}
	n, err := value.Value(nil)
	if err != nil {
		return tooMuch
	}
	return int(n.(int64))
}
