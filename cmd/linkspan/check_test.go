package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/check"
)

// The dev server is watched over: by readyz, and by check, without a breach, with one, and when it has ended.
func TestCheckAndReadyzOfDev(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	if _, stderr, code := output(t, []string{"LINKSPAN_DATA=" + data}, "check"); code != 1 || !strings.Contains(stderr, "no dev data") {
		t.Errorf("without data: exit code %d: %s", code, stderr)
	}
	d := startDev(t, data)
	testReadyz(t, d, data)
	stdout, stderr, code := output(t, d.env, "check")
	if code != 0 || !strings.HasPrefix(stdout, "no breach: ") || !strings.Contains(stderr, "checked shard-3: ") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}

	conn, err := pgx.Connect(t.Context(), mainOf(t, data))
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), `UPDATE linkspan_main.channel SET state = 'CLOSED' WHERE state = 'ACTIVE'`)
	if closeErr := conn.Close(t.Context()); err != nil || closeErr != nil {
		t.Fatal(err, closeErr)
	}
	stdout, stderr, code = output(t, d.env, "check")
	if code != 1 || !strings.Contains(stdout, "CLUSTER  INVARIANT") || !strings.Contains(stdout, "CLOSED; 2 groups were linked, 2 are") ||
		strings.Contains(stderr, "linkspan:") {
		t.Errorf("a breach: exit code %d: %s%s", code, stdout, stderr)
	}
	stdout, _, code = output(t, d.env, "check", "--json")
	var report struct {
		OK         bool
		Breaches   []check.Breach
		NotChecked []string
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != 1 {
		t.Fatalf("exit code %d, %v: %s", code, err, stdout)
	}
	if report.OK || len(report.Breaches) != 3 || report.Breaches[0].Invariant != "channel-state" || len(report.NotChecked) != 0 {
		t.Errorf("the report is %s", stdout)
	}

	d.end(os.Interrupt)
	if _, stderr, code := output(t, d.env, "check"); code != 1 || !strings.Contains(stderr, "start `bin/linkspan dev`") {
		t.Errorf("ended: exit code %d: %s", code, stderr)
	}
	waitForNoPostgres(t, data)
}

// mainOf is the DSN of the main database of dev's data.
func mainOf(t *testing.T, data string) string {
	t.Helper()
	var clusters struct{ Main string }
	text, err := os.ReadFile(filepath.Join(data, "clusters.json"))
	if err == nil {
		err = json.Unmarshal(text, &clusters)
	}
	if err != nil {
		t.Fatal(err)
	}
	return clusters.Main
}

func TestCheckList(t *testing.T) {
	t.Parallel()
	stdout, _, code := output(t, nil, "check", "--list")
	if lines := strings.Count(stdout, "\n"); code != 0 || lines != len(check.Invariants()) {
		t.Errorf("exit code %d: %s", code, stdout)
	}
}
