package migrations_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What the program sends is held to the same portable SQL as the migrations.
func TestStatementsOfTheProgram(t *testing.T) {
	t.Parallel()
	statement := regexp.MustCompile(`\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b`)
	for _, room := range []string{"../internal/store", "../shardrouter"} {
		paths, err := filepath.Glob(filepath.Join(room, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		statements := 0
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				literal, ok := n.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					return true
				}
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				if statement.MatchString(text) {
					statements++
				}
				if found := forbidden.FindAllString(text, -1); found != nil && strings.Contains(text, "linkspan_") {
					t.Errorf("%s: %q is not portable: %s", path, found, text)
				}
				return true
			})
		}
		if statements < 5 {
			t.Errorf("%s: found %d statements; this test looks in the wrong place", room, statements)
		}
	}
}
