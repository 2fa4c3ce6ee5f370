// Package check reads all clusters of an installation and tells where they contradict each other or themselves: the
// invariants of the main database, of each shard, and between them. It only reads, and the installation may be in use.
//
// It has SQL of its own (docs/decisions/0011-check-has-its-own-sql.md): what the store writes is judged by other statements
// than those that wrote it.
//
// How a live installation is judged: a statement, or a snapshot, sees one moment of one cluster, and no moment of two. What
// main has decided reaches a shard by steps with dense numbers, and the shard keeps the number that it has reached beside
// what the steps changed. So a snapshot of main, and a later one of a shard, are comparable exactly where that number is
// main's newest: then all is there and nothing newer, and the two must be equal. What is still on its way is looked at
// again, a few times, and then counted as in flight, which is no breach.
package check

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"linkspan/shardrouter"
)

// Patient returns the configuration of a router for a check: its statements read whole tables of perhaps millions of rows,
// and a cluster that is busy with them may be silent for seconds.
func Patient(config shardrouter.Config) shardrouter.Config {
	config.StatementTimeout = 10 * time.Minute
	config.AttemptTimeout = 10 * time.Second
	return config
}

// maxBreachesOfARule is how many breaches of one invariant on one cluster are told one by one.
const maxBreachesOfARule = 100

// Breach is one contradiction.
type Breach struct {
	Invariant string `json:"invariant"` // the name, as in Invariants
	Cluster   string `json:"cluster"`   // where it shows
	Object    string `json:"object"`    // what it is about: kind and id, as the databases have them
	Detail    string `json:"detail"`    // what is so, and what should be
}

// Progress is how far a check is. It comes when a part begins, as it goes on, and when it has ended (Done == Total).
type Progress struct {
	Cluster     string
	Part        string
	Done, Total int64 // rows or invariants; Total may be an estimate until the end
}

// Report is what a check found. Breaches are sorted by cluster, invariant and object.
type Report struct {
	Breaches   []Breach `json:"breaches"`
	More       []string `json:"more"`       // "invariant on cluster" of which only the first breaches are told
	Invariants int      `json:"invariants"` // how many were judged
	Channels   int64    `json:"channels"`   // how many of each were compared between clusters
	Groups     int64    `json:"groups"`
	InFlight   int64    `json:"inFlight"` // destinations that had not yet heard all that main had decided
	// OldestInFlightSeconds is for how long the oldest decision was on its way by main's clock.
	OldestInFlightSeconds float64 `json:"oldestInFlightSeconds"`
}

// OK reports whether no breach was found.
func (r *Report) OK() bool { return len(r.Breaches) == 0 }

// Run judges all invariants. progress may be nil; its calls come one at a time. An error means that something could not be
// read: then the report tells what was found in the rest, and says nothing about that.
func Run(ctx context.Context, router *shardrouter.Router, progress func(Progress)) (*Report, error) {
	c := &checker{router: router, progress: progress, report: &Report{
		Breaches: []Breach{}, More: []string{}, Invariants: len(Invariants()),
	}}
	errs := []error{c.rules(ctx, router.Main(), slices.Concat(mainRules, auditRules))}
	var checking sync.WaitGroup
	shardErrs := make([]error, len(router.Clusters()))
	for i, name := range router.Clusters() {
		checking.Go(func() {
			database, _ := router.Cluster(name)
			shardErrs[i] = errors.Join(c.rules(ctx, database, slices.Concat(shardRules, conversationRules, frozenRules, outdatedRules)), c.strays(ctx, database))
		})
	}
	checking.Wait()
	errs = append(errs, shardErrs...)
	errs = append(errs, c.slots(ctx), c.groups(ctx), c.channels(ctx), c.inFlight(ctx))
	for _, name := range slices.Sorted(maps.Keys(c.lost)) {
		errs = append(errs, c.lost[name])
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	slices.SortFunc(c.report.Breaches, compareBreaches)
	slices.Sort(c.report.More)
	return c.report, errors.Join(errs...)
}

// checker is one run.
type checker struct {
	router   *shardrouter.Router
	progress func(Progress)

	mu     sync.Mutex
	report *Report
	told   map[string]int   // breaches by invariant and cluster
	lost   map[string]error // clusters that can't be read
}

// breach notes a breach, unless it is noted already (a statement may run again) or enough of its kind are.
func (c *checker) breach(b Breach) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(c.report.Breaches, b) {
		return
	}
	if c.told == nil {
		c.told = make(map[string]int)
	}
	kind := b.Invariant + " on " + b.Cluster
	c.told[kind]++
	switch n := c.told[kind]; {
	case n <= maxBreachesOfARule:
		c.report.Breaches = append(c.report.Breaches, b)
	case n == maxBreachesOfARule+1:
		c.report.More = append(c.report.More, kind)
	}
}

func (c *checker) tell(p Progress) {
	if c.progress == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress(p)
}
