package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"linkspan/internal/columns"
	"linkspan/internal/ids"
	"linkspan/internal/load"
	"linkspan/internal/localpg"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

const (
	// growthLimit is how long all of it may take.
	growthLimit = 20 * time.Minute
	// growthRounds is how often each load is put on each of two sizes, in turn.
	growthRounds = 3
	// growthGoal is how much dearer something may be at the large size.
	growthGoal = 1.2
)

// largeSettings are those of servers with memory for what is in use, by the advice of docs/operations.md.
var largeSettings = map[string]string{"shared_buffers": "1GB", "max_wal_size": "4GB", "min_wal_size": "80MB", "wal_compression": "lz4"}

// growth is something that grows, at two sizes.
type growth struct {
	what         string
	small, large talkSize
	// aRound is how many channels are talked in, others in each round of those that there are; 0: in all of them.
	aRound int
}

// talkSize is how much there is.
type talkSize struct {
	label              string
	channels, messages int // messages in each channel
}

// growths are what is measured, with so many messages in a channel and so many channels at the large sizes. A small channel grows
// by the posts of its round, so each round has its own, the one that warms up too.
func growths(messages, channels int) []growth {
	const few, page, hot = 1_000, 20, 3
	return []growth{
		{"messages in the channel", talkSize{strconv.Itoa(few), hot * (growthRounds + 1), few}, talkSize{strconv.Itoa(messages), hot, messages}, hot},
		{"channels", talkSize{strconv.Itoa(few), few, page}, talkSize{strconv.Itoa(channels), channels, page}, 0},
	}
}

// BenchmarkMessages compares the program with itself: with few and many messages in a channel, and with few and many channels. Both
// sizes are databases of the same four servers, each with programs of its own, and take turns. LINKSPAN_BENCH_MESSAGES and
// LINKSPAN_BENCH_CHANNELS make the large ones smaller; LINKSPAN_ONLY is the one thing that grows.
func BenchmarkMessages(b *testing.B) {
	all := growths(numberOf(b, "LINKSPAN_BENCH_MESSAGES", 1_000_000, smallSize), numberOf(b, "LINKSPAN_BENCH_CHANNELS", 100_000, smallSize))
	if only := os.Getenv("LINKSPAN_ONLY"); only != "" {
		all = slices.DeleteFunc(all, func(g growth) bool { return g.what != only })
		if len(all) == 0 {
			b.Fatalf("LINKSPAN_ONLY=%s: it is one of %q, %q", only, "messages in the channel", "channels")
		}
	}
	ctx, cancel := context.WithTimeout(b.Context(), growthLimit)
	defer cancel()
	clusters := clustersWith(b, largeSettings, clusterNames...)
	rows := [][]string{{"what", "grows", "from", "to", "at the small", "at the large", "dearer", "spread", "goal", "verdict"}}
	for b.Loop() {
		for i, growing := range all {
			m := &growthMeasure{found: make(map[string][]float64)}
			for _, size := range []talkSize{growing.small, growing.large} {
				side := newGrowthSide(ctx, b, clusters, fmt.Sprintf("talk_%d_%s", i, size.label), size)
				side.warmUp(ctx, b, growing.channels(side, growthRounds))
				m.sides = append(m.sides, side)
			}
			for round := range growthRounds {
				m.round(ctx, b, growing, round)
			}
			rows = append(rows, m.table(growing)...)
			for _, side := range m.sides {
				side.end(ctx, b)
			}
		}
	}
	fmt.Print("\n" + columns.Table(rows) + "\n")
	b.ReportMetric(0, "ns/op")
}

// growthSide is an installation of one size.
type growthSide struct {
	*installation
	keepsNone *installation // a program that keeps no pages in memory
	database  string
	initiator string // of the first of each round's channels, which is not on the shard of everyone
	label     string
}

func newGrowthSide(ctx context.Context, b *testing.B, clusters *localpg.Clusters, database string, size talkSize) *growthSide {
	b.Helper()
	began := time.Now()
	fmt.Printf("filling %d channels with %d messages each ...\n", size.channels, size.messages)
	for _, name := range clusterNames {
		execute(ctx, b, clusters.DSN(name), "CREATE DATABASE "+database)
	}
	config := configOf(func(name string) string { return clusters.DatabaseDSN(name, database) })
	storetest.Migrate(b, config)
	router, err := shardrouter.Open(ctx, config)
	if err != nil {
		b.Fatal(err)
	}
	made := fillTalk(ctx, b, config, router, size.channels, size.messages)
	router.Close()
	for _, name := range clusterNames {
		execute(ctx, b, clusters.DSN(name), "CHECKPOINT")
	}
	in := installationOn(b, clusters, config)
	in.initiators, in.home = made.initiators, made.home
	in.channels = textOf(made.channels)
	fmt.Printf("filled in %v\n", time.Since(began).Round(time.Second))
	return &growthSide{in, installationOn(b, clusters, config, "LINKSPAN_PAGES_MB=0"), database, made.initiators[config.Shards[0].Name], size.label}
}

func textOf(channels []ids.Channel) []string {
	all := make([]string, len(channels))
	for i, id := range channels {
		all[i] = id.String()
	}
	return all
}

// execute runs a statement on a cluster.
func execute(ctx context.Context, b *testing.B, dsn, statement string) {
	b.Helper()
	conn := connect(b, dsn)
	_, err := conn.Exec(ctx, statement)
	if err := errors.Join(err, conn.Close(context.WithoutCancel(ctx))); err != nil {
		b.Fatal(statement, err)
	}
}

// warmUp has few read and post, and then as many as are measured, until the connections to Postgres are open and have what they need:
// the first statements of one cost many times what those behind them do.
func (s *growthSide) warmUp(ctx context.Context, b *testing.B, channels []string) {
	b.Helper()
	const few, goesOn = 4, 5 * time.Second
	for _, connections := range []int{few, anchorConnections} {
		for _, of := range []func(users int, channels ...string) (load.Call, error){s.page, s.post} {
			call, err := of(connections, channels...)
			if err != nil {
				b.Fatal(err)
			}
			found, err := load.HTTP(ctx, load.HTTPConfig{Call: call, Connections: connections, For: goesOn})
			if err := errors.Join(err, found.Check()); err != nil {
				b.Fatalf("%s: %v", s.label, err)
			}
		}
	}
}

// end ends the program and gives its disk back.
func (s *growthSide) end(ctx context.Context, b *testing.B) {
	b.Helper()
	s.stop()
	s.keepsNone.stop()
	for _, name := range clusterNames {
		execute(ctx, b, s.clusters.DSN(name), "DROP DATABASE "+s.database+" WITH (FORCE)")
	}
}

// growthMeasure is what two sizes took.
type growthMeasure struct {
	sides []*growthSide
	found map[string][]float64 // by measure and side; a value a round
}

// growthRow is a row of the table: what a load measured, and which way is worse.
type growthRow struct {
	what, measure string
	perSecond     bool // less is dearer
}

var growthRows = []growthRow{
	{"F-4 channel + last 20 messages, a second", "pages", true},
	{"F-4 the same, no pages in memory", "pages that are read", true},
	{"F-6 50 posts/s to 20 subscribers: p50 ms", "p50", false},
	{"F-6 the same: p99 ms", "p99", false},
	{"F-1 posts a second, random channels", "posts", true},
}

// round puts each load on each side. Posts come last: the channels grow by them.
func (m *growthMeasure) round(ctx context.Context, b *testing.B, growing growth, round int) {
	b.Helper()
	order := slices.Clone(m.sides)
	if round%2 == 1 {
		slices.Reverse(order)
	}
	for _, each := range []func(context.Context, *growthSide, []string) (map[string]float64, error){readLoad, readEachLoad, listenLoad, postLoad} {
		for _, side := range order {
			measured, err := each(ctx, side, growing.channels(side, round))
			if err != nil {
				log, _ := os.ReadFile(side.log)
				b.Fatalf("%s %s: %v\n%.5000s", side.label, growing.what, err, log)
			}
			m.note(growing, side, measured)
		}
	}
}

// note keeps what was measured and says it.
func (m *growthMeasure) note(growing growth, side *growthSide, measured map[string]float64) {
	said := make([]string, 0, len(measured))
	for measure, value := range measured {
		key := measure + "/" + side.label
		m.found[key] = append(m.found[key], value)
		said = append(said, fmt.Sprintf("%s %.1f", measure, value))
	}
	slices.Sort(said)
	fmt.Printf("%8s %-24s %v\n", side.label, growing.what, said)
}

// channels are those of a round.
func (g growth) channels(side *growthSide, round int) []string {
	if g.aRound == 0 {
		return side.channels
	}
	from := round * g.aRound % len(side.channels)
	return side.channels[from : from+g.aRound]
}

// table are the rows of what grew.
func (m *growthMeasure) table(growing growth) (rows [][]string) {
	for _, row := range growthRows {
		small, large := m.found[row.measure+"/"+growing.small.label], m.found[row.measure+"/"+growing.large.label]
		dearer := make([]float64, len(small))
		for i := range small {
			dearer[i] = large[i] / small[i]
			if row.perSecond {
				dearer[i] = small[i] / large[i]
			}
		}
		verdict := "missed"
		if median(dearer) <= growthGoal {
			verdict = "kept"
		}
		rows = append(rows, []string{
			row.what, growing.what, growing.small.label, growing.large.label, fmt.Sprintf("%.1f", median(small)), fmt.Sprintf("%.1f", median(large)),
			fmt.Sprintf("%.2f", median(dearer)), fmt.Sprintf("%.2f to %.2f", slices.Min(dearer), slices.Max(dearer)),
			fmt.Sprintf("≤ %.1f", growthGoal), verdict,
		})
	}
	return rows
}

// readLoad has 32 connections read channels with their last 20 messages.
func readLoad(ctx context.Context, side *growthSide, channels []string) (map[string]float64, error) {
	call, err := side.page(anchorConnections, channels...)
	if err != nil {
		return nil, err
	}
	return side.closedLoop(ctx, "pages", call)
}

// readEachLoad is readLoad where each page is read from its cluster, each time.
func readEachLoad(ctx context.Context, side *growthSide, channels []string) (map[string]float64, error) {
	call, err := side.keepsNone.page(anchorConnections, channels...)
	if err != nil {
		return nil, err
	}
	return side.keepsNone.closedLoop(ctx, "pages that are read", call)
}

// postLoad has 32 connections post.
func postLoad(ctx context.Context, side *growthSide, channels []string) (map[string]float64, error) {
	call, err := side.post(anchorConnections, channels...)
	if err != nil {
		return nil, err
	}
	return side.closedLoop(ctx, "posts", call)
}

// closedLoop tells how often a call is answered a second, and what each takes of CPU and of the shards' WAL.
func (in *installation) closedLoop(ctx context.Context, what string, call load.Call) (map[string]float64, error) {
	config := load.HTTPConfig{Call: call, Connections: anchorConnections, For: anchorWarmUp}
	if warm, err := load.HTTP(ctx, config); err != nil {
		return nil, err
	} else if err := warm.Check(); err != nil {
		return nil, err
	}
	config.For, config.Processes = anchorFor, in.processes()
	before, err := in.written(ctx)
	if err != nil {
		return nil, err
	}
	found, err := load.HTTP(ctx, config)
	if err == nil {
		err = found.Check()
	}
	if err != nil {
		return nil, err
	}
	after, err := in.written(ctx)
	return map[string]float64{
		what: found.PerSecond, what + " CPU µs": found.ServerCPU, what + " Postgres CPU µs": found.PostgresCPU,
		what + " WAL kB": (after - before) / float64(found.Requests) / 1000,
	}, err
}

// written is how many bytes of WAL the shards' servers have ever made.
func (in *installation) written(ctx context.Context) (sum float64, err error) {
	for _, shard := range in.config.Shards {
		conn := connect(in.b, shard.DSN)
		var bytes float64
		err = errors.Join(err, conn.QueryRow(ctx, "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8").Scan(&bytes), conn.Close(ctx))
		sum += bytes
	}
	return sum, err
}

// listenLoad posts 50 messages a second to the first of the channels, with 20 subscribers of both sides, which are on different
// clusters.
func listenLoad(ctx context.Context, side *growthSide, channels []string) (map[string]float64, error) {
	config := load.EndToEndConfig{Connections: 8, PerSecond: readRate, WarmUp: anchorWarmUp, For: readFor, Grace: readGrace, Processes: side.processes()}
	var err error
	if config.Post, config.Subscribers, err = side.conversationIn(channels[0], side.initiator, config.Connections, readers); err != nil {
		return nil, err
	}
	found, err := load.EndToEnd(ctx, config)
	if err == nil {
		err = found.Check()
	}
	return map[string]float64{
		"p50": found.DelayP50, "p99": found.DelayP99, "CPU µs": found.ServerCPU, "Postgres CPU µs": found.PostgresCPU,
	}, err
}
