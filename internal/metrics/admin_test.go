package metrics_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"linkspan/internal/metrics"
	"linkspan/internal/server/servertest"
)

// TestAdminEnds ends an admin listener while a profile is under way and a connection is idle; nothing of it stays.
func TestAdminEnds(t *testing.T) {
	before := goleak.IgnoreCurrent()
	url, stop := serve(t, metrics.New(discard), "127.0.0.1:0")
	client := &http.Client{Transport: &http.Transport{}}
	idle, err := client.Get(url + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, idle.Body)
	idle.Body.Close()
	profiled := make(chan struct{})
	begun := make(chan struct{})
	go func() {
		defer close(profiled)
		response, err := client.Get(url + "/debug/pprof/trace?seconds=60")
		close(begun)
		if err == nil { // what there is of it comes whole, or is cut off
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("a trace is answered with %d", response.StatusCode)
			}
		}
	}()
	<-begun
	stop()
	select {
	case <-profiled:
	case <-time.After(30 * time.Second):
		t.Fatal("a trace of a minute goes on")
	}
	client.CloseIdleConnections()
	goleak.VerifyNone(t, before)
}

// TestEndpoints are those of the admin listener, and none of the public one.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{Shards: 1})
	url := admin(t, s.Metrics)
	for path, want := range map[string]string{
		"/metrics":                       "# TYPE linkspan_operations_total counter",
		"/metrics?":                      "go_goroutines",
		"/metrics?x":                     "process_resident_memory_bytes",
		"/healthz":                       `{"status":"alive"}`,
		"/debug/pprof/":                  "goroutine",
		"/debug/pprof/goroutine?debug=1": "goroutine profile",
		"/debug/pprof/heap":              "\x1f\x8b", // gzip
		"/debug/pprof/cmdline":           "",
		"/debug/pprof/symbol":            "num_symbols",
		"/debug/pprof/profile?seconds=1": "\x1f\x8b",
	} {
		if status, body := get(t, url+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s answers %d, %.200q", path, status, body)
		}
		if strings.HasPrefix(path, "/healthz") {
			continue
		}
		if status, _ := get(t, s.URL+path); status != http.StatusNotFound {
			t.Errorf("the public listener answers %s with %d", path, status)
		}
	}
	for _, path := range []string{"/", "/graphql", "/readyz"} {
		if status, _ := get(t, url+path); status != http.StatusNotFound {
			t.Errorf("the admin listener answers %s with %d", path, status)
		}
	}
}

// TestProfilesAreShort asks for profiles of all kinds that would go on for long.
func TestProfilesAreShort(t *testing.T) {
	t.Parallel()
	url := admin(t, metrics.New(discard))
	for _, path := range []string{"profile", "trace", "heap", "goroutine"} {
		for _, seconds := range []string{"61", "1e9", "%2BInf", "NaN", "1e999", "9223372036854775807"} {
			if status, body := get(t, url+"/debug/pprof/"+path+"?seconds="+seconds); status != http.StatusBadRequest || !strings.Contains(body, "at most 60") {
				t.Errorf("%s of %s seconds: %d, %.100q", path, seconds, status, body)
			}
		}
	}
	response, err := http.Post(url+"/debug/pprof/trace", "application/x-www-form-urlencoded", strings.NewReader("seconds=61"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("seconds in a form: %d", response.StatusCode)
	}
}

// TestAdminOnLoopback asks a listener on loopback as a page of another site would, whose name leads here, and one that is
// on all addresses.
func TestAdminOnLoopback(t *testing.T) {
	t.Parallel()
	m := metrics.New(discard)
	here := admin(t, m)
	everywhere := adminOn(t, m, "0.0.0.0:0")
	_, port, err := net.SplitHostPort(strings.TrimPrefix(here, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		host, site string
		want       int
	}{
		{"127.0.0.1:" + port, "", http.StatusOK},
		{"127.0.0.1:" + port, "none", http.StatusOK},
		{"127.0.0.1:" + port, "same-origin", http.StatusOK},
		{"LocalHost:" + port, "", http.StatusOK},
		{"localhost", "", http.StatusOK},
		{"[::1]:" + port, "", http.StatusOK},
		{"[::1]", "", http.StatusOK},
		{"127.0.0.1:" + port, "cross-site", http.StatusForbidden},
		{"evil.example:" + port, "", http.StatusForbidden},
		{"evil.example", "same-origin", http.StatusForbidden},
		{"localhost.evil.example", "", http.StatusForbidden},
		{"127.0.0.1.evil.example:" + port, "", http.StatusForbidden},
		{"10.0.0.1:" + port, "", http.StatusForbidden},
	} {
		for _, path := range []string{"/metrics", "/debug/pprof/cmdline", "/healthz"} {
			if got := askAs(t, here+path, c.host, c.site); got != c.want {
				t.Errorf("%s of %q, from %q: %d, want %d", path, c.host, c.site, got, c.want)
			}
			if got := askAs(t, everywhere+path, c.host, c.site); got != http.StatusOK {
				t.Errorf("on all addresses %s of %q, from %q: %d", path, c.host, c.site, got)
			}
		}
	}
}

// askAs asks for a host, from a page of a site.
func askAs(t *testing.T, url, host, site string) (status int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	if site != "" {
		request.Header.Set("Sec-Fetch-Site", site)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}
