package server

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"linkspan/internal/gqldoc"
)

// TestLimits answers what is over a limit, or about the schema where that is switched off, with a code and what to do.
func TestLimits(t *testing.T) {
	t.Parallel()
	handler := New(Config{
		Tokens: NewTokens(TokenConfig{Secrets: [][]byte{fuzzSecret}}, acme), Logger: slog.New(slog.DiscardHandler),
		Limits: gqldoc.Limits{Depth: 3, Aliases: 1}, NoIntrospection: true,
	}).Handler()
	for document, want := range map[string]struct{ code, says string }{
		`{ __typename a: __typename }`:                                     {"", ""},
		`{ a: __typename b: __typename }`:                                  {"LIMIT_EXCEEDED", "more than 1 are not allowed"},
		`{ viewer { user { group { id } } } }`:                             {"LIMIT_EXCEEDED", "more than 3 are not allowed"},
		`{ __schema { types { name } } }`:                                  {"GRAPHQL_VALIDATION_FAILED", "switched off"},
		`{ viewe { id } }`:                                                 {"GRAPHQL_VALIDATION_FAILED", `Cannot query field "viewe" on type "Query".`},
		`subscription { inbox(after: "x") { at } }`:                        {"BAD_USER_INPUT", "log cursor"},
		`{ group(handle: "\u0000") { id } }`:                               {"BAD_USER_INPUT", "NUL"},
		`{ viewer { sentInvitations(first: 2147483648) { totalCount } } }`: {"BAD_USER_INPUT", "32-bit"},
	} {
		body, err := json.Marshal(map[string]string{"query": document})
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", bytes.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		var read struct {
			Errors []struct {
				Message    string
				Extensions struct {
					Code      string
					Retryable *bool
				}
			}
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &read); err != nil {
			t.Fatalf("%s: %v: %s", document, err, answer.Body)
		}
		if want.code == "" {
			if len(read.Errors) > 0 {
				t.Errorf("%s: %s", document, answer.Body)
			}
			continue
		}
		if len(read.Errors) == 0 || read.Errors[0].Extensions.Code != want.code || !strings.Contains(read.Errors[0].Message, want.says) ||
			strings.Contains(read.Errors[0].Message, "mean") || read.Errors[0].Extensions.Retryable == nil {
			t.Errorf("%s: %s, want %+v", document, answer.Body, want)
		}
	}
}
