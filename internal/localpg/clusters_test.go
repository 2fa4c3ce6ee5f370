package localpg_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/localpg"
)

func TestStartAndStop(t *testing.T) {
	t.Parallel()
	names := []string{"main", "shard-1", "shard-2", "shard-3"}
	cfg := newConfig(t, names...)
	cfg.Root = newRoot(t, true)
	first := start(t, cfg)
	dsn := map[string]string{}
	for _, name := range names {
		dsn[name] = first.DSN(name)
		query(t, dsn[name], "CREATE TABLE who (name text)")
		query(t, dsn[name], "INSERT INTO who VALUES ('"+name+"')")
		if got := query(t, dsn[name], "SHOW listen_addresses"); got != "" {
			t.Errorf("%s listens on %q", name, got)
		}
		if got := query(t, dsn[name], "SHOW fsync"); got != "on" {
			t.Errorf("%s is durable and fsync is %s", name, got)
		}
		if pgid, err := syscall.Getpgid(first.PID(name)); err != nil || pgid != first.PID(name) {
			t.Errorf("%s: process %d in group %d (%v), want a group of its own", name, first.PID(name), pgid, err)
		}
	}
	if got := len(processes(t, cfg.Root)); got < len(names) {
		t.Errorf("%d processes of %d clusters", got, len(names))
	}
	stop(t, first)
	if left := processes(t, cfg.Root); len(left) != 0 {
		t.Errorf("processes after Stop: %v", left)
	}
	if pid := first.PID("main"); pid != 0 {
		t.Errorf("PID after Stop: %d", pid)
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Errorf("second Stop: %v", err)
	}
	if err := first.Restart(t.Context(), "main"); !errors.Is(err, localpg.ErrStopped) {
		t.Errorf("Restart after Stop: %v, want ErrStopped", err)
	}

	again := start(t, cfg)
	for _, name := range names {
		if again.DSN(name) != dsn[name] {
			t.Errorf("DSN of %s changed from %s to %s", name, dsn[name], again.DSN(name))
		}
		if got := query(t, dsn[name], "SELECT name FROM who"); got != name {
			t.Errorf("%s has the data of %q", name, got)
		}
	}
}

func TestPrivateDirectories(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	clusters := start(t, cfg)
	for _, dir := range []string{
		query(t, clusters.DSN("main"), "SHOW data_directory"),
		query(t, clusters.DSN("main"), "SHOW unix_socket_directories"),
	} {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %o, want 700", dir, info.Mode().Perm())
		}
		owner := int(info.Sys().(*syscall.Stat_t).Uid)
		if os.Geteuid() == 0 && owner == 0 {
			t.Errorf("%s belongs to root: PostgreSQL must not run as root", dir)
		}
		if os.Geteuid() != 0 && owner != os.Geteuid() {
			t.Errorf("%s belongs to user %d, want %d", dir, owner, os.Geteuid())
		}
	}
	info, err := os.Stat(cfg.Root)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o066 != 0 {
		t.Errorf("data root has mode %o: others can list or change it", info.Mode().Perm())
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	cfg.Durable = false
	cfg.Settings = map[string]string{"max_connections": "17", "application_name": "it's a \"test\""}
	clusters := start(t, cfg)
	for setting, want := range map[string]string{
		"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
		"max_connections": "17", "application_name": "it's a \"test\"",
		"server_encoding": "UTF8", "TimeZone": "UTC", "wal_segment_size": "4MB",
	} {
		// The client sends an application name of its own, so the server's is read from its own place.
		got := query(t, clusters.DSN("main"), "SELECT current_setting('"+setting+"')")
		if setting == "application_name" {
			got = query(t, clusters.DSN("main"), "SELECT reset_val FROM pg_settings WHERE name = 'application_name'")
		}
		if got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	sorted := query(t, clusters.DSN("main"), "SELECT string_agg(c, '' ORDER BY c) FROM unnest(ARRAY['é', 'a', 'B', 'z']) c")
	if sorted != "Bazé" {
		t.Errorf("text sorts as %q, want the order of bytes", sorted)
	}
}

func TestDatabaseDSN(t *testing.T) {
	t.Parallel()
	clusters := start(t, newConfig(t, "main"))
	const name = `it's a \ "test"`
	query(t, clusters.DSN("main"), "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	if got := query(t, clusters.DatabaseDSN("main", name), "SELECT current_database()"); got != name {
		t.Errorf("connected to %q, want %q", got, name)
	}
	defer func() {
		if recover() == nil {
			t.Error("DSN of an unknown cluster: want a panic")
		}
	}()
	clusters.DSN("nobody")
}

// One cluster that cannot start takes the others down with it, and gives the data root up.
func TestStartFails(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main", "shard-1", "shard-2")
	stop(t, start(t, cfg))
	control, err := filepath.Glob(filepath.Join(cfg.Root, "pg*", "shard-1", "global", "pg_control"))
	if err != nil || len(control) != 1 {
		t.Fatalf("pg_control: %v, %v", control, err)
	}
	if err := os.Rename(control[0], control[0]+".away"); err != nil {
		t.Fatal(err)
	}
	_, err = localpg.Start(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "shard-1") || !strings.Contains(err.Error(), "pg_control") {
		t.Errorf("error %v does not say that shard-1 lacks pg_control", err)
	}
	if left := processes(t, cfg.Root); len(left) != 0 {
		t.Errorf("processes after a failed Start: %v", left)
	}
	if err := os.Rename(control[0]+".away", control[0]); err != nil {
		t.Fatal(err)
	}
	start(t, cfg)
}
