package proof_test

import (
	"fmt"
	"os"
	"testing"

	"linkspan/internal/check"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/shardrouter"
)

func TestMain(m *testing.M) { os.Exit(localpgtest.Main(m)) }

// number is how often a test does something: as often as make test has time for, or with LINKSPAN_TEST_LONG=1 more often.
func number(usual, long int) int {
	switch value := os.Getenv("LINKSPAN_TEST_LONG"); value {
	case "":
		return usual
	case "1":
		return long
	default:
		panic(fmt.Sprintf("LINKSPAN_TEST_LONG is %q: 1 or nothing", value))
	}
}

// audit judges every invariant of an installation on which nothing is on its way.
func audit(t testing.TB, router *shardrouter.Router) {
	t.Helper()
	report, err := check.Run(t.Context(), router, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() || report.InFlight != 0 || report.Channels == 0 {
		t.Errorf("%d channels, %d in flight, breaches %v", report.Channels, report.InFlight, report.Breaches)
	}
	t.Logf("check: %d invariants hold, %d channels and %d groups compared", report.Invariants, report.Channels, report.Groups)
}
