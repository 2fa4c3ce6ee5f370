// Package gqlclienttest has a fake GraphQL server for tests of clients: what it answers is a test's to say, so that it
// can do what a real server does seldom or never.
package gqlclienttest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// Operation is what a client sent.
type Operation struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`

	// Header is that of the HTTP request; nil on a socket.
	Header http.Header `json:"-"`
}

// Script says what the server does. A nil part is one that the test does not expect.
type Script struct {
	// Answer returns the body of the answer to a POST. To answer otherwise it returns an [http.Handler].
	Answer func(Operation) any
	// Socket plays the server's side of a socket, from before connection_init. The socket breaks when it returns.
	Socket func(*Peer)
	// Upgrade, if set, may answer the upgrade to a socket itself; it reports whether it did.
	Upgrade func(http.ResponseWriter) bool
}

// Server is a running fake. It ends with its test.
type Server struct {
	// URL is that of the endpoint.
	URL string
	// HTTP is a client whose connections end with the test.
	HTTP *http.Client

	t      testing.TB
	script Script
	ctx    context.Context
	peers  sync.WaitGroup
}

// New starts a server on a port of the loopback.
func New(t testing.TB, script Script) *Server {
	t.Helper()
	s := &Server{t: t, script: script}
	web := httptest.NewUnstartedServer(s)
	s.start(web)
	s.URL, s.HTTP = web.URL+"/graphql", web.Client()
	return s
}

func (s *Server) start(web *httptest.Server) {
	ctx, cancel := context.WithCancel(context.Background())
	s.ctx = ctx
	web.Start()
	s.t.Cleanup(func() {
		cancel()
		s.peers.Wait()
		web.Close()
	})
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "" {
		s.peers.Add(1)
		defer s.peers.Done()
		s.socket(w, r)
		return
	}
	var op Operation
	if err := json.NewDecoder(r.Body).Decode(&op); err != nil || s.script.Answer == nil {
		s.t.Errorf("unexpected %s %s: %v", r.Method, r.URL, err)
		return
	}
	op.Header = r.Header
	switch answer := s.script.Answer(op).(type) {
	case http.Handler:
		answer.ServeHTTP(w, r)
	default:
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			s.t.Error(err)
		}
	}
}

func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	if s.script.Upgrade != nil && s.script.Upgrade(w) {
		return
	}
	if s.script.Socket == nil {
		s.t.Error("unexpected upgrade to a socket")
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		s.t.Error(err)
		return
	}
	defer conn.CloseNow() //nolint:errcheck // it may be closed already
	s.script.Socket(&Peer{ctx: s.ctx, conn: conn})
}
