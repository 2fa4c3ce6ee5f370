package server_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"linkspan/graph"
)

const errorsDocument = "../../docs/errors.md"

// errorsText is docs/errors.md: a heading of the third level for each code, whose section says in a line whether a retry
// helps, and shows an answer.
type errorsText struct {
	text     string
	sections map[string]string // by code
}

var (
	codeHeadings = regexp.MustCompile(`(?m)^### ([A-Z_]+)$`)
	retryLines   = regexp.MustCompile(`(?m)^\*\*Retry:\*\* (yes|no)\b`)
	examples     = regexp.MustCompile("(?s)```json\n(.*?)\n```")
	codeWords    = regexp.MustCompile(`\b[A-Z]+(?:_[A-Z]+)+\b`)
)

// exampleID is the request id of every example.
const exampleID = `"requestId":"01a214ff-35fb-7c91-bd63-f514114a7d21"`

func readErrorsDocument(t *testing.T) errorsText {
	t.Helper()
	text, err := os.ReadFile(errorsDocument)
	if err != nil {
		t.Fatal(err)
	}
	told := errorsText{string(text), map[string]string{}}
	found := codeHeadings.FindAllStringSubmatchIndex(told.text, -1)
	for i, at := range found {
		end := len(told.text)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		code := told.text[at[2]:at[3]]
		if told.sections[code] != "" {
			t.Errorf("%s tells of %s twice", errorsDocument, code)
		}
		told.sections[code] = told.text[at[0]:end]
	}
	return told
}

// compare fails the test for codes that the document does not tell of, and for those that it names and nobody has. It
// reports whether it did.
func (e errorsText) compare(t *testing.T, all []string) bool {
	t.Helper()
	for _, code := range all {
		section, ok := e.sections[code]
		if row := "| [" + code + "](#" + strings.ToLower(code) + ") |"; !strings.Contains(e.text, row) {
			t.Errorf("%s: the table of all codes lacks %s", errorsDocument, row)
		}
		switch {
		case !ok:
			t.Errorf("%s does not tell of %s: write a section with that heading", errorsDocument, code)
		case len(retryLines.FindAllString(section, -1)) != 1 || len(examples.FindAllString(section, -1)) != 1:
			t.Errorf("%s: the section of %s has not one line **Retry:** yes or no and one example in JSON", errorsDocument, code)
		}
	}
	known := slices.Concat(all, enumValues("InvitationState"), enumValues("SharedChannelState"))
	for code := range e.sections {
		if !slices.Contains(all, code) {
			t.Errorf("%s tells of %s, which nobody gets", errorsDocument, code)
		}
	}
	for _, word := range codeWords.FindAllString(e.text, -1) {
		if !slices.Contains(known, word) {
			t.Errorf("%s names %s, which there is not", errorsDocument, word)
		}
	}
	return t.Failed()
}

// check compares what is told of a code with what a server answered. With -update the example becomes the answer.
func (e *errorsText) check(t *testing.T, code string, retryable bool, body string) {
	t.Helper()
	section := e.sections[code]
	if yes := retryLines.FindStringSubmatch(section)[1] == "yes"; yes != retryable {
		t.Errorf("%s: %s says of a retry %v, the server %v", errorsDocument, code, yes, retryable)
	}
	example := examples.FindStringSubmatch(section)[1]
	body = requestIDs.ReplaceAllString(body, exampleID)
	if *update {
		e.text = strings.Replace(e.text, section, strings.Replace(section, example, indent(t, body), 1), 1)
		return
	}
	if !reflect.DeepEqual(decode(t, example), decode(t, body)) {
		t.Errorf("%s: the example of %s is not what the server answers (-update writes it anew): %s", errorsDocument, code, body)
	}
}

var (
	shortLists   = regexp.MustCompile(`\[\s+("[^]]*?")\s+\]`)
	shortObjects = regexp.MustCompile(`\[\s+\{\s+("line": \d+),\s+("column": \d+)\s+\}\s+\]`)
	betweenItems = regexp.MustCompile(`,\s+`)
)

// indent writes JSON for people: a path and a location are a line each.
func indent(t *testing.T, body string) string {
	t.Helper()
	var written bytes.Buffer
	if err := json.Indent(&written, []byte(body), "", "  "); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(written.String())
	text = shortObjects.ReplaceAllString(text, `[{ $1, $2 }]`)
	return shortLists.ReplaceAllStringFunc(text, func(list string) string {
		items := shortLists.FindStringSubmatch(list)[1]
		return "[" + betweenItems.ReplaceAllString(items, ", ") + "]"
	})
}

func (e errorsText) write(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(errorsDocument, []byte(e.text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// enumValues are the values of an enum of the schema.
func enumValues(name string) (values []string) {
	for _, value := range graph.NewExecutableSchema(graph.Config{}).Schema().Types[name].EnumValues {
		values = append(values, value.Name)
	}
	return values
}

// possibleTypes are the types that implement an interface of the schema.
func possibleTypes(name string) (types []string) {
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	for _, typ := range schema.GetPossibleTypes(schema.Types[name]) {
		if typ.Kind == ast.Object {
			types = append(types, typ.Name)
		}
	}
	return types
}
