package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"linkspan/internal/columns"
	"linkspan/internal/load"
)

const (
	goodSubscribers = 100
	slowSubscribers = 5_000
	slowRounds      = 5
	slowWarmUp      = 2 * time.Second // until what has stuffed the slow ones is on its way to all of them
	slowFor         = 4 * time.Second // until the server has waited for them for long enough, and has cut them off
	slowGoal        = 2.0
	slowBytes       = 16 // a second, of every other one

	stuffings  = 4
	stuffBytes = 32 << 10
)

// BenchmarkSlow measures the delay until 100 subscribers read what is posted, alone and beside 5,000 of the same channel that hardly
// read, in turn. The buffers between the server and the slow ones are full before it counts: what comes then waits in the server,
// which cuts them off in the end. Where they were not all there for most of the time, or none was cut off in it, it fails.
// LINKSPAN_BENCH_SUBSCRIBERS makes them fewer, for a quick look.
func BenchmarkSlow(b *testing.B) {
	slow := numberOf(b, "LINKSPAN_BENCH_SUBSCRIBERS", slowSubscribers, 1)
	in := newInstallation(b)
	found := map[bool][]load.EndToEndResult{}
	for b.Loop() {
		for round := range slowRounds {
			order := []bool{false, true}
			if round%2 == 1 {
				slices.Reverse(order)
			}
			for _, beside := range order {
				count := 0
				if beside {
					count = slow
				}
				one, err := in.besideSlow(b.Context(), count)
				if err == nil {
					err = one.Check()
				}
				if err != nil {
					b.Fatalf("beside %d slow subscribers: %v", count, err)
				}
				found[beside] = append(found[beside], one)
			}
		}
	}
	rows := [][]string{{fmt.Sprintf("delay of %d subscribers", goodSubscribers), "alone, ms", fmt.Sprintf("beside %d slow, ms", slow), "ratio", "spread", "goal", "verdict"}}
	row := func(name, goal string, of func(load.EndToEndResult) float64) float64 {
		var alone, beside, ratios []float64
		for i := range found[true] {
			alone, beside = append(alone, of(found[false][i])), append(beside, of(found[true][i]))
			ratios = append(ratios, beside[i]/alone[i])
		}
		verdict := ""
		if ratio := median(ratios); goal != "" {
			verdict = map[bool]string{true: "kept", false: "missed"}[ratio <= slowGoal]
		}
		rows = append(rows, []string{name, fmt.Sprintf("%.1f", median(alone)), fmt.Sprintf("%.1f", median(beside)), fmt.Sprintf("%.2f", median(ratios)),
			fmt.Sprintf("%.2f to %.2f", slices.Min(ratios), slices.Max(ratios)), goal, verdict})
		return median(ratios)
	}
	row("p50", "", func(r load.EndToEndResult) float64 { return r.DelayP50 })
	ratio := row("p99", fmt.Sprintf("≤ %.1f", slowGoal), func(r load.EndToEndResult) float64 { return r.DelayP99 })
	fmt.Print("\n" + columns.Table(rows) + "\n")
	b.ReportMetric(ratio, "slow/alone-p99")
	b.ReportMetric(0, "ns/op")
}

// besideSlow has a server that has just been started tell 100 subscribers of 50 posts a second, beside so many slow ones.
func (in *installation) besideSlow(ctx context.Context, slow int) (found load.EndToEndResult, err error) {
	in.restart()
	config := load.EndToEndConfig{Connections: 8, PerSecond: readRate, WarmUp: slowWarmUp, For: slowFor, Grace: readGrace, Processes: in.processes()}
	if config.Post, config.Subscribers, err = in.conversation(ctx, config.Connections, goodSubscribers); err != nil {
		return found, err
	}
	config.Slow = load.Slow{Subscribers: config.Subscribers, BytesPerSecond: slowBytes, Stuff: config.Post, Stuffings: stuffings}
	config.Slow.Count = slow
	config.Slow.Stuff.Body = strings.Replace(config.Post.Body, marked, marked+strings.Repeat(" stuff", stuffBytes/len(" stuff")), 1)
	watched := in.watchSockets(ctx)
	found, err = load.EndToEnd(ctx, config)
	open, watchErr := watched()
	fmt.Printf("beside %5d slow: p50 %.1f ms, p99 %.1f ms, server CPU %.1f s; sockets second by second: %v\n",
		slow, found.DelayP50, found.DelayP99, found.ServerSeconds, open)
	if err := errors.Join(err, watchErr); err != nil || slow == 0 {
		return found, err
	}
	counted := open[max(0, len(open)-int(slowFor/time.Second)):]
	gone := slices.IndexFunc(counted, func(n int) bool { return n < goodSubscribers+slow })
	if gone <= len(counted)/2 {
		return found, fmt.Errorf("of the seconds that count the slow ones are to be there for most, and then be cut off: the sockets in each were %v", counted)
	}
	return found, nil
}

// watchSockets counts the open sockets each second, until what it returns is called.
func (in *installation) watchSockets(ctx context.Context) func() (open []int, err error) {
	ctx, stop := context.WithCancel(ctx)
	var open []int
	var watching errgroup.Group
	watching.Go(func() error {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			scraped, err := load.Scrape(ctx, in.metrics)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			if n, err := scraped.Sum("linkspan_connections_open"); err == nil { // there is none before the first
				open = append(open, int(n))
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return nil
			}
		}
	})
	return func() ([]int, error) {
		stop()
		err := watching.Wait()
		return open, err
	}
}
