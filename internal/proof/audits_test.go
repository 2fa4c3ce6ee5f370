package proof_test

import (
	"context"
	"testing"

	audits "linkspan/internal/audit"
)

// verifyAudits has a process write the audits of all that was decided, and verifies them: each is a chain of what the rows of history make of it, to
// the byte, and holds the heads of the groups that it shares something with.
func verifyAudits(t testing.TB, p *process) {
	t.Helper()
	ctx := context.Background()
	for {
		n, err := p.WriteAudit(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	report, err := audits.Verify(ctx, p.router, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() || report.Waiting != 0 || report.Entries == 0 {
		t.Errorf("%d entries of audits, %d decisions wait, breaches %v", report.Entries, report.Waiting, report.Breaches)
	}
	t.Logf("audits: %d entries of %d groups hold", report.Entries, report.Groups)
}
