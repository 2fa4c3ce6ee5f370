// Package localpgtest gives tests real PostgreSQL: one server that all tests of a test binary share, with a database for
// each test, or clusters of a test's own where the test is about them.
//
//	func TestMain(m *testing.M) { os.Exit(localpgtest.Main(m)) }
//
//	func TestMessages(t *testing.T) {
//		t.Parallel()
//		pool, err := pgxpool.New(t.Context(), localpgtest.Database(t))
//
// The shared server starts when the first test asks for it. It and everything else here loses its data in a crash of the
// machine (fsync is off) unless asked otherwise. A test binary that ends without TestMain's stop, even by SIGKILL, leaves
// no process (see localpg); what it leaves on disk, a later one removes.
package localpgtest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"linkspan/internal/localpg"
)

// patience is how long starting and stopping a server may take on a machine that is busy with other tests.
const patience = 2 * time.Minute

// Main runs the tests and stops the shared server. It returns the exit code for os.Exit.
func Main(m *testing.M) int { return Runner{M: m}.Run() }

// Runner is Main for those that take a *testing.M themselves: goleak.VerifyTestMain(localpgtest.Runner{M: m}).
type Runner struct{ M *testing.M }

// Run runs the tests and stops the shared server.
func (r Runner) Run() int {
	code := r.M.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "localpgtest: stop:", err)
		code = max(code, 1)
	}
	return code
}

// Clusters starts clusters of the test's own and stops them when it ends. Durable is as in localpg.Config.
func Clusters(t testing.TB, durable bool, names ...string) *localpg.Clusters {
	t.Helper()
	return ClustersWith(t, localpg.Config{Names: names, Durable: durable})
}

// ClustersWith is Clusters with settings. Where the data, the cache and the programs are, this package says.
func ClustersWith(t testing.TB, cfg localpg.Config) *localpg.Clusters {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	clusters, root, err := start(ctx, cfg)
	if err != nil {
		t.Fatalf("localpgtest: %v", err)
	}
	t.Cleanup(func() {
		if err := end(clusters, root); err != nil {
			t.Errorf("localpgtest: stop: %v", err)
		}
	})
	return clusters
}
