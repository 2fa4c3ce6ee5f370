package localpg_test

import (
	"context"
	"testing"

	"linkspan/internal/localpg"
	"linkspan/internal/localpg/localpgtest"
)

var fourClusters = []string{"main", "shard-1", "shard-2", "shard-3"}

// BenchmarkColdStart is the first start of `linkspan dev`: four durable clusters in a new data root, without a template.
func BenchmarkColdStart(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		root, err := localpgtest.NewRoot(true)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		clusters, err := localpg.Start(b.Context(), localpg.Config{Root: root, Names: fourClusters, Durable: true})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := clusters.Stop(context.Background()); err != nil {
			b.Fatal(err)
		}
		if err := localpg.Destroy(context.Background(), root); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkWarmStart is each later one.
func BenchmarkWarmStart(b *testing.B) {
	root, err := localpgtest.NewRoot(true)
	if err != nil {
		b.Fatal(err)
	}
	defer localpg.Destroy(context.Background(), root)
	cfg := localpg.Config{Root: root, Names: fourClusters, Durable: true}
	clusters, err := localpg.Start(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		if err := clusters.Stop(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if clusters, err = localpg.Start(b.Context(), cfg); err != nil {
			b.Fatal(err)
		}
	}
	if err := clusters.Stop(context.Background()); err != nil {
		b.Fatal(err)
	}
}
