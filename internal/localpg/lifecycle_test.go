package localpg_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/localpg"
)

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

// TestStartCancelled once failed on a busy machine: the clusters were ready when they were looked at for the first time.
func TestWhatWasCancelledDoesNotSucceed(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := localpg.Await(ctx, func() (bool, error) { return true, nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
