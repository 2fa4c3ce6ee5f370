package load

import (
	"context"
	"fmt"
	"net/http"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Scraped is what a server's metrics say at a time, by the names of their families.
type Scraped map[string]*dto.MetricFamily

// Scrape reads metrics in Prometheus's format from a server of this machine.
func Scrape(ctx context.Context, url string) (Scraped, error) {
	if _, err := Loopback(url, "http"); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("load: %s answers with status %d", url, response.StatusCode)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	found, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		return nil, fmt.Errorf("load: %s: %w", url, err)
	}
	return found, nil
}

// Sum adds up the counters and gauges of a family. The error is that there is none: a name that was misspelt would look flat.
func (s Scraped) Sum(family string) (sum float64, err error) {
	if len(s[family].GetMetric()) == 0 {
		return 0, fmt.Errorf("load: the server has no metric %s", family)
	}
	for _, metric := range s[family].GetMetric() {
		sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
	}
	return sum, nil
}
