package server

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"linkspan/internal/server/jwkstest"
)

func TestCheckJWKSURL(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"https://id.example.com/.well-known/jwks.json", "https://id.example.com:8443/?tenant=1", "HTTPS://id.example.com/",
		"http://127.0.0.1:9000/jwks", "http://[::1]/jwks", "http://localhost:9000/jwks",
	} {
		if err := CheckJWKSURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"": "no URL", "jwks.json": "no URL", "/jwks": "no URL", "https://": "no URL", "https://:443/": "no URL", "https:id.example.com": "no URL", "http://\x7f/": "no URL",
		"http://id.example.com/jwks": "must begin with https", "http://127.0.0.1.example.com/": "must begin with https", "http://localhost.example.com/": "must begin with https",
		"ftp://id.example.com/": "must begin with https", "file:///etc/jwks.json": "no URL", "http://10.0.0.1/": "must begin with https",
		"https://user:pw@id.example.com/": "user or password", "https://id.example.com/#keys": "fragment",
	} {
		if err := CheckJWKSURL(bad); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: %v, want %q", bad, err, want)
		}
	}
}

// TestFetchJWKS reads from a provider over HTTP. It is not parallel: it looks for goroutines that were left behind.
func TestFetchJWKS(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) }) // behind those of the providers
	elsewhere := jwkstest.New()
	other := elsewhere.Listen(t)
	for name, test := range map[string]struct {
		does http.HandlerFunc
		want string // in the error
	}{
		"a set": {func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.Header.Get("Accept"), "application/json") || !r.Close {
				w.WriteHeader(http.StatusNotAcceptable)
			}
			_, _ = io.WriteString(w, jwkstest.Set())
		}, ""},
		"the longest": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat(" ", maxJWKSBytes))
		}, ""},
		"longer": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat(" ", maxJWKSBytes+1))
		}, "longer than"},
		"without end": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, strings.Repeat(" ", 1<<16))
			}
		}, "longer than"},
		"not found":         {http.NotFound, "answers 404"},
		"to another host":   {http.RedirectHandler(other, http.StatusFound).ServeHTTP, "which is not followed"},
		"to another place":  {http.RedirectHandler("/elsewhere", http.StatusMovedPermanently).ServeHTTP, "which is not followed"},
		"no content at all": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, "answers 204"},
		"an endless header": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, "header"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{")
		}, "EOF"},
	} {
		provider := jwkstest.New()
		provider.Does(test.does)
		body, err := fetchJWKS(t.Context(), jwksClient, provider.Listen(t))
		if test.want == "" && (err != nil || len(body) == 0) || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %d bytes, %v", name, len(body), err)
		}
		if len(body) > maxJWKSBytes {
			t.Errorf("%s: %d bytes", name, len(body))
		}
	}
	if got := elsewhere.Reads(); got != 0 {
		t.Errorf("the other host was asked %d times", got)
	}
	if _, err := fetchJWKS(t.Context(), jwksClient, "http://127.0.0.1:1/"); err == nil {
		t.Error("a provider where nobody listens was read")
	}

	// One that hangs is left when the server ends.
	hanging := jwkstest.New()
	hanging.Hangs()
	tokens := NewTokens(TokenConfig{JWKSURL: hanging.Listen(t)}, acme)
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, stop)
	tokens.Run(ctx)
}

// TestFetchJWKSIsBoundedInTime gives a provider that hangs, before its header or within its body, so much time and no more.
func TestFetchJWKSIsBoundedInTime(t *testing.T) {
	t.Parallel()
	for name, transport := range map[string]roundTripper{
		"before the header": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"within the body": func(r *http.Request) (*http.Response, error) {
			read, write := io.Pipe()
			context.AfterFunc(r.Context(), func() { _ = write.CloseWithError(r.Context().Err()) })
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: read, Request: r}, nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			_, err := fetchJWKS(t.Context(), &http.Client{Transport: transport}, "https://id.example/")
			if took := time.Since(began); err == nil || took != fetchTimeout {
				t.Errorf("%s: %v after %v", name, err, took)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
