// Package servertest runs the whole program but for its command line inside a test: an installation on real Postgres,
// with everything that runs in the background, behind a real HTTP server.
package servertest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/live"
	"linkspan/internal/metrics"
	"linkspan/internal/outbox"
	"linkspan/internal/server"
	"linkspan/internal/store"
	"linkspan/internal/store/storetest"
	"linkspan/internal/traces"
	"linkspan/resolvers"
	"linkspan/shardrouter"
)

// Secret signs the tokens of the tests.
var Secret = []byte("a secret of the tests, thirty-two bytes or more")

// Options changes what New makes. The zero value is three shards and invitations of 14 days.
type Options struct {
	Shards        int // 0: three; -1: one that shares main's database
	InvitationTTL time.Duration
	MaxGroups     int
	Config        *shardrouter.Config // instead of an installation of its own
	NoSweep       bool                // the test calls Service.ExpireDue itself
	NoGroups      bool                // the test registers them itself
	Edge          server.Config       // the edge, but for what it needs of the rest
	Tokens        *server.TokenConfig // whose are taken; nil: those that Secret signed
	Traces        *traces.Traces
}

// Server is a running server. It ends with its test.
type Server struct {
	URL     string
	Service *channel.Service
	Hub     *live.Hub
	Store   *store.Store
	Router  *shardrouter.Router
	Config  shardrouter.Config
	Logs    *Log
	Metrics *metrics.Metrics

	// Statements counts them, unless the options have a tracer of their own.
	Statements *Statements

	t testing.TB
}

// New starts a server with the groups acme, globex and initech, unless the options say otherwise.
func New(t testing.TB, options Options) *Server {
	t.Helper()
	if options.InvitationTTL == 0 {
		options.InvitationTTL = channel.DefaultInvitationTTL
	}
	switch {
	case options.Config != nil:
	case options.Shards == 0:
		options.Shards = 3
	case options.Shards < 0:
		options.Shards = 0
	}
	s := &Server{Logs: &Log{}, t: t}
	if options.Config != nil {
		s.Config = *options.Config
	} else {
		s.Config = storetest.Config(t, options.Shards)
	}
	switch {
	case options.Traces != nil:
		s.Config.Statements = options.Traces
	case s.Config.Statements == nil:
		s.Statements = &Statements{}
		s.Config.Statements = s.Statements
	}
	s.Store, s.Router = storetest.OpenConfig(t, s.Config)
	logger := slog.New(traces.LogHandler(server.LogHandler(slog.NewJSONHandler(s.Logs, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	s.Metrics = metrics.New(logger)
	hints := live.Alone(logger)
	hub := live.NewHub(live.Config{Reader: s.Store, Hints: hints, Logger: logger, Watch: s.Metrics})
	s.Hub = hub
	deliver := s.Metrics.Deliver(channel.Deliverer{Shards: s.Store, Hints: hub}.Deliver)
	if options.Traces != nil {
		deliver = options.Traces.Deliver(deliver)
	}
	relay := outbox.NewRelay(s.Metrics.OutboxStore(s.Store), deliver, logger)
	s.Service = &channel.Service{
		Main: s.Store, Shards: s.Store, Conversation: s.Store, Outbox: relay, Hub: hub, Hints: hub, Fresh: &channel.FreshMessages{},
		InvitationTTL: options.InvitationTTL, MaxGroups: options.MaxGroups, Logger: logger,
		Refused: s.Metrics.Refused, Outdated: s.Metrics.Outdated,
	}
	s.Metrics.WatchClusters(s.Router)
	s.Metrics.WatchHub(hub)
	s.Metrics.WatchOutbox(s.Store.Backlog)
	s.Metrics.WatchAudits(s.Store.OldestUnaudited)
	s.Metrics.WatchPages(s.Store.Pages)
	s.Metrics.WatchPosts(s.Store.Posts)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.URL = "http://" + listener.Addr().String()
	signIn := server.TokenConfig{Secrets: [][]byte{Secret}}
	if options.Tokens != nil {
		signIn = *options.Tokens
	}
	signIn.Logger = logger
	tokens := server.NewTokens(signIn, s.Store)
	edge := options.Edge
	edge.Resolvers, edge.Tokens, edge.Logger = resolvers.New(s.Service), tokens, logger
	edge.Remedy, edge.Health, edge.Watch = "(how to get one)", s.health, s.Metrics
	if options.Traces != nil {
		edge.Tracer = options.Traces
	}
	web := server.New(edge)
	ctx, stop := context.WithCancel(context.Background())
	sweep, stopSweep := context.WithCancel(context.Background())
	background, stopBackground := context.WithCancel(context.Background())
	var serving, sweeping, running sync.WaitGroup
	serving.Go(func() {
		if err := web.Serve(ctx, listener); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() { relay.Run(background) })
	running.Go(func() { tokens.Run(background) })
	if !options.NoSweep {
		sweeping.Go(func() { s.Service.Sweep(sweep) })
	}
	running.Go(func() { _ = hub.Run(background) })
	t.Cleanup(func() {
		stop()
		serving.Wait()
		stopSweep()
		sweeping.Wait()
		stopBackground()
		running.Wait()
		hints.Close()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.Logs)
		}
	})
	if !options.NoGroups {
		for _, handle := range []string{"acme", "globex", "initech"} {
			s.Register(handle)
		}
	}
	return s
}

// health asks the clusters as the program does, but for their migrations.
func (s *Server) health(ctx context.Context) (all []server.ClusterHealth) {
	for _, cluster := range s.Router.Health(ctx) {
		health := server.ClusterHealth{Name: cluster.Name, Err: cluster.Err}
		if cluster.Err != nil {
			health.Reason = server.Unreachable
		}
		all = append(all, health)
	}
	return all
}

// Settled waits until every step of the outbox has taken effect and is noted. Clusters may come back meanwhile.
func (s *Server) Settled() {
	s.t.Helper()
	Eventually(s.t, "every step is noted", func() bool {
		open := -1
		err := s.Router.Main().Pool().QueryRow(s.t.Context(), `SELECT count(*) FROM linkspan_main.outbox_step`).Scan(&open)
		return err == nil && open == 0
	})
}

// Audited waits until all that has been decided and refused by now is in the audits.
func (s *Server) Audited() {
	s.t.Helper()
	main := s.Router.Main().Pool()
	var now time.Time
	if err := main.QueryRow(s.t.Context(), `SELECT clock_timestamp()`).Scan(&now); err != nil {
		s.t.Fatal(err)
	}
	Eventually(s.t, "audits are written", func() bool {
		left := -1
		_, err := s.Service.WriteAudit(s.t.Context())
		if err == nil {
			err = main.QueryRow(s.t.Context(), `
				SELECT (SELECT count(*) FROM linkspan_main.transition WHERE NOT audited AND at <= $1)
					+ (SELECT count(*) FROM linkspan_main.refusal WHERE NOT audited AND at <= $1)`, now).Scan(&left)
		}
		return err == nil && left == 0
	})
}

// For returns the same server for a test below the one that made it: failures are that test's.
func (s *Server) For(t testing.TB) *Server {
	other := *s
	other.t = t
	return &other
}

// Register returns the group of that handle, which is registered if need be.
func (s *Server) Register(handle string) channel.Group {
	s.t.Helper()
	operator := &channel.Viewer{Operator: true, User: channel.User{ID: ids.UserOf(ids.Group{}, "test")}}
	group, err := s.Service.Group(s.t.Context(), handle)
	if err != nil {
		s.t.Fatal(err)
	}
	if group != nil {
		return *group
	}
	payload, err := s.Service.RegisterGroup(s.t.Context(), operator, channel.RegisterGroupInput{
		Handle: handle, Name: strings.ToUpper(handle[:1]) + handle[1:],
	})
	if err != nil || len(payload.Errors) > 0 {
		s.t.Fatalf("register %s: %v %v", handle, err, payload)
	}
	return *payload.Group
}

// Token signs a token for USER@GROUP with the role.
func Token(t testing.TB, user, role string) string {
	t.Helper()
	sub, group, _ := strings.Cut(user, "@")
	claims := server.Claims{Group: group, Role: role, Name: strings.ToUpper(sub[:1]) + sub[1:]}
	claims.Subject = sub
	return Sign(t, claims)
}

// Sign signs any claims for an hour.
func Sign(t testing.TB, claims server.Claims) string {
	t.Helper()
	token, err := server.SignToken(Secret, claims, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Admin signs a token for USER@GROUP as an admin.
func Admin(t testing.TB, user string) string { return Token(t, user, server.RoleAdmin) }

// Member signs a token for USER@GROUP as a member.
func Member(t testing.TB, user string) string { return Token(t, user, server.RoleMember) }

// Operator signs a token for an operator.
func Operator(t testing.TB) string {
	claims := server.Claims{Role: server.RoleOperator}
	claims.Subject = "operator"
	return Sign(t, claims)
}

// Answer is what a GraphQL request got.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	Data   map[string]any
	Errors []Error
}

// Error is a top-level error of an answer.
type Error struct {
	Message    string         `json:"message"`
	Path       []any          `json:"path"`
	Extensions map[string]any `json:"extensions"`
}

// Code is the error's code, "" if it has none.
func (e Error) Code() string {
	code, _ := e.Extensions["code"].(string)
	return code
}

// Post sends a document. The variables may be nil, the token "".
func (s *Server) Post(token, document string, variables map[string]any) Answer {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.PostBody(token, body)
}

// PostBody sends a body as it is.
func (s *Server) PostBody(token string, body []byte) Answer {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodPost, s.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	answer := Answer{Status: response.StatusCode, Header: response.Header, Body: string(text)}
	if strings.Contains(response.Header.Get("Content-Type"), "json") {
		parsed := struct {
			Data   *map[string]any `json:"data"`
			Errors *[]Error        `json:"errors"`
		}{&answer.Data, &answer.Errors}
		if err := json.Unmarshal(text, &parsed); err != nil {
			s.t.Fatalf("%v: %s", err, text)
		}
	}
	return answer
}

// Must is Post for a request that must have no top-level errors; it returns the data.
func (s *Server) Must(token, document string, variables map[string]any) map[string]any {
	s.t.Helper()
	answer := s.Post(token, document, variables)
	if len(answer.Errors) > 0 {
		s.t.Fatalf("%s\n%v: %s", document, variables, answer.Body)
	}
	return answer.Data
}

// Get walks through data by field names and list indexes, as in Get[string](data, "viewer", "group", "handle").
func Get[T any](t testing.TB, data any, path ...any) T {
	t.Helper()
	at := data
	for i, step := range path {
		switch step := step.(type) {
		case string:
			object, ok := at.(map[string]any)
			if !ok {
				t.Fatalf("%v: no object at %v in %v", path, path[:i], data)
			}
			at = object[step]
		case int:
			list, ok := at.([]any)
			if !ok || step >= len(list) {
				t.Fatalf("%v: no element at %v in %v", path, path[:i+1], data)
			}
			at = list[step]
		}
	}
	value, ok := at.(T)
	if !ok {
		t.Fatalf("%v is %T (%v), in %v", path, at, at, data)
	}
	return value
}

// Log keeps what the server logs.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
