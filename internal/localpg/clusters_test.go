package localpg_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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
		"server_encoding": "UTF8", "lc_collate": "C", "TimeZone": "UTC", "wal_segment_size": "4MB",
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

func TestProgress(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main", "shard-1")
	cfg.CacheDir = ""
	var steps []string
	cfg.Progress = func(step string) { steps = append(steps, step) }
	stop(t, start(t, cfg))
	for _, want := range []string{"finding PostgreSQL", "initdb", "making main, shard-1", "starting main", "starting shard-1"} {
		if !slices.Contains(steps, want) {
			t.Errorf("step %q was not told: %q", want, steps)
		}
	}
	steps = nil
	cfg.Names = append(cfg.Names, "shard-2")
	start(t, cfg)
	if !slices.Contains(steps, "making shard-2") || !slices.Contains(steps, "starting shard-2") {
		t.Errorf("a cluster added later: steps %q", steps)
	}
}

func TestKillAndRestart(t *testing.T) {
	t.Parallel()
	clusters := start(t, newConfig(t, "main", "shard-1"))
	dsn, pid, other := clusters.DSN("main"), clusters.PID("main"), clusters.PID("shard-1")
	query(t, dsn, "CREATE TABLE kept (n text)")
	query(t, dsn, "INSERT INTO kept VALUES ('before the crash')")
	clusters.Kill("main")
	if clusters.PID("main") != 0 || alive(pid) {
		t.Errorf("process %d lives after Kill", pid)
	}
	clusters.Kill("main") // once more does nothing
	if err := clusters.Restart(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	if got := query(t, dsn, "SELECT n FROM kept"); got != "before the crash" {
		t.Errorf("after a crash the table holds %q", got)
	}
	if err := clusters.Restart(t.Context(), "main"); err != nil {
		t.Fatalf("Restart of a cluster that runs: %v", err)
	}
	if now := clusters.PID("main"); now == pid || now == 0 {
		t.Errorf("process %d after Restart, %d before", now, pid)
	}
	query(t, dsn, "SELECT n FROM kept")
	if now := clusters.PID("shard-1"); now != other {
		t.Errorf("the other cluster's process is %d, was %d", now, other)
	}
	stop(t, clusters)
	for exit := range clusters.Exited() {
		t.Errorf("expected end was reported: %v", exit.Err)
	}
}

func TestExited(t *testing.T) {
	t.Parallel()
	clusters := start(t, newConfig(t, "main", "shard-1"))
	pid := clusters.PID("shard-1")
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	exit := <-clusters.Exited()
	if exit.Name != "shard-1" || exit.PID != pid {
		t.Errorf("reported %s, process %d; want shard-1, process %d", exit.Name, exit.PID, pid)
	}
	for _, want := range []string{"shard-1", clusters.LogPath("shard-1"), "received immediate shutdown request"} {
		if !strings.Contains(exit.Err.Error(), want) {
			t.Errorf("error %q does not hold %q", exit.Err, want)
		}
	}
	query(t, clusters.DSN("main"), "SELECT 'lives'")
	if err := clusters.Restart(t.Context(), "shard-1"); err != nil {
		t.Fatal(err)
	}
	query(t, clusters.DSN("shard-1"), "SELECT 'lives again'")
	stop(t, clusters)
	if exit, ok := <-clusters.Exited(); ok {
		t.Errorf("reported once more: %v", exit.Err)
	}
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

func TestStartCancelled(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"finding", "initdb", "making", "starting"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			cfg := newConfig(t, "main", "shard-1")
			if step == "initdb" {
				cfg.CacheDir = "" // the tests' cache has its template already
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cfg.Progress = func(now string) {
				if strings.HasPrefix(now, step) {
					cancel()
				}
			}
			if _, err := localpg.Start(ctx, cfg); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want context.Canceled", err)
			}
			if left := processes(t, cfg.Root); len(left) != 0 {
				t.Errorf("processes after a cancelled Start: %v", left)
			}
			if left := unfinished(t, cfg); len(left) != 0 {
				t.Errorf("left over: %v", left)
			}
			cfg.Progress = nil
			query(t, start(t, cfg).DSN("shard-1"), "SELECT 'fine'")
		})
	}
}

func TestStopEndsClients(t *testing.T) {
	t.Parallel()
	clusters := start(t, newConfig(t, "main"))
	conn, err := pgx.Connect(t.Context(), clusters.DSN("main"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "BEGIN; CREATE TABLE never (n int)"); err != nil {
		t.Fatal(err)
	}
	stop(t, clusters)
	if _, err := conn.Exec(t.Context(), "COMMIT"); err == nil {
		t.Error("a transaction outlived Stop")
	}
}

// A postmaster that does not listen to signals is killed in the end.
func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main", "shard-1")
	clusters, err := localpg.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	query(t, clusters.DSN("main"), "CREATE TABLE kept AS SELECT 'still here' AS n")
	if err := syscall.Kill(clusters.PID("main"), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	err = clusters.Stop(impatient)
	if err == nil || !strings.Contains(err.Error(), "main") {
		t.Errorf("Stop of a stuck cluster: error %v, want one that names it", err)
	}
	if again := clusters.Stop(t.Context()); !errors.Is(again, err) {
		t.Errorf("second Stop: %v, want the same error", again)
	}
	next := start(t, cfg)
	if got := query(t, next.DSN("main"), "SELECT n FROM kept"); got != "still here" {
		t.Errorf("after a hard stop the table holds %q", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	clusters := start(t, newConfig(t, "main", "shard-1"))
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for _, name := range []string{"main", "shard-1"} {
				clusters.Kill(name)
				_ = clusters.PID(name)
				if err := clusters.Restart(context.Background(), name); err != nil && !errors.Is(err, localpg.ErrStopped) {
					t.Errorf("Restart: %v", err)
				}
			}
		})
	}
	group.Go(func() { stop(t, clusters) })
	group.Wait()
}

func TestLogs(t *testing.T) {
	t.Parallel()
	clusters := start(t, newConfig(t, "main"))
	query(t, clusters.DSN("main"), `DO $$ BEGIN RAISE WARNING 'in the first log'; END $$`)
	if err := clusters.Restart(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	path := clusters.LogPath("main")
	before, err := os.ReadFile(path + ".previous")
	if err != nil || !strings.Contains(string(before), "in the first log") {
		t.Errorf("log before the restart: %v, %q", err, before)
	}
	now, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(now), "in the first log") {
		t.Errorf("log after the restart: %v, %q", err, now)
	}
	if err := clusters.Restart(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".previous.previous"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("logs pile up: %v", err)
	}
}
