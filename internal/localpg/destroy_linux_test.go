package localpg_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"linkspan/internal/localpg"
)

// A killed cluster that never starts again leaves nothing once its root is destroyed: no file, and no shared memory, of
// which a system has only so many pieces.
func TestDestroyAfterKill(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	clusters := start(t, cfg)
	dataDir := query(t, clusters.DSN("main"), "SHOW data_directory")
	clusters.Kill("main")
	text, err := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	stop(t, clusters)
	var key, segment int
	if _, err := fmt.Sscan(strings.Split(string(text), "\n")[6], &key, &segment); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.SysvShmCtl(segment, unix.IPC_STAT, &unix.SysvShmDesc{}); err != nil {
		t.Fatalf("a killed postmaster left no segment %d: %v", segment, err)
	}
	if err := localpg.Destroy(t.Context(), cfg.Root); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.SysvShmCtl(segment, unix.IPC_STAT, &unix.SysvShmDesc{}); err == nil {
		t.Errorf("segment %d is still there", segment)
	}
	if _, err := os.Stat(cfg.Root); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data root is still there: %v", err)
	}
}
