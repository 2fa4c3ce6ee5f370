package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
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

// TestReadyzAsksOncePerSecond has anybody ask as often as they like: the clusters are asked one round at a time, and once a
// second. That the process drains is told at once.
func TestReadyzAsksOncePerSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var rounds, atOnce atomic.Int64
		reason := Unreachable
		logger, log := logged()
		s := New(Config{Logger: logger, Health: func(ctx context.Context) []ClusterHealth {
			if atOnce.Add(1) > 1 {
				t.Error("two rounds at once")
			}
			defer atOnce.Add(-1)
			rounds.Add(1)
			time.Sleep(500 * time.Millisecond)
			if ctx.Err() != nil {
				t.Error("the round ended with who began it")
			}
			return []ClusterHealth{{Name: "main", Reason: reason, Err: errors.New("down")}}
		}})
		handler := s.Handler()
		ask := func(ctx context.Context) int {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz", nil).WithContext(ctx))
			return answer.Code
		}
		many := func(want int) {
			t.Helper()
			leaves, leave := context.WithCancel(t.Context())
			var all sync.WaitGroup
			all.Go(func() { ask(leaves) })
			synctest.Wait()
			leave()
			for range 100 {
				all.Go(func() {
					if got := ask(t.Context()); got != want {
						t.Errorf("%d, want %d", got, want)
					}
				})
			}
			all.Wait()
		}
		many(http.StatusServiceUnavailable)
		reason = ""
		time.Sleep(readyFor - time.Millisecond)
		many(http.StatusServiceUnavailable)
		if got := rounds.Load(); got != 1 {
			t.Errorf("%d rounds in a second, want 1", got)
		}
		if got := strings.Count(log.String(), "cluster not ready"); got != 1 {
			t.Errorf("the log has %d lines of one round", got)
		}
		time.Sleep(time.Millisecond)
		many(http.StatusOK)
		if got := rounds.Load(); got != 2 {
			t.Errorf("%d rounds, want 2", got)
		}
		s.draining.Store(true)
		if got := ask(t.Context()); got != http.StatusServiceUnavailable {
			t.Errorf("draining: %d", got)
		}
	})
}

// A round that panics is an error of those who wait for it, and ends no program.
func TestReadyzThatPanics(t *testing.T) {
	t.Parallel()
	logger, log := logged()
	handler := New(Config{Logger: logger, Health: func(context.Context) []ClusterHealth { panic("a bug") }}).Handler()
	for range 2 {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		if answer.Code != http.StatusInternalServerError || !strings.Contains(log.String(), "a bug") {
			t.Errorf("%d, and the log has %s", answer.Code, log)
		}
	}
}
