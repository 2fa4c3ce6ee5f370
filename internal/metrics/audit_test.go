package metrics_test

import (
	"testing"

	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/server/servertest"
)

// What is in no audit yet shows by its age, until it is in all that it concerns.
func TestAuditsThatNobodyWrites(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{NoSweep: true})
	url := admin(t, s.Metrics)
	const age = "linkspan_audit_oldest_unwritten_age_seconds"
	if got := scrape(t, url); got[age] == nil || got.value(age) != 0 {
		t.Errorf("nothing was decided, and the age is %v", got[age])
	}
	s.Must(servertest.Admin(t, "ana@acme"), createDocument, map[string]any{"name": "launch"})
	if _, err := localpgtest.Pool(t, s.Config.MainDSN).Exec(t.Context(), `UPDATE linkspan_main.transition SET at = at - interval '10 minutes'`); err != nil {
		t.Fatal(err)
	}
	servertest.Eventually(t, "it is looked at anew", func() bool { return scrape(t, url).value(age) >= 600 })
	s.Audited()
	servertest.Eventually(t, "all is written", func() bool { return scrape(t, url).value(age) == 0 })
	if failed := scrape(t, url).value("linkspan_audit_looks_failed_total"); failed != 0 {
		t.Errorf("%v looks failed", failed)
	}
}
