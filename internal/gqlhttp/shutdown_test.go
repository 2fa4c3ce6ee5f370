package gqlhttp_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"linkspan/internal/gqlhttp"
)

// TestShutdown ends what is open in ways that have clients come back, and lets what has one answer give it.
func TestShutdown(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{})
	sse := s.begin(t.Context(), http.MethodPost, "", quote("subscription { silent }"), asked(acceptSSE)...)
	parts := s.begin(t.Context(), http.MethodPost, "", quote("subscription { silent }"), asked(acceptMultipart)...)
	defer sse.Body.Close()
	defer parts.Body.Close()
	listening, fresh, working := s.connect(), s.dial("graphql-transport-ws"), s.connect()
	listening.send(subscribe("1", "subscription { silent }"))
	working.send(subscribe("m", "mutation { waits }"))
	working.send(subscribe("s", "subscription { silent }"))
	single := s.begin(t.Context(), http.MethodPost, "", quote("mutation { waits }"), asked(acceptSSE)...)
	defer single.Body.Close()
	eventually(t, "all runs", func() bool { return s.running.Load() == 6 })

	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		ended <- s.transport.Shutdown(ctx)
	}()
	listening.closed(1012)
	fresh.closed(1012)
	if text, err := io.ReadAll(sse.Body); err != nil || strings.Contains(string(text), "complete") {
		t.Errorf("Server-Sent Events end with %q %v", text, err)
	}
	if text, err := io.ReadAll(parts.Body); err == nil || strings.Contains(string(text), "--graphql--") {
		t.Errorf("parts end with %q %v", text, err)
	}
	working.send(subscribe("late", "{ name }")) // gets no answer: the client asks another server
	working.send(`{"type":"ping"}`)
	working.expect(`{"type":"pong"}`)
	close(s.release)
	working.expect(`{"id":"m","type":"next","payload":{"data":{"waits":"released"}}}`, `{"id":"m","type":"complete"}`)
	working.closed(1012)
	if text, err := io.ReadAll(single.Body); err != nil || !strings.Contains(string(text), `"released"`) || !strings.Contains(string(text), "complete") {
		t.Errorf("a mutation's stream ends with %q %v", text, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := s.watch.panics(); n != 0 {
		t.Errorf("%d panics were told of: to break off is none", n)
	}
	if got := s.post("subscription { silent }", "Accept", acceptSSE); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("a stream after the end: %d %v", got.status, got.header)
	}
	if got := s.post("{ name }"); got.status != http.StatusOK {
		t.Errorf("a query after the end: %d", got.status)
	}
	if got := s.do(http.MethodGet, "", "", "Connection", "Upgrade", "Upgrade", "websocket"); got.status != http.StatusServiceUnavailable {
		t.Errorf("a socket after the end: %d", got.status)
	}
}

// TestShutdownWhileJudging waits for what may yet have one answer, and begins nothing that nobody listens to.
func TestShutdownWhileJudging(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{})
	judging, judge := make(chan struct{}), make(chan struct{})
	s.judge = func() {
		judging <- struct{}{}
		<-judge
	}
	mutating, listening, gone := s.connect(), s.connect(), s.connect()
	mutating.send(subscribe("m", "mutation { name }"))
	listening.send(subscribe("s", "subscription { silent }"))
	gone.send(subscribe("c", "subscription { silent }"))
	for range 3 {
		<-judging
	}
	gone.send(`{"type":"complete","id":"c"}`)
	gone.send(`{"type":"ping"}`)
	gone.expect(`{"type":"pong"}`)
	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		ended <- s.transport.Shutdown(ctx)
	}()
	eventually(t, "the server goes away", func() bool {
		return s.do(http.MethodGet, "", "", "Connection", "Upgrade", "Upgrade", "websocket").status == http.StatusServiceUnavailable
	})
	close(judge)
	mutating.expect(`{"id":"m","type":"next","payload":{"data":{"name":"linkspan"}}}`, `{"id":"m","type":"complete"}`)
	for _, k := range []*socket{mutating, listening, gone} {
		k.closed(1012)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := s.began.Load(); n != 1 {
		t.Errorf("%d operations began, want the mutation alone", n)
	}
}

// TestShutdownGivesUp on what does not end in time.
func TestShutdownGivesUp(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{})
	k := s.connect()
	k.send(subscribe("m", "mutation { waits }"))
	eventually(t, "it runs", func() bool { return s.running.Load() == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.transport.Shutdown(ctx); err == nil {
		t.Error("nothing was left")
	}
	k.closed(1012)
}
