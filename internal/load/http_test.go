package load_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"linkspan/internal/load"
)

func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL
}

// TestHTTP has three connections ask; each has one request under way.
func TestHTTP(t *testing.T) {
	t.Parallel()
	var under, most, asked atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), under.Add(1)))
		defer under.Add(-1)
		asked.Add(1)
		if body, _ := io.ReadAll(r.Body); r.URL.Path != "/graphql" || !strings.HasPrefix(string(body), `{"to":"c`) || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("asked %s for %s", r.URL, body)
		}
		io.WriteString(w, `{"id":"`+strings.Repeat("x", 40_000)+`"}`) // in chunks
	})
	result, err := load.HTTP(t.Context(), load.HTTPConfig{
		Call:        load.Call{URL: url + "/graphql", Body: `{"to":"{{channel}}","n":{{n}},"writer":{{writer}}}`, Want: `{"id"`, Channels: []string{"c1", "c2"}},
		Connections: 3, WarmUp: 50 * time.Millisecond, For: 200 * time.Millisecond, Processes: own(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := result.Check(); err != nil {
		t.Error(err)
	}
	if result.Requests == 0 || result.Requests >= int(asked.Load()) || most.Load() > 3 || result.P50 <= 0 || result.P99 < result.P50 || result.Seconds < 0.1 {
		t.Errorf("of %d at most %d at a time, %+v", asked.Load(), most.Load(), result)
	}
}

func TestHTTPPathsAndMethods(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); r.Method != http.MethodGet || r.URL.Path != "/channel/c7" || len(body) > 0 {
			t.Errorf("asked %s %s for %s", r.Method, r.URL, body)
		}
	})
	result, err := load.HTTP(t.Context(), load.HTTPConfig{
		Call:        load.Call{URL: url + "/channel/{{channel}}", Method: http.MethodGet, Channels: []string{"c7"}},
		Connections: 1, For: 20 * time.Millisecond,
	})
	if err != nil || result.Requests == 0 || result.Check() != nil {
		t.Errorf("%v, %+v", err, result)
	}
}

// TestHTTPCountsWhatIsNotGood has a server that answers badly in each way.
func TestHTTPCountsWhatIsNotGood(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		says   string
	}{
		"status":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }, "status 418"},
		"text":    {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"errors":[]}`) }, `status 200: {"errors":[]}`},
		"no more": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"the last": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			io.WriteString(w, `"id"`)
		}, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := serve(t, c.handle)
			result, err := load.HTTP(t.Context(), load.HTTPConfig{
				Call: load.Call{URL: url, Want: `"id"`}, Connections: 1, For: 20 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := result.Check(); result.Errors == 0 || result.Requests != 0 || err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %v, %+v", err, result)
			}
		})
	}
}

func TestHTTPKeepsToThisMachine(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://example.com:80/", "http://10.0.0.1:80/", "https://127.0.0.1:1/", "ws://127.0.0.1:1/", "http://127.0.0.1/", "127.0.0.1:80", "http://127.0.0.1.example.com:80/"} {
		if _, err := load.HTTP(t.Context(), load.HTTPConfig{Call: load.Call{URL: url}, Connections: 1}); err == nil {
			t.Errorf("%s is put under load", url)
		}
	}
	for _, url := range []string{"http://127.0.0.1:80/", "http://localhost:80", "http://[::1]:80/x"} {
		if _, err := load.Loopback(url, "http"); err != nil {
			t.Error(err)
		}
	}
}

func TestTemplatesAreRead(t *testing.T) {
	t.Parallel()
	for body, says := range map[string]string{"{{ts}}": "{{ts}} means nothing", "{{channel}}": "no channel is given"} {
		_, err := load.HTTP(t.Context(), load.HTTPConfig{Call: load.Call{URL: "http://127.0.0.1:1/", Body: body}, Connections: 1})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: it says %v", body, err)
		}
	}
}
