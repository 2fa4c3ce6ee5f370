//go:build long

package localpgtest_test

import (
	"os/exec"
	"testing"
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
