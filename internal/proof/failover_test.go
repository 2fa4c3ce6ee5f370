//go:build long

package proof_test

import (
	"testing"
	"time"

	"linkspan/internal/localpg"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server/servertest"
	"linkspan/shardrouter"
)

// TestTroubleFailover lets the primaries of main and of a shard die, or hang for good, while the main job is played, and
// their synchronous standbys take over under the same DSN. Nothing that was answered with success is lost, before and after:
// the same keys get the first answers, both sides see each link, and all inboxes are dense (the check says so).
func TestTroubleFailover(t *testing.T) {
	t.Parallel()
	t.Run("dead", func(t *testing.T) {
		t.Parallel()
		failover(t, func(clusters *localpg.Clusters, name string) { clusters.Kill(name) })
	})
	t.Run("hanging", func(t *testing.T) {
		t.Parallel()
		failover(t, func(clusters *localpg.Clusters, name string) { localpgtest.Freeze(t, clusters, name) })
	})
}

func failover(t *testing.T, lose func(clusters *localpg.Clusters, name string)) {
	primaries := []string{shardrouter.MainName, "shard-1"}
	clusters := localpgtest.Clusters(t, true, "main", "main-b", "shard-1", "shard-1-b", "shard-2")
	dsns := map[string]string{"shard-2": clusters.DSN("shard-2")}
	standbys := make(map[string]*localpgtest.Standby)
	for _, name := range primaries {
		standbys[name] = localpgtest.NewStandby(t, clusters, name, name+"-b")
		dsns[name] = standbys[name].DSN
	}
	s := newSite(t, clusters, dsns)
	between := func(name, from, to string) *line {
		return &line{name: name, from: s.partyOn(t, from), to: s.partyOn(t, to), play: share}
	}
	lines := []*line{
		between("from shard-1", "shard-1", "shard-2"), between("to shard-1", "shard-2", "shard-1"),
		between("within shard-1", "shard-1", "shard-1"), between("beside shard-1", "shard-2", "shard-2"),
	}
	f := startTraffic(t, s, lines...)
	f.goesOn(t, "before any trouble", 3, lines...)
	for _, name := range primaries {
		if state, err := standbys[name].SyncState(t.Context()); state != "sync" || err != nil {
			t.Fatalf("the standby of %s is %q: %v", name, state, err)
		}
		needing := lines
		if name != shardrouter.MainName {
			needing = lines[:3]
		}
		seen := make(map[*line]int)
		for _, l := range needing {
			_, seen[l] = l.count()
		}
		lose(clusters, name)
		began := time.Now()
		for _, l := range needing {
			servertest.Eventually(t, l.name+" is told that "+name+" is gone", func() bool {
				f.sound(t)
				_, faults := l.count()
				return faults > seen[l]
			})
		}
		told := time.Since(began)
		if name != shardrouter.MainName {
			f.goesOn(t, "without "+name, 2, lines[3])
		}
		standbys[name].Promote(t)
		promoted := time.Now()
		f.goesOn(t, "on the standby of "+name, 3, lines...)
		t.Logf("%s is lost; all who need it were told within %v; all went on %v after its standby was promoted", name,
			told.Round(time.Millisecond), time.Since(promoted).Round(time.Millisecond))
	}
	f.stop(t)
	for _, name := range primaries {
		clusters.Kill(name) // if it hangs: a test that looks for itself would wait for it
	}
	f.nothingLost(t)
	s.atRest(t)
	audit(t, s.Router)
}
