//go:build long

package proof_test

import (
	"os"
	"runtime/pprof"
	"slices"
	"testing"
	"time"

	"linkspan/internal/localpg"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server/servertest"
	"linkspan/shardrouter"
)

// TestTrouble lets one trouble after the other befall a shard and then main while the main job is played all the time. Who
// needs the cluster is told so soon, and is served again when the trouble is over, without a hand; all else goes on; and
// in the end nothing has piled up and nothing that was answered is lost.
//
// It is not parallel: it counts the goroutines of the whole process.
func TestTrouble(t *testing.T) {
	names := []string{shardrouter.MainName, "shard-1", "shard-2", "shard-3"}
	clusters := localpgtest.ClustersWith(t, localpg.Config{
		Names: names, Durable: true, Settings: map[string]string{"max_connections": "40"}, // so that they are soon taken
	})
	dsns, wires := make(map[string]string), make(map[string]*wire)
	for _, name := range names {
		dsns[name] = clusters.DSN(name)
		if name == "shard-1" || name == shardrouter.MainName {
			wires[name] = newWire(t, dsns[name])
			dsns[name] = wires[name].DSN
		}
	}
	s := newSite(t, clusters, dsns)
	for _, w := range wires {
		s.wires = append(s.wires, w)
	}
	between := func(name, from, to string) *line {
		return &line{name: name, from: s.partyOn(t, from), to: s.partyOn(t, to), play: share}
	}
	from, to := between("from shard-1", "shard-1", "shard-2"), between("to shard-1", "shard-3", "shard-1")
	aside, readers := between("beside shard-1", "shard-2", "shard-3"), between("readers", "shard-2", "shard-3")

	// Before: each has done it once, and the readers have something to read.
	f := startTraffic(t, s, from, to, aside, readers)
	f.goesOn(t, "before any trouble", 3, from, to, aside, readers)
	f.stop(t)
	ledger := f.ledger
	readers.play = look(ledger[slices.IndexFunc(ledger, func(d *trade) bool { return d.from == readers.from })].channel)
	before := s.atRest(t)

	for round := range number(1, 5) {
		f = startTraffic(t, s, from, to, aside, readers)
		f.waiting = map[string]*line{"shard-1": to}
		for _, what := range troubles {
			befall(t, f, what, round, "shard-1", wires["shard-1"], []*line{from, to}, []*line{aside, readers})
		}
		for _, what := range troubles {
			befall(t, f, what, round, shardrouter.MainName, wires[shardrouter.MainName], []*line{from, to, aside}, []*line{readers})
		}
		f.stop(t)
		ledger = append(ledger, f.ledger...)
	}

	var after holdings
	defer func() {
		if t.Failed() {
			_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		}
	}()
	servertest.Eventually(t, "no more goroutines than before", func() bool {
		after = s.atRest(t)
		return after.goroutines <= before.goroutines
	})
	t.Logf("held before: %+v; after: %+v", before, after)
	f.ledger = ledger
	f.nothingLost(t)
	s.atRest(t)
	audit(t, s.Router)
}

// befall lets the trouble befall the cluster, and waits until those who need it have been told so, those who do not have
// gone on meanwhile, and all go on afterwards.
func befall(t *testing.T, f *traffic, what trouble, round int, cluster string, w *wire, needing, spared []*line) {
	t.Helper()
	began := time.Now()
	seen := make(map[*line]int)
	for _, l := range f.lines {
		_, seen[l] = l.count()
	}
	end := what.begin(t, f.site, w, cluster)
	if what.denies {
		for _, l := range needing {
			if what.reads && l == f.waiting[cluster] {
				continue
			}
			servertest.Eventually(t, l.name+" is told of the trouble: "+cluster+" "+what.name, func() bool {
				f.sound(t)
				_, faults := l.count()
				return faults >= seen[l]+3
			})
		}
	} else {
		f.goesOn(t, "while "+cluster+" is "+what.name, 2, needing...)
	}
	f.goesOn(t, "while "+cluster+" is "+what.name, 2, spared...)
	end()
	over := time.Now()
	f.goesOn(t, "after "+cluster+" was "+what.name, 1, f.lines...)
	recovered := time.Since(over)
	var slowest served
	told := 0
	for _, l := range needing {
		for _, fault := range l.since(seen[l]) {
			told++
			if fault.took > slowest.took {
				slowest = fault
			}
		}
	}
	for _, l := range spared {
		for _, fault := range l.since(seen[l]) {
			// A machine that is busy with other tests may keep another cluster silent for as long as a dead one.
			if on := f.site.faultOn(fault.fault); on == cluster || on == "" {
				t.Errorf("%s: %v, about %q, though it does not need %s", l.name, fault.fault, on, cluster)
			} else {
				t.Logf("%s was told that %s is unavailable", l.name, on)
			}
		}
	}
	t.Logf("round %d: %s %s for %v: %d were told so, the slowest after %v (%s); all went on %v after its end", round, cluster,
		what.name, over.Sub(began).Round(time.Millisecond), told, slowest.took.Round(time.Millisecond), slowest.what,
		recovered.Round(time.Millisecond))
}

// since are the faults that the line has met after the first n.
func (l *line) since(n int) []served {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.faults[n:])
}
