package gqlhttp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"linkspan/internal/gqlhttp"
)

const (
	asJSON     = "application/json; charset=utf-8"
	asResponse = "application/graphql-response+json; charset=utf-8"
	proof      = "Apollo-Require-Preflight"
)

// TestHTTP holds answers to what GraphQL over HTTP says of them.
func TestHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{MaxBodyBytes: 1000})
	get := func(pairs ...string) string {
		values := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			values.Add(pairs[i], pairs[i+1])
		}
		return "?" + values.Encode()
	}
	response := []string{"Accept", "application/graphql-response+json"}
	with := func(more ...string) []string { return append([]string{"Content-Type", "application/json"}, more...) }
	named := `{"query":"query A { name } query B { __typename }","operationName":"B"}`
	for name, c := range map[string]struct {
		method, url, body string
		headers           []string
		status            int
		mediaType, want   string // in the body; data: none may be there where it is "-data"
	}{
		"POST":                         {"POST", "", quote("{ name }"), with(), 200, asJSON, `{"data":{"name":"linkspan"}}`},
		"POST, response":               {"POST", "", quote("{ name }"), with(response...), 200, asResponse, `{"data":{"name":"linkspan"}}`},
		"POST with a charset":          {"POST", "", quote("{ name }"), []string{"Content-Type", `application/json; charset="UTF-8"`}, 200, asJSON, `"linkspan"`},
		"POST in latin1":               {"POST", "", quote("{ name }"), []string{"Content-Type", "application/json; charset=iso-8859-1"}, 415, asJSON, "-data"},
		"POST, compressed":             {"POST", "", quote("{ name }"), with("Content-Encoding", "gzip"), 415, asJSON, "-data"},
		"POST of a form":               {"POST", "", "query={name}", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, asJSON, "-data"},
		"POST without a type":          {"POST", "", quote("{ name }"), nil, 415, asJSON, "-data"},
		"POST, named":                  {"POST", "", named, with(), 200, asJSON, `{"data":{"__typename":"Query"}}`},
		"POST, nulls":                  {"POST", "", `{"query":"{ name }","operationName":null,"variables":null,"extensions":null}`, with(), 200, asJSON, `"linkspan"`},
		"POST, an unknown member":      {"POST", "", `{"query":"{ name }","padding":[1]}`, with(), 200, asJSON, `"linkspan"`},
		"POST, a variable":             {"POST", "", `{"query":"query($t: String!) { echo(text: $t) }","variables":{"t":"<é&\u0000>"}}`, with(), 200, asJSON, `{"data":{"echo":"<é&\u0000>"}}`},
		"POST, no body":                {"POST", "", "", with(), 400, asJSON, "-data"},
		"POST, no JSON":                {"POST", "", "{", with(), 400, asJSON, "-data"},
		"POST, an array":               {"POST", "", "[" + quote("{ name }") + "]", with(), 400, asJSON, "one by one"},
		"POST, null":                   {"POST", "", "null", with(), 400, asJSON, "-data"},
		"POST, no query":               {"POST", "", "{}", with(), 400, asJSON, "-data"},
		"POST, no query but nulls":     {"POST", "", `{"query":null,"documentId":"","extensions":{"persistedQuery":null}}`, with(), 400, asJSON, "-data"},
		"POST, no query, response":     {"POST", "", "{}", with(response...), 400, asResponse, "-data"},
		"POST, query is a number":      {"POST", "", `{"query":1}`, with(), 400, asJSON, "-data"},
		"POST, variables is a list":    {"POST", "", `{"query":"{ name }","variables":[]}`, with(), 400, asJSON, "-data"},
		"POST, variables is a text":    {"POST", "", `{"query":"{ name }","variables":"{}"}`, with(), 400, asJSON, "-data"},
		"POST, extensions is a number": {"POST", "", `{"query":"{ name }","extensions":0}`, with(response...), 400, asResponse, "-data"},
		"POST, operationName is one":   {"POST", "", `{"query":"{ name }","operationName":1}`, with(), 400, asJSON, "-data"},
		"POST, not UTF-8":              {"POST", "", "{\"query\":\"{ name }\xff\"}", with(), 400, asJSON, "-data"},
		"POST, half a pair":            {"POST", "", `{"query":"{ name }","variables":{"a":"\ud800"}}`, with(), 400, asJSON, "-data"},
		"POST, a name twice":           {"POST", "", `{"query":"{ name }","variables":{"a":1,"a":2}}`, with(), 400, asJSON, "-data"},
		"POST, a name in capitals":     {"POST", "", `{"Query":"{ name }"}`, with(), 400, asJSON, "-data"},
		"POST, too large":              {"POST", "", quote("{ name }") + strings.Repeat(" ", 1000), with(), 413, asJSON, "-data"},
		"POST, malformed document":     {"POST", "", quote("{"), with(), 200, asJSON, "-data"},
		"the same, response":           {"POST", "", quote("{"), with(response...), 400, asResponse, "-data"},
		"POST, invalid document":       {"POST", "", quote("{ none }"), with(), 200, asJSON, "-data"},
		"that too, response":           {"POST", "", quote("{ none }"), with(response...), 400, asResponse, "-data"},
		"POST, no such operation":      {"POST", "", `{"query":"query A { name }","operationName":"B"}`, with(response...), 400, asResponse, "-data"},
		"POST, a missing variable":     {"POST", "", quote("query($t: String!) { echo(text: $t) }"), with(), 200, asJSON, "-data"},
		"missing, response":            {"POST", "", quote("query($t: String!) { echo(text: $t) }"), with(response...), 400, asResponse, "-data"},
		"POST, a field breaks":         {"POST", "", quote("{ breaks }"), with(response...), 200, asResponse, `"data":{"breaks":null}`},
		"POST, not executed":           {"POST", "", quote("{ stops }"), with(), 200, asJSON, "given up"},
		"that too, in response":        {"POST", "", quote("{ stops }"), with(response...), 400, asResponse, "given up"},
		"POST, no type is acceptable":  {"POST", "", quote("{ name }"), with("Accept", "text/html"), 406, asJSON, "-data"},
		"POST, JSON is refused":        {"POST", "", quote("{ name }"), with("Accept", "application/json;q=0"), 406, asJSON, "-data"},
		"GET":                          {"GET", get("query", "{ name }"), "", []string{proof, "1"}, 200, asJSON, `{"data":{"name":"linkspan"}}`},
		"GET, variables":               {"GET", get("query", "query($t: String!) { echo(text: $t) }", "variables", `{"t":"a"}`), "", []string{proof, "1"}, 200, asJSON, `"a"`},
		"GET, named":                   {"GET", get("query", "query A { name } query B { __typename }", "operationName", "B"), "", []string{proof, "1"}, 200, asJSON, `"Query"`},
		"GET, empty variables":         {"GET", get("query", "{ name }", "variables", "", "extensions", ""), "", []string{proof, "1"}, 200, asJSON, `"linkspan"`},
		"GET, no query":                {"GET", "", "", []string{proof, "1"}, 400, asJSON, "-data"},
		"GET, malformed variables":     {"GET", get("query", "{ name }", "variables", "{"), "", []string{proof, "1"}, 400, asJSON, "-data"},
		"GET, variables is a list":     {"GET", get("query", "{ name }", "variables", "[]"), "", []string{proof, "1"}, 400, asJSON, "-data"},
		"GET, query twice":             {"GET", get("query", "{ name }", "query", "{ name }"), "", []string{proof, "1"}, 400, asJSON, "-data"},
		"GET, a mutation":              {"GET", get("query", "mutation { name }"), "", []string{proof, "1"}, 405, asJSON, "-data"},
		"GET, a mutation unproven":     {"GET", get("query", "mutation { name }"), "", nil, 405, asJSON, "-data"},
		"GET, from any page":           {"GET", get("query", "{ name }"), "", nil, 400, asJSON, "Apollo-Require-Preflight"},
		"GET, as a form sends it":      {"GET", get("query", "{ name }"), "", []string{"Content-Type", "text/plain"}, 400, asJSON, "-data"},
		"GET, as no form sends it":     {"GET", get("query", "{ name }"), "", []string{"Content-Type", "application/json"}, 200, asJSON, `"linkspan"`},
		"GET, Apollo's other header":   {"GET", get("query", "{ name }"), "", []string{"X-Apollo-Operation-Name", "Q"}, 200, asJSON, `"linkspan"`},
		"GET, fetched by a neighbour":  {"GET", get("query", "{ name }"), "", []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-site"}, 400, asJSON, "-data"},
		"GET, with credentials":        {"GET", get("query", "{ name }"), "", []string{"Authorization", "Bearer x"}, 200, asJSON, `"linkspan"`},
		"GET, fetched":                 {"GET", get("query", "{ name }"), "", []string{"Sec-Fetch-Mode", "cors"}, 200, asJSON, `"linkspan"`},
		"GET, fetched by another site": {"GET", get("query", "{ name }"), "", []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "cross-site"}, 400, asJSON, "-data"},
		"GET, fetched by its own page": {"GET", get("query", "{ name }"), "", []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin"}, 200, asJSON, `"linkspan"`},
		"GET, of an image":             {"GET", get("query", "{ name }"), "", []string{"Sec-Fetch-Mode", "no-cors"}, 400, asJSON, "-data"},
		"PUT":                          {"PUT", "", quote("{ name }"), with(), 405, asJSON, "-data"},
		"a subscription by POST":       {"POST", "", quote("subscription { silent }"), with(), 400, asJSON, "text/event-stream"},
		"a subscription by GET":        {"GET", get("query", "subscription { silent }"), "", []string{proof, "1"}, 405, asJSON, "-data"},
		"an upgrade to h2c":            {"POST", "", quote("{ name }"), with("Connection", "Upgrade", "Upgrade", "h2c"), 200, asJSON, `"linkspan"`},
	} {
		got := s.do(c.method, c.url, c.body, c.headers...)
		if got.status != c.status || got.header.Get("Content-Type") != c.mediaType {
			t.Errorf("%s: %d %s %s, want %d %s", name, got.status, got.header.Get("Content-Type"), got.body, c.status, c.mediaType)
		}
		if c.want == "-data" && (strings.Contains(got.body, `"data"`) || !strings.Contains(got.body, `"presented":true`)) || c.want != "-data" && !strings.Contains(got.body, c.want) {
			t.Errorf("%s: %s, want %s", name, got.body, c.want)
		}
		if allow := got.header.Get("Allow"); (allow != "") != (c.status == http.StatusMethodNotAllowed) {
			t.Errorf("%s: Allow is %q", name, allow)
		}
		if got.header.Get("Vary") != "Accept" {
			t.Errorf("%s: Vary is %q", name, got.header["Vary"])
		}
	}
}

// TestAccept gives each client what it says it likes most.
func TestAccept(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{})
	for header, want := range map[string]string{
		"": asJSON, "*/*": asJSON, "application/*": asJSON, "application/json": asJSON, "application/json; charset=utf-8": asJSON, "APPLICATION/JSON": asJSON,
		"application/graphql-response+json": asResponse, "application/graphql-response+json; charset=utf-8": asResponse,
		"application/graphql-response+json, application/json;q=0.9": asResponse, "application/json;q=0.9, application/graphql-response+json": asResponse,
		"application/graphql-response+json;q=0.5, application/json": asJSON, "application/graphql-response+json, application/json": asResponse,
		"application/json, application/graphql-response+json": asResponse, "application/graphql-response+json;q=0, */*": asJSON, "*/*;q=0.1, application/graphql-response+json;q=0.2": asResponse,
		"application/json;q=0.1, */*;q=0.5": asResponse, "text/html, */*;q=0.8": asJSON, "text/html;level=1, application/json": asJSON, "nonsense, application/json": asJSON,
		`text/html;x="a,b", application/json`: asJSON, "multipart/mixed;deferSpec=20220824, application/json": asJSON, "text/event-stream, application/json": asJSON,
		"multipart/mixed;boundary=graphql;subscriptionSpec=1.0, application/graphql-response+json, application/json;q=0.9": asResponse,
	} {
		got := s.post("{ name }", "Accept", header)
		if got.status != http.StatusOK || got.header.Get("Content-Type") != want {
			t.Errorf("Accept %q: %d %s, want %s", header, got.status, got.header.Get("Content-Type"), want)
		}
	}
	for _, header := range []string{"text/html", "application/xml", "application/json;q=0", "*/*;q=0", "nonsense", "multipart/mixed", "text/*"} {
		if got := s.post("{ name }", "Accept", header); got.status != http.StatusNotAcceptable {
			t.Errorf("Accept %q: %d, want 406", header, got.status)
		}
	}
	if got := s.do(http.MethodPost, "", quote("{ name }"), "Content-Type", "application/json", "Accept", "application/json;q=0.1", "Accept", "application/graphql-response+json"); got.header.Get("Content-Type") != asResponse {
		t.Errorf("two headers: %s", got.header.Get("Content-Type"))
	}
}
