package server

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"linkspan/internal/channel"
	"linkspan/internal/gqlhttp"
)

// sentWithHash is an operation whose valid document came with its hash.
func sentWithHash(document string) *graphql.OperationContext {
	return &graphql.OperationContext{RawQuery: document, Extensions: map[string]any{gqlhttp.DocumentIDExtension: hashOf(document)}}
}

// TestRememberedDocuments remembers what signed-in clients send with its hash, within bounds; nobody else fills the cache,
// and what is listed needs no place in it.
func TestRememberedDocuments(t *testing.T) {
	t.Parallel()
	const listed, other = `{ __typename }`, `{ viewer { id } }`
	ana := channel.WithViewer(t.Context(), &channel.Viewer{})
	p := newPersisted(Operations{ByHash: map[string]string{hashOf(listed): listed}})
	if err := p.MutateOperationContext(t.Context(), sentWithHash(other)); err != nil || p.remembered.Len() != 0 {
		t.Errorf("nobody fills the cache: %v, %d", err, p.remembered.Len())
	}
	if err := p.MutateOperationContext(ana, sentWithHash(listed)); err != nil || p.remembered.Len() != 0 {
		t.Errorf("what is listed fills the cache: %v, %d", err, p.remembered.Len())
	}
	if err := p.MutateOperationContext(ana, sentWithHash(other)); err != nil || p.remembered.Len() != 1 {
		t.Errorf("what ana sends is not remembered: %v, %d", err, p.remembered.Len())
	}
	if got, fault := p.find(hashOf(listed)); got != listed || fault != nil {
		t.Errorf("what is listed is not found: %v", fault)
	}
	for i := range 1000 {
		_ = p.MutateOperationContext(ana, sentWithHash(fmt.Sprintf("{ a%d: __typename }", i)))
	}
	if got := p.remembered.Len(); got != 1000 {
		t.Errorf("%d are remembered", got)
	}
	if _, fault := p.find(hashOf(other)); fault == nil || fault.Code != channel.PersistedQueryNotFound {
		t.Errorf("what was used longest ago is still known: %v", fault)
	}
}

// TestAnonymousDocumentsAreNotRemembered sends a document with its hash as nobody, and then the hash alone.
func TestAnonymousDocumentsAreNotRemembered(t *testing.T) {
	t.Parallel()
	logger, _ := logged()
	handler := New(Config{Tokens: NewTokens(TokenConfig{Secrets: [][]byte{[]byte(newSecret)}}, acme), Logger: logger}).Handler()
	const document = `{ __typename }`
	ask := func(token, body string) string {
		v := visit{method: http.MethodPost, target: "/graphql", body: body, header: http.Header{"Authorization": {token}}}
		return v.of(handler).Body.String()
	}
	both := fmt.Sprintf(`{"query":%q,"documentId":%q}`, document, hashOf(document))
	alone := fmt.Sprintf(`{"documentId":%q}`, hashOf(document))
	const data = `{"data":{"__typename":"Query"}}`
	for _, c := range []struct {
		token, body string
		found       bool
	}{{"", both, true}, {"", alone, false}, {"Bearer " + hs256(t, newSecret, nil), both, true}, {"", alone, true}} {
		if got := ask(c.token, c.body); (got == data) != c.found {
			t.Errorf("%q: %s", c.body, got)
		}
	}
}
