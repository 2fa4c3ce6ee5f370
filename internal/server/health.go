package server

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
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

// readyTimeout bounds the asking of all clusters.
const readyTimeout = 2 * time.Second

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
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	answer := ready{Ready: true, Draining: s.draining.Load(), Clusters: []readyCluster{}, SignIn: s.config.Tokens.ailment()}
	for _, cluster := range s.config.Health(ctx) {
		shown := readyCluster{Name: cluster.Name, Ready: cluster.Reason == "", Reason: cluster.Reason}
		answer.Clusters = append(answer.Clusters, shown)
		if !shown.Ready {
			answer.Ready = false
			logger(ctx).WarnContext(ctx, "cluster not ready", "cluster", cluster.Name, "reason", cluster.Reason, "err", cluster.Err)
		}
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
