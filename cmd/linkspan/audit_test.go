package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/server/servertest"
)

// The audits of the demo data are whole, can be exported and gone on with, and what is changed is found.
func TestAuditOfDev(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	d := startDev(t, data)
	conn, err := pgx.Connect(t.Context(), mainOf(t, data))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	untilAudited(t, conn)

	stdout, stderr, code := output(t, d.env, "audit", "verify")
	if code != 0 || !strings.HasPrefix(stdout, "no breach: 3 groups, ") || !strings.Contains(stderr, "verified decisions: ") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if stdout, stderr, code := output(t, d.env, "audit", "verify", "--group", "nobody"); code != 1 || stdout != "" || !strings.Contains(stderr, "no group") {
		t.Errorf("of nobody: exit code %d: %s%s", code, stdout, stderr)
	}
	all, stderr, code := output(t, d.env, "audit", "export", "--group", "acme")
	lines := strings.SplitAfter(strings.TrimSuffix(all, "\n"), "\n")
	if code != 0 || len(lines) < 3 || !strings.HasPrefix(lines[0], `{"number":1,"previous":"`) || !strings.Contains(stderr, "exported acme: ") {
		t.Fatalf("exit code %d: %s%s", code, all, stderr)
	}
	rest, _, code := output(t, d.env, "audit", "export", "--group", "acme", "--after", "1")
	if code != 0 || lines[0]+rest != all {
		t.Errorf("gone on behind 1, with exit code %d: %s", code, rest)
	}
	if stdout, stderr, code := output(t, d.env, "audit", "export", "--group", "acme", "--after", "10000"); code != 1 || stdout != "" || !strings.Contains(stderr, "nothing behind 10000") {
		t.Errorf("behind its end: exit code %d: %s%s", code, stdout, stderr)
	}
	kept := filepath.Join(t.TempDir(), "acme.ndjson")
	if err := os.WriteFile(kept, []byte(all), 0o600); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := output(t, d.env, "audit", "verify", "--export", kept); code != 0 || !strings.HasPrefix(stdout, "no breach: 1 group, ") {
		t.Errorf("the export: exit code %d: %s%s", code, stdout, stderr)
	}

	if _, err := conn.Exec(t.Context(), `UPDATE linkspan_main.audit_entry SET record = replace(record, '"CREATE"', '"REVOKE"') WHERE number = 1`); err != nil {
		t.Fatal(err)
	}
	stdout, _, code = output(t, d.env, "audit", "verify", "--group", "acme")
	if code != 1 || !strings.Contains(stdout, "GROUP  ENTRY  WHAT IS WRONG\nacme   1      its hash is not") || !strings.Contains(stdout, " breaches: 1 group") {
		t.Errorf("a breach: exit code %d: %s", code, stdout)
	}
	if stdout, _, code := output(t, d.env, "audit", "verify", "--export", kept); code != 1 || !strings.Contains(stdout, "it was exported, and is another now") {
		t.Errorf("the export: exit code %d: %s", code, stdout)
	}
	d.end(os.Interrupt)
	waitForNoPostgres(t, data)
}

// untilAudited waits until all decisions are in the audits.
func untilAudited(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	servertest.Eventually(t, "all is in the audits", func() bool {
		var left int
		err := conn.QueryRow(t.Context(), `SELECT count(*) FROM linkspan_main.transition WHERE NOT audited`).Scan(&left)
		return err == nil && left == 0
	})
}
