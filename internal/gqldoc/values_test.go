package gqldoc_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkspan/internal/gqldoc"
)

// TestValuesAsGraphQLJS gives values of each type, as variables and as literals, and compares with what graphql-js says
// of them and makes of them; testdata/values.mjs has written it down.
func TestValuesAsGraphQLJS(t *testing.T) {
	t.Parallel()
	e := gqldoc.New(parsed(t, read(t, "testdata/values.graphqls")), gqldoc.Config{})
	var table struct {
		Cases []struct {
			Field, Type, JSON string
			Variable          bool
			Value             any
			Literals          map[string]bool
		}
	}
	if err := json.Unmarshal([]byte(read(t, "testdata/values.json")), &table); err != nil {
		t.Fatal(err)
	}
	if len(table.Cases) < 1000 {
		t.Fatalf("%d cases", len(table.Cases))
	}
	for _, c := range table.Cases {
		document := "query ($v: " + c.Type + ") { " + c.Field + "(v: $v) }"
		for _, numbers := range []bool{true, false} { // as json.Number, and as float64
			var value any
			decoder := json.NewDecoder(strings.NewReader(c.JSON))
			if numbers {
				decoder.UseNumber()
			}
			if err := decoder.Decode(&value); err != nil {
				if numbers {
					t.Fatal(err)
				}
				continue // 1e400 has no float64
			}
			given := map[string]any{"v": value}
			op, errs := ask(e, document, given)
			if (len(errs) == 0) != c.Variable {
				t.Errorf("%s: variable %s: %v; graphql-js takes it: %v", c.Type, c.JSON, errs, c.Variable)
			}
			if len(errs) > 0 {
				checkValueError(t, c.Type+" "+c.JSON, errs[0])
				continue
			}
			if c.JSON == "1e400" {
				continue // for a scalar of the schema's own: infinite in JavaScript, as it was written here
			}
			if diff := cmp.Diff(c.Value, plain(t, op.Variables["v"])); diff != "" {
				t.Errorf("%s: variable %s becomes another value than in graphql-js (-js +ours):\n%s", c.Type, c.JSON, diff)
			}
			if again, _ := json.Marshal(given["v"]); string(again) != string(must(json.Marshal(value))) {
				t.Errorf("%s: variable %s was changed to %s", c.Type, c.JSON, again)
			}
		}
		for literal, want := range c.Literals {
			_, errs := ask(e, "{ "+c.Field+"(v: "+literal+") }", nil)
			if reason := literalsThatDiffer[c.Type+" "+literal]; reason != "" {
				want = !want
			}
			if (len(errs) == 0) != want {
				t.Errorf("%s: literal %s: %v, want %v", c.Type, literal, errs, want)
			}
		}
	}
}

// literalsThatDiffer are literals that graphql-js takes and we refuse, or the other way round, and why.
var literalsThatDiffer = map[string]string{
	"Float 1e400": "graphql-js makes it infinite, which as a variable it refuses",
}

func must(text []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return text
}

// plain is a value as JSON has it.
func plain(t *testing.T, value any) (made any) {
	t.Helper()
	if err := json.Unmarshal(must(json.Marshal(value)), &made); err != nil {
		t.Fatal(err)
	}
	return made
}

// checkValueError checks the form of the error of a variable.
func checkValueError(t *testing.T, name string, err error) {
	t.Helper()
	var value *gqldoc.ValueError
	if !errors.As(err, &value) || value.Message == "" {
		t.Errorf("%s: %v is no ValueError", name, err)
	}
}
