package bench

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const (
	longFor      = 30 * time.Minute
	longLooks    = 60 // at the server, in that time
	longChannels = 30
	longMessages = 1_000
)

// BenchmarkLong has `loadgen mixed`, which LINKSPAN_LOADGEN names, put an installation of its own under load for half an hour: what is
// not flat then fails it. LINKSPAN_BENCH_FOR makes it shorter.
func BenchmarkLong(b *testing.B) {
	loadgen, goesOn := os.Getenv("LINKSPAN_LOADGEN"), durationOf(b, longFor)
	if loadgen == "" {
		b.Fatal("LINKSPAN_LOADGEN is not set: use make")
	}
	in := newInstallation(b)
	if err := in.fill(b.Context(), longChannels, longMessages); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		cmd := exec.CommandContext(b.Context(), loadgen, "mixed", "--url", in.url, "--operations", "../../clients/operations.graphql",
			"--metrics", in.metrics, "--channel", strings.Join(in.channels, ","), "--as", "user@"+everyone,
			"--pid", fmt.Sprint(in.program.Process.Pid), "--for", goesOn.String(), "--every", (goesOn / longLooks).String())
		cmd.Env = append(os.Environ(), in.environment()...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(0, "ns/op")
}
