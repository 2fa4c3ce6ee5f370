package proof_test

import (
	"fmt"
	"os"
	"testing"

	"linkspan/internal/localpg/localpgtest"
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
