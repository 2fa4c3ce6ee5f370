package gqldoc_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/executor"

	"linkspan/internal/gqldoc"
)

// FuzzDocument asks for any document with any variables. Nothing panics or takes long; and what is over no limit and has
// only values that can be read is valid exactly when gqlgen's own executor says so.
func FuzzDocument(f *testing.F) {
	for _, h := range hostile() {
		if len(h.text) < 20_000 {
			f.Add(h.text, `{}`)
		}
	}
	f.Add(read(f, "testdata/introspection.graphql"), `{}`)
	f.Add(read(f, "../../clients/operations.graphql"), `{"id": "x"}`)
	for _, document := range []string{
		`{ __typename }`, `query Q($a: Int = 5, $b: [ID!]! @x) { Int(v: $a) ...F @include(if: true) } fragment F on Query { ID(v: "a") }`,
		`query ($v: Input) { Input(v: $v) a: Input(v: {required: "a", one: {a: "x"}, list: [1, "b"]}) }`, `query ($v: OneOf!) { OneOf(v: $v) }`,
		"\"\"\"described\"\"\" query Q @a @b(c: $d) { a(b: [[{c: 1.5e3}], null, true, NAME]) { ... on Query @skip(if: false) { b } } }",
		`subscription { inbox { at ... on InvitationReceived { invitation { id } } } invitationReceived { at } }`,
		`mutation($input: CreateSharedChannelInput!) { createSharedChannel(input: $input) { errors { ... on NameTakenError { suggestion } } } }`,
		`{ String(v: "\u0000\ud83d\ude80\u{1F680}") } # \ud83d`, "{ String(v: \"\"\"\n  block \\\"\"\"\n\"\"\") }", `{ Float(v: 1e400) Int(v: 99999999999999999999) }`,
		`{ Input(v: {}) OneOf(v: {}) Enum(v: {}) Custom(v: [{a: $b}]) }`, `{ a: Int(v: 1) a: Int(v: 2) Ints(v: [1]) }`, `{ Int(v: 1`, `fragment on on on { on }`,
		`query ($a: [[[Int]]] = [[[1]]]) { Matrix(v: $a) }`, `{ viewer { sharedChannels(first: 100) { nodes { sides { group { id } } } } } }`,
	} {
		f.Add(document, `{"v": {"required": "a", "a": null, "one": {"a": 1}}, "a": 1e3, "b": "x"}`)
	}
	schemas := []schema{linkspan(f), parsed(f, read(f, "testdata/values.graphqls"))}
	var ours []*gqldoc.Executor
	var stock []*executor.Executor
	for _, s := range schemas {
		ours = append(ours, gqldoc.New(s, gqldoc.Config{Introspection: true}))
		stock = append(stock, executor.New(s))
	}
	f.Fuzz(func(t *testing.T, document, variables string) {
		var given map[string]any
		decoder := json.NewDecoder(strings.NewReader(variables))
		decoder.UseNumber()
		_ = decoder.Decode(&given) // what is none is nil
		for i := range schemas {
			started := time.Now()
			_, errs := ask(ours[i], document, given)
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if len(errs) > 0 {
				var value *gqldoc.ValueError
				var limit *gqldoc.LimitError
				if errs[0].Message == "" || errs[0].Extensions["code"] == nil {
					t.Errorf("an error without a text or a code: %+v", errs[0])
				}
				if errors.As(errs[0], &value) || errors.As(errs[0], &limit) {
					continue
				}
			}
			_, theirs := ask(stock[i], document, nil)
			if len(theirs) == 1 && len(theirs[0].Path) > 0 {
				theirs = nil // a variable is missing, in a document that is valid
			}
			if (len(errs) == 0) != (len(theirs) == 0) {
				t.Errorf("ours: %v\ngqlgen's: %v", errs, theirs)
			}
		}
	})
}
