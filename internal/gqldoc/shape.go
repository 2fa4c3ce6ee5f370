package gqldoc

import (
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// tooMuch is where sums of fields end: above every limit, and far from overflowing.
const tooMuch = 1 << 40

// extent is what a selection set holds when its fragments are spread out.
type extent struct {
	fields int // at all levels, up to tooMuch
	root   int // at its own level, up to tooMuch
	depth  int // fields within each other
	nodes  int // selections, arguments, values and directives; fragments count as their spread
}

func (e *extent) add(other extent) {
	e.fields = min(e.fields+other.fields, tooMuch)
	e.root = min(e.root+other.root, tooMuch)
	e.depth = max(e.depth, other.depth)
	e.nodes += other.nodes
}

// fragment is what is known of a fragment. Of several with one name it is the first, as for the validator.
type fragment struct {
	definition *ast.FragmentDefinition
	extent     extent
	spreads    []*fragment // within it, also twice
	entered    bool        // extent is being found
	found      bool
	seen       int  // the last walk or set that it was seen in
	paired     bool // in some set, its fields were counted as pairs with those of the set
}

// shape looks at a parsed document without the schema. What it does is bounded by the document's size and by
// ValidationSteps, whatever the document holds.
type shape struct {
	limits    *Limits
	fragments map[string]*fragment
	entered   []string // the fragments that are being looked at, to tell a cycle
	cycle     *gqlerror.Error
	walk      int // numbers walks and sets, for fragment.seen
	steps     int
	keys      []mergedKey        // of the sets that are being looked at
	inlines   []ast.SelectionSet // of inline fragments that pairs met
	alone     bool               // an inline fragment is being looked at, alone
}

// checkShape refuses a document with a cycle of fragments, or over a limit.
func checkShape(doc *ast.QueryDocument, limits *Limits) *gqlerror.Error {
	s := &shape{limits: limits, fragments: make(map[string]*fragment, len(doc.Fragments))}
	for _, definition := range doc.Fragments {
		if s.fragments[definition.Name] == nil {
			s.fragments[definition.Name] = &fragment{definition: definition}
		}
	}
	for _, definition := range doc.Fragments {
		s.fragmentExtent(s.fragments[definition.Name], definition.Position)
	}
	if s.cycle != nil {
		return s.cycle
	}
	for _, operation := range doc.Operations {
		var spreads []*fragment
		e := s.extent(operation.SelectionSet, &spreads)
		for _, over := range []LimitError{
			{LimitDepth, limits.Depth, e.depth},
			{LimitRootFields, limits.RootFields, e.root},
			{LimitComplexity, limits.Complexity, e.fields},
		} {
			if over.Found > over.Max {
				return over.refused()
			}
		}
		s.count(e.nodes+len(operation.VariableDefinitions)*len(operation.VariableDefinitions), spreads)
		s.pairs([]ast.SelectionSet{operation.SelectionSet}, 1)
		s.inlinePairs()
	}
	for _, definition := range doc.Fragments {
		f := s.fragments[definition.Name]
		s.count(f.extent.nodes, f.spreads)
		if !f.paired { // else the validator remembers most of what it compared
			s.pairs([]ast.SelectionSet{f.definition.SelectionSet}, 1)
			s.inlinePairs()
		}
	}
	if s.steps > limits.ValidationSteps {
		return (&LimitError{Limit: LimitValidationSteps, Max: limits.ValidationSteps}).refused()
	}
	return nil
}

// extent finds the extent of a selection set, and appends the fragments that are spread in it at any level.
func (s *shape) extent(set ast.SelectionSet, spreads *[]*fragment) (e extent) {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			inner := s.extent(selection.SelectionSet, spreads)
			nodes := 1 + inner.nodes + argumentNodes(selection.Arguments) + directiveNodes(selection.Directives)
			e.add(extent{min(1+inner.fields, tooMuch), 1, 1 + inner.depth, nodes})
		case *ast.InlineFragment:
			inner := s.extent(selection.SelectionSet, spreads)
			inner.nodes += 1 + directiveNodes(selection.Directives)
			e.add(inner)
		case *ast.FragmentSpread:
			inner := extent{}
			if f := s.fragments[selection.Name]; f != nil {
				*spreads = append(*spreads, f)
				inner = s.fragmentExtent(f, selection.Position)
			}
			inner.nodes = 1 + directiveNodes(selection.Directives)
			e.add(inner)
		}
	}
	return e
}

// fragmentExtent finds the extent of a fragment, once. Of a fragment within itself it notes the cycle.
func (s *shape) fragmentExtent(f *fragment, spread *ast.Position) extent {
	switch {
	case f.found:
		return f.extent
	case f.entered:
		if s.cycle == nil {
			s.cycle = cycleError(s.entered, f.definition.Name, spread)
		}
		return extent{}
	}
	f.entered = true
	s.entered = append(s.entered, f.definition.Name)
	f.extent = s.extent(f.definition.SelectionSet, &f.spreads)
	f.extent.nodes += 1 + directiveNodes(f.definition.Directives)
	s.entered = s.entered[:len(s.entered)-1]
	f.found = true
	return f.extent
}

// cycleError is worded as the validator's.
func cycleError(entered []string, name string, at *ast.Position) *gqlerror.Error {
	var via []string
	for i := len(entered) - 1; i >= 0 && entered[i] != name; i-- {
		if len(via) == 5 {
			via = append(via, "…")
			break
		}
		via = append(via, `"`+entered[i]+`"`)
	}
	message := fmt.Sprintf(`Cannot spread fragment "%s" within itself`, name)
	if len(via) > 0 {
		for i, j := 0, len(via)-1; i < j; i, j = i+1, j-1 {
			via[i], via[j] = via[j], via[i]
		}
		message += " via " + strings.Join(via, ", ")
	}
	err := located(message+".", at)
	err.Rule = "NoFragmentCycles"
	errcode.Set(err, errcode.ValidationFailed)
	return err
}

// count adds what the validator's walk of an operation or a fragment visits: its own nodes, and those of each fragment
// that it reaches, once.
func (s *shape) count(nodes int, spreads []*fragment) {
	s.walk++
	s.steps += nodes
	s.countSpreads(spreads)
}

func (s *shape) countSpreads(spreads []*fragment) {
	for _, f := range spreads {
		if s.steps > s.limits.ValidationSteps {
			return
		}
		s.steps++
		if f.seen != s.walk {
			f.seen = s.walk
			s.steps += f.extent.nodes
			s.countSpreads(f.spreads)
		}
	}
}

// pairs adds the comparisons that OverlappingFieldsCanBeMerged makes: of each pair of fields with one response key in
// sets that merge, again at each level above, and of each pair of fragments spread there.
func (s *shape) pairs(sets []ast.SelectionSet, level int) {
	if s.steps > s.limits.ValidationSteps {
		return
	}
	s.walk++
	m := merged{shape: s, walk: s.walk, first: len(s.keys)}
	for _, set := range sets {
		m.collect(set)
	}
	s.steps += level * m.spreads * m.spreads / 2
	end := len(s.keys)
	for _, key := range s.keys[m.first:] {
		if key.fields > 1 {
			s.steps += level * key.weight * key.weight / 2
		}
	}
	for i := m.first; i < end; i++ {
		switch sets := s.keys[i].sets; {
		case len(sets) == 0:
		case s.alone:
			s.pairs(sets, level)
		default:
			s.pairs(sets, level+1)
		}
	}
	s.keys = s.keys[:m.first]
}

// inlinePairs adds the comparisons within each inline fragment that pairs has met: the validator makes them once more.
func (s *shape) inlinePairs() {
	s.alone = true
	for _, set := range s.inlines {
		s.pairs([]ast.SelectionSet{set}, 1)
	}
	s.inlines, s.alone = s.inlines[:0], false
}

// merged is what selection sets hold together, by response key.
type merged struct {
	shape   *shape
	walk    int
	spreads int
	first   int            // of its keys among the shape's
	index   map[string]int // of keys, once there are many
}

type mergedKey struct {
	name   string
	fields int
	weight int // fields, arguments and their values
	sets   []ast.SelectionSet
}

// fewKeys is up to how many keys are looked up one by one.
const fewKeys = 16

func (m *merged) collect(set ast.SelectionSet) {
	for _, selection := range set {
		m.shape.steps++
		if m.shape.steps > m.shape.limits.ValidationSteps {
			return
		}
		switch selection := selection.(type) {
		case *ast.Field:
			key := m.key(selection.Alias)
			key.fields++
			key.weight += 1 + argumentNodes(selection.Arguments)
			if len(selection.SelectionSet) > 0 {
				key.sets = append(key.sets, selection.SelectionSet)
			}
		case *ast.InlineFragment:
			if !m.shape.alone {
				m.shape.inlines = append(m.shape.inlines, selection.SelectionSet)
			}
			m.collect(selection.SelectionSet)
		case *ast.FragmentSpread:
			m.spreads++
			if f := m.shape.fragments[selection.Name]; f != nil && f.seen != m.walk {
				f.seen, f.paired = m.walk, true
				m.collect(f.definition.SelectionSet)
			}
		}
	}
}

// key returns the key of that name, until the next call.
func (m *merged) key(name string) *mergedKey {
	keys := m.shape.keys[m.first:]
	if m.index == nil {
		for i := range keys {
			if keys[i].name == name {
				return &keys[i]
			}
		}
	} else if i, ok := m.index[name]; ok {
		return &keys[i]
	}
	m.shape.keys = append(m.shape.keys, mergedKey{name: name})
	keys = m.shape.keys[m.first:]
	if m.index != nil {
		m.index[name] = len(keys) - 1
	} else if len(keys) > fewKeys {
		m.index = make(map[string]int, 2*len(keys))
		for i := range keys {
			m.index[keys[i].name] = i
		}
	}
	return &keys[len(keys)-1]
}

func argumentNodes(arguments ast.ArgumentList) (n int) {
	for _, argument := range arguments {
		n += valueNodes(argument.Value)
	}
	return n
}

func valueNodes(value *ast.Value) int {
	n := 1
	for _, child := range value.Children {
		n += valueNodes(child.Value)
	}
	return n
}

func directiveNodes(directives ast.DirectiveList) (n int) {
	for _, directive := range directives {
		n += 1 + argumentNodes(directive.Arguments)
	}
	return n
}

// located is an error at a place in the document.
func located(message string, at *ast.Position) *gqlerror.Error {
	err := &gqlerror.Error{Message: message}
	if at != nil {
		err.Locations = []gqlerror.Location{{Line: at.Line, Column: at.Column}}
	}
	return err
}
