//go:build long

package localpgtest_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Test binaries that start at once share the cache and nothing else.
func TestManyTestBinaries(t *testing.T) {
	t.Parallel()
	children := make([]*exec.Cmd, 4)
	servers := map[int]bool{}
	for i := range children {
		var report childReport
		children[i], report = runChild(t, "done")
		servers[report.PID] = true
	}
	for _, child := range children {
		if err := child.Wait(); err != nil {
			t.Errorf("child: %v", err)
		}
	}
	if len(servers) != len(children) {
		t.Errorf("%d servers for %d test binaries", len(servers), len(children))
	}
}

// A killed test binary leaves no server. What it leaves on disk goes when a later one comes by.
func TestServerStopsWithKilledTests(t *testing.T) {
	t.Parallel()
	child, report := runChild(t, "killed")
	if err := child.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the server is gone", func() bool { return gone(report) })
	root := filepath.Dir(filepath.Dir(report.DataDir))
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(root, past, past); err != nil {
		t.Fatal(err)
	}
	later, _ := runChild(t, "done")
	if err := later.Wait(); err != nil {
		t.Errorf("child: %v", err)
	}
	if _, err := os.Stat(root); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", root, err)
	}
}
