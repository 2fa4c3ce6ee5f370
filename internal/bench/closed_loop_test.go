package bench

import (
	"fmt"
	"testing"
	"time"

	"linkspan/internal/columns"
	"linkspan/internal/load"
)

const (
	closedLoopWriters = 32
	closedLoopFor     = time.Minute
)

// BenchmarkClosedLoop has 32 writers of both sides of a channel, each of whom waits for its answer, and 20 subscribers of both
// sides: what a minute of that loses, doubles or confuses fails it. LINKSPAN_BENCH_FOR makes it shorter, for a quick look.
func BenchmarkClosedLoop(b *testing.B) {
	goesOn := durationOf(b, closedLoopFor)
	in := newInstallation(b)
	for b.Loop() {
		post, subscribers, err := in.conversation(b.Context(), closedLoopWriters, readers)
		if err != nil {
			b.Fatal(err)
		}
		found, err := load.EndToEnd(b.Context(), load.EndToEndConfig{
			Post: post, Connections: closedLoopWriters, Subscribers: subscribers, WarmUp: anchorWarmUp, For: goesOn, Grace: readGrace,
			Processes: in.processes(),
		})
		if err != nil {
			b.Fatal(err)
		}
		if err := found.Check(); err != nil {
			b.Error(err)
		}
		fmt.Print("\n" + columns.Table(found.Table()) + "\n")
		b.ReportMetric(found.PerSecond, "posts/s")
		b.ReportMetric(found.DelayP50, "read-p50-ms")
		b.ReportMetric(float64(found.Lost+found.Doubled+found.Unordered+found.Disagreeing), "faults")
	}
	b.ReportMetric(0, "ns/op")
}
