package localpg

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestCopyTree(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), t.TempDir()
	files := map[string]string{"PG_VERSION": "15\n", "base/1/1247": strings.Repeat("page", 10_000), "base/1/empty": ""}
	for path, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(from, path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(from, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(from, "pg_notify"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := copyTree(t.Context(), from, to, testAccount()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(to, "base/1/1247"))
	if err != nil || len(text) != 40_000 {
		t.Errorf("copied %d bytes, %v", len(text), err)
	}
	if info, err := os.Stat(filepath.Join(to, "pg_notify")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("empty directory: %v, %v", info, err)
	}
	// A second copy into the same place would mix two clusters.
	if err := copyTree(t.Context(), from, to, testAccount()); !errors.Is(err, os.ErrExist) {
		t.Errorf("copy onto a copy: %v, want ErrExist", err)
	}
}

// The template belongs to the account, and root copies it: nothing in it may make root read or write elsewhere.
func TestCopyTreeRefusesTraps(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(path string) error{
		"link to a file":      func(path string) error { return os.Symlink("/etc/hostname", path) },
		"link to a directory": func(path string) error { return os.Symlink("/etc", path) },
		"pipe":                func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := t.TempDir()
			if err := set(filepath.Join(from, "trap")); err != nil {
				t.Fatal(err)
			}
			err := copyTree(t.Context(), from, t.TempDir(), testAccount())
			if err == nil || !strings.Contains(err.Error(), "trap") {
				t.Errorf("error %v, want one that names the trap", err)
			}
		})
	}
}

func TestCopyTreeIsCancelled(t *testing.T) {
	t.Parallel()
	from := t.TempDir()
	if err := os.WriteFile(filepath.Join(from, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := copyTree(ctx, from, t.TempDir(), testAccount()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
