package server_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"linkspan/internal/ids"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server/servertest"
)

func TestMain(m *testing.M) { os.Exit(localpgtest.Main(m)) }

var update = flag.Bool("update", false, "write what the server answers into testdata/flow")

// TestFlow plays testdata/flow, file by file in the order of their numbers: each .graphql is one request, and the .json of
// the same name its answer. The first lines of a request say, as comments,
//
//	# as: ana@acme              who sends it; "ben@acme member", "operator", or nothing for nobody
//	# variables: {"id": "<chn 1>"}
//	# frames: 2                 for a subscription: how many events to wait for
//
// In answers an id is <chn 1>, the first channel that the flow met, a time <time 1>, a page's cursor <page 1>, and a
// cursor of a log <inbox of <grp 1> at 3> or <log of <chn 1> for <grp 1> at 3>. In variables these stand for the real ones,
// and <start> is the cursor before the first event of the sender's inbox. Every step that a mutation leaves behind has taken
// effect before the next file.
func TestFlow(t *testing.T) {
	files, err := filepath.Glob("testdata/flow/*.graphql")
	if err != nil || len(files) < 30 {
		t.Fatalf("testdata/flow has %d files: %v", len(files), err)
	}
	fragments, err := os.ReadFile("testdata/fragments.graphql")
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(files, func(a, b string) int { return stepNumber(t, a) - stepNumber(t, b) })
	shapes(t, servertest.Options{}, func(t *testing.T, s *place) {
		d, as, n := open(t, s), s.as, &normal{names: map[string]string{}, values: map[string]string{}, count: map[string]int{}}
		write := *update && len(s.Config.Shards) == 3
		for _, file := range files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".graphql"), func(t *testing.T) {
				step := readStep(t, file, string(fragments))
				answer := n.text(t, step.play(t, s, as(step.as), n))
				d.settle()
				golden := strings.TrimSuffix(file, ".graphql") + ".json"
				if *update {
					if write {
						if err := os.WriteFile(golden, answer, 0o644); err != nil {
							t.Fatal(err)
						}
					}
					return // the next run compares
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(answer, want) {
					t.Errorf("got\n%s\nwant\n%s", answer, want)
				}
			})
		}
	})
}

// stepNumber is the number that a file's name begins with.
func stepNumber(t *testing.T, file string) int {
	t.Helper()
	digits, _, _ := strings.Cut(filepath.Base(file), "-")
	number, err := strconv.Atoi(digits)
	if err != nil {
		t.Fatalf("%s has no number", file)
	}
	return number
}

// step is one request of the flow.
type step struct {
	as, document, variables string
	frames                  int
}

var (
	comment  = regexp.MustCompile(`(?m)^# (as|variables|frames): *(.*)$`)
	fragment = regexp.MustCompile(`(?ms)^fragment (\w+) .*?^}`)
)

// readStep reads a request and adds those of the fragments that it spreads.
func readStep(t *testing.T, file, fragments string) step {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := step{document: string(text)}
	for _, found := range comment.FindAllStringSubmatch(s.document, -1) {
		switch found[1] {
		case "as":
			s.as = found[2]
		case "variables":
			s.variables = found[2]
		case "frames":
			if s.frames, err = strconv.Atoi(found[2]); err != nil {
				t.Fatal(err)
			}
		}
	}
	for added := true; added; {
		added = false
		for _, found := range fragment.FindAllStringSubmatch(fragments, -1) {
			if strings.Contains(s.document, "..."+found[1]) && !strings.Contains(s.document, found[0]) {
				s.document, added = s.document+"\n"+found[0], true
			}
		}
	}
	return s
}

// play sends the request and returns its answer, or the list of a subscription's.
func (p step) play(t *testing.T, s *place, token string, n *normal) any {
	t.Helper()
	var variables object
	if p.variables != "" {
		text := n.real(t, p.variables)
		if strings.Contains(text, "<start>") {
			text = strings.ReplaceAll(text, "<start>", start(t, s, token))
		}
		if err := json.Unmarshal([]byte(text), &variables); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	var answers []any
	add := func(body string) {
		t.Helper()
		var answer any
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		answers = append(answers, answer)
	}
	if p.frames == 0 {
		add(s.For(t).Post(token, p.document, variables).Body)
		return answers[0]
	}
	k := dial(t, s, bearing{payload: token})
	id := k.subscribe(p.document, variables)
	for range p.frames {
		answer, done := k.answer(id)
		if done {
			t.Fatalf("completed after %d frames", len(answers))
		}
		add(answer.Body)
	}
	return answers
}

// start returns the cursor before the first event of the inbox of a token's group.
func start(t *testing.T, s *place, token string) string {
	t.Helper()
	data := s.For(t).Must(token, `{ viewer { inboxCursor } }`, nil)
	cursor, err := ids.ParseLogCursor(servertest.Get[string](t, data, "viewer", "inboxCursor"))
	if err != nil {
		t.Fatal(err)
	}
	cursor.Position = 0
	return cursor.String()
}

// normal gives names to what differs from run to run, in the order in which it comes.
type normal struct {
	names, values map[string]string // by value, by name
	count         map[string]int
}

func (n *normal) name(kind, value string) string {
	name, ok := n.names[value]
	if !ok {
		n.count[kind]++
		name = fmt.Sprintf("<%s %d>", kind, n.count[kind])
		n.names[value], n.values[name] = name, value
	}
	return name
}

var placeholder = regexp.MustCompile(`<(?:[a-z]+ \d+|(?:inbox of|log of <chn \d+> for) <grp \d+> at \d+)>`)

// real puts the real values into a text with names.
func (n *normal) real(t *testing.T, text string) string {
	t.Helper()
	return placeholder.ReplaceAllStringFunc(text, func(name string) string {
		value, ok := n.values[name]
		if !ok {
			t.Fatalf("the flow has not met %s yet", name)
		}
		return value
	})
}

// text writes an answer with names, indented.
func (n *normal) text(t *testing.T, answer any) []byte {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(n.value("", answer)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// value replaces a value, which is that of a field, and what is in it.
func (n *normal) value(field string, value any) any {
	switch value := value.(type) {
	case object:
		// In a fixed order, so that names are given in one.
		fields := make([]string, 0, len(value))
		for field := range value {
			fields = append(fields, field)
		}
		slices.Sort(fields)
		named := object{}
		for _, field := range fields {
			named[field] = n.value(field, value[field])
		}
		return named
	case []any:
		named := make([]any, len(value))
		for i := range value {
			named[i] = n.value(field, value[i])
		}
		return named
	case string:
		return n.string(field, value)
	case float64:
		if field == "slot" {
			return "<slot>"
		}
	}
	return value
}

func (n *normal) string(field, value string) string {
	if field == "requestId" || field == "cluster" {
		return "<" + field + ">"
	}
	if id, err := ids.Parse(value); err == nil {
		return n.name(string(id.Kind), value)
	}
	if cursor, err := ids.ParseLogCursor(value); err == nil {
		name := fmt.Sprintf("<inbox of %s at %d>", n.name(string(ids.KindGroup), cursor.Reader.String()), cursor.Position)
		if cursor.Kind == ids.LogChannel {
			of := n.name(string(ids.KindChannel), cursor.Log.Channel().String())
			name = fmt.Sprintf("<log of %s for %s at %d>", of, n.name(string(ids.KindGroup), cursor.Reader.String()), cursor.Position)
		}
		n.values[name] = value
		return name
	}
	if strings.HasSuffix(strings.ToLower(field), "cursor") {
		return n.name("page", value)
	}
	if at, err := time.Parse(time.RFC3339Nano, value); err == nil && strings.HasSuffix(value, "Z") {
		return n.name("time", at.String())
	}
	return value
}
