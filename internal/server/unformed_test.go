package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
)

// TestUnformedRequests sends what is no GraphQL request, or not in a way that there is. Each answer has a coded error.
func TestUnformedRequests(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{})
	const query = `{"query":"{ __typename }"}`
	const mutation = `mutation { createSharedChannel(input: {target: {handle: "globex"}, name: "x"}) { errors { code } } }`
	get := func(values ...string) string {
		q := url.Values{}
		for i := 0; i < len(values); i += 2 {
			q.Set(values[i], values[i+1])
		}
		return "?" + q.Encode()
	}
	with := func(name, value string) http.Header {
		upgrade := http.Header{}
		for name, value := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket",
			"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
		} {
			upgrade.Set(name, value)
		}
		upgrade.Set(name, value)
		return upgrade
	}
	contentType := func(value string) http.Header { return http.Header{"Content-Type": {value}} }
	asJSON := contentType("application/json")
	variable := func(text string) string { return `{"query":"{ __typename }","variables":{"a":"` + text + `"}}` }
	named := "query Q { __typename } " + strings.Replace(mutation, "mutation", "mutation M", 1)
	for name, c := range map[string]struct {
		method, url string
		header      http.Header
		body        string
		status      int
	}{
		"a mutation by GET":              {"GET", get("query", mutation), nil, "", 405},
		"a named mutation by GET":        {"GET", get("query", named, "operationName", "M"), nil, "", 405},
		"a subscription by GET":          {"GET", get("query", "subscription { inbox { cursor } }"), nil, "", 405},
		"GET with malformed variables":   {"GET", get("query", "{ __typename }", "variables", "{"), nil, "", 400},
		"GET with variables in a list":   {"GET", get("query", "{ __typename }", "variables", "[]"), nil, "", 400},
		"GET with half a surrogate pair": {"GET", get("query", "{ __typename }", "variables", `{"a":"\ud800"}`), nil, "", 400},
		"GET with malformed extensions":  {"GET", get("query", "{ __typename }", "extensions", "x"), nil, "", 400},
		"GET with a malformed URL":       {"GET", "?query=%zz", nil, "", 400},
		"GET that is not UTF-8":          {"GET", "?query=%ff", nil, "", 400},
		"text/plain":                     {"POST", "", contentType("text/plain"), query, 415},
		"a form":                         {"POST", "", contentType("application/x-www-form-urlencoded"), get("query", "{ __typename }"), 415},
		"multipart":                      {"POST", "", contentType("multipart/form-data; boundary=x"), query, 415},
		"application/graphql":            {"POST", "", contentType("application/graphql"), "{ __typename }", 415},
		"no type":                        {"POST", "", nil, query, 415},
		"a malformed type":               {"POST", "", contentType("application/json; ="), query, 415},
		"too large":                      {"POST", "", asJSON, query + strings.Repeat(" ", server.MaxBodyBytes), 413},
		"not UTF-8":                      {"POST", "", asJSON, variable("\xff"), 400},
		"half a surrogate pair":          {"POST", "", asJSON, variable(`\\\ud83d\\ude80`), 400},
		"the other half":                 {"POST", "", asJSON, variable(`\uDE80`), 400},
		"PUT":                            {"PUT", "", asJSON, query, 405},
		"DELETE":                         {"DELETE", "", nil, "", 405},
		"an upgrade without a key":       {"GET", "", with("Sec-WebSocket-Key", ""), "", 400},
		"an upgrade of another version":  {"GET", "", with("Sec-WebSocket-Version", "8"), "", 400},
		"an upgrade to something else":   {"GET", "", with("Upgrade", "h2c"), "", 400},
		"an upgrade from elsewhere":      {"GET", "", with("Origin", "https://elsewhere.example"), "", 403},
		"an upgrade by POST":             {"POST", "", with("Content-Type", "application/json"), query, 405},
	} {
		request, err := http.NewRequestWithContext(t.Context(), c.method, s.URL+"/graphql"+c.url, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.header != nil {
			request.Header = c.header
		}
		request.Header.Set("Authorization", "Bearer "+servertest.Admin(t, "ana@acme"))
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Errors []servertest.Error }
		if err := json.Unmarshal(text, &answer); err != nil || len(answer.Errors) != 1 || response.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d and one error", name, response.StatusCode, text, c.status)
			continue
		}
		got := answer.Errors[0]
		if got.Code() != "BAD_USER_INPUT" || got.Extensions["retryable"] != false || got.Message == "" ||
			got.Extensions["requestId"] != response.Header.Get(server.RequestIDHeader) {
			t.Errorf("%s: %s", name, text)
		}
		if kind := response.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
			t.Errorf("%s: it comes as %s", name, kind)
		}
		allowed := map[string]string{"PUT": "GET, POST", "DELETE": "GET, POST", "GET": "POST", "POST": "GET"}[c.method]
		if c.status != http.StatusMethodNotAllowed {
			allowed = ""
		}
		if allow := response.Header.Get("Allow"); allow != allowed {
			t.Errorf("%s: Allow is %q, want %q", name, allow, allowed)
		}
	}
	if n := channelsOf(t, newPlace(s, ""), servertest.Admin(t, "ana@acme")); n != 0 {
		t.Errorf("%d channels were made", n)
	}
}

// TestEscapedText takes escapes of whole characters, and refuses those of halves, which would all become one.
func TestEscapedText(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{})
	token := servertest.Admin(t, "ana@acme")
	for escaped, want := range map[string]string{
		`\ud83d\ude80`: "🚀", `\\ud83d`: `\ud83d`, `\u00e9\n\\`: "é\n\\", `\ufffd`: "\ufffd", `\\\u0041`: `\A`,
	} {
		body := `{"query":"query Q($a: String!) { group(handle: $a) { id } __typename }","variables":{"a":"` + escaped + `"}}`
		if answer := s.PostBody(token, []byte(body)); len(answer.Errors) > 0 {
			t.Errorf("%q, escaped as %s, is refused: %s", want, escaped, answer.Body)
		}
	}
	for literal, ok := range map[string]bool{
		`\ud83d\ude80`: true, `\u0041`: true, `\ud83d`: false, `\ude80`: false, `\ud83d\ud83d`: false,
	} {
		answer := s.Post(token, `{ group(handle: "`+literal+`") { id } }`, nil)
		if refused := len(answer.Errors) == 1 && answer.Errors[0].Code() == "BAD_USER_INPUT"; refused == ok {
			t.Errorf("a literal with %s: %s", literal, answer.Body)
		}
	}
}
