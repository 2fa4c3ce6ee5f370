package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"linkspan/graph"
	"linkspan/internal/gqldoc"
	"linkspan/internal/gqlhttp"
	"linkspan/web/graphiql"
)

const (
	headerTimeout   = 10 * time.Second
	bodyTimeout     = 30 * time.Second
	idleTimeout     = 2 * time.Minute
	writeTimeout    = time.Minute // of an answer as a whole; sockets and streams have one for each write
	shutdownTimeout = 5 * time.Second
)

// Config is what the edge needs.
type Config struct {
	Resolvers graph.ResolverRoot
	Tokens    *Tokens
	Health    Health
	Remedy    string // what a client without a valid token is told to do
	Logger    *slog.Logger
	GraphiQL  *GraphiQL // nil: there is no such page
	// Limits is what a document may cost; what is 0 is as in gqldoc.DefaultLimits.
	Limits gqldoc.Limits
	// NoIntrospection keeps the schema from clients.
	NoIntrospection bool
	// DrainDelay is for how long a server that is to end still takes requests while /readyz says that it is draining: until
	// balancers have noticed.
	DrainDelay  time.Duration
	Connections Connections
	Origins     Origins
	Rate        Rate
	Operations  Operations
	// Watch and Tracer are told what happens. Nil: nobody is.
	Watch  Watch
	Tracer Tracer
}

// Server answers HTTP.
type Server struct {
	config    Config
	draining  atomic.Bool
	loopback  atomic.Bool // whether it listens where only this machine can reach it
	rounds    rounds      // of /readyz
	signIn    *signIn
	transport *gqlhttp.Transport
}

// New returns a server that does not listen yet.
func New(config Config) *Server {
	signIn := &signIn{tokens: config.Tokens}
	return &Server{config: config, rounds: rounds{ask: config.Health}, signIn: signIn, transport: newTransport(signIn, config)}
}

// Handler returns all endpoints; contract, "Endpoints".
func (s *Server) Handler() http.Handler {
	router := chi.NewRouter()
	by := observers{s.config.Watch, s.config.Tracer}
	if by.tracer != nil {
		router.Use(by.tracer.Handler)
	}
	router.Use(func(next http.Handler) http.Handler { return identified(s.config.Logger, by, next) })
	router.Use(recovered, s.lastAnswers, secured)
	router.Get("/healthz", healthz)
	router.Get("/readyz", s.readyz)
	graphql := s.transport.Handler(newExecutor(s.config))
	router.With(s.config.Origins.cors(), s.signIn.middleware).Handle("/graphql", graphql)
	if s.config.GraphiQL != nil {
		router.Mount(graphiql.Path, s.graphiql())
	}
	return router
}

// Serve answers on the listener until ctx ends. Then it is no longer ready; after the drain delay it takes no new
// connections, ends sockets and streams so that their clients return to another server, lets requests finish for a few
// seconds, and returns.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	s.loopback.Store(isLoopbackHost(listener.Addr().String()))
	var unused unused
	unlistened := make(chan struct{})
	h := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		ConnState: unused.note,
		ErrorLog:  slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelWarn),
	}
	h.RegisterOnShutdown(func() { close(unlistened) })
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
	gone := make(chan error, 1)
	go func() {
		<-unlistened // who returns finds another server
		gone <- s.transport.Shutdown(limit)
	}()
	err := h.Shutdown(limit)
	if left := <-gone; left != nil { // what does not answer is not waited for
		s.config.Logger.Warn("not all sockets and streams ended in time", "err", left)
	}
	if err != nil {
		return fmt.Errorf("server: requests did not finish in %v: %w", shutdownTimeout, errors.Join(err, h.Close()))
	}
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
