package metrics_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/errcode"

	"linkspan/internal/metrics"
)

// TestSeriesBeginWithTheProcess has each series whose labels are known at 0 before anything happens, and looks for those of
// all constants that the rooms have: where one is added, it is to be added to labels.go too.
func TestSeriesBeginWithTheProcess(t *testing.T) {
	t.Parallel()
	url := admin(t, metrics.New(discard))
	_, text := get(t, url+"/metrics")
	if want := `linkspan_errors_total{code="INTERNAL_SERVER_ERROR"} 0`; !strings.Contains(text, want+"\n") {
		t.Errorf("/metrics begins without %s", want)
	}
	got := scrape(t, url)
	closes := append(constantsOf(t, "../gqlhttp", "CloseCode"), "1005", "none", "other")
	for _, want := range []struct {
		family, label string
		values        []string
	}{
		{"linkspan_errors_total", "code", append(constantsOf(t, "../channel", "FaultCode"), errcode.ParseFailed, errcode.ValidationFailed)},
		{"linkspan_refusals_total", "code", constantsOf(t, "../channel", "UserErrorCode")},
		{"linkspan_outbox_deliveries_total", "kind", constantsOf(t, "../channel", "StepKind")},
		{"linkspan_outbox_deliveries_total", "result", []string{"early", "failed", "ok"}},
		{"linkspan_outbox_taken_total", "again", []string{"no", "yes"}},
		{"linkspan_connections_closed_total", "kind", []string{"multipart", "sse", "websocket"}},
		{"linkspan_connections_closed_total", "code", closes},
	} {
		slices.Sort(want.values)
		if values := got.labels(want.family, want.label); !slices.Equal(values, want.values) {
			t.Errorf("%s has the labels %q of %s, want %q", want.family, values, want.label, want.values)
		}
		if value := got.value(want.family); value != 0 {
			t.Errorf("%s begins with %v", want.family, value)
		}
	}
	if series, want := len(got["linkspan_outbox_deliveries_total"].GetMetric()), 3*len(constantsOf(t, "../channel", "StepKind")); series != want {
		t.Errorf("%d series of deliveries, want %d", series, want)
	}
}

// constantsOf are the values of a room's constants of a type, as its source has them.
func constantsOf(t *testing.T, room, typ string) (values []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(room, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != typ {
				return true
			}
			for _, value := range spec.Values {
				if literal, ok := value.(*ast.BasicLit); ok {
					values = append(values, strings.Trim(literal.Value, `"`))
				}
			}
			return true
		})
	}
	if len(values) < 5 {
		t.Fatalf("%s has the constants %q of %s: not all were found", room, values, typ)
	}
	return values
}
