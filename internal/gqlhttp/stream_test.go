package gqlhttp_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"linkspan/internal/gqlhttp"
)

// asked are the headers of a POST for a stream.
func asked(accept string, more ...string) []string {
	return append([]string{"Content-Type", "application/json", "Accept", accept}, more...)
}

const (
	acceptSSE       = "text/event-stream"
	acceptMultipart = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0, application/json"
)

// TestSSE is what graphql-sse's PROTOCOL.md says of distinct connections.
func TestSSE(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{})
	const counted = ":\n\nevent: next\nid: event-1\ndata: {\"data\":{\"count\":1}}\n\nevent: next\nid: event-2\ndata: {\"data\":{\"count\":2}}\n\nevent: complete\ndata:\n\n"
	const resumed = ":\n\nevent: next\nid: event-2\ndata: {\"data\":{\"count\":2}}\n\nevent: complete\ndata:\n\n"
	inURL := "?" + url.Values{"query": {"subscription { count(to: 2) }"}}.Encode()
	for name, c := range map[string]struct {
		method, url, body string
		headers           []string
		want              string
	}{
		"POST":         {"POST", "", quote("subscription { count(to: 2) }"), asked(acceptSSE), counted},
		"or JSON":      {"POST", "", quote("subscription { count(to: 2) }"), asked("text/event-stream, application/json"), counted},
		"GET":          {"GET", inURL, "", []string{"Accept", acceptSSE, proof, "1"}, counted},
		"GET again":    {"GET", inURL, "", []string{"Accept", acceptSSE, proof, "1", "Last-Event-ID", "event-1"}, resumed},
		"POST again":   {"POST", "", quote("subscription { count(to: 2) }"), asked(acceptSSE, "Last-Event-ID", "event-1"), resumed},
		"a query":      {"POST", "", quote("{ name }"), asked(acceptSSE), ":\n\nevent: next\ndata: {\"data\":{\"name\":\"linkspan\"}}\n\nevent: complete\ndata:\n\n"},
		"a mutation":   {"POST", "", quote("mutation { name }"), asked(acceptSSE), ":\n\nevent: next\ndata: {\"data\":{\"name\":\"linkspan\"}}\n\nevent: complete\ndata:\n\n"},
		"fails":        {"POST", "", quote("subscription { fails }"), asked(acceptSSE), ":\n\nevent: next\nid: event-1\ndata: {\"data\":{\"fails\":1}}\n\nevent: next\ndata: {\"errors\":[{\"message\":\"it broke off\"}]}\n\nevent: complete\ndata:\n\n"},
		"is refused":   {"POST", "", quote("subscription { refused }"), asked(acceptSSE), ":\n\nevent: next\ndata: {\"errors\":[{\"message\":\"not for you\",\"extensions\":{\"presented\":true}}]}\n\nevent: complete\ndata:\n\n"},
		"is malformed": {"POST", "", quote("{"), asked(acceptSSE), ":\n\nevent: next\ndata: {\"errors\":[{\"message\":\"Expected Name, found \\u003cEOF\\u003e\",\"locations\":[{\"line\":1,\"column\":2}],\"extensions\":{\"presented\":true}}]}\n\nevent: complete\ndata:\n\n"},
	} {
		got := s.do(c.method, c.url, c.body, c.headers...)
		if got.status != http.StatusOK || got.header.Get("Content-Type") != "text/event-stream; charset=utf-8" || got.body != c.want {
			t.Errorf("%s: %d %s %q, want %q", name, got.status, got.header.Get("Content-Type"), got.body, c.want)
		}
	}
	for name, c := range map[string]struct {
		method, url, body string
		headers           []string
		status            int
	}{
		"no request":             {"POST", "", "{}", asked(acceptSSE), 400},
		"another type":           {"POST", "", quote("{ name }"), []string{"Accept", acceptSSE, "Content-Type", "text/plain"}, 415},
		"GET that may be forged": {"GET", inURL, "", []string{"Accept", acceptSSE}, 400},
		"a mutation by GET":      {"GET", "?query=mutation{name}", "", []string{"Accept", acceptSSE, proof, "1"}, 405},
	} {
		if got := s.do(c.method, c.url, c.body, c.headers...); got.status != c.status || strings.Contains(got.body, "data:") {
			t.Errorf("%s: %d %s, want %d", name, got.status, got.body, c.status)
		}
	}
}

// TestStreamsOverHTTP2 keeps a stream that only waits open for longer than a write may take.
func TestStreamsOverHTTP2(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{WriteTimeout: time.Second, Heartbeat: 2 * time.Second})
	server := httptest.NewUnstartedServer(s.transport.Handler(s.executor()))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	for accept, beat := range map[string]string{acceptSSE: ":", acceptMultipart: "{}"} {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader(quote("subscription { silent }")))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Accept", accept)
			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			if response.ProtoMajor != 2 || !strings.Contains(response.Header.Get("Cache-Control"), "no-store") {
				t.Errorf("%s: %s %v", accept, response.Proto, response.Header)
			}
			defer response.Body.Close()
			lines := bufio.NewScanner(response.Body)
			for beats := 0; beats < 2 && lines.Scan(); {
				if lines.Text() == beat {
					beats++
				}
			}
			if err := lines.Err(); err != nil {
				t.Errorf("%s: %v", accept, err)
			}
		})
	}
}

// TestMultipart is what Apollo says of subscriptions in many parts.
func TestMultipart(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{})
	part := func(text string) string { return "\r\nContent-Type: application/json\r\n\r\n" + text + "\r\n--graphql" }
	for document, want := range map[string]string{
		"subscription { count(to: 2) }": part(`{"payload":{"data":{"count":1}}}`) + part(`{"payload":{"data":{"count":2}}}`),
		"subscription { fails }":        part(`{"payload":{"data":{"fails":1}}}`) + part(`{"payload":null,"errors":[{"message":"it broke off"}]}`),
		"subscription { refused }":      part(`{"payload":{"errors":[{"message":"not for you","extensions":{"presented":true}}]}}`),
	} {
		got := s.post(document, "Accept", acceptMultipart)
		if want = "\r\n--graphql" + want + "--\r\n"; got.body != want || got.header.Get("Content-Type") != `multipart/mixed;boundary="graphql";subscriptionSpec="1.0"` {
			t.Errorf("%s: %s %q, want %q", document, got.header.Get("Content-Type"), got.body, want)
		}
	}
	if sent := s.watch.sentOn(gqlhttp.Multipart); sent != 4 {
		t.Errorf("%d responses were told to be sent, want 4", sent)
	}
	if got := s.post("{ name }", "Accept", acceptMultipart); got.header.Get("Content-Type") != asJSON {
		t.Errorf("a query comes as %s %s", got.header.Get("Content-Type"), got.body)
	}
	if got := s.post("{ name }", "Accept", "multipart/mixed;subscriptionSpec=1.0"); got.body != "\r\n--graphql"+part(`{"payload":{"data":{"name":"linkspan"}}}`)+"--\r\n" {
		t.Errorf("a query for who takes nothing else: %q", got.body)
	}
}

// TestHeartbeats shows listeners that the server is there while nothing happens.
func TestHeartbeats(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{Heartbeat: 5 * time.Millisecond})
	for accept, beat := range map[string]string{acceptSSE: ":", acceptMultipart: "{}"} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		response := s.begin(ctx, http.MethodPost, "", quote("subscription { silent }"), asked(accept)...)
		beats := 0
		for lines := bufio.NewScanner(response.Body); beats < 5 && lines.Scan(); {
			if lines.Text() == beat {
				beats++
			}
		}
		if beats != 5 {
			t.Errorf("%s: %d signs of life", accept, beats)
		}
		cancel()
		response.Body.Close()
	}
	eventually(t, "the resolvers have ended", func() bool { return s.running.Load() == 0 })
}

// TestStreamParties bounds the streams of a party, and ends them in time, without an end of the operation.
func TestStreamParties(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{MaxConnections: 1, Party: func(context.Context) gqlhttp.Party {
		return gqlhttp.Party{Key: "a", Expires: time.Now().Add(300 * time.Millisecond)}
	}})
	first := s.begin(t.Context(), http.MethodPost, "", quote("subscription { silent }"), asked(acceptSSE)...)
	defer first.Body.Close()
	if got := s.post("subscription { silent }", "Accept", acceptSSE); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "1" || !strings.Contains(got.body, "at most 1") {
		t.Errorf("a second stream: %d %v %s", got.status, got.header, got.body)
	}
	if text, err := io.ReadAll(first.Body); err != nil || strings.Contains(string(text), "complete") {
		t.Errorf("the first ends with %q %v", text, err)
	}
	if got := s.post("subscription { count(to: 1) }", "Accept", acceptMultipart); got.status != http.StatusOK {
		t.Errorf("a stream after that: %d %s", got.status, got.body)
	}
}

// TestStreamPanics breaks a stream off, and tells of it.
func TestStreamPanics(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{})
	for _, accept := range []string{acceptSSE, acceptMultipart} {
		response := s.begin(t.Context(), http.MethodPost, "", quote("subscription { panics }"), asked(accept)...)
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err == nil || strings.Contains(string(text), "purpose") {
			t.Errorf("%s: %q %v", accept, text, err)
		}
	}
	if n := s.watch.panics(); n != 2 {
		t.Errorf("%d panics were told of, want 2", n)
	}
}
