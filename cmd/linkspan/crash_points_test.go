//go:build long

package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"linkspan/internal/failpoint"
)

// longTests reports whether there is time for every point; else the commits alone are tried.
func longTests() bool { return os.Getenv("LINKSPAN_TEST_LONG") == "1" }

// background reports whether a point is reached all the time, whether there is something to do or not.
func background(point string) bool {
	return point == "outbox/ClaimDue/before" || point == "expireDue/LockOverdue/before"
}

// atCommit reports whether a point lies at a commit: in main before and after it, on a shard after it.
func atCommit(at failpoint.Arrival) bool {
	return at.N == 1 && (strings.Contains(at.Point, "/commit/") ||
		strings.HasPrefix(at.Point, "apply/") && strings.HasSuffix(at.Point, "/after"))
}

// crash is an operation and where in it something is killed.
type crash struct {
	op      crashed
	at      failpoint.Arrival
	cluster string // the one that is killed; "": the program
}

func (c crash) String() string {
	if c.cluster == "" {
		return fmt.Sprintf("%s: the program at %v", c.op.name, c.at)
	}
	return fmt.Sprintf("%s: %s at %v", c.op.name, c.cluster, c.at)
}

// discover returns every point that the operations reach, with each operation's name. Afterwards no program runs.
func discover(t *testing.T, lanes []*lane, ops []crashed) (crashes []crash) {
	t.Helper()
	found := make([][]failpoint.Arrival, len(ops))
	work := make(chan int, len(ops))
	for i := range ops {
		work <- i
	}
	close(work)
	inLanes(t, "discover", lanes, func(l *lane) {
		for i := range work {
			found[i] = l.reached(ops[i])
		}
	})
	for i, op := range ops {
		arrivals := found[i]
		if op.do == nil {
			// Its setup was recorded with it, and is tried as an operation of its own.
			create := slices.IndexFunc(ops, func(op crashed) bool { return op.name == "create" })
			arrivals = slices.DeleteFunc(arrivals, func(at failpoint.Arrival) bool {
				return slices.Contains(found[create], at) && !background(at.Point)
			})
		}
		t.Logf("%s reaches %d points", op.name, len(arrivals))
		for _, at := range arrivals {
			crashes = append(crashes, crash{op: op, at: at})
		}
	}
	return crashes
}

// reached runs an operation and returns what it reaches; where there is time a few times, and what it reaches each time:
// what chance reaches, as a repetition on a busy machine does, can't be counted on.
func (l *lane) reached(op crashed) []failpoint.Arrival {
	l.t.Helper()
	times := 1
	if longTests() {
		times = 3
	}
	seen := make(map[failpoint.Arrival]int)
	for range times {
		r := l.begin(op)
		record := failpoint.Command{Do: failpoint.Record}
		if op.first.N == 0 {
			r.prepare(record)
			r.operate()
		} else {
			r.crashFirst(record)
		}
		if err := within(crashPatience, func() error { return r.converged(op.done) }); err != nil {
			l.t.Fatalf("%s: %v", op.name, err)
		}
		l.p.command(failpoint.Command{Do: failpoint.Off})
		for _, at := range l.p.drain() {
			if !background(at.Point) || at.N == 1 {
				seen[at]++
			}
		}
		r.close()
	}
	arrivals := slices.Collect(maps.Keys(seen))
	arrivals = slices.DeleteFunc(arrivals, func(at failpoint.Arrival) bool { return seen[at] < times })
	slices.SortFunc(arrivals, func(a, b failpoint.Arrival) int { return strings.Compare(a.String(), b.String()) })
	return arrivals
}

// inLanes works in all lanes at once, as tests below t, and ends their programs: what these wait for is time, hardly
// the processor.
func inLanes(t *testing.T, what string, lanes []*lane, work func(l *lane)) {
	t.Helper()
	var working sync.WaitGroup
	for i, l := range lanes {
		working.Go(func() {
			t.Run(fmt.Sprintf("%s in lane %d", what, i), func(t *testing.T) {
				l.t = t
				work(l)
				if l.p != nil {
					l.p.kill()
					l.p = nil
				}
			})
		})
	}
	working.Wait()
	if t.Failed() {
		t.FailNow()
	}
}
