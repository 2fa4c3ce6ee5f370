package bench

import (
	"fmt"
	"testing"
	"time"

	"linkspan/internal/check"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

const (
	smallSize = 1_000
	pairs     = 5   // of runs at each size, in turn
	ofAPair   = 100 // rounds
)

// BenchmarkSize plays the flow on two installations of the same four servers, one with a thousand channels and one with a
// million (LINKSPAN_BENCH_CHANNELS makes it fewer), in turn; then it tells what a channel takes on disk, and how long a check of all
// takes.
func BenchmarkSize(b *testing.B) {
	names := []string{shardrouter.MainName, "shard-1", "shard-2", "shard-3"}
	clusters := durableClusters(b, names...)
	sizes := []int{smallSize, numberOf(b, "LINKSPAN_BENCH_CHANNELS", 1_000_000, smallSize)}
	var flows []*flow
	var configs []shardrouter.Config
	for i, size := range sizes {
		database := fmt.Sprintf("size_%d", i)
		config := shardrouter.Config{PoolSize: 8, Settings: store.Settings()}
		for _, name := range names {
			conn := connect(b, clusters.DSN(name))
			if _, err := conn.Exec(b.Context(), "CREATE DATABASE "+database); err != nil {
				b.Fatal(err)
			}
			if err := conn.Close(b.Context()); err != nil {
				b.Fatal(err)
			}
			dsn := clusters.DatabaseDSN(name, database)
			if name == shardrouter.MainName {
				config.MainDSN = dsn
			} else {
				config.Shards = append(config.Shards, shardrouter.Shard{Name: name, DSN: dsn})
			}
		}
		storetest.Migrate(b, config)
		s := servertest.New(b, servertest.Options{Config: &config})
		fill(b, config, s.Router, min(2000, size/10), size)
		flows = append(flows, newFlow(b, s))
		configs = append(configs, config)
	}
	taken := []*parts{newParts("create", "accept", "node", "sum"), newParts("create", "accept", "node", "sum")}
	for b.Loop() {
		for pair := range 1 + pairs { // the first warms up
			for i, f := range flows {
				taken[i].counts = pair > 0
				for range ofAPair {
					f.round(b, taken[i])
				}
			}
		}
	}
	fmt.Printf("\n%-10s %12d %12d %8s\n", "p50, ms", sizes[0], sizes[1], "ratio")
	for _, name := range taken[0].names {
		small, large := taken[0].quantile(name, 0.5), taken[1].quantile(name, 0.5)
		fmt.Printf("%-10s %12.2f %12.2f %8.2f\n", name, small, large, large/small)
	}
	b.ReportMetric(taken[1].quantile("sum", 0.5)/taken[0].quantile("sum", 0.5), "large/small")
	b.ReportMetric(0, "ns/op")
	tellSizes(b, configs[1], sizes[1])
	tellCheck(b, configs[1])
}

// tellSizes prints what the tables and indexes take, a channel.
func tellSizes(b *testing.B, config shardrouter.Config, channels int) {
	b.Helper()
	type size struct{ table, index int64 }
	found := make(map[string]size)
	var order []string
	for _, shard := range append([]shardrouter.Shard{{DSN: config.MainDSN}}, config.Shards...) {
		conn := connect(b, shard.DSN)
		rows, err := conn.Query(b.Context(), `
			SELECT schemaname || '.' || relname, pg_table_size(relid), pg_indexes_size(relid) FROM pg_stat_user_tables
			WHERE schemaname LIKE 'linkspan%' AND pg_table_size(relid) > 1000000 ORDER BY 1`)
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
			var name string
			var s size
			if err := rows.Scan(&name, &s.table, &s.index); err != nil {
				b.Fatal(err)
			}
			before, ok := found[name]
			if !ok {
				order = append(order, name)
			}
			found[name] = size{before.table + s.table, before.index + s.index}
		}
		if rows.Err() != nil {
			b.Fatal(rows.Err())
		}
		if err := conn.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	fmt.Printf("\n%-36s %12s %12s\n", "bytes a channel", "table", "indexes")
	var all size
	for _, name := range order {
		s := found[name]
		all = size{all.table + s.table, all.index + s.index}
		fmt.Printf("%-36s %12.0f %12.0f\n", name, float64(s.table)/float64(channels), float64(s.index)/float64(channels))
	}
	fmt.Printf("%-36s %12.0f %12.0f\n", "all clusters", float64(all.table)/float64(channels), float64(all.index)/float64(channels))
}

// tellCheck prints how long a check takes, which must find nothing.
func tellCheck(b *testing.B, config shardrouter.Config) {
	b.Helper()
	router, err := shardrouter.Open(b.Context(), check.Patient(config))
	if err != nil {
		b.Fatal(err)
	}
	defer router.Close()
	began := time.Now()
	report, err := check.Run(b.Context(), router, nil)
	if err != nil {
		b.Fatal(err)
	}
	if !report.OK() {
		b.Errorf("%d breaches: %v", len(report.Breaches), report.Breaches[:min(10, len(report.Breaches))])
	}
	fmt.Printf("\ncheck: %d invariants, %d groups, %d channels in %v\n\n", report.Invariants, report.Groups, report.Channels,
		time.Since(began).Round(time.Millisecond))
}
