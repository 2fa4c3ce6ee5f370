package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-chi/cors"
)

// Origins are those of the pages that a browser lets use the API: besides the server's own, which it always does.
type Origins []origin

// origin is where pages come from, as browsers say it, or many of them.
type origin struct {
	scheme string
	host   string // without a port, in lower case
	port   string // "": the scheme's own
	below  bool   // not the host itself, but all that end in a dot and it
	ports  bool   // whatever the port
}

// ParseOrigins reads origins as `https://app.example.com`. A `*` as the first label of at least three stands for one label
// or more, and one as the port for any: `https://*.example.com`, `http://localhost:*`. The error says what is wrong with
// which, and what to write instead.
func ParseOrigins(texts []string) (Origins, error) {
	var all Origins
	for _, text := range texts {
		text = strings.TrimSpace(text)
		parsed, err := parseOrigin(text)
		if err != nil {
			if strings.Contains(text, "@") {
				text = "an entry" // it may have a password
			} else {
				text = strconv.Quote(text)
			}
			return nil, fmt.Errorf("%s is not an origin: %w", text, err)
		}
		all = append(all, parsed)
	}
	return all, nil
}

// errNoOrigin is the error of a text that is nothing like one.
var errNoOrigin = errors.New("write it as https://app.example.com")

// parseOrigin reads one origin: RFC 6454, section 6.2, and the `*` of ParseOrigins.
func parseOrigin(text string) (origin, error) {
	text, ports := strings.CutSuffix(strings.ToLower(text), ":*")
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") {
		return origin{}, errNoOrigin
	}
	switch {
	case u.User != nil:
		return origin{}, errors.New("leave away what stands before the @")
	case u.Path != "" || u.RawQuery != "" || strings.ContainsAny(text, "?#"):
		return origin{}, fmt.Errorf("leave away what stands behind the host: write %s://%s", u.Scheme, u.Host)
	}
	parsed := origin{scheme: u.Scheme, port: u.Port(), ports: ports}
	if parsed.port != "" {
		port, err := strconv.ParseUint(parsed.port, 10, 16)
		if err != nil || port == 0 || ports {
			return origin{}, errors.New("a port is a number up to 65535, or * for any")
		}
		if parsed.port = strconv.FormatUint(port, 10); parsed.port == defaultPorts[u.Scheme] {
			parsed.port = ""
		}
	}
	parsed.host, parsed.below, err = parseHost(u.Hostname(), strings.HasPrefix(u.Host, "["))
	return parsed, err
}

// defaultPorts are those that browsers leave away.
var defaultPorts = map[string]string{"http": "80", "https": "443"}

// hostForm is that of a host's name as browsers send it: labels of ASCII, the last of which is no number.
var hostForm = regexp.MustCompile(`^([a-z0-9_-]+\.)*[a-z0-9_-]*[a-z_-][a-z0-9_-]*$`)

// parseHost reads a host in lower case, which may begin with `*.`: then it is what stands behind that.
func parseHost(host string, bracketed bool) (_ string, below bool, err error) {
	address, err := netip.ParseAddr(host)
	if err == nil && address.Zone() == "" && address.Is6() == bracketed {
		return address.String(), false, nil
	}
	if bracketed {
		return "", false, errors.New("its address is not one of IPv6, as in http://[::1]:3000")
	}
	host, below = strings.CutPrefix(host, "*.")
	switch {
	case strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }):
		return "", false, errors.New("write its host in punycode, as browsers send it: https://xn--bcher-kva.example for https://b\u00fccher.example")
	case strings.Contains(host, "*"), below && !strings.Contains(host, "."):
		return "", false, errors.New("a * is the whole first label, before two others at least, as in https://*.example.com; or the whole port, as in http://localhost:*")
	case !hostForm.MatchString(host):
		return "", false, errNoOrigin
	}
	return host, below, nil
}

// covers reports whether a page's origin is one of o's.
func (o origin) covers(page origin) bool {
	return o.scheme == page.scheme && (o.ports || o.port == page.port) &&
		(o.below && strings.HasSuffix(page.host, "."+o.host) || !o.below && o.host == page.host)
}

// allow reports whether pages of the origin may use the API of the host that they ask. A page of that host is the server's
// own whatever its scheme: behind a proxy where TLS ends, nobody here knows the scheme that the API is asked by. So whoever
// can change what http://api.example.com shows can have it use https://api.example.com; it gets no token by that.
func (o Origins) allow(asking, host string) bool {
	if asked, err := url.Parse(strings.ToLower(asking)); err != nil || asked.Host == "" {
		return false
	} else if asked.Host == strings.ToLower(host) {
		return true
	}
	page, err := parseOrigin(asking)
	return err == nil && !page.below && !page.ports && slices.ContainsFunc(o, func(listed origin) bool { return listed.covers(page) })
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
