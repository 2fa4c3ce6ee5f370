package proof_test

import (
	"context"
	"log/slog"
	"sync"

	"pgregory.net/rapid"

	"linkspan/internal/channel"
	"linkspan/internal/live"
	"linkspan/internal/outbox"
	"linkspan/internal/store"
	"linkspan/shardrouter"
)

// process is what a process of the program has of an installation: router, store, relay and hub. Nobody sweeps in it: a
// test calls the sweeper where it wants it.
type process struct {
	*channel.Service
	router *shardrouter.Router
	stop   func()
}

// open starts a process; the caller closes it.
func open(t rapid.TB, config shardrouter.Config, logger *slog.Logger) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	router, err := shardrouter.Open(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	hints, err := live.Embedded(ctx, logger)
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(router)
	hub := live.NewHub(live.Config{Reader: s, Hints: hints, Logger: logger})
	relay := outbox.NewRelay(s, channel.Deliverer{Shards: s, Hints: hub}.Deliver, logger)
	var running sync.WaitGroup
	running.Go(func() { relay.Run(ctx) })
	running.Go(func() { _ = hub.Run(ctx) })
	return &process{
		Service: &channel.Service{
			Main: s, Shards: s, Outbox: relay, Hub: hub, InvitationTTL: channel.DefaultInvitationTTL, Logger: logger,
		},
		router: router,
		stop: sync.OnceFunc(func() {
			cancel()
			running.Wait()
			hints.Close()
			router.Close()
		}),
	}
}
