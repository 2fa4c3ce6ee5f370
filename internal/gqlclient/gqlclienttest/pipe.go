package gqlclienttest

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// NewInMemory is New without a network, so that it can run inside [testing/synctest.Test], where time is not real.
func NewInMemory(t testing.TB, script Script) *Server {
	t.Helper()
	pipes := &pipes{accept: make(chan net.Conn), closed: make(chan struct{})}
	s := &Server{t: t, script: script, URL: "http://in.memory/graphql"}
	web := httptest.NewUnstartedServer(s)
	_ = web.Listener.Close()
	web.Listener = pipes
	s.start(web)
	transport := &http.Transport{DialContext: pipes.dial}
	t.Cleanup(transport.CloseIdleConnections)
	s.HTTP = &http.Client{Transport: transport}
	return s
}

// pipes is a listener whose connections are pipes in memory.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.accept <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements [net.Listener].
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accept:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements [net.Listener].
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "in.memory", Net: "pipe"} }
