package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
)

// TestOrigins lets pages of listed origins use the API, and of the server's own, and no others.
func TestOrigins(t *testing.T) {
	t.Parallel()
	origins, err := server.ParseOrigins([]string{"https://app.example.com", " http://localhost:* ", "https://*.Example.org"})
	if err != nil {
		t.Fatal(err)
	}
	s := servertest.New(t, servertest.Options{Edge: server.Config{Origins: origins}})
	for origin, allowed := range map[string]bool{
		"https://app.example.com": true, "http://localhost:5173": true, "https://a.example.org": true, "https://A.EXAMPLE.ORG": true, s.URL: true,
		"http://app.example.com": false, "https://app.example.com:444": false, "https://evil.example.com": false, "https://example.org": false,
		"https://a.example.org.evil.example": false, "https://localhost:5173": false, "http://localhost.evil.example": false, "null": false, "https://app.example.com.evil": false,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, s.URL+"/graphql", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Origin", origin)
		request.Header.Set("Access-Control-Request-Method", "POST")
		request.Header.Set("Access-Control-Request-Headers", "authorization,content-type,x-request-id")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.Header.Get("Access-Control-Allow-Origin") == origin; got != allowed || allowed && !strings.Contains(strings.ToLower(response.Header.Get("Access-Control-Allow-Headers")), "authorization") {
			t.Errorf("%s is asked for: %d %v", origin, response.StatusCode, response.Header)
		}
		if response.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s may send cookies", origin)
		}
		conn, refused, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/graphql", &websocket.DialOptions{
			Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{"Origin": {origin}},
		})
		if (err == nil) != allowed || err != nil && refused.StatusCode != http.StatusForbidden {
			t.Errorf("a socket of %s: %v", origin, err)
		}
		if err == nil {
			_ = conn.CloseNow()
		}
	}
	for _, text := range []string{"", "*", "https://", "app.example.com", "ftp://example.com", "https://example.com/app", "https://*", "http://*:*", "https://[", "https://a b", "https://u@example.com"} {
		if _, err := server.ParseOrigins([]string{text}); err == nil {
			t.Errorf("%q is taken for an origin", text)
		}
	}
}

// TestAnswersAreSecured has browsers make nothing of an answer but what it says it is.
func TestAnswersAreSecured(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{})
	for _, path := range []string{"/graphql", "/healthz", "/readyz", "/none"} {
		response, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cache-Control": "no-store",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		} {
			if got := response.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}
