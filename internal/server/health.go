package server

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// Reason is why a cluster can't serve, or why tokens can't be judged, as anybody may know it. It names no host, database or user.
type Reason string

// The reasons.
const (
	Unreachable  Reason = "it is out of reach, or does not answer"
	WrongCluster Reason = "it is not the cluster that its name says"
	NotMigrated  Reason = "migrations are missing: run `linkspan migrate`"
	KeysMissing  Reason = "the JWKS can't be read, and nobody is let in by it"
	KeysOld      Reason = "the JWKS can't be read, and its keys of before are taken"
)

// ClusterHealth is whether one cluster can serve: reachable, the one that its name says, and migrated.
type ClusterHealth struct {
	Name   string
	Reason Reason // "": it can
	Err    error  // what is behind the reason, for the log alone
}

// Health asks all clusters at once, in bounded time.
type Health func(ctx context.Context) []ClusterHealth

const (
	// readyTimeout bounds the asking of all clusters.
	readyTimeout = 2 * time.Second
	// readyFor is how long what they said is taken for what they say: anybody may ask /readyz.
	readyFor = time.Second
)

// rounds asks the clusters one round at a time, and no more often than readyFor.
type rounds struct {
	ask    Health
	flight singleflight.Group
	last   atomic.Pointer[round]
}

// round is what the clusters said, and when.
type round struct {
	clusters []ClusterHealth
	at       time.Time
}

// clusters returns what the clusters said last, or say now. The log is told once a round.
func (r *rounds) clusters(ctx context.Context) []ClusterHealth {
	if last := r.recent(); last != nil {
		return last.clusters
	}
	said, _, _ := r.flight.Do("", func() (any, error) {
		if last := r.recent(); last != nil {
			return last, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout) // others wait for it too
		defer cancel()
		said := &round{clusters: r.ask(ctx)}
		for _, cluster := range said.clusters {
			if cluster.Reason != "" {
				logger(ctx).WarnContext(ctx, "cluster not ready", "cluster", cluster.Name, "reason", cluster.Reason, "err", cluster.Err)
			}
		}
		said.at = time.Now()
		r.last.Store(said)
		return said, nil
	})
	return said.(*round).clusters
}

// recent is the last round, nil if it is too long ago.
func (r *rounds) recent() *round {
	last := r.last.Load()
	if last == nil || time.Since(last.at) >= readyFor {
		return nil
	}
	return last
}

// ready is the answer of /readyz.
type ready struct {
	Ready    bool           `json:"ready"`
	Draining bool           `json:"draining"`
	Clusters []readyCluster `json:"clusters"`
	SignIn   Reason         `json:"signIn,omitempty"` // what is amiss with the keys of tokens; it makes nobody unready
}

type readyCluster struct {
	Name   string `json:"name"`
	Ready  bool   `json:"ready"`
	Reason Reason `json:"reason,omitempty"`
}

// readyz answers 200 if this process should get requests, else 503, with a reason for each cluster; the log has more.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	answer := ready{Ready: true, Draining: s.draining.Load(), Clusters: []readyCluster{}, SignIn: s.config.Tokens.ailment()}
	for _, cluster := range s.rounds.clusters(r.Context()) {
		shown := readyCluster{Name: cluster.Name, Ready: cluster.Reason == "", Reason: cluster.Reason}
		answer.Clusters = append(answer.Clusters, shown)
		answer.Ready = answer.Ready && shown.Ready
	}
	status := http.StatusOK
	if answer.Ready = answer.Ready && !answer.Draining && len(answer.Clusters) > 0; !answer.Ready {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, answer)
}

// healthz answers as long as the process does.
func healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone: nobody to tell
}
