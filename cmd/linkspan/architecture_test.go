package main_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	documentedRooms = regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|[^|\\n]*\\| ([^|\\n]*) \\|$")
	quoted          = regexp.MustCompile("`([^`]+)`")
)

// TestDocumentedRooms holds the table of rooms in docs/architecture.md to the packages that there are, and to what each
// imports.
func TestDocumentedRooms(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## The rooms\n")
	table, _, _ = strings.Cut(table, "\n## ")
	rooms := importsOfRooms(t, "../..")
	documented := map[string]bool{}
	for _, row := range documentedRooms.FindAllStringSubmatch(table, -1) {
		for _, room := range quoted.FindAllStringSubmatch(row[1], -1) {
			documented[room[1]] = true
			imports, isGo := rooms[room[1]]
			told := strings.Join(imports, ", ")
			switch {
			case row[2] == "all":
				told = "all"
			case !isGo:
				told = "no Go"
				if info, err := os.Stat(filepath.Join("../..", room[1])); err != nil || !info.IsDir() {
					t.Errorf("docs/architecture.md has the room %s, which is not there: %v", room[1], err)
				}
			case told == "":
				told = "nothing of ours"
			}
			if named := strings.Split(row[2], ", "); !slices.Equal(slices.Sorted(slices.Values(named)), slices.Sorted(slices.Values(strings.Split(told, ", ")))) {
				t.Errorf("docs/architecture.md: %s imports %s, not %s", room[1], told, row[2])
			}
		}
	}
	if len(documented) < 20 {
		t.Errorf("the table has the rooms %v: not all were found", documented)
	}
	for room := range rooms {
		if !documented[room] && !strings.HasSuffix(room, "test") {
			t.Errorf("docs/architecture.md lacks the room %s", room)
		}
	}
}

// importsOfRooms are the packages below a directory, by their path in it, with the last words of those of ours that each
// imports, tests apart.
func importsOfRooms(t *testing.T, root string) map[string][]string {
	t.Helper()
	found := map[string]map[string]bool{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); name == "node_modules" || name == "testdata" || strings.HasPrefix(name, ".") && name != ".." {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(file) != ".go" {
			return nil
		}
		room, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		room = filepath.ToSlash(room)
		if found[room] == nil {
			found[room] = map[string]bool{}
		}
		if strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imported := range parsed.Imports {
			if ours, ok := strings.CutPrefix(strings.Trim(imported.Path.Value, `"`), "linkspan/"); ok {
				found[room][path.Base(ours)] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rooms := map[string][]string{}
	for room, imports := range found {
		rooms[room] = slices.Sorted(maps.Keys(imports))
	}
	return rooms
}
