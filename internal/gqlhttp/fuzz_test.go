package gqlhttp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"linkspan/internal/gqlhttp"
)

// FuzzHTTP sends any request. It is answered in JSON, with a status that fits, in the type that was asked for.
func FuzzHTTP(f *testing.F) {
	for _, seed := range []struct{ method, query, contentType, accept, body string }{
		{"POST", "", "application/json", "", `{"query":"{ name }"}`},
		{"POST", "", "application/json; charset=utf-8", "application/graphql-response+json, */*;q=0.1", `{"query":"query($t: String!) { echo(text: $t) }","variables":{"t":"\ud83d\ude80"}}`},
		{"POST", "", "application/json", "text/html", `[{"query":"{ name }"}]`},
		{"GET", "query=%7B+name+%7D&variables=%7B%7D", "application/json", "*/*", ""},
		{"GET", "query=mutation+%7B+name+%7D", "application/json", "application/json;q=0", ""},
		{"PUT", "", "", "", "\xff"},
	} {
		f.Add(seed.method, seed.query, seed.contentType, seed.accept, seed.body)
	}
	handler := gqlhttp.New(gqlhttp.Config{MaxBodyBytes: 10_000}).Handler(newService().executor())
	f.Fuzz(func(t *testing.T, method, query, contentType, accept, body string) {
		if strings.Contains(body+query, "waits") || strings.Contains(body+query, "panics") || strings.Contains(accept, "event") || strings.Contains(accept, "multi") {
			return // streams have a target of their own
		}
		request := &http.Request{Method: method, Header: http.Header{"Content-Type": {contentType}, "Accept": {accept}}}
		request = request.WithContext(t.Context())
		request.URL = must(httptest.NewRequest(http.MethodGet, "/", nil).URL.Parse("/"))
		request.URL.RawQuery = query
		request.Body = http.NoBody
		if method == http.MethodPost {
			request.Body = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)).Body
		}
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		var got struct {
			Data   json.RawMessage
			Errors []struct{ Message string }
		}
		if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil {
			t.Fatalf("%d %s: %v", recorder.Code, recorder.Body, err)
		}
		if (got.Data == nil) == (len(got.Errors) == 0) && !strings.Contains(string(got.Data), "null") {
			t.Errorf("neither data nor errors, or both: %s", recorder.Body)
		}
		if !utf8.Valid(recorder.Body.Bytes()) {
			t.Errorf("not UTF-8: %q", recorder.Body)
		}
		switch recorder.Code {
		case 200, 400, 405, 406, 413, 415:
		default:
			t.Errorf("status %d", recorder.Code)
		}
		if kind := recorder.Header().Get("Content-Type"); kind != asJSON && kind != asResponse {
			t.Errorf("it comes as %s", kind)
		}
	})
}

// FuzzStream asks for any stream. It has the form of its kind, or is refused.
func FuzzStream(f *testing.F) {
	f.Add("text/event-stream", "event-1", `{"query":"subscription { count(to: 3) }"}`)
	f.Add("multipart/mixed;subscriptionSpec=1.0", "", `{"query":"subscription { fails }"}`)
	f.Add("text/event-stream;q=0.5, multipart/mixed;subscriptionSpec=\"1.0\"", "event-\x00", `{"query":"subscription { refused }"}`)
	handler := gqlhttp.New(gqlhttp.Config{MaxBodyBytes: 10_000}).Handler(newService().executor())
	f.Fuzz(func(t *testing.T, accept, last, body string) {
		for _, endless := range []string{"waits", "panics", "endless", "silent", "count"} {
			if strings.Contains(body, endless) && !strings.Contains(body, "count(to: 3)") {
				return
			}
		}
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)).WithContext(t.Context())
		request.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {accept}, "Last-Event-Id": {last}}
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		text := recorder.Body.String()
		switch kind, _, _ := strings.Cut(recorder.Header().Get("Content-Type"), ";"); kind {
		case "text/event-stream":
			if !strings.HasPrefix(text, ":\n\n") || !strings.HasSuffix(text, "event: complete\ndata:\n\n") {
				t.Errorf("%q", text)
			}
			for event := range strings.SplitSeq(strings.TrimSuffix(text, "\n\n"), "\n\n") {
				for line := range strings.SplitSeq(event, "\n") {
					if name, _, _ := strings.Cut(line, ":"); name != "" && name != "event" && name != "data" && name != "id" {
						t.Errorf("a line %q in %q", line, text)
					}
				}
			}
		case "multipart/mixed":
			if !strings.HasPrefix(text, "\r\n--graphql") || !strings.HasSuffix(text, "\r\n--graphql--\r\n") {
				t.Errorf("%q", text)
			}
		default:
			if !json.Valid([]byte(text)) {
				t.Errorf("%q", text)
			}
		}
	})
}

// FuzzSocket sends any two messages after the acknowledgement. The server answers in the protocol's words, or closes with
// one of its codes; in the end it is gone.
func FuzzSocket(f *testing.F) {
	f.Add(`{"type":"ping"}`, `{"type":"pong","payload":{}}`)
	f.Add(subscribe("1", "{ name }"), `{"type":"complete","id":"1"}`)
	f.Add(subscribe("1", "subscription { count(to: 3) }"), subscribe("1", "{ name }"))
	f.Add(`{"type":"subscribe","id":"1","payload":{"query":"{ name }","variables":[]}}`, `{"type":"connection_init"}`)
	f.Add("[", "\xff")
	s := serve(f, gqlhttp.Config{MaxBodyBytes: 10_000, InitTimeout: time.Minute})
	f.Fuzz(func(t *testing.T, first, second string) {
		if strings.Contains(first+second, "panics") || strings.Contains(first+second, "endless") {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		conn, _, err := websocket.Dial(ctx, s.url, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		for _, message := range []string{`{"type":"connection_init"}`, first, second, `{"type":"ping","payload":{"last":1}}`} {
			if conn.Write(ctx, websocket.MessageText, []byte(message)) != nil {
				break
			}
		}
		for {
			_, text, err := conn.Read(ctx)
			if err != nil {
				if code := websocket.CloseStatus(err); code != 1009 && (code < 4400 || code > 4429) {
					t.Errorf("closed with %v", err)
				}
				return
			}
			var message struct{ Type string }
			if json.Unmarshal(text, &message) != nil || !utf8.Valid(text) {
				t.Fatalf("got %q", text)
			}
			if string(text) == `{"type":"pong","payload":{"last":1}}` {
				return
			}
			switch message.Type {
			case "connection_ack", "pong", "ping", "next", "error", "complete":
			default:
				t.Errorf("got %s", text)
			}
		}
	})
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
