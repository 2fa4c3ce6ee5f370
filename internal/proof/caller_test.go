//go:build long

package proof_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/gqlclient"
	"linkspan/internal/ids"
	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
)

// front is where callers find a server: one after the other, or several in turn.
type front struct {
	servers atomic.Pointer[[]string]
	turn    atomic.Int64
}

func newFront(addresses ...string) *front {
	f := &front{}
	f.lead(addresses...)
	return f
}

// lead has new connections go to these servers.
func (f *front) lead(addresses ...string) { f.servers.Store(&addresses) }

// caller is a client with connections of its own, which can be cut.
type caller struct {
	*gqlclient.Client
	front *front

	mu    sync.Mutex
	conns []net.Conn
}

func (f *front) caller(t testing.TB, token string) *caller {
	c := &caller{front: f}
	transport := &http.Transport{DialContext: c.dial}
	t.Cleanup(transport.CloseIdleConnections)
	c.Client = &gqlclient.Client{URL: "http://linkspan.test/graphql", Token: token, HTTP: &http.Client{Transport: transport}}
	return c
}

func (c *caller) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	servers := *c.front.servers.Load()
	conn, err := (&net.Dialer{}).DialContext(ctx, network, servers[int(c.front.turn.Add(1))%len(servers)])
	if err == nil {
		c.mu.Lock()
		c.conns = append(c.conns, conn)
		c.mu.Unlock()
	}
	return conn, err
}

// cut breaks all connections of the caller, without a word to the server.
func (c *caller) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// refusal is a payload's typed errors: data, and final.
type refusal struct{ Code, Message string }

// insist sends a mutation with its key until it has an answer, and counts how often that failed.
func (c *caller) insist(ctx context.Context, document string, input map[string]any, out any, failed *atomic.Int64) error {
	for {
		err := c.Do(ctx, document, "", map[string]any{"input": input}, out)
		var fault *gqlclient.Error
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil, errors.As(err, &fault) && !fault.Retryable:
			return err
		}
		failed.Add(1)
		pauseFor(ctx, 10*time.Millisecond)
	}
}

// pauseFor is the pause of a client between two attempts.
func pauseFor(ctx context.Context, pause time.Duration) {
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}

// register makes the groups, by the API, and returns them by their handles.
func register(t testing.TB, r *replica, handles ...string) map[string]channel.Group {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), servertest.Patience)
	defer cancel()
	operator := newFront(r.address).caller(t, servertest.Operator(t))
	groups := make(map[string]channel.Group)
	for _, handle := range handles {
		var answer struct {
			RegisterGroup struct {
				Group  *struct{ ID string }
				Errors []refusal
			}
		}
		err := operator.insist(ctx, `mutation($input: RegisterGroupInput!) {
			registerGroup(input: $input) { group { id } errors { code message } } }`,
			map[string]any{"handle": handle, "name": handle, "idempotencyKey": handle}, &answer, new(atomic.Int64))
		if err != nil || answer.RegisterGroup.Group == nil {
			t.Fatalf("register %s: %v %v", handle, err, answer)
		}
		id, err := ids.Parse(answer.RegisterGroup.Group.ID)
		if err != nil {
			t.Fatal(err)
		}
		groups[handle] = channel.Group{ID: id.Group, Handle: handle}
	}
	return groups
}

// admin is the token of one of a group's admins.
func admin(t testing.TB, user string) string { return servertest.Token(t, user, server.RoleAdmin) }

// await asks until the condition holds, for as long as ctx.
func await(ctx context.Context, t testing.TB, what string, condition func() bool) {
	t.Helper()
	for !condition() {
		if ctx.Err() != nil {
			t.Fatalf("it never came about: %s", what)
		}
		pauseFor(ctx, 2*time.Millisecond)
	}
}
