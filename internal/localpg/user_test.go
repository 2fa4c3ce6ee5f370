package localpg_test

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"linkspan/internal/localpg"
)

// processOwner is the user id that a process runs as.
func processOwner(t *testing.T, clusters *localpg.Clusters, name string) int {
	t.Helper()
	// postmaster.pid is written by the process itself.
	info, err := os.Stat(filepath.Join(query(t, clusters.DSN(name), "SHOW data_directory"), "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// As root, PostgreSQL runs as the owner of the data that is there, so that data made as nobody is still served after a
// user postgres was added. An ordinary user's PostgreSQL runs as that user.
func TestRunsAsOwnerOfData(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	clusters := start(t, cfg)
	if os.Geteuid() != 0 {
		if uid := processOwner(t, clusters, "main"); uid != os.Geteuid() {
			t.Errorf("PostgreSQL runs as user %d, want %d", uid, os.Geteuid())
		}
		return
	}
	if uid := processOwner(t, clusters, "main"); uid == 0 {
		t.Error("PostgreSQL runs as root")
	}
	dataDir := query(t, clusters.DSN("main"), "SHOW data_directory")
	query(t, clusters.DSN("main"), "CREATE TABLE kept AS SELECT 'here' AS n")
	stop(t, clusters)
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(nobody.Uid)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dataDir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, -1)
	})
	if err != nil {
		t.Fatal(err)
	}
	again := start(t, cfg)
	if got := processOwner(t, again, "main"); got != uid {
		t.Errorf("PostgreSQL runs as user %d, want the data's owner %d", got, uid)
	}
	if got := query(t, again.DSN("main"), "SELECT n FROM kept"); got != "here" {
		t.Errorf("the table holds %q", got)
	}
}

// Below a directory that is closed to others, root's PostgreSQL cannot work, and says where the way is barred. An
// ordinary user's can.
func TestClosedParent(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	home := filepath.Join(cfg.Root, "home")
	if err := os.Chmod(cfg.Root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	cfg.Root = filepath.Join(home, "data")
	clusters, err := localpg.Start(t.Context(), cfg)
	if os.Geteuid() == 0 {
		wantError(t, err, localpg.ErrUnreachable, home+",", cfg.Root, "root", localpg.SystemDir)
	} else {
		if err != nil {
			t.Fatal(err)
		}
		query(t, clusters.DSN("main"), "SELECT 'fine'")
		stop(t, clusters)
	}
	if err := os.RemoveAll(home); err != nil {
		t.Fatal(err)
	}
}

// The same for the cache.
func TestClosedCache(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	cfg.CacheDir = filepath.Join(t.TempDir(), "cache") // t.TempDir's parent is closed
	clusters, err := localpg.Start(t.Context(), cfg)
	if os.Geteuid() == 0 {
		wantError(t, err, localpg.ErrUnreachable, cfg.CacheDir)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	stop(t, clusters)
}
