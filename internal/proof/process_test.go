package proof_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

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
	router  *shardrouter.Router
	store   *store.Store
	hints   *live.Hints
	relayed atomic.Int64 // steps that took effect here
	lost    atomic.Int64 // hints that were not given
	stop    func()
}

// ways is how a process differs from the program's; the zero value is as that is.
type ways struct {
	nats  string        // URL of the server that processes share; "": none
	poll  time.Duration // of the hub; 0: its default
	lossy bool          // half of what would be hinted is not, to nobody
}

// open starts a process; the caller closes it.
func open(t rapid.TB, config shardrouter.Config, logger *slog.Logger, w ways) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	router, err := shardrouter.Open(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{router: router, store: store.New(router)}
	if w.nats == "" {
		p.hints = live.Alone(logger)
	} else if p.hints, err = live.Connect(ctx, w.nats, logger); err != nil {
		t.Fatal(err)
	}
	hub := live.NewHub(live.Config{Reader: p.store, Hints: p.hints, Poll: w.poll, Logger: logger})
	var told channel.Hints = hub
	if w.lossy {
		told = lossyHints{hub, &p.lost}
	}
	deliverer := channel.Deliverer{Shards: p.store, Hints: told}
	relay := outbox.NewRelay(p.store, func(ctx context.Context, step channel.Step) error {
		err := deliverer.Deliver(ctx, step)
		if err == nil {
			p.relayed.Add(1)
		}
		return err
	}, logger)
	p.Service = &channel.Service{
		Main: p.store, Shards: p.store, Conversation: p.store, Outbox: relay, Hub: hub, Hints: told, Fresh: &channel.FreshMessages{},
		InvitationTTL: channel.DefaultInvitationTTL, Logger: logger,
	}
	var running sync.WaitGroup
	running.Go(func() { relay.Run(ctx) })
	running.Go(func() { _ = hub.Run(ctx) })
	p.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		p.hints.Close()
		router.Close()
	})
	return p
}

// lossyHints loses half its hints, the one to its own process included.
type lossyHints struct {
	channel.Hints
	lost *atomic.Int64
}

func (l lossyHints) Publish(a channel.Appended) {
	if rand.N(2) == 0 {
		l.lost.Add(1)
		return
	}
	l.Hints.Publish(a)
}

func (l lossyHints) Moved(log channel.LogKey) {
	if rand.N(2) == 0 {
		l.lost.Add(1)
		return
	}
	l.Hints.Moved(log)
}
