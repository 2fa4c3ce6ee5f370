//go:build long

package proof_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/check"
	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
	"linkspan/resolvers"
	"linkspan/shardrouter"
)

// replicaOptions is what one replica has of its own.
type replicaOptions struct {
	nats    string        // URL of the server that replicas share; "": none
	poll    time.Duration // of the hub; 0: its default
	lossy   bool          // half of what would be hinted is not, to nobody
	forgets bool          // requests leave all steps to the relays, as after a crash behind each commit
}

// replica is a whole process of the program but for its command line: everything that runs in it, behind HTTP.
type replica struct {
	*process
	address string
	stop    func()
}

// startReplica starts a replica, which stops with the test at the latest.
func startReplica(t testing.TB, config shardrouter.Config, o replicaOptions) *replica {
	t.Helper()
	r := &replica{}
	logger := slog.New(slog.DiscardHandler)
	w := ways{nats: o.nats, poll: o.poll, lossy: o.lossy}
	r.process = open(t, config, logger, w)
	if o.forgets {
		r.Outbox = forgetfulOutbox{r.Outbox}
	}
	ctx := context.Background()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.address = listener.Addr().String()
	edge := server.New(server.Config{
		Resolvers: resolvers.New(r.Service), Tokens: server.NewTokens(server.TokenConfig{Secrets: [][]byte{servertest.Secret}}, r.store), Logger: logger,
		Health: func(context.Context) []server.ClusterHealth { return []server.ClusterHealth{{Name: "main"}} },
	})
	serving, stopServing := context.WithCancel(ctx)
	var answering sync.WaitGroup
	answering.Go(func() {
		if err := edge.Serve(serving, listener); err != nil {
			t.Error(err)
		}
	})
	r.stop = sync.OnceFunc(func() {
		stopServing()
		answering.Wait()
		r.process.stop()
	})
	t.Cleanup(r.stop)
	return r
}

// check judges every invariant of the replica's installation, once all that was decided has taken effect.
func (r *replica) check(t testing.TB) {
	t.Helper()
	servertest.Eventually(t, "nothing in flight", func() bool {
		report, err := check.Run(t.Context(), r.router, nil)
		if err != nil {
			t.Fatal(err)
		}
		return report.InFlight == 0
	})
	audit(t, r.router)
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

// forgetfulOutbox delivers nothing itself.
type forgetfulOutbox struct{ channel.Outbox }

func (forgetfulOutbox) Drive(context.Context, []channel.Step) channel.Underway { return forgotten{} }

type forgotten struct{}

func (forgotten) Wait(context.Context, ...channel.Destination) error {
	return channel.Unavailable(fmt.Errorf("the process that decided has died"))
}
func (forgotten) Linger(context.Context) {}
