package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"linkspan/internal/server/servertest"
)

// codes returns the catalogue's codes, sorted.
func codes() (faults, refusals []string) {
	for code := range catalogue.faults {
		faults = append(faults, string(code))
	}
	for code := range catalogue.refusals {
		refusals = append(refusals, string(code))
	}
	slices.Sort(faults)
	slices.Sort(refusals)
	return faults, refusals
}

// TestCatalogueIsWhole looks in the source for codes that the catalogue lacks, and that no code is a fault's and a
// refusal's.
func TestCatalogueIsWhole(t *testing.T) {
	t.Parallel()
	faults, refusals := codes()
	for _, code := range faults {
		if slices.Contains(refusals, code) {
			t.Errorf("%s is a fault and a refusal", code)
		}
	}
	written := map[string][]string{}
	for _, room := range []string{"../../internal", "../../resolvers", "../../cmd"} {
		err := filepath.WalkDir(room, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			return codesIn(path, written)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for typ, known := range map[string][]string{"FaultCode": faults, "UserErrorCode": refusals} {
		if len(written[typ]) < 6 {
			t.Errorf("the source has the constants %v of %s: not all were found", written[typ], typ)
		}
		for _, code := range written[typ] {
			if !slices.Contains(known, code) {
				t.Errorf("the catalogue lacks the %s %s: say in it how to get that, and in docs/errors.md what it means", typ, code)
			}
		}
	}
}

// codesIn adds the codes that a file of Go writes as constants of their types, or converts to them. One that is written as
// text in a fault or a refusal itself is an error.
func codesIn(path string, found map[string][]string) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	add := func(typ ast.Expr, values []ast.Expr) {
		if selector, ok := typ.(*ast.SelectorExpr); ok {
			typ = selector.Sel
		}
		name, ok := typ.(*ast.Ident)
		if !ok || name.Name != "FaultCode" && name.Name != "UserErrorCode" {
			return
		}
		for _, value := range values {
			if literal, ok := value.(*ast.BasicLit); ok {
				if code, err := strconv.Unquote(literal.Value); err == nil {
					found[name.Name] = append(found[name.Name], code)
				}
			}
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.KeyValueExpr:
			field, _ := node.Key.(*ast.Ident)
			if code, ok := node.Value.(*ast.BasicLit); ok && code.Kind == token.STRING && field != nil && field.Name == "Code" {
				err = errors.Join(err, fmt.Errorf("%s: the code %s is written where it is used: make it a constant of its type", path, code.Value))
			}
		case *ast.ValueSpec:
			add(node.Type, node.Values)
		case *ast.CallExpr:
			add(node.Fun, node.Args)
		}
		return true
	})
	return err
}

// TestCodesAreSeen has the search find codes in each way that they can be written.
func TestCodesAreSeen(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		found map[string][]string
		fails bool
	}{
		`const A FaultCode = "A"`: {map[string][]string{"FaultCode": {"A"}}, false},
		`var a = &Fault{Code: channel.FaultCode("A")}; const B, C channel.UserErrorCode = "B", "C"`: {map[string][]string{"FaultCode": {"A"}, "UserErrorCode": {"B", "C"}}, false},
		`var a = &channel.Fault{Code: "BRAND_NEW", Retryable: true}`:                                {map[string][]string{}, true},
		`func f() error { return channel.Refusal{Refused: Refused{Code: "BRAND_NEW"}} }`:            {map[string][]string{}, true},
		`var a, b = Fault{Code: Internal}, Close{Code: 4400, Reason: "Code"}`:                       {map[string][]string{}, false},
	} {
		path := filepath.Join(t.TempDir(), "a.go")
		if err := os.WriteFile(path, []byte("package a; "+text), 0o600); err != nil {
			t.Fatal(err)
		}
		found := map[string][]string{}
		if err := codesIn(path, found); (err != nil) != want.fails || !maps.EqualFunc(found, want.found, slices.Equal) {
			t.Errorf("%s: %v %v", text, found, err)
		}
	}
}

// TestRefusalsAreInTheSchema compares the catalogue with the schema: a value of UserErrorCode and a type for each code.
func TestRefusalsAreInTheSchema(t *testing.T) {
	t.Parallel()
	_, refusals := codes()
	values, types := enumValues("UserErrorCode"), possibleTypes("UserError")
	slices.Sort(values)
	if !slices.Equal(values, refusals) {
		t.Errorf("UserErrorCode has %v, the catalogue %v", values, refusals)
	}
	for _, code := range refusals {
		if !slices.Contains(types, errorType(code)) {
			t.Errorf("%s has no type %s", code, errorType(code))
		}
	}
	if len(types) != len(refusals) {
		t.Errorf("%d codes have the %d types %v", len(refusals), len(types), types)
	}
}

// errorType is the name of a refusal's type.
func errorType(code string) string {
	var name strings.Builder
	for word := range strings.SplitSeq(code, "_") {
		name.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	return name.String() + "Error"
}

// TestCodesAreTold gets each code from a server and compares the answer with what docs/errors.md tells: its example, and
// whether a retry helps. With -update the examples are written anew.
func TestCodesAreTold(t *testing.T) {
	t.Parallel()
	told := readErrorsDocument(t)
	faults, refusals := codes()
	if all := append(slices.Clone(faults), refusals...); told.compare(t, all) {
		return
	}
	r := newRefuser(t)
	for code, get := range catalogue.faults {
		body := get(r).Body
		if extensions := faultIn(t, decode(t, body)); extensions["code"] == string(code) && len(extensions) == 3 && extensions["requestId"] != "" {
			told.check(t, string(code), extensions["retryable"].(bool), body)
		} else {
			t.Errorf("%s: the fault has the extensions %v", code, extensions)
		}
	}
	for code, get := range catalogue.refusals {
		body := get(r).Body
		refused := refusalIn(t, decode(t, body))
		if refused["code"] != string(code) || refused["__typename"] != errorType(string(code)) {
			t.Errorf("%s: the refusal is %v", code, refused)
			continue
		}
		told.check(t, string(code), false, body)
	}
	if *update {
		told.write(t)
	}
}

// faultIn returns the extensions of an answer's one error.
func faultIn(t *testing.T, answer object) object {
	t.Helper()
	if list := servertest.Get[[]any](t, answer, "errors"); len(list) != 1 {
		t.Fatalf("%d faults: %v", len(list), answer)
	}
	return servertest.Get[object](t, answer, "errors", 0, "extensions")
}

// refusalIn returns the one refusal of an answer's one mutation.
func refusalIn(t *testing.T, answer object) object {
	t.Helper()
	for _, payload := range servertest.Get[object](t, answer, "data") {
		if list := servertest.Get[[]any](t, payload, "errors"); len(list) == 1 && payload.(object)["sharedChannel"] == nil {
			return list[0].(object)
		}
	}
	t.Fatalf("no refusal: %v", answer)
	return nil
}

// decode reads an answer as JSON.
func decode(t *testing.T, body string) (answer object) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return answer
}
