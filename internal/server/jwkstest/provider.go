package jwkstest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// Provider answers with a JWKS, or with whatever else a test wants. It is safe for concurrent use.
type Provider struct {
	answer atomic.Pointer[http.HandlerFunc]
	reads  atomic.Int64
}

// New returns a provider that nobody listens for: Listen has it answer HTTP, Client answers without a network.
func New(keys ...*Key) *Provider {
	p := &Provider{}
	p.Has(keys...)
	return p
}

// Has makes these the keys of the JWKS.
func (p *Provider) Has(keys ...*Key) { p.Says(Set(keys...)) }

// Says makes this text the answer.
func (p *Provider) Says(text string) {
	p.Does(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

// Fails makes the answer one of a provider that is out of order.
func (p *Provider) Fails() {
	p.Does(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
}

// Hangs makes the provider give no answer until it is not waited for any more.
func (p *Provider) Hangs() {
	p.Does(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
}

// Does makes this the answer.
func (p *Provider) Does(answer http.HandlerFunc) { p.answer.Store(&answer) }

// Reads is how often it was asked.
func (p *Provider) Reads() int { return int(p.reads.Load()) }

// ServeHTTP implements [http.Handler].
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.reads.Add(1)
	(*p.answer.Load())(w, r)
}

// Listen returns the address of the JWKS, on a port of the loopback, until the test ends.
func (p *Provider) Listen(t testing.TB) string {
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return server.URL + "/jwks"
}

// Client returns a client whose every request the provider answers.
func (p *Provider) Client() *http.Client { return &http.Client{Transport: inProcess{p}} }

type inProcess struct{ provider *Provider }

func (i inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	i.provider.ServeHTTP(answer, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return answer.Result(), nil
}
