package localpgtest

import (
	"context"
	"errors"
	"testing"
)

// BenchmarkFirstUse is what a test binary's first database costs it: the start of a server from the cached template.
func BenchmarkFirstUse(b *testing.B) {
	for b.Loop() {
		var first server
		_, err := first.get()
		b.StopTimer()
		if err := errors.Join(err, first.stop()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkDatabase is what each test's database costs, from its making to its end.
func BenchmarkDatabase(b *testing.B) {
	clusters, err := shared.get()
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	for b.Loop() {
		err := create(ctx, clusters, "bench", "template1")
		if err := errors.Join(err, drop(ctx, clusters, "bench")); err != nil {
			b.Fatal(err)
		}
	}
}
