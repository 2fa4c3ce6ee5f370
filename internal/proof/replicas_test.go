//go:build long

package proof_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store/storetest"
)

// TestReplicas has two replicas over one installation and one NATS server.
func TestReplicas(t *testing.T) {
	t.Parallel()
	t.Run("a hint reaches the other", func(t *testing.T) {
		t.Parallel()
		nats, _ := servertest.NATS(t)
		config := storetest.Config(t, 3)
		// No timer would find anything while the test lasts.
		a := startReplica(t, config, replicaOptions{nats: nats, poll: time.Hour})
		b := startReplica(t, config, replicaOptions{nats: nats, poll: time.Hour})
		groups := register(t, a, "acme", "globex")
		bothHear(t, a, b)
		across(t, a, b, "hua", groups["globex"])
		across(t, b, a, "gus", groups["globex"])
		a.check(t)
	})
	t.Run("without NATS the timer finds it", func(t *testing.T) {
		t.Parallel()
		nats, stop := servertest.NATS(t)
		config := storetest.Config(t, 3)
		a := startReplica(t, config, replicaOptions{nats: nats})
		b := startReplica(t, config, replicaOptions{nats: nats})
		groups := register(t, a, "acme", "globex")
		bothHear(t, a, b)
		stop()
		across(t, a, b, "hua", groups["globex"])
		if a.hints.Stats().Kept == 0 {
			t.Error("a hint left for a server that has ended")
		}
		a.check(t)
	})
	t.Run("both relay and nothing is doubled", testBothRelay)
}

// bothHear waits until each replica is connected with NATS and hears the other.
func bothHear(t *testing.T, a, b *replica) {
	t.Helper()
	for _, way := range [][2]*replica{{a, b}, {b, a}} {
		before := way[1].hints.Stats().Received
		servertest.Eventually(t, "a hint of the other's", func() bool {
			way[0].hints.Publish(channel.LogKey{}, 1)
			return way[0].hints.Stats().Sent > 0 && way[1].hints.Stats().Received > before+1
		})
	}
}

// across has somebody listen at one replica to what is made at another, one after the other.
func across(t *testing.T, from, to *replica, listener string, group channel.Group) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*servertest.Patience)
	defer cancel()
	var made, failed atomic.Int64
	s := newFront(from.address).newScribe(t, 1, "acme", "globex", &made, &failed)
	s.name += "-for-" + listener
	l := newFront(to.address).followNow(t, admin(t, listener+"@globex"), "globex")
	rounds, began, slowest := 0, time.Now(), time.Duration(0)
	err := l.listen(ctx, func(typename string) bool {
		if rounds > 0 {
			slowest = max(slowest, time.Since(began))
			if rounds == 4 && len(l.heard) == 7 { // three are decided too, the fourth is not
				return true
			}
		}
		if rounds < 4 && len(l.heard) == 2*rounds {
			// The next only when all was heard: it must not be the next that tells of the last.
			began = time.Now()
			if err := s.round(ctx, rounds); err != nil {
				t.Error(err)
				return true
			}
			rounds++
		}
		return false
	})
	if err != nil {
		t.Fatalf("after %d rounds and %d events: %v", rounds, len(l.heard), err)
	}
	log := to.inbox(t, group)
	if wrong := l.wrong(log, l.reached.Load()); wrong != "" || len(l.heard) == 0 {
		t.Errorf("heard %d events: %s", len(l.heard), wrong)
	}
	t.Logf("%d events of %d requests reached the other replica, the slowest after %v", len(l.heard), rounds, slowest)
}

// testBothRelay has requests leave all their steps, as processes do that die behind each commit, to whichever relay comes.
func testBothRelay(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*servertest.Patience)
	defer cancel()
	nats, _ := servertest.NATS(t)
	config := storetest.Config(t, 3)
	a := startReplica(t, config, replicaOptions{nats: nats, forgets: true})
	b := startReplica(t, config, replicaOptions{nats: nats, forgets: true})
	groups := register(t, a, "acme", "globex")
	front := newFront(a.address, b.address)
	l := front.followNow(t, admin(t, "hua@globex"), "globex")
	var made, failed atomic.Int64
	var writing sync.WaitGroup
	for n := range 4 {
		s := front.newScribe(t, n, "acme", "globex", &made, &failed)
		writing.Go(func() {
			err := s.write(ctx, func(round int) bool { return round >= 8 && a.relayed.Load() > 0 && b.relayed.Load() > 0 })
			if err != nil {
				t.Error(err)
			}
		})
	}
	writing.Wait()
	a.check(t)
	log := b.inbox(t, groups["globex"])
	if int64(len(log)) != made.Load() { // each of the requests is one event for those who are asked
		t.Errorf("%d requests made %d events", made.Load(), len(log))
	}
	if err := l.listen(ctx, func(string) bool { return l.reached.Load() >= int64(len(log)) }); err != nil {
		t.Fatal(err)
	}
	if wrong := l.wrong(log, int64(len(log))); wrong != "" {
		t.Error(wrong)
	}
	t.Logf("%d requests, repeated %d times, made %d events; one relay delivered %d steps and the other %d",
		made.Load(), failed.Load(), len(log), a.relayed.Load(), b.relayed.Load())
}
