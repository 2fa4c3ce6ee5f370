package main_test

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"linkspan/internal/server/servertest"
)

var metricsPlace = regexp.MustCompile(`Metrics: (http://127\.0\.0\.1:\d+)/metrics\n`)

// TestDevAdmin looks at the metrics of a dev server whose admin listener has been given an address, and says where it is.
func TestDevAdmin(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	d := startDev(t, data, "LINKSPAN_ADMIN_LISTEN=127.0.0.1:0")
	match := metricsPlace.FindStringSubmatch(<-d.welcome)
	if match == nil {
		t.Fatal("the welcome does not say where the metrics are")
	}
	d.query(d.token("ana@acme"), `{ viewer { id } }`)
	for path, want := range map[string]string{
		"/metrics":                    `linkspan_operations_total{name="other",type="query"} 1`,
		"/debug/pprof/cmdline":        "dev",
		"/healthz":                    "alive",
		"/debug/pprof/symbol":         "num_symbols",
		"/debug/pprof/allocs?debug=1": "heap profile",
		"/debug/pprof/heap":           "\x1f\x8b",
	} {
		if status, body := fetch(t, match[1]+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s answers %d, %.300s", path, status, body)
		}
		if path == "/healthz" {
			continue
		}
		if status, _ := fetch(t, strings.TrimSuffix(d.url, "/graphql")+path); status != http.StatusNotFound {
			t.Errorf("the public listener answers %s with %d", path, status)
		}
	}
	var body string
	// Steps are noted as done behind the answer, and a look at the outbox serves scrapes for 5 s.
	servertest.Eventually(t, "no step of the demo data is open", func() bool {
		_, body = fetch(t, match[1]+"/metrics")
		return strings.Contains(body, "\nlinkspan_outbox_open_steps 0\n")
	})
	for _, want := range []string{
		`linkspan_cluster_up{cluster="main"} 1`, `linkspan_cluster_up{cluster="shard-3"} 1`,
		`linkspan_tokens_verified_total{result="ok"} 1`, `process_start_time_seconds`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if rest := d.end(os.Interrupt); !strings.Contains(rest, "stopped") {
		t.Errorf("it ended with %q", rest)
	}
	if response, err := http.Get(match[1] + "/healthz"); err == nil {
		response.Body.Close()
		t.Error("the admin listener outlives the server")
	}
	waitForNoPostgres(t, data)
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
