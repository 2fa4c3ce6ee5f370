//go:build long

package localpgtest_test

import (
	"testing"

	"linkspan/internal/localpg/localpgtest"
)

// What was committed on the primary is on the standby when it takes over, under one DSN.
func TestStandby(t *testing.T) {
	t.Parallel()
	clusters := localpgtest.Clusters(t, true, "main", "main-b")
	query(t, clusters.DSN("main"), "CREATE TABLE kept AS SELECT 'before' AS word")
	standby := localpgtest.NewStandby(t, clusters, "main", "main-b")
	if state, err := standby.SyncState(t.Context()); state != "sync" || err != nil {
		t.Fatalf("the standby is %q: %v", state, err)
	}
	if got := query(t, clusters.DSN("main-b"), "SELECT pg_is_in_recovery()::text"); got != "true" {
		t.Errorf("in recovery: %s", got)
	}
	query(t, standby.DSN, "INSERT INTO kept VALUES ('after')")
	clusters.Kill("main")
	standby.Promote(t)
	if got := query(t, standby.DSN, "SELECT string_agg(word, ' ' ORDER BY word) FROM kept"); got != "after before" {
		t.Errorf("kept: %q", got)
	}
	query(t, standby.DSN, "INSERT INTO kept VALUES ('more')")
}
