//go:build long

package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"linkspan/internal/failpoint"
	"linkspan/internal/localpg"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/shardrouter"
)

// crashClusters are the clusters of an installation that crashes.
func crashClusters() []string { return append([]string{shardrouter.MainName}, crashShards...) }

// TestProgramKilled kills the program at each commit of each operation, or, where there is time, at each point.
func TestProgramKilled(t *testing.T) {
	t.Parallel()
	clusters := localpgtest.Clusters(t, true, crashClusters()...)
	lanes := newLanes(t, 5, func(int) *localpg.Clusters { return clusters })
	crashes := discover(t, lanes, operations())
	if !longTests() {
		crashes = slices.DeleteFunc(crashes, func(c crash) bool { return !atCommit(c.at) })
	}
	survive(t, lanes, crashes, (*lane).killProgram)
}

// TestClusterKilled kills each cluster's postmaster while an accept waits at its commit in main and at that of its first
// step, or, where there is time, while any operation waits at any point.
func TestClusterKilled(t *testing.T) {
	t.Parallel()
	ops := operations()
	n := 2
	if !longTests() {
		n, ops = 1, slices.DeleteFunc(ops, func(op crashed) bool { return op.name != "accept" })
	}
	lanes := newLanes(t, n, func(int) *localpg.Clusters { return localpgtest.Clusters(t, true, crashClusters()...) })
	var crashes []crash
	for _, c := range discover(t, lanes, ops) {
		if !longTests() && !strings.Contains(c.at.Point, "/commit/") && c.at.Point != "apply/LINK_GROUP/channel/planned" {
			continue
		}
		for _, c.cluster = range crashClusters() {
			crashes = append(crashes, c)
		}
	}
	survive(t, lanes, crashes, (*lane).killCluster)
}

// survive tries all crashes, each in the next lane that is free, and holds the installations to all invariants.
func survive(t *testing.T, lanes []*lane, crashes []crash, try func(*lane, crash) error) {
	t.Helper()
	if len(crashes) == 0 {
		t.Fatal("no point is reached")
	}
	work := make(chan int, len(crashes))
	for i := range crashes {
		work <- i
	}
	close(work)
	inLanes(t, "crash", lanes, func(l *lane) {
		for i := range work {
			began := time.Now()
			if err := try(l, crashes[i]); err != nil {
				l.t.Errorf("%v: %v", crashes[i], err)
			}
			l.t.Logf("%d of %d: %v (%v)", i+1, len(crashes), crashes[i], time.Since(began).Round(time.Millisecond))
		}
		l.checkAll()
	})
}

// crashFirst lets the program die at the operation's first crash and starts it again with a command.
func (r *crashRun) crashFirst(next failpoint.Command) answer {
	r.t.Helper()
	r.prepare(failpoint.Command{Do: failpoint.Kill, At: r.op.first})
	first := r.operate()
	r.p.waitDead(r.op.first)
	ready := r.start(r.op.ttl, next)
	if next.Do != failpoint.Kill {
		r.serve(ready)
	}
	return first
}

// killProgram kills the program at the point, starts it again and judges.
func (l *lane) killProgram(c crash) error {
	r := l.begin(c.op)
	defer r.close()
	kill := failpoint.Command{Do: failpoint.Kill, At: c.at}
	var first answer
	if c.op.first.N == 0 {
		r.prepare(kill)
		first = r.operate()
	} else {
		first = r.crashFirst(kill)
	}
	l.p.waitDead(c.at)
	l.serve(l.start(c.op.ttl, failpoint.Command{Do: failpoint.Off}))
	return r.judge(first)
}

// killCluster kills a cluster's postmaster while the program waits at the point, lets it recover, lets the program go on
// and judges.
func (l *lane) killCluster(c crash) error {
	r := l.begin(c.op)
	defer r.close()
	pause := failpoint.Command{Do: failpoint.Pause, At: c.at}
	answers := make(chan answer, 1)
	if c.op.first.N == 0 {
		r.prepare(pause)
		go func() { answers <- r.operate() }()
	} else {
		answers <- r.crashFirst(pause)
	}
	select {
	case <-l.p.arrived:
	case <-time.After(crashPatience):
		return errors.New("the point is never reached")
	}
	l.clusters.Kill(c.cluster)
	if err := l.clusters.Restart(l.t.Context(), c.cluster); err != nil {
		return err
	}
	l.pools[c.cluster].Reset()
	l.p.command(failpoint.Command{Do: failpoint.Off})
	return r.judge(<-answers)
}
