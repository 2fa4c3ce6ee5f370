package gqlclient_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"linkspan/internal/gqlclient"
	"linkspan/internal/gqlclient/gqlclienttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secret is a token that no error may show.
const secret = "s3cr3t-t0ken"

// clientOf returns a client of a fake server.
func clientOf(t *testing.T, script gqlclienttest.Script) *gqlclient.Client {
	t.Helper()
	s := gqlclienttest.New(t, script)
	return &gqlclient.Client{URL: s.URL, Token: secret, HTTP: s.HTTP}
}

func answering(t *testing.T, answer any) *gqlclient.Client {
	t.Helper()
	return clientOf(t, gqlclienttest.Script{Answer: func(gqlclienttest.Operation) any { return answer }})
}

func TestDoSendsTheOperationAndDecodesItsData(t *testing.T) {
	t.Parallel()
	var got gqlclienttest.Operation
	client := clientOf(t, gqlclienttest.Script{Answer: func(op gqlclienttest.Operation) any {
		got = op
		return map[string]any{"data": map[string]any{"group": map[string]any{"name": "Acme"}}}
	}})
	var out struct{ Group struct{ Name string } }
	err := client.Do(t.Context(), "query G($h: String!) { group(handle: $h) { name } }", "G", map[string]any{"h": "acme"}, &out)
	if err != nil || out.Group.Name != "Acme" {
		t.Fatalf("got %+v, %v", out, err)
	}
	if token := got.Header.Get("Authorization"); token != "Bearer "+secret {
		t.Errorf("Authorization: %q", token)
	}
	got.Header = nil
	want := gqlclienttest.Operation{
		Query: "query G($h: String!) { group(handle: $h) { name } }", OperationName: "G", Variables: map[string]any{"h": "acme"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDoWithoutATokenSendsNone(t *testing.T) {
	t.Parallel()
	client := clientOf(t, gqlclienttest.Script{Answer: func(op gqlclienttest.Operation) any {
		return map[string]any{"data": map[string]any{"sent": op.Header.Values("Authorization")}}
	}})
	client.Token = ""
	var out struct{ Sent []string }
	if err := client.Do(t.Context(), "{ __typename }", "", nil, &out); err != nil || len(out.Sent) > 0 {
		t.Errorf("sent %q, %v", out.Sent, err)
	}
}

func TestDoReturnsFaultsByType(t *testing.T) {
	t.Parallel()
	client := answering(t, map[string]any{
		"data": map[string]any{"a": "kept", "b": nil},
		"errors": []any{
			map[string]any{
				"message": "out of reach", "path": []any{"b", 0},
				"extensions": map[string]any{"code": "SHARD_UNAVAILABLE", "retryable": true, "requestId": "r-1"},
			},
			map[string]any{"message": "and another"},
		},
	})
	var out struct{ A, B string }
	err := client.Do(t.Context(), "{ a b }", "", nil, &out)
	var fault *gqlclient.Error
	if !errors.As(err, &fault) {
		t.Fatalf("no *Error in %v", err)
	}
	want := &gqlclient.Error{Message: "out of reach", Path: []any{"b", float64(0)}, Code: "SHARD_UNAVAILABLE", Retryable: true, RequestID: "r-1"}
	if diff := cmp.Diff(want, fault); diff != "" {
		t.Error(diff)
	}
	var all gqlclient.Errors
	if !errors.As(err, &all) || len(all) != 2 {
		t.Errorf("not all errors: %v", err)
	}
	if text := err.Error(); text != "SHARD_UNAVAILABLE: out of reach (at b.0) [request r-1]; and another" {
		t.Errorf("text: %s", text)
	}
	if out.A != "kept" {
		t.Errorf("partial data was not decoded: %+v", out)
	}
}

func TestDoTellsAnswersThatAreNotGraphQL(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"text": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "the body is larger", http.StatusRequestEntityTooLarge)
		},
		"other JSON": func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusBadGateway, `{"reason":"the body is larger"}`)
		},
		"broken JSON": func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusOK, `{"data":{"the body is larger`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := answering(t, http.Handler(answer)).Do(t.Context(), "{ a }", "", nil, nil)
			var status *gqlclient.StatusError
			if !errors.As(err, &status) || status.Status < 200 || !strings.Contains(err.Error(), "the body is larger") {
				t.Errorf("got %T %v", err, err)
			}
		})
	}
}

func writeJSON(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

func TestDoReadsFaultsWhateverTheStatus(t *testing.T) {
	t.Parallel()
	client := answering(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/graphql-response+json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"errors":[{"message":"no","extensions":{"code":"GRAPHQL_PARSE_FAILED"}}]}`))
	}))
	var fault *gqlclient.Error
	if err := client.Do(t.Context(), "{", "", nil, nil); !errors.As(err, &fault) || fault.Code != "GRAPHQL_PARSE_FAILED" {
		t.Errorf("got %v", err)
	}
}

func TestDoEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	client := answering(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	if err := client.Do(ctx, "{ a }", "", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNoErrorShowsTheToken(t *testing.T) {
	t.Parallel()
	refused := &gqlclient.Client{URL: "http://127.0.0.1:1/graphql", Token: secret}
	errs := []error{
		refused.Do(t.Context(), "{ a }", "", nil, nil),
		answering(t, http.NotFoundHandler()).Do(t.Context(), "{ a }", "", nil, nil),
	}
	_, err := refused.Dial(t.Context())
	for _, err := range append(errs, err) {
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("got %v", err)
		}
	}
}
