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
	cfg := newConfig(b, fourClusters...)
	cfg.CacheDir = ""
	for b.Loop() {
		b.StopTimer()
		var err error
		if cfg.Root, err = localpgtest.NewRoot(true); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		clusters, err := localpg.Start(b.Context(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := clusters.Stop(context.Background()); err != nil {
			b.Fatal(err)
		}
		if err := localpg.Destroy(context.Background(), cfg.Root); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkWarmStart is each later one.
func BenchmarkWarmStart(b *testing.B) {
	cfg := newConfig(b, fourClusters...)
	cfg.Root = newRoot(b, true)
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
