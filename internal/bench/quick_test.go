package bench

import (
	"cmp"
	"os"
	"strconv"
	"testing"
	"time"
)

// numberOf is how many of something there are: usually so many, and fewer for a quick look, if a variable says so.
func numberOf(b *testing.B, variable string, usual, least int) int {
	b.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv(variable), strconv.Itoa(usual)))
	if err != nil || n < least {
		b.Fatalf("%s must be a number of at least %d", variable, least)
	}
	return n
}

// durationOf is how long something goes on: usually so long, and shorter for a quick look, if LINKSPAN_BENCH_FOR says so.
func durationOf(b *testing.B, usual time.Duration) time.Duration {
	b.Helper()
	d, err := time.ParseDuration(cmp.Or(os.Getenv("LINKSPAN_BENCH_FOR"), usual.String()))
	if err != nil || d <= 0 {
		b.Fatal("LINKSPAN_BENCH_FOR must be a duration, as in 10s")
	}
	return d
}
