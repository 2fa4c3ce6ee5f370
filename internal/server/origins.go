package server

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/go-chi/cors"
)

// Origins are those of the pages that a browser lets use the API: besides the server's own, which it always does.
type Origins []string

// ParseOrigins reads origins as `https://app.example.com`. A `*` stands for any part of a host name or any port:
// `https://*.example.com`, `http://localhost:*`. The error says which is none.
func ParseOrigins(texts []string) (Origins, error) {
	var all Origins
	for _, text := range texts {
		origin := strings.ToLower(strings.TrimSpace(text))
		scheme, host, ok := strings.Cut(origin, "://")
		_, err := path.Match(host, "")
		if !ok || scheme != "http" && scheme != "https" || host == "" || strings.Trim(host, "*.:") == "" || strings.ContainsAny(host, "/?#@[\\ ") && !strings.HasPrefix(host, "[") || err != nil {
			return nil, fmt.Errorf("%q is not an origin: write it as https://app.example.com, without a path", text)
		}
		all = append(all, origin)
	}
	return all, nil
}

// allow reports whether pages of the origin may use the API of the host that they ask.
func (o Origins) allow(origin, host string) bool {
	asked, err := url.Parse(strings.ToLower(origin))
	if err != nil || asked.Host == "" {
		return false
	}
	if asked.Host == strings.ToLower(host) {
		return true
	}
	return slices.ContainsFunc(o, func(pattern string) bool {
		scheme, hosts, _ := strings.Cut(pattern, "://")
		matches, err := path.Match(hosts, asked.Host)
		return err == nil && matches && scheme == asked.Scheme
	})
}

// check is for upgrades to WebSockets, for which browsers ask nobody.
func (o Origins) check(r *http.Request) bool { return o.allow(r.Header.Get("Origin"), r.Host) }

// preflightSeconds is how long a browser may remember what it may send.
const preflightSeconds = 600

// cors answers browsers that ask what pages of other origins may send and read.
func (o Origins) cors() func(http.Handler) http.Handler {
	return cors.Handler(cors.Options{
		AllowOriginFunc: func(r *http.Request, origin string) bool { return o.allow(origin, r.Host) },
		AllowedMethods:  []string{http.MethodGet, http.MethodPost},
		AllowedHeaders: []string{
			"Accept", "Authorization", "Content-Type", "Last-Event-ID", RequestIDHeader,
			"Apollo-Require-Preflight", "X-Apollo-Operation-Name", "GraphQL-Require-Preflight",
			"Apollographql-Client-Name", "Apollographql-Client-Version", "Traceparent", "Tracestate", "Baggage",
		},
		ExposedHeaders: []string{RequestIDHeader, "Retry-After"},
		MaxAge:         preflightSeconds,
	})
}

// secured tells browsers to make nothing of an answer but what it says it is. Pages set a policy of their own.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
