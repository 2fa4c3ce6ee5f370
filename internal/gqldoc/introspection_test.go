package gqldoc_test

import (
	"strings"
	"testing"

	"linkspan/internal/gqldoc"
)

// TestIntrospection lets the query of tools through where introspection is on, within half of the limits.
func TestIntrospection(t *testing.T) {
	t.Parallel()
	document := read(t, "testdata/introspection.graphql")
	limits := gqldoc.DefaultLimits()
	limits.Tokens, limits.Complexity, limits.ValidationSteps = limits.Tokens/2, limits.Complexity/2, limits.ValidationSteps/2
	on := gqldoc.New(linkspan(t), gqldoc.Config{Introspection: true, Limits: limits})
	op, errs := ask(on, document, nil)
	if len(errs) > 0 || op.DisableIntrospection {
		t.Errorf("on: %v", errs)
	}
	off := gqldoc.New(linkspan(t), gqldoc.Config{Limits: limits})
	for _, document := range []string{
		document, `{ __type(name: "Query") { name } }`, `{ a: __schema { description } }`, `{ ...F } fragment F on Query { __schema { __typename } }`,
	} {
		if _, errs := ask(off, document, nil); len(errs) == 0 || !strings.Contains(errs.Error(), "Introspection is switched off") ||
			errs[0].Extensions["code"] != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("off, %s: %v", document, errs)
		}
	}
	op, errs = ask(off, `{ __typename viewer { __typename } }`, nil)
	if len(errs) > 0 || !op.DisableIntrospection {
		t.Errorf("off: __typename: %v", errs)
	}
}

// TestSuggestions has errors suggest names where introspection is on, and none where it is off.
func TestSuggestions(t *testing.T) {
	t.Parallel()
	on := gqldoc.New(linkspan(t), gqldoc.Config{Introspection: true})
	off := gqldoc.New(linkspan(t), gqldoc.Config{})
	for _, document := range []string{
		`{ viewr { id } }`,
		`{ node(id: "x") { role } }`,
		`{ node(id: "x") { handle } }`,
		`{ viewer }`,
		`{ group(handl: "x") { id } }`,
		`{ viewer { id @include(iff: true) } }`,
		`{ node(id: "x") { ... on Vieweer { id } } }`,
		`{ ...F } fragment F on Quer { id }`,
		`query ($a: Strin) { group(handle: $a) { id } }`,
		`{ viewer { sentInvitations(states: [PENDIN]) { totalCount } } }`,
		`{ viewer { sentInvitations(states: ["PENDING"]) { totalCount } } }`,
		`{ group(handle: PENDING) { id } }`,
		`mutation { createSharedChannel(input: {nam: "x", target: {handle: "x"}}) { errors { code } } }`,
		`mutation { createSharedChannel(input: {name: "x", target: {handl: "x"}}) { errors { code } } }`,
		`{ viewer { id @inclde(if: true) } }`,
		`subscription { inbx { at } }`,
	} {
		_, told := ask(on, document, nil)
		_, silent := ask(off, document, nil)
		if len(told) == 0 || len(silent) != len(told) {
			t.Errorf("%s: with introspection %v, without %v", document, told, silent)
		}
		for _, err := range silent {
			if strings.Contains(err.Message, "mean") {
				t.Errorf("%s: %s", document, err.Message)
			}
		}
	}
	if _, errs := ask(on, `{ viewr { id } }`, nil); !strings.Contains(errs.Error(), `Did you mean "viewer"?`) {
		t.Errorf("no suggestion: %v", errs)
	}
}
