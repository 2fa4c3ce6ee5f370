package gqldoc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkspan/internal/gqldoc"
)

func values(t testing.TB) *gqldoc.Executor {
	return gqldoc.New(parsed(t, read(t, "testdata/values.graphqls")), gqldoc.Config{
		Introspection: true,
		Scalars: map[string]func(any) error{"Custom": func(v any) error {
			if v != "good" {
				return errors.New("A Custom is good.")
			}
			return nil
		}},
	})
}

// TestDefaults takes the defaults of variables and of fields where nothing is given, and null where that is given.
func TestDefaults(t *testing.T) {
	t.Parallel()
	e := values(t)
	for _, c := range []struct {
		definitions, given string
		want               map[string]any
	}{
		{`$a: Int`, `{}`, map[string]any{}},
		{`$a: Int`, `{"a": null}`, map[string]any{"a": nil}},
		{`$a: Int = 5`, `{}`, map[string]any{"a": int64(5)}},
		{`$a: Int = 5`, `{"a": null}`, map[string]any{"a": nil}},
		{`$a: Int = 5`, `{"a": 6}`, map[string]any{"a": int64(6)}},
		{`$a: Int! = 5`, `{}`, map[string]any{"a": int64(5)}},
		{`$a: [Int] = 5`, `{}`, map[string]any{"a": []any{int64(5)}}},
		{`$a: ID = 5`, `{}`, map[string]any{"a": "5"}},
		{`$a: Float = 5`, `{}`, map[string]any{"a": 5.0}},
		{`$a: Colour = RED`, `{}`, map[string]any{"a": "RED"}},
		{`$a: OneOf = {a: "x"}`, `{}`, map[string]any{"a": map[string]any{"a": "x"}}},
		{`$a: Input = {required: "x", nested: {}}`, `{}`, map[string]any{"a": map[string]any{
			"required": "x", "preset": int64(7), "presetRequired": true, "nested": map[string]any{"depth": int64(1)},
		}}},
		{`$a: Input`, `{"a": {"required": "x"}}`, map[string]any{"a": map[string]any{
			"required": "x", "preset": int64(7), "presetRequired": true, "nested": map[string]any{"depth": int64(1)},
		}}},
		{`$a: Int`, `{"a": 1, "b": {"anything": [1, 2, 3]}}`, map[string]any{"a": int64(1)}},
	} {
		field := map[string]string{
			"$a: Int": "Int", "$a: [Int]": "Ints", "$a: ID": "ID", "$a: Float": "Float", "$a: Colour": "Enum", "$a: OneOf": "OneOf",
			"$a: Input": "Input", "$a: Int!": "Int",
		}[strings.TrimSpace(strings.Split(c.definitions, "=")[0])]
		var given map[string]any
		if err := json.Unmarshal([]byte(c.given), &given); err != nil {
			t.Fatal(err)
		}
		op, errs := ask(e, fmt.Sprintf("query (%s) { %s(v: $a) }", c.definitions, field), given)
		if len(errs) > 0 {
			t.Errorf("%s given %s: %v", c.definitions, c.given, errs)
			continue
		}
		if diff := cmp.Diff(c.want, op.Variables); diff != "" {
			t.Errorf("%s given %s (-want +got):\n%s", c.definitions, c.given, diff)
		}
	}
}

// TestBadVariables refuses what is no value of its type, and says where.
func TestBadVariables(t *testing.T) {
	t.Parallel()
	e := values(t)
	deep := strings.Repeat(`{"required":"a","self":`, 40) + "null" + strings.Repeat("}", 40)
	for _, c := range []struct{ field, typ, given, path, says string }{
		{"Int", "Int!", `{}`, `variable.v`, "is required"},
		{"Int", "Int!", `{"v": null}`, `variable.v`, "must not be null"},
		{"Int", "Int", `{"v": "5"}`, `variable.v`, "Int can't be a string"},
		{"String", "String", `{"v": "a\u0000b"}`, `variable.v`, "NUL"},
		{"ID", "ID", `{"v": "\u0000"}`, `variable.v`, "NUL"},
		{"Custom", "Custom", `{"v": "\u0000"}`, `variable.v`, "NUL"},
		{"Custom", "Custom", `{"v": "bad"}`, `variable.v`, "A Custom is good."},
		{"Custom", "Custom", `{"v": {"any": 1}}`, `variable.v`, "A Custom is good."},
		{"Ints", "[Int]", `{"v": [1, 2, "x"]}`, `variable.v[2]`, "Int can't be a string"},
		{"Matrix", "[[Int!]]", `{"v": [[1], [2, null]]}`, `variable.v[1][1]`, "Int! must not be null"},
		{"Enums", "[Colour!]", `{"v": ["RED", "BLUE"]}`, `variable.v[1]`, "Colour has no such value"},
		{"Input", "Input", `{"v": {"required": "a", "self": {"required": "b", "list": ["x", true]}}}`, `variable.v.self.list[1]`, "ID can't be a Boolean"},
		{"Input", "Input", `{"v": {"required": "a", "zeta": 1, "alpha": 2}}`, `variable.v`, `Input has no field "alpha"`},
		{"OneOf", "OneOf", `{"v": {"a": "x", "b": 1}}`, `variable.v`, "Exactly one field of OneOf"},
		{"OneOf", "OneOf", `{"v": {"c": {"required": "x", "one": {}}}}`, `variable.v.c.one`, "Exactly one field of OneOf"},
		{"OneOfs", "[OneOf!]", `{"v": [{"a": "x"}, {"a": null}]}`, `variable.v[1]`, "OneOf.a must not be null"},
		{"Input", "Input", `{"v": ` + deep + `}`, "", "Levels"},
	} {
		for _, numbers := range []bool{false, true} {
			var given map[string]any
			decoder := json.NewDecoder(strings.NewReader(c.given))
			if numbers {
				decoder.UseNumber()
			}
			if err := decoder.Decode(&given); err != nil {
				t.Fatal(err)
			}
			_, errs := ask(e, "query ($v: "+c.typ+") { "+c.field+"(v: $v) }", given)
			if len(errs) != 1 {
				t.Errorf("%s given %s: %v", c.typ, c.given, errs)
				continue
			}
			err := errs[0]
			if !strings.Contains(err.Message, c.says) || c.path != "" && err.Path.String() != c.path || len(err.Locations) > 0 {
				t.Errorf("%s given %s: %q at %s, %v", c.typ, c.given, err.Message, err.Path, err.Locations)
			}
		}
	}
}

// TestNullWhereItMayNotBe refuses null for variables that may be null but stand where null may not, which execution would
// fail at, or panic.
func TestNullWhereItMayNotBe(t *testing.T) {
	t.Parallel()
	e := values(t)
	null := map[string]any{"v": nil}
	for _, document := range []string{
		`query ($v: Boolean = true) { Int @skip(if: $v) }`,
		`query ($v: Boolean = true) { ...F @include(if: $v) } fragment F on Query { Int }`,
		`query ($v: Boolean = true) { ...F } fragment F on Query { Int @skip(if: $v) }`,
		`query ($v: Int = 5) { IntRequired(v: $v) }`,
		`query ($v: Int = 5) { IntsRequired(v: [1, $v]) }`,
		`query ($v: String = "a") { Input(v: {required: $v}) }`,
		`query ($v: Boolean) { Input(v: {required: "a", presetRequired: $v}) }`,
	} {
		_, errs := ask(e, document, null)
		if len(errs) != 1 {
			t.Errorf("%s: %v", document, errs)
			continue
		}
		checkValueError(t, document, errs[0])
		if _, errs := ask(e, document, nil); len(errs) > 0 {
			t.Errorf("%s, not given: %v", document, errs)
		}
	}
	if _, errs := ask(e, `query ($v: Int = 5) { Int(v: $v) Ints(v: [1, $v]) Input(v: {required: "a", optional: $v}) }`, null); len(errs) > 0 {
		t.Error(errs)
	}
}

// TestBadLiterals refuses what is no value of its type in the document, and says where.
func TestBadLiterals(t *testing.T) {
	t.Parallel()
	e := values(t)
	for document, says := range map[string]string{
		`{ Int(v: 2147483648) }`:                                           "32-bit",
		`{ Ints(v: [1, -2147483649]) }`:                                    "32-bit",
		`{ Input(v: {required: "a", optional: 2147483648}) }`:              "32-bit",
		`query ($v: Int = 2147483648) { Int(v: $v) }`:                      "32-bit",
		`{ String(v: {}) }`:                                                "can't be an object",
		`{ Enum(v: {}) }`:                                                  "can't be an object",
		`{ Custom(v: "bad") }`:                                             "A Custom is good.",
		`{ Custom(v: [1]) }`:                                               "A Custom is good.",
		`query ($v: Custom = "bad") { Custom(v: $v) }`:                     "A Custom is good.",
		`{ ...F } fragment F on Query { Custom(v: 5) }`:                    "A Custom is good.",
		`{ String(v: "a\u0000b") }`:                                        "NUL",
		`{ String(v: "a\u{0}b") }`:                                         "NUL",
		`{ ID(v: "\u{00000000}") }`:                                        "NUL",
		`{ String(v: "é🚀\ud83d") }`:                                        "surrogate",
		`{ String(v: "\ude80") }`:                                          "surrogate",
		`{ String(v: "\ud83d\ud83d") }`:                                    "surrogate",
		`{ String(v: "\ud83d\u{de80}") }`:                                  "",
		`query ($v: String = "\udBFF") { String(v: $v) }`:                  "surrogate",
		"{ String(v: \"\xff\") }":                                          "UTF-8",
		"{ Int(v: 1) } # \xc0":                                             "UTF-8",
		`query ($v: Input = {required: "a", one: {}}) { Input(v: $v) }`:    "",
		`query ($v: OneOf = {a: "x", b: 1}) { OneOf(v: $v) }`:              "",
		`query ($v: OneOf = {a: null}) { OneOf(v: $v) }`:                   "",
		`query ($a: String) { OneOf(v: {a: $a}) }`:                         "non-nullable",
		`query ($a: String) { OneOfs(v: [{b: 1}, {a: $a}]) }`:              "non-nullable",
		`query ($a: Int) { Input(v: {required: "x", one: {b: $a}}) }`:      "non-nullable",
		`query ($a: String!, $b: Int!) { OneOf(v: {a: $a, b: $b}) }`:       "",
		`query ($v: Query) { Int(v: $v) }`:                                 "",
		`query ($v: Nothing) { Int(v: $v) }`:                               "",
		`query ($v: [[[Nothing!]!]!]!) { Int(v: $v) }`:                     "",
		`query ($v: Int = "5") { Int(v: $v) }`:                             "",
		`query ($v: Int! = null) { Int(v: $v) }`:                           "",
		`query ($v: Input = {unknown: 1, required: "a"}) { Input(v: $v) }`: "",
	} {
		_, errs := ask(e, document, map[string]any{"a": "x", "b": 1})
		if len(errs) == 0 {
			t.Errorf("%s is let through", document)
			continue
		}
		var value *gqldoc.ValueError
		if isValue := errors.As(errs[0], &value); says != "" && !strings.Contains(errs[0].Message, says) ||
			len(errs[0].Path) > 0 || !isValue && says != "" && says != "non-nullable" {
			t.Errorf("%s: %+v", document, errs[0])
		}
		if strings.Contains(document, "\xff") || strings.Contains(document, "\xc0") {
			continue
		}
		if len(errs[0].Locations) == 0 {
			t.Errorf("%s: no location: %v", document, errs[0])
		}
	}
}

// TestText takes what only looks like half a surrogate pair, or like NUL.
func TestText(t *testing.T) {
	t.Parallel()
	e := values(t)
	for _, document := range []string{
		`{ String(v: "\ud83d\ude80") }`, `{ String(v: "\\ud83d") }`, `{ String(v: "\\\\ud83d \ufffd") }`, "{ String(v: \"\ufffd\") }",
		`{ String(v: """\ud83d""") }`, `{ Int(v: 1) } # \ud83d`, `{ String(v: "\u{1F680}\u{FFFD}") }`, `{ String(v: "\\u0000") }`,
		"{ a: String(v: \"🚀\ufffd\") b: String(v: \"é\\ufffd\") c: String(v: \"\\ufffd🚀\") }", `{ String(v: """\u0000""") }`, "{ a: String(v: \"🚀🚀\ufffd\") String(v: \"\\ufffd\") }",
	} {
		if _, errs := ask(e, document, nil); len(errs) > 0 {
			t.Errorf("%s: %v", document, errs)
		}
	}
}

// TestGoValues coerces values that did not come as JSON.
func TestGoValues(t *testing.T) {
	t.Parallel()
	e := values(t)
	for _, c := range []struct {
		field, typ string
		given      any
		want       any // nil: refused
	}{
		{"Int", "Int", int(5), int64(5)}, {"Int", "Int", int32(5), int64(5)}, {"Int", "Int", int64(1) << 40, nil},
		{"Float", "Float", int(5), 5.0}, {"Float", "Float", int32(5), 5.0}, {"Float", "Float", int64(5), 5.0},
		{"ID", "ID", int(5), "5"}, {"ID", "ID", int32(5), "5"}, {"ID", "ID", int64(5), "5"}, {"ID", "ID", float64(1 << 53), nil},
		{"ID", "ID", json.Number("123456789012345678"), "123456789012345678"}, {"ID", "ID", json.Number("1234567890123456789012"), nil},
		{"String", "String", []byte("x"), nil}, {"Ints", "[Int]", []int{1}, nil}, {"Input", "Input", map[string]string{"required": "a"}, nil},
		{"Int", "Int", uint8(5), nil}, {"Boolean", "Boolean", struct{}{}, nil}, {"Int", "Int", json.Number("five"), nil},
	} {
		op, errs := ask(e, "query ($v: "+c.typ+") { "+c.field+"(v: $v) }", map[string]any{"v": c.given})
		if c.want == nil {
			if len(errs) == 0 {
				t.Errorf("%s of %T: taken as %v", c.typ, c.given, op.Variables)
			}
		} else if len(errs) > 0 || !cmp.Equal(op.Variables["v"], c.want) {
			t.Errorf("%s of %T: %v, %v", c.typ, c.given, op.Variables, errs)
		}
	}
}
