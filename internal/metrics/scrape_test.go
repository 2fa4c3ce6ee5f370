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

	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/metrics"
)

func TestMain(m *testing.M) { os.Exit(localpgtest.Main(m)) }

// admin serves metrics for a test.
func admin(t testing.TB, m *metrics.Metrics) (url string) {
	t.Helper()
	return adminOn(t, m, "127.0.0.1:0")
}

func adminOn(t testing.TB, m *metrics.Metrics, address string) (url string) {
	t.Helper()
	url, stop := serve(t, m, address)
	t.Cleanup(stop)
	return url
}

func serve(t testing.TB, m *metrics.Metrics, address string) (url string, stop func()) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
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
