package metrics_test

import (
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/metrics"
	"linkspan/internal/server/servertest"
)

func TestMain(m *testing.M) { os.Exit(localpgtest.Main(m)) }

// admin serves metrics for a test.
func admin(t testing.TB, m *metrics.Metrics) (url string) {
	t.Helper()
	url, stop := serve(t, m)
	t.Cleanup(stop)
	return url
}

func serve(t testing.TB, m *metrics.Metrics) (url string, stop func()) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextOf(t)
	ended := make(chan error, 1)
	go func() { ended <- m.Serve(ctx, listener) }()
	return "http://" + listener.Addr().String(), func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the admin listener ended with %v", err)
		}
	}
}

func get(t testing.TB, url string) (status int, body string) {
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

// scraped is what a scrape found, by the names of families.
type scraped map[string]*dto.MetricFamily

func scrape(t testing.TB, url string) scraped {
	t.Helper()
	status, body := get(t, url+"/metrics")
	if status != http.StatusOK {
		t.Fatalf("/metrics answers %d: %s", status, body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// value sums the metrics of a family that have these labels, given as name and value in turn. Of histograms it is the count.
func (s scraped) value(family string, labels ...string) (sum float64) {
	for _, metric := range s[family].GetMetric() {
		has := map[string]string{}
		for _, label := range metric.GetLabel() {
			has[label.GetName()] = label.GetValue()
		}
		fits := true
		for i := 0; i < len(labels); i += 2 {
			fits = fits && has[labels[i]] == labels[i+1]
		}
		if fits {
			sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + float64(metric.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// labels are the values that a label of a family has.
func (s scraped) labels(family, name string) []string {
	found := map[string]bool{}
	for _, metric := range s[family].GetMetric() {
		for _, label := range metric.GetLabel() {
			if label.GetName() == name {
				found[label.GetValue()] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// TestAdminEnds ends an admin listener while a profile is under way and a connection is idle; nothing of it stays.
func TestAdminEnds(t *testing.T) {
	before := goleak.IgnoreCurrent()
	url, stop := serve(t, metrics.New(discard))
	client := &http.Client{Transport: &http.Transport{}}
	idle, err := client.Get(url + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, idle.Body)
	idle.Body.Close()
	profiled := make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		response, err := client.Get(url + "/debug/pprof/trace?seconds=300")
		close(begun)
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		profiled <- err
	}()
	<-begun
	stop()
	if err := <-profiled; err == nil {
		t.Error("a trace of 300 seconds ended in time")
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
