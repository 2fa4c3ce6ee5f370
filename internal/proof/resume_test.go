//go:build long

package proof_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/store/storetest"
)

const (
	scribes      = 8
	followers    = 20
	pagesUsually = 1000
	pagesLong    = 3000
)

// TestResume has writers write, readers drop their sockets at random and resume from their last cursors, and others take a
// page of a list and follow from its cursor, while the server loses half its hints and is replaced by another. Each reader
// must hear exactly what the log has, and of each page and what followed it nothing may be missing and nothing be in both.
func TestResume(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	begun := time.Now()
	config := storetest.Config(t, 3)
	first := startReplica(t, config, replicaOptions{lossy: true})
	groups := register(t, first, "acme", "globex", "initech")
	front := newFront(first.address)
	askers := []string{"acme", "initech"}
	listeners := []string{"globex", "globex", "acme", "globex", "initech"}

	var reading, writing, looking sync.WaitGroup
	readers := make([]*follower, followers)
	listening, stopListening := context.WithCancel(ctx)
	defer stopListening()
	late := make(chan struct{}) // closed when those who come late may
	for n := range readers {
		group := listeners[n%len(listeners)]
		l := front.followNow(t, admin(t, "hua@"+group), group)
		readers[n] = l
		reading.Go(func() {
			if n >= followers-4 {
				<-late
			}
			if err := l.listenAndDrop(listening); listening.Err() == nil {
				t.Errorf("reader %d: %v", n, err)
			}
		})
	}
	var made, failed, seen, lingering atomic.Int64
	var away atomic.Bool   // the server, while it restarts
	var looked atomic.Bool // all pages are taken, and nobody waits any more for what comes behind one
	wanted := int64(number(pagesUsually, pagesLong))
	for n := range scribes {
		s := front.newScribe(t, n, askers[n%len(askers)], "globex", &made, &failed)
		writing.Go(func() {
			// As many changes as pages; more while somebody waits for one, and while there is no server.
			ahead := func() bool { return made.Load() > seen.Load() && lingering.Load() == 0 && !away.Load() }
			err := s.write(ctx, func(round int) bool {
				for round >= 8 && ahead() && !looked.Load() && ctx.Err() == nil {
					pauseFor(ctx, 2*time.Millisecond)
				}
				return round >= 8 && looked.Load()
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	var mu sync.Mutex
	var all []*glimpse
	again := 0 // pages that the restart broke off
	for n := range 8 {
		looking.Go(func() {
			by := make([]*caller, len(glimpses))
			for of := range by {
				by[of] = front.caller(t, admin(t, "eve@"+glimpses[of].group))
			}
			for turn := n; seen.Load() < wanted && ctx.Err() == nil; turn++ {
				of := turn % len(by)
				g, err := glance(ctx, t, front, by[of], of, func(over bool) bool {
					if over {
						lingering.Add(-1)
					} else if turn%8 == 0 {
						lingering.Add(1)
					}
					return turn%8 == 0
				})
				mu.Lock()
				if err == nil {
					seen.Add(1)
					all = append(all, g)
				} else {
					again++
				}
				mu.Unlock()
			}
		})
	}

	await(ctx, t, "a third of the pages are taken", func() bool { return seen.Load() > wanted/3 })
	restarted := time.Now()
	away.Store(true)
	first.stop()
	await(ctx, t, "requests fail", func() bool { return failed.Load() >= scribes || t.Failed() })
	second := startReplica(t, config, replicaOptions{lossy: true})
	front.lead(second.address)
	away.Store(false)
	close(late)
	t.Logf("restart after %v took %v", restarted.Sub(begun), time.Since(restarted))
	looking.Wait()
	looked.Store(true)
	t.Logf("pages until %v", time.Since(begun))
	writing.Wait()
	t.Logf("writing until %v", time.Since(begun))

	logs := make(map[string][]channel.LogEvent)
	for handle, group := range groups {
		logs[handle] = second.inbox(t, group)
	}
	await(ctx, t, "all readers have reached the heads", func() bool {
		for _, l := range readers {
			if l.reached.Load() < int64(len(logs[l.group])) {
				return false
			}
		}
		return true
	})
	t.Logf("reading until %v", time.Since(begun))
	stopListening()
	reading.Wait()

	sockets, events := 0, 0
	for n, l := range readers {
		if wrong := l.wrong(logs[l.group], int64(len(logs[l.group]))); wrong != "" {
			t.Errorf("reader %d over %d sockets: %s", n, l.sockets, wrong)
		}
		sockets, events = sockets+l.sockets, events+len(l.heard)
	}
	tails := 0
	for _, g := range all {
		if wrong := g.wrong(logs[glimpses[g.of].group]); wrong != "" {
			t.Errorf("list %d: %s", g.of, wrong)
		}
		tails += len(g.tail.heard)
	}
	t.Logf("%d writers made %d changes and repeated %d requests; the logs have %d, %d and %d events; %d hints were lost",
		scribes, made.Load(), failed.Load(), len(logs["acme"]), len(logs["globex"]), len(logs["initech"]),
		first.lost.Load()+second.lost.Load())
	t.Logf("%d readers heard %d events over %d sockets; %d pages with %d events behind them, %d broken off and taken again",
		followers, events, sockets, len(all), tails, again)
	second.check(t)
}
