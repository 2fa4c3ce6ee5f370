package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/go-chi/chi/v5"
	"github.com/vektah/gqlparser/v2/ast"

	"linkspan/graph"
)

const (
	// MaxBodyBytes is the greatest length of a request's body, and of a WebSocket message.
	MaxBodyBytes = 1 << 20
	// maxTokens bounds the size of a document before it is parsed.
	maxTokens = 15000
	// queryCacheSize is how many parsed documents are kept.
	queryCacheSize = 1000

	headerTimeout   = 10 * time.Second
	bodyTimeout     = 30 * time.Second
	idleTimeout     = 2 * time.Minute
	socketInit      = 10 * time.Second
	socketPing      = 15 * time.Second
	shutdownTimeout = 5 * time.Second
)

// Config is what the edge needs.
type Config struct {
	Resolvers graph.ResolverRoot
	Tokens    *Tokens
	Health    Health
	Remedy    string // what a client without a valid token is told to do
	Logger    *slog.Logger
	// DrainDelay is for how long a server that is to end still takes requests while /readyz says that it is draining: until
	// balancers have noticed.
	DrainDelay time.Duration
}

// Server answers HTTP.
type Server struct {
	config   Config
	draining atomic.Bool
	sockets  context.Context // ends when open sockets must; its cause is errGoingAway
	endAll   context.CancelCauseFunc
	open     sync.WaitGroup // sockets
}

// New returns a server that does not listen yet.
func New(config Config) *Server {
	s := &Server{config: config}
	s.sockets, s.endAll = context.WithCancelCause(context.Background())
	return s
}

// Handler returns all endpoints; contract, "Endpoints".
func (s *Server) Handler() http.Handler {
	signIn := &signIn{tokens: s.config.Tokens, remedy: s.config.Remedy}
	router := chi.NewRouter()
	router.Use(func(next http.Handler) http.Handler { return identified(s.config.Logger, next) })
	router.Use(recovered, s.lastAnswers)
	router.Get("/healthz", healthz)
	router.Get("/readyz", s.readyz)
	router.With(wellFormed, signIn.middleware, s.upgrades).Handle("/graphql", s.graphql(signIn))
	return router
}

// graphql is the executor with gqlgen's stock transports.
func (s *Server) graphql(signIn *signIn) http.Handler {
	h := handler.New(graph.NewExecutableSchema(graph.Config{Resolvers: s.config.Resolvers}))
	limit := int64(MaxBodyBytes)
	h.AddTransport(transport.Websocket{
		Implementation: sockets{}, PayloadReadLimit: &limit,
		InitFunc: signIn.initSocket, InitTimeout: socketInit, PingPongInterval: socketPing,
		ErrorFunc: func(ctx context.Context, err error) { logger(ctx).DebugContext(ctx, "socket", "err", err) },
	})
	h.AddTransport(transport.GET{})
	h.AddTransport(transport.POST{})
	h.SetQueryCache(lru.New[*ast.QueryDocument](queryCacheSize))
	h.SetParserTokenLimit(maxTokens)
	h.SetErrorPresenter(present)
	h.SetRecoverFunc(func(_ context.Context, v any) error { return panicked(v) })
	h.Use(extension.Introspection{})
	h.AroundOperations(signIn.gate)
	return h
}

// Serve answers on the listener until ctx ends. Then it is no longer ready; after the drain delay it takes no new
// connections, ends sockets so that their clients return to another server, lets requests finish for a few seconds, and
// returns.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	var unused unused
	h := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, IdleTimeout: idleTimeout,
		ConnState: unused.note,
		ErrorLog:  slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelWarn),
	}
	h.RegisterOnShutdown(func() { s.endAll(errGoingAway) }) // behind the listener's end: who returns finds another server
	serving := make(chan error, 1)
	go func() { serving <- h.Serve(listener) }()
	select {
	case err := <-serving:
		return fmt.Errorf("server: %w", err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	select {
	case err := <-serving:
		return fmt.Errorf("server: %w", err)
	case <-time.After(s.config.DrainDelay):
	}
	limit, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	defer time.AfterFunc(unusedGrace, unused.close).Stop()
	if err := h.Shutdown(limit); err != nil {
		return fmt.Errorf("server: requests did not finish in %v: %w", shutdownTimeout, errors.Join(err, h.Close()))
	}
	s.awaitSockets(limit)
	return nil
}

// lastAnswers has clients of a server that drains take their next requests to another connection.
func (s *Server) lastAnswers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() && r.Header.Get("Upgrade") == "" {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
