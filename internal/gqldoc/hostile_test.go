package gqldoc_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"linkspan/internal/gqldoc"
)

// hostile are documents that are made to cost a server much, with what refuses each: a limit, or a word of the error.
func hostile() []hostileDocument {
	repeat := strings.Repeat
	list := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	chain := func(n int, format, last string) string {
		var b strings.Builder
		for i := range n - 1 {
			fmt.Fprintf(&b, format, i, i+1)
		}
		return b.String() + fmt.Sprintf("fragment F%d on Query { %s }", n-1, last)
	}
	return []hostileDocument{
		{"2,000 aliases", "{ " + list(2000, "a%d: __typename ") + "}", gqldoc.LimitAliases, ""},
		{"10,000 levels of fields", repeat("{ viewer ", 10_000) + repeat("} ", 10_000), gqldoc.LimitDepth, ""},
		{"10,000 inline fragments", "{ " + repeat("... { ", 10_000) + "__typename" + repeat(" }", 10_001), gqldoc.LimitDepth, ""},
		{"10,000 lists in a value", `{ nodes(ids: ` + repeat("[", 10_000) + repeat("]", 10_000) + `) { id } }`, gqldoc.LimitDepth, ""},
		{"10,000 objects in a value", `{ node(id: ` + repeat("{a: ", 10_000) + "1" + repeat("}", 10_000) + `) { id } }`, gqldoc.LimitDepth, ""},
		{"10,000 lists in a type", `query($a: ` + repeat("[", 10_000) + "Int" + repeat("]", 10_000) + `) { node(id: $a) { id } }`, gqldoc.LimitDepth, ""},
		{"a fragment bomb", "{ ...F0 } " + chain(26, "fragment F%d on Query { ...F%[2]d ...F%[2]d } ", "__typename"), gqldoc.LimitRootFields, ""},
		{"a fragment bomb below", "{ viewer { ...F0 } } " + chain(26, "fragment F%d on Query { ...F%[2]d ...F%[2]d } ", "__typename"), gqldoc.LimitComplexity, ""},
		{"a fragment bomb of fields", "{ ...F0 } " + chain(26, "fragment F%d on Query { a: viewer { ...F%[2]d } b: viewer { ...F%[2]d } } ", "__typename"), gqldoc.LimitDepth, ""},
		{"a fragment cycle", "{ ...A } fragment A on Query { ...A }", "", "within itself"},
		{"an indirect cycle", "{ ...F0 } " + chain(400, "fragment F%d on Query { ...F%d } ", "...F0"), "", "within itself"},
		{"a cycle in inline fragments", "{ ...A } fragment A on Query { ... { ... on Query { ...B } } } fragment B on Query { ... { ...A } }", "", "within itself"},
		{"a cycle nobody spreads", "{ __typename } fragment A on Query { viewer { ...B } } fragment B on Viewer { group { ...A } }", "", "within itself"},
		{"a string of 2 MB", `{ group(handle: "` + repeat("x", 2<<20) + `") { id } }`, gqldoc.LimitBytes, ""},
		{"a block string of 2 MB", `{ group(handle: """` + repeat("x\n", 1<<20) + `""") { id } }`, gqldoc.LimitBytes, ""},
		{"a comment of 2 MB", `{ __typename } #` + repeat("x", 2<<20), gqldoc.LimitBytes, ""},
		{"2 MB of commas", `{ __typename ` + repeat(",", 2<<20) + `}`, gqldoc.LimitBytes, ""},
		{"10,000 directives", "{ __typename " + repeat("@a ", 10_000) + "}", gqldoc.LimitDirectives, ""},
		{"10,000 directives with arguments", "{ __typename " + repeat("@include(if: true) ", 10_000) + "}", gqldoc.LimitDirectives, ""},
		{"100,000 operations", repeat("{a}", 80_000) + repeat("{b}", 5_000), gqldoc.LimitOperations, ""},
		{"5,000 fragments", "{ ...F1 } " + list(5000, "fragment F%d on Query { a } "), gqldoc.LimitFragments, ""},
		{"3,000 variables", "query(" + list(3000, "$v%d: ID ") + ") { __typename }", gqldoc.LimitVariables, ""},
		{"7,000 same fields", "{ " + repeat("viewer ", 7000) + "}", gqldoc.LimitRootFields, ""},
		{"7,000 same fields below", "{ viewer { " + repeat("id ", 7000) + "} }", gqldoc.LimitValidationSteps, ""},
		{"2,000 same fields with other arguments", "{ viewer { " + list(2000, "sharedChannels(first: %d) ") + "} }", gqldoc.LimitValidationSteps, ""},
		{"two fields of 2,000 arguments", "{ viewer { " + repeat("x("+list(1000, "a%d: 1 ")+") ", 2) + "} }", gqldoc.LimitValidationSteps, ""},
		{"same fields that nest", "{ viewer { " + repeat("group { "+repeat("id ", 40)+"} ", 40) + "} }", gqldoc.LimitValidationSteps, ""},
		{"300 same fields in 20 inline fragments", "{ viewer { " + repeat("... { ", 20) + repeat("id ", 300) + repeat("} ", 20) + "} }", gqldoc.LimitValidationSteps, ""},
		{"a fragment of them", "{ viewer { ...A } } fragment A on Viewer { " + repeat("... { ", 18) + repeat("id ", 300) + repeat("} ", 18) + "}", gqldoc.LimitValidationSteps, ""},
		{"a fragment of them that is not used", "{ __typename } fragment A on Viewer { " + repeat("... { ", 18) + repeat("id ", 300) + repeat("} ", 18) + "}", gqldoc.LimitValidationSteps, ""},
		{"7,000 spreads of one fragment", "{ " + repeat("...A ", 7000) + "} fragment A on Query { viewer { id } }", gqldoc.LimitRootFields, ""},
		{"5,000 spreads of none", "{ viewer { " + repeat("...A ", 5000) + "} }", gqldoc.LimitValidationSteps, ""},
		{"500 fragments that spread the next", "{ ...F0 } " + chain(500, "fragment F%d on Query { ...F%d } ", "__typename"), gqldoc.LimitValidationSteps, ""},
		{"100 operations on a large fragment", list(100, "query Q%d { viewer { ...A } } ") + "fragment A on Viewer { " + repeat("id role ", 400) + "}", gqldoc.LimitValidationSteps, ""},
		{"a name of 200,000", "{ " + repeat("x", 200_000) + " }", gqldoc.LimitNameBytes, ""},
		{"pages of pages", `{ viewer { sharedChannels(first: 100) { nodes { invitations(first: 100) { nodes { sharedChannel { invitations(first: 100) { nodes { id } } } } } } } } }`, gqldoc.LimitComplexity, ""},
		{"7,000 tokens of nothing known", "{ viewer { " + list(7000, "x%d ") + "} }", "", "Cannot query"},
	}
}

type hostileDocument struct {
	name, text string
	limit      gqldoc.Limit
	says       string
}

// TestHostile refuses each hostile document by the limit that it is over.
func TestHostile(t *testing.T) {
	t.Parallel()
	e := gqldoc.New(linkspan(t), gqldoc.Config{})
	for _, h := range hostile() {
		_, errs := ask(e, h.text, nil)
		if len(errs) == 0 {
			t.Errorf("%s is let through", h.name)
			continue
		}
		var over *gqldoc.LimitError
		switch {
		case errors.As(errs[0], &over):
			if over.Limit != h.limit {
				t.Errorf("%s: refused by the limit of %s, want %s%s", h.name, over.Limit, h.limit, h.says)
			}
			if errs[0].Extensions["code"] != gqldoc.CodeLimit || errs[0].Message == "" {
				t.Errorf("%s: %+v", h.name, errs[0])
			}
		case h.limit != "" || !strings.Contains(errs[0].Message, h.says):
			t.Errorf("%s: %s; want %s%s", h.name, errs[0].Message, h.limit, h.says)
		}
	}
}

// heavy are documents that are just within the limits and cost the validator most.
func heavy() []hostileDocument {
	repeat := strings.Repeat
	list := func(n int, format string) (text string) {
		for i := range n {
			text += fmt.Sprintf(format, i)
		}
		return text
	}
	return []hostileDocument{
		{name: "300 same fields", text: "{ viewer { " + repeat("id ", 300) + "} }"},
		{name: "90 same fields in 20 inline fragments", text: "{ viewer { " + repeat("... { ", 20) + repeat("id ", 90) + repeat("} ", 20) + "} }"},
		{name: "75 same pages", text: "{ viewer { " + repeat("sharedChannels(first: 1) { logCursor } ", 75) + "} }"},
		{name: "100 operations", text: list(100, "query Q%d { viewer { ...A } } ") + "fragment A on Viewer { " + repeat("group { id handle name } ", 10) + "}"},
		{name: "150 fragments in a row", text: "{ viewer { ...F0 } } " + rows(150)},
		{name: "90 fragments side by side", text: "{ viewer { " + list(90, "...F%d ") + "} } " + list(90, "fragment F%d on Viewer { id role group { id handle } } ")},
		{name: "4,000 unknown fields", text: "{ viewer { " + list(4000, "x%d ") + "} }"},
		{name: "2,000 unknown arguments", text: "{ viewer { sharedChannels(" + list(2000, "x%d: 1 ") + ") { logCursor } } }"},
		{name: "100 unknown types of 250 letters", text: "{ viewer { id } } " + list(100, "fragment F%d on "+repeat("x", 245)+"%[1]d { id } ")},
		{name: "200 unknown fields of 250 letters", text: "{ viewer { " + list(200, repeat("x", 245)+"%d ") + "} }"},
		{name: "4,000 strings of U+FFFD", text: "{ nodes(ids: [" + repeat(`"\ufffd" `, 4000) + "]) { __typename } }"},
		{name: "5,000 ids", text: "{ nodes(ids: [" + repeat(`"x" `, 5000) + "]) { __typename } }"},
	}
}

// rows are fragments that each spread the next.
func rows(n int) (text string) {
	for i := range n {
		text += fmt.Sprintf("fragment F%d on Viewer { id ...F%d } ", i, i+1)
	}
	return text + fmt.Sprintf("fragment F%d on Viewer { id }", n)
}

// BenchmarkHeavy measures what a document costs that is not refused before validation, seen for the first time.
func BenchmarkHeavy(b *testing.B) {
	e := gqldoc.New(linkspan(b), gqldoc.Config{CacheBytes: 1}) // keeps nothing
	for _, h := range heavy() {
		b.Run(strings.ReplaceAll(h.name, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, errs := ask(e, h.text, nil)
				var over *gqldoc.LimitError
				if len(errs) > 0 && errors.As(errs[0], &over) {
					b.Fatal(errs[0].Message)
				}
			}
		})
	}
}

// BenchmarkHostile measures how long each hostile document takes to be refused, and what memory.
func BenchmarkHostile(b *testing.B) {
	e := gqldoc.New(linkspan(b), gqldoc.Config{})
	for _, h := range hostile() {
		b.Run(strings.ReplaceAll(h.name, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, errs := ask(e, h.text, nil); len(errs) == 0 {
					b.Fatal("it is let through")
				}
			}
		})
	}
}
