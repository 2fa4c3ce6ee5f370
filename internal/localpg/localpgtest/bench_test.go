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
		err := first.get()
		b.StopTimer()
		if err := errors.Join(err, first.stop()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkDatabase is what each test's database costs, from its making to its end.
func BenchmarkDatabase(b *testing.B) {
	if err := shared.get(); err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	for b.Loop() {
		err := shared.create(ctx, "bench", "template1")
		if err := errors.Join(err, shared.drop(ctx, "bench")); err != nil {
			b.Fatal(err)
		}
	}
}
