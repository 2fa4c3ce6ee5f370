//go:build long

package proof_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/check"
	"linkspan/internal/live"
	"linkspan/internal/outbox"
	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store"
	"linkspan/resolvers"
	"linkspan/shardrouter"
)

// replicaOptions is what one replica has of its own.
type replicaOptions struct {
	nats     string        // URL of the server that replicas share; "": embedded
	poll     time.Duration // of the hub; 0: its default
	lossy    bool          // half of what would be hinted is not, to nobody
	forgets  bool          // requests leave all steps to the relays, as after a crash behind each commit
	handsOff time.Duration // drain delay
}

// replica is a whole process of the program but for its command line: everything that runs in it, behind HTTP.
type replica struct {
	address string
	store   *store.Store
	router  *shardrouter.Router
	hints   *live.Hints
	lost    atomic.Int64 // hints that were not given
	relayed atomic.Int64 // steps that took effect here
	stop    func()
}

// startReplica starts a replica, which stops with the test at the latest.
func startReplica(t testing.TB, config shardrouter.Config, o replicaOptions) *replica {
	t.Helper()
	r := &replica{}
	ctx := context.Background()
	logger := slog.New(slog.DiscardHandler)
	var err error
	if r.router, err = shardrouter.Open(ctx, config); err != nil {
		t.Fatal(err)
	}
	r.store = store.New(r.router)
	if o.nats == "" {
		r.hints, err = live.Embedded(ctx, logger)
	} else {
		r.hints, err = live.Connect(ctx, o.nats, logger)
	}
	if err != nil {
		t.Fatal(err)
	}
	hub := live.NewHub(live.Config{Reader: r.store, Hints: r.hints, Poll: o.poll, Logger: logger})
	var told channel.Hints = hub
	if o.lossy {
		told = lossyHints{hub, &r.lost}
	}
	deliver := channel.Deliverer{Shards: r.store, Hints: told}.Deliver
	relay := outbox.NewRelay(r.store, func(ctx context.Context, step channel.Step) error {
		err := deliver(ctx, step)
		if err == nil {
			r.relayed.Add(1)
		}
		return err
	}, logger)
	var driven channel.Outbox = relay
	if o.forgets {
		driven = forgetfulOutbox{relay}
	}
	service := &channel.Service{
		Main: r.store, Shards: r.store, Outbox: driven, Hub: hub, InvitationTTL: channel.DefaultInvitationTTL, Logger: logger,
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.address = listener.Addr().String()
	edge := server.New(server.Config{
		Resolvers: resolvers.New(service), Tokens: server.NewTokens(servertest.Secret, r.store), Logger: logger,
		Health:     func(context.Context) []server.ClusterHealth { return []server.ClusterHealth{{Name: "main"}} },
		DrainDelay: o.handsOff,
	})
	serving, stopServing := context.WithCancel(ctx)
	background, stopBackground := context.WithCancel(ctx)
	var answering, running sync.WaitGroup
	answering.Go(func() {
		if err := edge.Serve(serving, listener); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() { relay.Run(background) })
	running.Go(func() { _ = hub.Run(background) })
	r.stop = sync.OnceFunc(func() {
		stopServing()
		answering.Wait()
		stopBackground()
		running.Wait()
		r.hints.Close()
		r.router.Close()
	})
	t.Cleanup(r.stop)
	return r
}

// check judges every invariant of the replica's installation, once all that was decided has taken effect.
func (r *replica) check(t testing.TB) {
	t.Helper()
	var report *check.Report
	servertest.Eventually(t, "nothing in flight", func() bool {
		var err error
		if report, err = check.Run(t.Context(), r.router, nil); err != nil {
			t.Fatal(err)
		}
		return report.InFlight == 0
	})
	if !report.OK() || report.Channels == 0 {
		t.Errorf("%d channels, breaches %v", report.Channels, report.Breaches)
	}
	t.Logf("check: %d invariants hold, %d channels and %d groups compared", report.Invariants, report.Channels, report.Groups)
}

// inbox reads a group's inbox log from its shard.
func (r *replica) inbox(t testing.TB, group channel.Group) []channel.LogEvent {
	t.Helper()
	var events []channel.LogEvent
	for {
		page, err := r.store.ReadLog(t.Context(), channel.InboxOf(group.ID), int64(len(events)), 500)
		if err != nil {
			t.Fatal(err)
		}
		if events = append(events, page.Events...); len(page.Events) == 0 {
			return events
		}
	}
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

// forgetfulOutbox delivers nothing itself.
type forgetfulOutbox struct{ channel.Outbox }

func (forgetfulOutbox) Drive(context.Context, []channel.Step) channel.Underway { return forgotten{} }

type forgotten struct{}

func (forgotten) Wait(context.Context, ...channel.Destination) error {
	return channel.Unavailable(fmt.Errorf("the process that decided has died"))
}
func (forgotten) Linger(context.Context) {}
