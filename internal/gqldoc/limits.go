package gqldoc

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Limits is what one document may cost. A limit that is 0 has its value of [DefaultLimits].
type Limits struct {
	// Bytes is the length of a document's text.
	Bytes int
	// Tokens is the number of a document's tokens, comments too.
	Tokens int
	// Depth is how many fields may lie within each other, through fragments too; how many lists and objects a value nests,
	// in the document or in a variable; and how many inline fragments lie within each other.
	Depth int
	// Aliases is the number of aliased fields in a document.
	Aliases int
	// RootFields is the number of fields at the root of an operation, fragments spread out. Each field of a mutation is an
	// effect of its own.
	RootFields int
	// Directives is the number of directives at one place.
	Directives int
	// Operations is the number of operations in a document, of which a request runs one.
	Operations int
	// Fragments is the number of fragments that a document defines.
	Fragments int
	// Variables is the number of variables of an operation.
	Variables int
	// Complexity is about how many fields an answer may hold: see [Executor.CreateOperationContext].
	Complexity int
	// ValidationSteps is about how many selections the validator visits and how many pairs of them it compares. Repeated
	// fields, and fragments that spread each other, make it grow with the square of the document.
	ValidationSteps int
}

// DefaultLimits are the limits where nothing else is set.
//
// Measured on the contract: the introspection query of tools has 165 tokens, is 15 fields deep, takes 473 steps and costs
// 952; all operations of the main job in one document have 779 tokens, are 7 deep and take 2,013 steps. One of them costs
// 5,403 at `first: 100` (MyChannels), a page of 100 messages about 6,000.
func DefaultLimits() Limits {
	return Limits{
		Bytes: 256 << 10, Tokens: 15_000, Depth: 20, Aliases: 500, RootFields: 50, Directives: 10, Operations: 100,
		Fragments: 500, Variables: 100, Complexity: 25_000, ValidationSteps: 100_000,
	}
}

// withDefaults replaces what is 0.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, at := range []struct {
		limit *int
		usual int
	}{
		{&l.Bytes, d.Bytes}, {&l.Tokens, d.Tokens}, {&l.Depth, d.Depth}, {&l.Aliases, d.Aliases},
		{&l.RootFields, d.RootFields}, {&l.Directives, d.Directives}, {&l.Operations, d.Operations},
		{&l.Fragments, d.Fragments}, {&l.Variables, d.Variables}, {&l.Complexity, d.Complexity},
		{&l.ValidationSteps, d.ValidationSteps},
	} {
		if *at.limit == 0 {
			*at.limit = at.usual
		}
	}
	return l
}

// maxNameBytes is the length of the longest name that a document may hold. Suggestions compare names letter by letter.
const maxNameBytes = 255

// Limit names one of the [Limits] in errors.
type Limit string

// The limits, as errors name them.
const (
	LimitBytes           Limit = "bytes"
	LimitTokens          Limit = "tokens"
	LimitDepth           Limit = "depth"
	LimitAliases         Limit = "aliases"
	LimitRootFields      Limit = "root fields"
	LimitDirectives      Limit = "directives"
	LimitOperations      Limit = "operations"
	LimitFragments       Limit = "fragments"
	LimitVariables       Limit = "variables"
	LimitComplexity      Limit = "complexity"
	LimitValidationSteps Limit = "validation steps"
	LimitNameBytes       Limit = "name bytes"
)

// CodeLimit is the code in the extensions of an error with a [LimitError].
const CodeLimit = "LIMIT_EXCEEDED"

// LimitError is the error of a document or of variables that are over a limit. It is wrapped in a *gqlerror.Error.
type LimitError struct {
	Limit Limit
	Max   int
	Found int // 0: more than Max; nobody counted on
}

// Error says what is over which limit, and what to do. It is fit for clients.
func (e *LimitError) Error() string {
	text := limitTexts[e.Limit]
	found := ""
	if e.Found > 0 {
		found = fmt.Sprintf("%d, and ", e.Found)
	}
	return fmt.Sprintf("%s: %smore than %d are not allowed. %s", text.what, found, e.Max, text.remedy)
}

var limitTexts = map[Limit]struct{ what, remedy string }{
	LimitBytes:      {"The document's bytes", "Send large values as variables."},
	LimitTokens:     {"The document's tokens", "Send several smaller requests."},
	LimitDepth:      {"Levels of fields, or of a value's lists and objects, within each other", "Ask for what lies deeper in a request of its own."},
	LimitAliases:    {"Aliases in the document", "Ask for many objects by one field that takes a list, or in several requests."},
	LimitRootFields: {"Fields at the operation's root", "Send several requests."},
	LimitDirectives: {"Directives at one place", "Leave some out."},
	LimitOperations: {"Operations in the document", "Send only those that the request runs."},
	LimitFragments:  {"Fragments in the document", "Write some of them out, or send several requests."},
	LimitVariables:  {"Variables of the operation", "Join some of them in an input object."},
	LimitComplexity: {"Complexity, the fields that the answer could hold",
		"Ask for smaller pages by first or last, for fewer fields, or in several requests."},
	LimitValidationSteps: {"Steps to validate the document", "Select each field once, and spread fewer fragments within fragments."},
	LimitNameBytes:       {"Bytes of a name in the document", "Use a shorter name."},
}

// refused wraps a LimitError for the answer.
func (e *LimitError) refused() *gqlerror.Error {
	return &gqlerror.Error{Err: e, Message: e.Error(), Extensions: map[string]any{"code": CodeLimit}}
}
