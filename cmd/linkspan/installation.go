package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/live"
	"linkspan/internal/outbox"
	"linkspan/internal/server"
	"linkspan/internal/store"
	"linkspan/resolvers"
	"linkspan/shardrouter"
)

// serverFlags are the settings that dev and serve have in common.
type serverFlags struct {
	Listen        string        `default:"127.0.0.1:8080" env:"LINKSPAN_LISTEN" help:"Address to listen on."`
	InvitationTTL time.Duration `default:"336h" env:"LINKSPAN_INVITATION_TTL" help:"How long an invitation can be accepted."`
	PoolSize      int           `default:"16" env:"LINKSPAN_POOL_SIZE" help:"Most connections to each cluster."`
	NoPrepare     bool          `env:"LINKSPAN_NO_PREPARE" help:"Prepare no statements: for pgbouncer in transaction mode."`
	LogLevel      slog.Level    `default:"INFO" env:"LINKSPAN_LOG_LEVEL" help:"DEBUG, INFO, WARN or ERROR."`
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
	stop    context.CancelFunc
	running sync.WaitGroup
}

// open joins the rooms over prepared clusters and starts what runs in the background. close ends it.
func open(ctx context.Context, config shardrouter.Config, flags serverFlags, logger *slog.Logger) (*installation, error) {
	config.PoolSize, config.DisablePreparing, config.Logger = flags.PoolSize, flags.NoPrepare, logger
	router, err := shardrouter.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	hints, err := openHints(ctx, logger)
	if err != nil {
		router.Close()
		return nil, err
	}
	in := &installation{router: router, hints: hints, store: store.New(router), logger: logger}
	in.hub = live.NewHub(live.Config{Reader: in.store, Hints: hints, Logger: logger})
	deliverer := channel.Deliverer{Shards: in.store, Hints: in.hub}
	in.relay = outbox.NewRelay(in.store, deliverer.Deliver, logger)
	in.service = &channel.Service{
		Main: in.store, Shards: in.store, Outbox: in.relay, Hub: in.hub, InvitationTTL: flags.InvitationTTL, Logger: logger,
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	in.stop = stop
	in.running.Go(func() { in.relay.Run(background) })
	in.running.Go(func() { in.service.Sweep(background) })
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
	return live.Embedded(ctx, logger)
}

// close ends what runs in the background, after what is under way, and lets go of the clusters.
func (in *installation) close() {
	in.stop()
	in.running.Wait()
	in.hints.Close()
	in.router.Close()
}

// serve answers HTTP on the listener until ctx ends.
func (in *installation) serve(ctx context.Context, listener net.Listener, secret []byte, remedy string) error {
	return server.New(server.Config{
		Resolvers: resolvers.New(in.service),
		Tokens:    server.NewTokens(secret, in.store),
		Health:    healthOf(in.router),
		Remedy:    remedy,
		Logger:    in.logger,
	}).Serve(ctx, listener)
}
