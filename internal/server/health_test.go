package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestReadyz asks whether a process should get requests. Why not, anybody may know; what is behind it, the log alone.
func TestReadyz(t *testing.T) {
	t.Parallel()
	const secret = "user=linkspan database=linkspan host=10.0.0.7"
	well := ClusterHealth{Name: "main"}
	ill := func(reason Reason) ClusterHealth {
		return ClusterHealth{Name: "shard-1", Reason: reason, Err: errors.New(secret)}
	}
	shown := func(reason Reason) string {
		return `{"ready":false,"draining":false,"clusters":[{"name":"main","ready":true},` +
			`{"name":"shard-1","ready":false,"reason":"` + string(reason) + `"}]}`
	}
	for name, test := range map[string]struct {
		clusters []ClusterHealth
		draining bool
		want     string
	}{
		"ready":         {[]ClusterHealth{well}, false, `{"ready":true,"draining":false,"clusters":[{"name":"main","ready":true}]}`},
		"draining":      {[]ClusterHealth{well}, true, `{"ready":false,"draining":true,"clusters":[{"name":"main","ready":true}]}`},
		"no clusters":   {nil, false, `{"ready":false,"draining":false,"clusters":[]}`},
		"not migrated":  {[]ClusterHealth{well, ill(NotMigrated)}, false, shown(NotMigrated)},
		"unreachable":   {[]ClusterHealth{well, ill(Unreachable)}, false, shown(Unreachable)},
		"wrong cluster": {[]ClusterHealth{well, ill(WrongCluster)}, false, shown(WrongCluster)},
	} {
		logger, log := logged()
		s := New(Config{Logger: logger, Health: func(context.Context) []ClusterHealth { return test.clusters }})
		s.draining.Store(test.draining)
		answer := httptest.NewRecorder()
		s.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		status := http.StatusServiceUnavailable
		if name == "ready" {
			status = http.StatusOK
		}
		if got := strings.TrimSpace(answer.Body.String()); answer.Code != status || got != test.want {
			t.Errorf("%s: %d %s", name, answer.Code, got)
		}
		if len(test.clusters) == 2 && !strings.Contains(log.String(), secret) {
			t.Errorf("%s: the log does not say what is behind it: %s", name, log)
		}
	}
}
