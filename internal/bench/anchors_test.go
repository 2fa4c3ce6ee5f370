package bench

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"linkspan/internal/columns"
	"linkspan/internal/load"
)

const (
	// anchorsLimit is how long all of it may take.
	anchorsLimit = 10 * time.Minute
	// anchorRounds is how often each load is put on each server, in turn.
	anchorRounds = 3
)

// The ports that the anchors have; `up.sh` says what listens where.
const (
	anchorsPostgres = 19132
	anchorBare      = 19200
	anchorGqlgen    = 19201
	anchorCfuge     = 19202
	anchorApollo    = 19210
	anchorMercurius = 19212
)

// comparison is a row of the table: what a load measured of ours and of an anchor, and what is to come of it.
type comparison struct {
	id, what, load, measure, anchor string
	goal                            float64 // of ours ÷ the anchor's
	more                            bool    // is better: the goal is the least, else the most
}

// kept reports whether a ratio of ours ÷ the anchor's is as it should be.
func (c comparison) kept(ratio float64) bool {
	if c.more {
		return ratio >= c.goal
	}
	return ratio <= c.goal
}

var comparisons = []comparison{
	{"F-1", "posts a second, random channels", "posts", "a second", "bare", 1.0, true},
	{"F-2", "posts a second, random channels", "posts", "a second", "apollo", 4, true},
	{"F-2", "posts a second, random channels", "posts", "a second", "mercurius", 1.5, true},
	{"F-4", "channel + last 20 messages, a second", "reads", "a second", "mercurius", 1.3, true},
	{"F-4", "channel + last 20 messages, a second", "reads", "a second", "bare", 0.7, true},
	{"F-5", "event for many: last has it, ms", "events for many", "last", "centrifuge", 0.8, false},
	{"F-5", "event for many: CPU µs a delivery", "events for many", "CPU", "centrifuge", 0.8, false},
	{"F-5", "event for many: KB a connection", "events for many", "KB", "centrifuge", 1.0, false},
	{"F-6", "50 posts/s to 20 subscribers: p50 ms", "posts that are read", "p50", "gqlgen", 1.2, false},
	{"F-6", "50 posts/s to 20 subscribers: p99 ms", "posts that are read", "p99", "gqlgen", 1.5, false},
}

// ours is the name of our server among the anchors.
const ours = "linkspan"

// run puts a load on a server once and returns what it measured.
type run func(ctx context.Context, server string) (map[string]float64, error)

// BenchmarkAnchors compares the program with the small servers that do the same work the way one would do it otherwise, in
// rounds in which all take turns. LINKSPAN_ANCHORS is where they are; those that run already are used as they are.
// LINKSPAN_ONLY is the one id that is measured.
func BenchmarkAnchors(b *testing.B) {
	chosen := comparisons
	if only := os.Getenv("LINKSPAN_ONLY"); only != "" {
		chosen = slices.DeleteFunc(slices.Clone(comparisons), func(c comparison) bool { return c.id != only })
		if len(chosen) == 0 {
			b.Fatalf("there is no %s: there are F-1, F-2, F-4, F-5, F-6", only)
		}
	}
	ctx, cancel := context.WithTimeout(b.Context(), anchorsLimit)
	defer cancel()
	startAnchors(b)
	a := newAnchors(ctx, b, chosen)
	for b.Loop() {
		for round := range anchorRounds {
			for _, each := range a.loads {
				servers := serversOf(chosen, each.name)
				if round%2 == 1 {
					slices.Reverse(servers)
				}
				for _, server := range servers {
					if err := a.measure(ctx, each.name, server, each.run); err != nil {
						b.Errorf("%s, %s: %v", each.name, server, err)
					}
				}
			}
		}
	}
	fmt.Print("\n" + columns.Table(a.table(chosen)) + "\n")
	b.ReportMetric(0, "ns/op")
}

// serversOf are those that a load is for, ours first.
func serversOf(chosen []comparison, name string) []string {
	all := []string{ours}
	for _, c := range chosen {
		if c.load == name && !slices.Contains(all, c.anchor) {
			all = append(all, c.anchor)
		}
	}
	return all
}

// anchors are the loads and what they measured.
type anchors struct {
	b           *testing.B
	in          *installation
	loads       []namedLoad
	subscribers int                  // of one event
	found       map[string][]float64 // by load, server and measure; a value a round
}

// fanOutSubscribers are to hear of one event.
const fanOutSubscribers = 10_000

type namedLoad struct {
	name string
	run  run
}

func newAnchors(ctx context.Context, b *testing.B, chosen []comparison) *anchors {
	b.Helper()
	a := &anchors{b: b, in: newInstallation(b), subscribers: numberOf(b, "LINKSPAN_BENCH_SUBSCRIBERS", fanOutSubscribers, 1), found: map[string][]float64{}}
	for _, possible := range []namedLoad{{"posts", a.posts}, {"reads", a.reads}, {"posts that are read", a.endToEnd}, {"events for many", a.fanOut}} {
		if slices.ContainsFunc(chosen, func(c comparison) bool { return c.load == possible.name }) {
			a.loads = append(a.loads, possible)
		}
	}
	if slices.ContainsFunc(a.loads, func(l namedLoad) bool { return l.name == "posts" || l.name == "reads" }) {
		if err := a.in.fill(ctx, anchorChannels, anchorMessages); err != nil {
			b.Fatal(err)
		}
	}
	return a
}

func (a *anchors) measure(ctx context.Context, name, server string, run run) error {
	measured, err := run(ctx, server)
	if err != nil {
		return err
	}
	said := make([]string, 0, len(measured))
	for measure, value := range measured {
		key := strings.Join([]string{name, server, measure}, "/")
		a.found[key] = append(a.found[key], value)
		said = append(said, fmt.Sprintf("%s %.1f", measure, value))
	}
	slices.Sort(said)
	fmt.Printf("%-20s %-11s %s\n", name, server, strings.Join(said, ", "))
	return nil
}

// table is a row for each comparison, the heads first.
func (a *anchors) table(chosen []comparison) [][]string {
	rows := [][]string{{"what", "ours", "the anchor's", "anchor", "ratio", "spread", "goal", "verdict"}}
	for _, c := range chosen {
		mine := a.found[strings.Join([]string{c.load, ours, c.measure}, "/")]
		theirs := a.found[strings.Join([]string{c.load, c.anchor, c.measure}, "/")]
		if len(mine) == 0 || len(mine) != len(theirs) {
			rows = append(rows, []string{c.id + " " + c.what, "", "", c.anchor, "", "", "", "not measured"})
			continue
		}
		ratios := make([]float64, len(mine))
		for i := range mine {
			ratios[i] = mine[i] / theirs[i]
		}
		ratio, sign, verdict := median(ratios), "≤", "missed"
		if c.more {
			sign = "≥"
		}
		if c.kept(ratio) {
			verdict = "kept"
		}
		rows = append(rows, []string{
			c.id + " " + c.what, fmt.Sprintf("%.1f", median(mine)), fmt.Sprintf("%.1f", median(theirs)), c.anchor, fmt.Sprintf("%.2f", ratio),
			fmt.Sprintf("%.2f to %.2f", slices.Min(ratios), slices.Max(ratios)), fmt.Sprintf("%s %.1f", sign, c.goal), verdict,
		})
	}
	return rows
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// startAnchors starts the anchors, unless they all run already, and ends those that it started with the benchmark.
func startAnchors(b *testing.B) {
	b.Helper()
	running := 0
	ports := []int{anchorsPostgres, anchorBare, anchorGqlgen, anchorCfuge, anchorApollo, anchorMercurius}
	for _, port := range ports {
		if conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			conn.Close()
			running++
		}
	}
	switch running {
	case len(ports):
		fmt.Println("the anchors run already")
		return
	case 0:
	default:
		b.Fatalf("%d of the %d ports of the anchors are taken: end what listens there, or start all of them", running, len(ports))
	}
	up := func(arguments ...string) {
		cmd := exec.Command(filepath.Join(os.Getenv("LINKSPAN_ANCHORS"), "up.sh"), arguments...)
		if said, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("up.sh: %v\n%s", err, said)
		}
	}
	b.Cleanup(func() { up("stop") })
	up()
}

// processes are those of an anchor by its port.
func (a *anchors) processes(port int) (load.Processes, error) {
	server, err := load.Listener(port)
	if err != nil {
		return load.Processes{}, err
	}
	postgres, err := load.Listener(anchorsPostgres)
	return load.Processes{Server: server, Postgres: []int{postgres}}, err
}
