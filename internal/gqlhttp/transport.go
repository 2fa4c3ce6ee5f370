package gqlhttp

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/99designs/gqlgen/graphql"
)

// Transport answers GraphQL requests of all kinds. It is a [graphql.Transport] that supports every request, so it is the
// only one that a gqlgen server needs; with [Transport.Handler] none is needed. It is safe for concurrent use.
type Transport struct {
	config Config

	mu        sync.Mutex
	open      map[connection]struct{}
	counts    map[string]int // open connections by Party.Key
	audiences map[string]*audience

	crew    crew
	parting sync.Mutex // held while a socket whose connection has ended is ended: of thousands at once one after the other
	ending  bool
	gone    chan struct{} // closed when ending and nothing is open
}

// connection is a WebSocket or a stream.
type connection interface {
	// end ends it because the server does, without waiting for that.
	end(ctx context.Context)
}

var _ graphql.Transport = (*Transport)(nil)

// New returns a transport.
func New(config Config) *Transport {
	return &Transport{
		config: config.withDefaults(), open: map[connection]struct{}{}, counts: map[string]int{},
		audiences: map[string]*audience{}, gone: make(chan struct{}),
	}
}

// Handler returns a handler that answers with the executor.
func (t *Transport) Handler(executor graphql.GraphExecutor) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Do(w, r, executor) })
}

// Supports implements [graphql.Transport].
func (t *Transport) Supports(*http.Request) bool { return true }

// Do implements [graphql.Transport]. It returns when the request is answered; of a WebSocket, when that is open. A panic
// that an executor lets through goes on to the caller, but on a WebSocket.
func (t *Transport) Do(w http.ResponseWriter, r *http.Request, executor graphql.GraphExecutor) {
	if asksForWebSocket(r) {
		t.upgrade(w, r, executor)
		return
	}
	t.answer(w, r, executor)
}

// Shutdown ends all sockets and streams in a way that has their clients come back, to another server: sockets are closed with
// 1012 as soon as the queries and mutations that run on them are answered, streams break off. It returns when all have
// gone, or when ctx ends, with its error; then those queries and mutations are given up. Requests for one answer are left
// alone: that is for [http.Server.Shutdown].
func (t *Transport) Shutdown(ctx context.Context) error {
	t.mu.Lock()
	if !t.ending {
		t.ending = true
		t.checkGone()
	}
	for c := range t.open {
		c.end(ctx)
	}
	t.mu.Unlock()
	select {
	case <-t.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Reasons why a connection is not opened.
var (
	errEnding  = errors.New("gqlhttp: the server is going away")
	errTooMany = errors.New("gqlhttp: too many connections of one party")
)

// enter makes a connection one of those that are open; leave must follow if there is no error.
func (t *Transport) enter(c connection, kind Kind) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ending {
		return errEnding
	}
	t.open[c] = struct{}{}
	t.config.Watch.Opened(kind)
	return nil
}

func (t *Transport) isEnding() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ending
}

// leave takes the connection back; code is what it was closed with.
func (t *Transport) leave(c connection, kind Kind, code CloseCode) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, c)
	t.config.Watch.Closed(kind, code)
	t.checkGone()
}

func (t *Transport) checkGone() {
	if t.ending && len(t.open) == 0 {
		select {
		case <-t.gone:
		default:
			close(t.gone)
		}
	}
}

// count counts a party's connection; uncount must follow if there is no error.
func (t *Transport) count(party Party) error {
	if party.Key == "" {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts[party.Key] >= t.config.MaxConnections {
		return errTooMany
	}
	t.counts[party.Key]++
	return nil
}

func (t *Transport) uncount(party Party) {
	if party.Key == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts[party.Key]--; t.counts[party.Key] == 0 {
		delete(t.counts, party.Key)
	}
}
