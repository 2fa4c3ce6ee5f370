package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startRounds is how often each start is measured.
const startRounds = 7

// BenchmarkStart measures, of the program that LINKSPAN_BIN names: `dev` on an absent data directory until it is ready (cold),
// the same on its data of before (warm), and how much memory the program holds a second after that, its PostgreSQL not
// counted.
func BenchmarkStart(b *testing.B) {
	if os.Getenv("LINKSPAN_BIN") == "" {
		b.Fatal("LINKSPAN_BIN is not set: use make bench")
	}
	var cold, warm, idle []float64 // seconds, seconds, MB
	for b.Loop() {
		for range startRounds {
			data := dataDir(b)
			cold = append(cold, timedStart(b, data, nil))
			warm = append(warm, timedStart(b, data, func(pid int) {
				<-time.After(time.Second)
				idle = append(idle, residentMB(b, pid))
			}))
		}
	}
	fmt.Printf("\n%-22s %8s %8s %8s\n", "start of dev", "min", "median", "max")
	for _, measured := range []struct {
		name   string
		values []float64
	}{{"cold, s to ready", cold}, {"warm, s to ready", warm}, {"idle memory, MB", idle}} {
		slices.Sort(measured.values)
		fmt.Printf("%-22s %8.2f %8.2f %8.2f\n", measured.name,
			measured.values[0], measured.values[len(measured.values)/2], measured.values[len(measured.values)-1])
	}
	fmt.Println()
	b.ReportMetric(cold[len(cold)/2], "cold-s")
	b.ReportMetric(warm[len(warm)/2], "warm-s")
	b.ReportMetric(idle[len(idle)/2], "idle-MB")
	b.ReportMetric(0, "ns/op")
}

// timedStart starts a dev server and ends it again. It returns the seconds until it was ready; look, if there is one, is
// called with the program's process then.
func timedStart(b *testing.B, data string, look func(pid int)) float64 {
	b.Helper()
	started := time.Now()
	d := startDev(b, data)
	took := time.Since(started).Seconds()
	if look != nil {
		look(d.Process.Pid)
	}
	d.end(os.Interrupt)
	waitForNoPostgres(b, data)
	return took
}

// residentMB is the resident memory of a process.
func residentMB(b *testing.B, pid int) float64 {
	b.Helper()
	kilobytes, err := exec.Command("ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		b.Fatal(err)
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(string(kilobytes)), 64)
	if err != nil {
		b.Fatal(err)
	}
	return n * 1024 / 1e6
}
