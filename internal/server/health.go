package server

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// ClusterHealth is whether one cluster can serve: reachable, the one that its name says, and migrated.
type ClusterHealth struct {
	Name  string `json:"name"`
	Ready bool   `json:"ready"`
	// Reason says, for those who run the server, why it is not ready. It holds no secret.
	Reason string `json:"reason,omitempty"`
}

// Health asks all clusters at once, in bounded time.
type Health func(ctx context.Context) []ClusterHealth

// readyTimeout bounds the asking of all clusters.
const readyTimeout = 2 * time.Second

// readyz answers 200 if this process should get requests, else 503, with a reason for each cluster.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	answer := struct {
		Ready    bool            `json:"ready"`
		Draining bool            `json:"draining"`
		Clusters []ClusterHealth `json:"clusters"`
	}{Ready: !s.draining.Load(), Draining: s.draining.Load(), Clusters: s.config.Health(ctx)}
	for _, cluster := range answer.Clusters {
		answer.Ready = answer.Ready && cluster.Ready
	}
	status := http.StatusOK
	if !answer.Ready {
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
