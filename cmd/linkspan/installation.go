package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/live"
	"linkspan/internal/metrics"
	"linkspan/internal/outbox"
	"linkspan/internal/server"
	"linkspan/internal/store"
	"linkspan/internal/traces"
	"linkspan/resolvers"
	"linkspan/shardrouter"
)

// serverFlags are the settings that dev and serve have in common.
type serverFlags struct {
	limitFlags
	claimFlags
	Listen        string        `default:"127.0.0.1:8080" env:"LINKSPAN_LISTEN" help:"Address to listen on."`
	InvitationTTL time.Duration `default:"336h" env:"LINKSPAN_INVITATION_TTL" help:"How long an invitation can be accepted."`
	MaxGroups     int           `default:"250" env:"LINKSPAN_MAX_GROUPS" help:"How many groups a channel has at most, those that are asked among them."`
	LogRetention  time.Duration `default:"720h" env:"LINKSPAN_LOG_RETENTION" help:"How long events of logs are kept, for subscribers that resume; 0: for good."`
	PoolSize      int           `default:"8" env:"LINKSPAN_POOL_SIZE" help:"Most connections to each cluster."`
	NoPrepare     bool          `env:"LINKSPAN_NO_PREPARE" help:"Prepare no statements: for pgbouncer in transaction mode."`
	PostBySlot    bool          `env:"LINKSPAN_POST_BY_SLOT" help:"Write messages by statements about one slot each: for engines that refuse others."`
	PagesMB       int           `name:"pages-mb" default:"128" env:"LINKSPAN_PAGES_MB" help:"Most memory for pages of messages that were read, in MB; 0: none are kept."`
	Origins       []string      `name:"allowed-origins" placeholder:"ORIGIN" env:"LINKSPAN_ALLOWED_ORIGINS" help:"Origins whose pages may use the API, as https://app.example.com or https://*.example.com."`
	Operations    string        `placeholder:"FILE" env:"LINKSPAN_OPERATIONS" help:"Operations that clients may name by their SHA-256: graphql-codegen's persisted-documents.json."`
	OnlyThose     bool          `name:"operations-only" env:"LINKSPAN_OPERATIONS_ONLY" help:"Take no other operations than those."`
	LogLevel      slog.Level    `default:"INFO" env:"LINKSPAN_LOG_LEVEL" help:"DEBUG, INFO, WARN or ERROR."`
}

// otelHelp is what dev and serve say of OpenTelemetry's own variables.
const otelHelp = `  OTEL_…                        where traces go, by OpenTelemetry's variables,
                                as OTEL_EXPORTER_OTLP_ENDPOINT; none: nowhere`

// maxPagesMB is more memory than any machine has.
const maxPagesMB = 1 << 24

// check says what is wrong with the settings; kong has read them from flags or the environment.
func (f serverFlags) check() error {
	switch {
	case f.MaxGroups < 2:
		return fmt.Errorf("LINKSPAN_MAX_GROUPS is %d: a channel has two groups at least", f.MaxGroups)
	case f.InvitationTTL <= 0:
		return fmt.Errorf("LINKSPAN_INVITATION_TTL is %v: it must be positive, as in 336h", f.InvitationTTL)
	case f.LogRetention < 0:
		return fmt.Errorf("LINKSPAN_LOG_RETENTION is %v: it must be positive, as in 720h, or 0", f.LogRetention)
	case f.PoolSize < 1:
		return fmt.Errorf("LINKSPAN_POOL_SIZE is %d: it must be at least 1", f.PoolSize)
	case f.PagesMB < 0 || f.PagesMB > maxPagesMB:
		return fmt.Errorf("LINKSPAN_PAGES_MB is %d: it is 0 to %d", f.PagesMB, maxPagesMB)
	}
	if err := f.limitFlags.check(); err != nil {
		return err
	}
	return f.claimFlags.check()
}

// edge is what the settings say of the server's edge.
func (f serverFlags) edge() (server.Config, error) {
	config := server.Config{Connections: f.connections(), Limits: f.limits(), NoIntrospection: !f.Introspection}
	var err error
	if config.Origins, err = server.ParseOrigins(f.Origins); err != nil {
		return config, fmt.Errorf("LINKSPAN_ALLOWED_ORIGINS: %w", err)
	}
	if f.OnlyThose && f.Operations == "" {
		return config, errors.New("LINKSPAN_OPERATIONS_ONLY is set, but LINKSPAN_OPERATIONS names no file: give one, or unset it")
	}
	if f.Operations != "" {
		config.Operations.Only = f.OnlyThose
		if config.Operations.ByHash, err = server.ReadOperations(f.Operations); err != nil {
			return config, fmt.Errorf("LINKSPAN_OPERATIONS: %w", err)
		}
	}
	return config, nil
}

// newLogger makes the program's logger, of JSON lines. What libraries log goes there too, by slog or by package log.
func newLogger(out io.Writer, level slog.Level) *slog.Logger {
	logger := slog.New(traces.LogHandler(server.LogHandler(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level}))))
	slog.SetDefault(logger)
	return logger
}

// installation is everything that runs in one process: the domain over its clusters, and what finishes and sweeps
// behind it.
type installation struct {
	router  *shardrouter.Router
	store   *store.Store
	hints   *live.Hints
	hub     *live.Hub
	relay   *outbox.Relay
	service *channel.Service
	logger  *slog.Logger
	metrics *metrics.Metrics
	traces  *traces.Traces // nil: the environment asks for none

	stopSweep, stop   context.CancelFunc
	sweeping, running sync.WaitGroup
}

// While the program serves it has at least these connections to each shard's cluster: one for its lane of posts, and one for a reader.
// They are used every so often, for a pool lets go of what rests for five minutes.
const (
	warmConnections = 2
	warmAgain       = time.Minute
)

// ports are what the domain and the outbox need of the store.
type ports struct {
	main         channel.Main
	shards       channel.Shards
	conversation channel.Conversation
	outbox       outbox.Store
}

// wrapPorts is what crash tests put between the domain and the store; nil in the program.
var wrapPorts func(ports) ports

// open joins the rooms over prepared clusters and starts what runs in the background. close ends it.
func open(ctx context.Context, config shardrouter.Config, flags serverFlags, logger *slog.Logger) (*installation, error) {
	if err := limitMemory(logger); err != nil {
		return nil, err
	}
	config.Settings = store.Settings()
	config.PoolSize, config.DisablePreparing, config.Logger = flags.PoolSize, flags.NoPrepare, logger
	tracing, err := traces.FromEnv(ctx, logger)
	if err != nil {
		return nil, err
	}
	in := &installation{logger: logger, metrics: metrics.New(logger), traces: tracing}
	if tracing != nil {
		config.Statements = tracing
	}
	if in.router, err = shardrouter.Open(ctx, config); err != nil {
		in.closeTraces()
		return nil, inALine(err)
	}
	if in.hints, err = openHints(ctx, logger); err != nil {
		in.router.Close()
		in.closeTraces()
		return nil, err
	}
	in.store = store.New(in.router, store.PostBySlot(flags.PostBySlot), store.PagesMB(flags.PagesMB))
	in.hub = live.NewHub(live.Config{Reader: in.store, Hints: in.hints, Logger: logger, Watch: in.metrics})
	stored := ports{in.store, in.store, in.store, in.store}
	if wrapPorts != nil {
		stored = wrapPorts(stored)
	}
	deliver := in.metrics.Deliver(channel.Deliverer{Shards: stored.shards, Hints: in.hub}.Deliver)
	if tracing != nil {
		deliver = tracing.Deliver(deliver)
	}
	in.relay = outbox.NewRelay(in.metrics.OutboxStore(stored.outbox), deliver, logger)
	in.service = &channel.Service{
		Main: stored.main, Shards: stored.shards, Conversation: stored.conversation, Outbox: in.relay, Hub: in.hub, Hints: in.hub, Fresh: &channel.FreshMessages{},
		InvitationTTL: flags.InvitationTTL,
		MaxGroups:     flags.MaxGroups,
		LogRetention:  flags.LogRetention, Logger: logger, Refused: in.metrics.Refused, Outdated: in.metrics.Outdated,
	}
	in.metrics.WatchClusters(in.router)
	in.metrics.WatchHub(in.hub)
	in.metrics.WatchOutbox(in.store.Backlog)
	in.metrics.WatchAudits(in.store.OldestUnaudited)
	in.metrics.WatchPages(in.store.Pages)
	in.metrics.WatchPosts(in.store.Posts)
	background := context.WithoutCancel(ctx)
	sweep, stopSweep := context.WithCancel(background)
	background, stop := context.WithCancel(background)
	in.stopSweep, in.stop = stopSweep, stop
	in.sweeping.Go(func() { in.service.Sweep(sweep) })
	in.running.Go(func() { paceCollections(background) })
	in.running.Go(func() { in.relay.Run(background) })
	in.running.Go(func() {
		if err := in.hub.Run(background); err != nil && !errors.Is(err, context.Canceled) {
			logger.Error("the hub ended", "err", err)
		}
	})
	return in, nil
}

func openHints(ctx context.Context, logger *slog.Logger) (*live.Hints, error) {
	if url := os.Getenv("LINKSPAN_NATS_URL"); url != "" {
		return live.Connect(ctx, url, logger)
	}
	return live.Alone(logger), nil
}

// close ends what runs in the background, after what is under way, and lets go of the clusters. The relay, which waits
// for deliveries, comes after all that begins some.
func (in *installation) close() {
	in.stopSweep()
	in.sweeping.Wait()
	in.stop()
	in.running.Wait()
	in.hints.Close()
	in.router.Close()
	in.closeTraces()
}

// tracesTimeout is how long sending the last spans may take.
const tracesTimeout = 3 * time.Second

func (in *installation) closeTraces() {
	if in.traces == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), tracesTimeout)
	defer cancel()
	if err := in.traces.Close(ctx); err != nil {
		in.logger.Warn("the last traces could not be sent", "err", err)
	}
}

// serve answers HTTP on the listener until ctx ends, with an edge to which this adds whose tokens are taken and what the
// rooms behind it are. On admin, unless it is nil, it answers those who run the server.
func (in *installation) serve(ctx context.Context, listener, admin net.Listener, edge server.Config, signIn server.TokenConfig) error {
	defer in.administer(ctx, admin)()
	edge.Watch = in.metrics
	if in.traces != nil {
		edge.Tracer = in.traces
	}
	signIn.Logger = in.logger
	edge.Resolvers, edge.Tokens = resolvers.New(in.service), server.NewTokens(signIn, in.store)
	edge.Health, edge.Logger = healthOf(in.router), in.logger
	fresh, stop := context.WithCancel(context.WithoutCancel(ctx)) // requests are answered for a while behind ctx's end
	var beside sync.WaitGroup
	beside.Go(func() { edge.Tokens.Run(fresh) })
	beside.Go(func() {
		in.store.KeepWarm(fresh, warmConnections, warmAgain, func(err error) {
			in.logger.Debug("not all connections are warm: the first requests wait for them", "err", err)
		})
	})
	defer beside.Wait()
	defer stop()
	return server.New(edge).Serve(ctx, listener)
}
