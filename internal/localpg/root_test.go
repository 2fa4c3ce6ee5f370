package localpg_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"linkspan/internal/localpg"
)

// wantError checks an error's kind and that its text names what a person needs to know.
func wantError(t *testing.T, err, kind error, texts ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v, want one of the kind %v", err, kind)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not hold %q", err, text)
		}
	}
}

func TestLocked(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	clusters := start(t, cfg)
	pid := clusters.PID("main")
	_, err := localpg.Start(t.Context(), cfg)
	wantError(t, err, localpg.ErrLocked, cfg.Root, "process "+strconv.Itoa(os.Getpid()))
	wantError(t, localpg.Destroy(t.Context(), cfg.Root), localpg.ErrLocked, cfg.Root)
	if clusters.PID("main") != pid || !alive(pid) {
		t.Error("the clusters that run were disturbed")
	}
	query(t, clusters.DSN("main"), "SELECT 'fine'")
}

func TestForeignData(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	cfg.Root = filepath.Join(cfg.Root, "photos")
	file := filepath.Join(cfg.Root, "holiday.jpg")
	if err := os.Mkdir(cfg.Root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := localpg.Start(t.Context(), cfg)
	wantError(t, err, localpg.ErrForeignData, cfg.Root, "holiday.jpg")
	wantError(t, localpg.Destroy(t.Context(), cfg.Root), localpg.ErrForeignData, cfg.Root)
	entries, err := os.ReadDir(cfg.Root)
	if err != nil || len(entries) != 1 {
		t.Errorf("the directory now holds %v (%v)", entries, err)
	}
	if err := os.RemoveAll(cfg.Root); err != nil {
		t.Fatal(err)
	}
}

// A new file system is not foreign data.
func TestRootOfFileSystem(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	if err := os.Mkdir(filepath.Join(cfg.Root, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	query(t, start(t, cfg).DSN("main"), "SELECT 'fine'")
}

func TestOtherMajor(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	clusters := start(t, cfg)
	pg := clusters.Postgres()
	query(t, clusters.DSN("main"), "CREATE TABLE kept AS SELECT 'here' AS n")
	stop(t, clusters)
	ours := filepath.Join(cfg.Root, "pg"+strconv.Itoa(pg.Major))
	other := filepath.Join(cfg.Root, "pg"+strconv.Itoa(pg.Major+1))
	if err := os.Rename(ours, other); err != nil {
		t.Fatal(err)
	}
	cfg.BinDir, cfg.Source = pg.BinDir, ""
	_, err := localpg.Start(t.Context(), cfg)
	wantError(t, err, localpg.ErrOtherMajor,
		cfg.Root, strconv.Itoa(pg.Major), strconv.Itoa(pg.Major+1), pg.BinDir, "LINKSPAN_PG_BINDIR")
	if _, err := os.Stat(ours); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was made beside the data: %v", err)
	}
	if err := os.Rename(other, ours); err != nil {
		t.Fatal(err)
	}
	if got := query(t, start(t, cfg).DSN("main"), "SELECT n FROM kept"); got != "here" {
		t.Errorf("the table holds %q", got)
	}
}

func TestRootIsMade(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	base := cfg.Root
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	cfg.Root = filepath.Join(base, "not", "yet", "there")
	clusters := start(t, cfg)
	query(t, clusters.DSN("main"), "SELECT 'fine'")
	stop(t, clusters)
	if err := localpg.Destroy(t.Context(), cfg.Root); err != nil {
		t.Fatal(err)
	}
	if err := localpg.Destroy(t.Context(), cfg.Root); err != nil {
		t.Errorf("Destroy of an absent root: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(base, "not")); err != nil {
		t.Fatal(err)
	}
}

// The root's own name may be a symbolic link; the clusters are the same whichever name is used, and locked under both.
func TestRootIsLink(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(cfg.Root, link); err != nil {
		t.Fatal(err)
	}
	start(t, cfg)
	cfg.Root = link
	_, err := localpg.Start(t.Context(), cfg)
	wantError(t, err, localpg.ErrLocked)
}

func TestRootIsFile(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	cfg.Root = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(cfg.Root, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := localpg.Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), cfg.Root) {
		t.Errorf("error %v, want one that names the file", err)
	}
}

func TestUnfinishedWorkIsRemoved(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	clusters := start(t, cfg)
	stop(t, clusters)
	left := filepath.Join(cfg.Root, "pg"+strconv.Itoa(clusters.Postgres().Major), ".new-shard-1-123")
	if err := os.MkdirAll(filepath.Join(left, "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	cfg.Names = []string{"main", "shard-1"}
	query(t, start(t, cfg).DSN("shard-1"), "SELECT 'fine'")
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", left, err)
	}
}
