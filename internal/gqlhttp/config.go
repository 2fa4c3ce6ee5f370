package gqlhttp

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// Config is what a [Transport] is made with. Fields that are zero have the default that stands with them.
type Config struct {
	// MaxBodyBytes is the greatest length of a request's body and of a message on a WebSocket: 1 MiB.
	MaxBodyBytes int64
	// WriteTimeout is how long one write to a client may take: 5 s. A client that does not read for longer is cut off.
	WriteTimeout time.Duration
	// Heartbeat is the pause between two signs of life to who listens: 10 s. They are pings on a WebSocket.
	Heartbeat time.Duration
	// PongTimeout is how long the answer to a ping may take before the socket is closed: 5 s.
	PongTimeout time.Duration
	// InitTimeout is how long a WebSocket may take to send connection_init: 3 s.
	InitTimeout time.Duration
	// MaxOperations is how many operations may run on one WebSocket at once: 100.
	MaxOperations int
	// MaxConnections is how many WebSockets and streams one [Party] may have open in this process: 100.
	MaxConnections int

	// Init accepts connection_init; payload is nil where the client sent none. The context that it returns is that of all
	// the socket's operations. A *[CloseError] refuses with its code, any other error with 4500. Nil accepts everybody.
	Init func(ctx context.Context, payload json.RawMessage) (context.Context, error)
	// Party tells who a stream or an initialised socket is for, by the context of its operations. Nil: nobody in particular.
	Party func(ctx context.Context) Party
	// Audience names those who get the same answers to a subscription, by a key, and the context that it runs in for all of them:
	// what is said there for one is said to each. Two operations of one audience differ at most in where they begin. Empty: nobody
	// else gets these answers. Nil: nobody ever does.
	Audience func(ctx context.Context, operation *graphql.OperationContext) (key string, shared context.Context)
	// Crowd is from how many WebSockets and streams on an audience has a goroutine of its own that makes its events and has them
	// handed to those who wait: 64. With fewer each looks for itself.
	Crowd int
	// CheckOrigin tells whether a browser's page may open a WebSocket; it is asked where a request has an Origin. Nil: pages of
	// the same host and port alone.
	CheckOrigin func(r *http.Request) bool
	// SocketContext is the context that a WebSocket begins with; what it holds lives as long as the socket. Nil: the request's,
	// without its end.
	SocketContext func(r *http.Request) context.Context
	// Watch is told what comes and goes. Nil: nobody is.
	Watch Watch
}

// Party is who a stream or a socket is for.
type Party struct {
	// Key tells parties apart for MaxConnections; empty: not counted.
	Key string
	// Expires is when the party's streams and sockets end; zero: never.
	Expires time.Time
}

// Watch is told what comes and goes, for metrics. Its methods must not wait and must not call the transport; they are called
// concurrently.
type Watch interface {
	// Opened is told that a connection of the kind begins.
	Opened(kind Kind)
	// Closed is told that it has ended: a WebSocket with the code that it was closed with (1006: it was lost), a stream with 0.
	Closed(kind Kind, code CloseCode)
	// Sent is told that a response was sent on a connection of the kind.
	Sent(kind Kind)
	// Panicked is told what was recovered outside of the executor.
	Panicked(ctx context.Context, recovered any)
}

// Kind is a kind of connections that stay open.
type Kind string

// The kinds.
const (
	WebSocket Kind = "websocket"
	SSE       Kind = "sse"
	Multipart Kind = "multipart"
)

func (c Config) withDefaults() Config {
	setDefault(&c.MaxBodyBytes, 1<<20)
	setDefault(&c.WriteTimeout, 5*time.Second)
	setDefault(&c.Heartbeat, 10*time.Second)
	setDefault(&c.PongTimeout, 5*time.Second)
	setDefault(&c.InitTimeout, 3*time.Second)
	setDefault(&c.MaxOperations, 100)
	setDefault(&c.MaxConnections, 100)
	setDefault(&c.Crowd, 64)
	if c.Init == nil {
		c.Init = func(ctx context.Context, _ json.RawMessage) (context.Context, error) { return ctx, nil }
	}
	if c.Party == nil {
		c.Party = func(context.Context) Party { return Party{} }
	}
	if c.Audience == nil {
		c.Audience = func(ctx context.Context, _ *graphql.OperationContext) (string, context.Context) { return "", ctx }
	}
	if c.CheckOrigin == nil {
		c.CheckOrigin = sameHost
	}
	if c.SocketContext == nil {
		c.SocketContext = func(r *http.Request) context.Context { return context.WithoutCancel(r.Context()) }
	}
	if c.Watch == nil {
		c.Watch = nobody{}
	}
	return c
}

func setDefault[T int | int64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

type nobody struct{}

func (nobody) Opened(Kind)                   {}
func (nobody) Closed(Kind, CloseCode)        {}
func (nobody) Sent(Kind)                     {}
func (nobody) Panicked(context.Context, any) {}
