package server_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
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
}

// TestOriginsCover compares what is listed with what browsers send, which is the form of RFC 6454 and the URL standard:
// lower case, punycode, no default port, IPv6 in brackets.
func TestOriginsCover(t *testing.T) {
	t.Parallel()
	for listed, c := range map[string]struct{ yes, no []string }{
		"https://app.example.com": {[]string{"https://app.example.com", "https://app.example.com:443"},
			[]string{"http://app.example.com", "https://app.example.com:8443", "https://app.example.com.evil.example", "https://xapp.example.com", "https://example.com",
				"https://app-example.com", "https://evil.example/https://app.example.com", "https://app.example.com@evil.example", "null", "", "https://"}},
		"HTTPS://App.Example.COM:443":     {[]string{"https://app.example.com"}, []string{"https://app.example.com:80"}},
		"http://app.example.com:80":       {[]string{"http://app.example.com"}, []string{"http://app.example.com:443", "https://app.example.com"}},
		"https://app.example.com:80":      {[]string{"https://app.example.com:80"}, []string{"https://app.example.com"}},
		"http://app.example.com:03000":    {[]string{"http://app.example.com:3000"}, []string{"http://app.example.com"}},
		"http://[::1]:3000":               {[]string{"http://[::1]:3000"}, []string{"http://[::1]", "http://1:3000", "http://::3000", "http://[::2]:3000", "http://:"}},
		"http://[0:0:0:0:0:0:0:1]:*":      {[]string{"http://[::1]:3000", "http://[::1]"}, []string{"http://[::2]:3000", "https://[::1]:3000"}},
		"https://[2001:DB8::7]":           {[]string{"https://[2001:db8::7]"}, []string{"https://[2001:db8::8]", "https://2001"}},
		"http://127.0.0.1:*":              {[]string{"http://127.0.0.1:3000", "http://127.0.0.1"}, []string{"http://127.0.0.11:3000", "http://127.0.0.1.evil.example:3000"}},
		"http://localhost:*":              {[]string{"http://localhost:5173", "http://localhost"}, []string{"http://localhost.evil.example:80", "http://a.localhost:80", "http://localhost:*"}},
		"https://xn--bcher-kva.example":   {[]string{"https://xn--bcher-kva.example"}, []string{"https://b\u00fccher.example"}},
		"https://*.example.com":           {[]string{"https://a.example.com", "https://a.b.example.com", "https://A.example.com:443"}, []string{"https://example.com", "https://evilexample.com", "https://a.example.com.evil.io", "https://.example.com", "https://*.a.example.com", "https://a.example.com:444", "http://a.example.com"}},
		"https://*.app.example.com:*":     {[]string{"https://a.app.example.com:8443", "https://a.app.example.com"}, []string{"https://app.example.com", "https://a.example.com"}},
		"https://*.xn--bcher-kva.example": {[]string{"https://a.xn--bcher-kva.example"}, []string{"https://xn--bcher-kva.example"}},
	} {
		origins, err := server.ParseOrigins([]string{"https://other.example", listed})
		if err != nil {
			t.Errorf("%q: %v", listed, err)
			continue
		}
		s := server.New(server.Config{Origins: origins, Logger: slog.New(slog.DiscardHandler)}).Handler()
		for want, asking := range map[bool][]string{true: c.yes, false: c.no} {
			for _, origin := range asking {
				request := httptest.NewRequest(http.MethodOptions, "/graphql", nil)
				request.Host = "api.example.com"
				request.Header.Set("Origin", origin)
				request.Header.Set("Access-Control-Request-Method", "POST")
				answer := httptest.NewRecorder()
				s.ServeHTTP(answer, request)
				if got := answer.Header().Get("Access-Control-Allow-Origin") != ""; got != want {
					t.Errorf("%q lets pages of %q: %v", listed, origin, got)
				}
			}
		}
	}
}

// TestParseOriginsSaysWhatIsWrong refuses what no browser sends or what lets in pages of strangers, and says what to write.
func TestParseOriginsSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	const star = "a * is the whole first label, before two others at least"
	for text, want := range map[string]string{
		"": "write it as https://app.example.com", "*": "write it as", "null": "write it as", "https://": "write it as", "https://:443": "write it as", "app.example.com": "write it as", "https:app.example.com": "write it as",
		"ftp://example.com": "write it as", "https://[": "write it as", "https://a b": "write it as", "https://app.example.com:": "write it as", "https://a..example.com": "write it as", "https://app.example.com.": "write it as",
		"https://127.1": "write it as", "https://1.2.3.4.5": "write it as", "https://a,b.example.com": "write it as", "https://app.example.com:x": "write it as", "https://-.*": star,
		"https://example.com/app": "write https://example.com", "https://Example.com/": "write https://example.com", "https://example.com?a": "write https://example.com", "https://example.com?": "write https://example.com", "https://example.com#a": "write https://example.com", "https://example.com#": "write https://example.com",
		"https://[::1]:3000/path?q#f": "write https://[::1]:3000", "https://u@example.com": "before the @", "https://u:hidden@example.com": "before the @", "https://u:hidden@": "write it as",
		"https://[::1%25eth0]": "IPv6", "https://[app]": "write it as", "https://[127.0.0.1]": "write it as", "https://[::]]": "write it as", "https://app.example.com:0": "up to 65535", "https://app.example.com:65536": "up to 65535", "https://app.example.com:80:*": "up to 65535",
		"https://b\u00fccher.example": "punycode", "https://*.b\u00fccher.example": "punycode", "https://b%C3%BCcher.example": "punycode",
		"https://*": star, "http://*:*": star, "https://*.com": star, "https://*.": "a *", "https://*example.com": star, "https://*e*": star, "https://app.example.com*": star, "https://app.*.com": star, "https://a*.example.com": star,
		"https://*.*.example.com": star, "https://app.example.com:80*": "write it as", "https://*.0.0.1": "write it as",
	} {
		_, err := server.ParseOrigins([]string{"https://app.example.com", text})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestOwnOrigin lets pages of the host that is asked use it, whatever the scheme, which a proxy keeps to itself.
func TestOwnOrigin(t *testing.T) {
	t.Parallel()
	s := server.New(server.Config{Logger: slog.New(slog.DiscardHandler)}).Handler()
	for origin, want := range map[string]bool{
		"https://api.example.com:8443": true, "http://api.example.com:8443": true, "https://API.example.com:8443": true,
		"https://api.example.com": false, "https://api.example.com:8443.evil.example": false, "https://evil.example": false, "null": false,
	} {
		request := httptest.NewRequest(http.MethodOptions, "/graphql", nil)
		request.Host = "Api.example.com:8443"
		request.Header.Set("Origin", origin)
		request.Header.Set("Access-Control-Request-Method", "POST")
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, request)
		if got := answer.Header().Get("Access-Control-Allow-Origin") != ""; got != want {
			t.Errorf("%s: %v", origin, got)
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
