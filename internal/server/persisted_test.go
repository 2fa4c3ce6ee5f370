package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
)

func sha(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

// TestAutomaticPersistedQueries is Apollo's protocol: a hash, not found, the document with its hash, and then the hash alone.
func TestAutomaticPersistedQueries(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{})
	ana := servertest.Admin(t, "ana@acme")
	const document = `query Handle { viewer { group { handle } } }`
	named := func(hash string) string {
		return `"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + hash + `"}}`
	}
	expect := func(what, body, want string) {
		t.Helper()
		if answer := s.PostBody(ana, []byte(body)); !strings.Contains(answer.Body, want) {
			t.Errorf("%s: %s, want %s", what, answer.Body, want)
		}
	}
	const notFound = `"message":"PersistedQueryNotFound","extensions":{"code":"PERSISTED_QUERY_NOT_FOUND"`
	expect("the hash of an unknown document", `{`+named(sha(document))+`}`, notFound)
	expect("another document's hash", `{"query":"{ __typename }",`+named(sha(document))+`}`, "BAD_USER_INPUT")
	expect("still unknown", `{`+named(sha(document))+`}`, notFound)
	expect("an invalid document", `{"query":"{ none }",`+named(sha("{ none }"))+`}`, "GRAPHQL_VALIDATION_FAILED")
	expect("which is not remembered", `{`+named(sha("{ none }"))+`}`, notFound)
	large := "{ __typename }" + strings.Repeat("#", 16<<10)
	expect("a large document", `{"query":"`+large+`",`+named(sha(large))+`}`, `"data"`)
	expect("which is not remembered either", `{`+named(sha(large))+`}`, notFound)
	expect("the document and its hash", `{"query":"`+document+`",`+named(sha(document))+`}`, `"acme"`)
	expect("the hash alone", `{`+named(sha(document))+`}`, `"acme"`)
	expect("the hash with its name, as codegen has it", `{`+named("sha256:"+sha(document))+`}`, `"acme"`)
	expect("as a documentId", `{"documentId":"sha256:`+sha(document)+`"}`, `"acme"`)
	expect("an operation's name", `{"operationName":"Other",`+named(sha(document))+`}`, "no operation named")
	for _, extension := range []string{`1`, `{}`, `{"version":2,"sha256Hash":"` + sha(document) + `"}`, `{"version":"1","sha256Hash":"` + sha(document) + `"}`, `{"version":1,"sha256Hash":"x"}`, `{"version":1}`} {
		expect("malformed: "+extension, `{"extensions":{"persistedQuery":`+extension+`}}`, "BAD_USER_INPUT")
	}
	expect("null", `{"query":"{ __typename }","extensions":{"persistedQuery":null}}`, `"data"`)

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/graphql?"+url.Values{"extensions": {`{` + strings.TrimPrefix(named(sha(document)), `"extensions":{`)}}.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+ana)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("by GET: %d", response.StatusCode)
	}
	k := dial(t, newPlace(s, ""), bearing{payload: ana})
	k.write(frame{ID: "1", Type: "subscribe", Payload: []byte(`{` + named(sha(document)) + `}`)})
	if answer, _ := k.answer("1"); !strings.Contains(answer.Body, `"acme"`) {
		t.Errorf("on a socket: %s", answer.Body)
	}
}

// TestListedOperations takes only what the server was given a list of.
func TestListedOperations(t *testing.T) {
	t.Parallel()
	const listed, other = `query Handle { viewer { group { handle } } }`, `{ __typename }`
	s := servertest.New(t, servertest.Options{Edge: server.Config{Operations: server.Operations{ByHash: map[string]string{sha(listed): listed}, Only: true}}})
	ana := servertest.Admin(t, "ana@acme")
	for body, want := range map[string]string{
		`{"documentId":"` + sha(listed) + `"}`: `"acme"`,
		`{"query":"` + listed + `"}`:           `"acme"`,
		`{"query":"` + other + `"}`:            "OPERATION_NOT_LISTED",
		`{"documentId":"` + sha(other) + `"}`:  "OPERATION_NOT_LISTED",
		`{"query":"` + other + `","extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + sha(other) + `"}}}`: "OPERATION_NOT_LISTED",
	} {
		if answer := s.PostBody(ana, []byte(body)); !strings.Contains(answer.Body, want) {
			t.Errorf("%s: %s, want %s", body, answer.Body, want)
		}
	}
	k := dial(t, newPlace(s, ""), bearing{payload: ana})
	if answer, _ := k.answer(k.subscribe(other, nil)); !strings.Contains(answer.Body, "OPERATION_NOT_LISTED") {
		t.Errorf("on a socket: %s", answer.Body)
	}
}

// TestReadOperations reads what graphql-codegen writes, and says what is wrong with the rest.
func TestReadOperations(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "persisted-documents.json")
	for text, want := range map[string]string{
		`{"` + sha("{ __typename }") + `": "{ __typename }"}`: "", `{"sha256:` + sha("{ __typename }") + `": "{ __typename }"}`: "", `{}`: "no operation", `[]`: "not a JSON object", `{"abc": "{ __typename }"}`: "hashAlgorithm",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := server.ReadOperations(path)
		if want == "" && (err != nil || all[sha("{ __typename }")] == "") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v %v, want %q", text, all, err, want)
		}
	}
	if _, err := server.ReadOperations(path + ".none"); err == nil {
		t.Error("a file that is not there was read")
	}
}
