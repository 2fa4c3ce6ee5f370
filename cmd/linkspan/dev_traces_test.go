package main_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestDevTraces has the console show the traces of a dev server: all that the program joins is in that of one request.
func TestDevTraces(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	d := startDev(t, data, "OTEL_TRACES_EXPORTER=console")
	created := d.query(d.token("ana@acme"), `mutation { createSharedChannel(input: {target: {handle: "initech"}, name: "traced"}) {
		invitation { id } errors { message } } }`)
	if !strings.Contains(created, `"errors":[]`) {
		t.Fatal(created)
	}
	d.end(os.Interrupt) // which sends the spans

	type span struct {
		Name                string
		SpanContext, Parent struct{ TraceID, SpanID string }
	}
	var spans []span
	for line := range strings.Lines(d.errs.String()) {
		var shown span
		if err := json.Unmarshal([]byte(line), &shown); err != nil {
			t.Fatalf("stderr has %q: %v", line, err)
		}
		spans = append(spans, shown)
	}
	var path func(span) string
	path = func(of span) string {
		for _, above := range spans {
			if above.SpanContext == of.Parent {
				return path(above) + " > " + of.Name
			}
		}
		return of.Name
	}
	paths := map[string]bool{}
	for _, each := range spans {
		paths[path(each)] = true
	}
	for _, want := range []string{
		"POST /graphql", "POST /graphql > mutation", "POST /graphql > mutation > BATCH on main",
		"POST /graphql > mutation > deliver CREATE_CHANNEL", "POST /graphql > mutation > deliver RECEIVE_INVITATION",
	} {
		if !paths[want] {
			t.Errorf("no span %q in %v", want, paths)
		}
	}
	waitForNoPostgres(t, data)
}
