//go:build long

package localpg_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/localpg"
)

// runHelper starts a program of its own that runs clusters. It is killed at the test's end if not before.
func runHelper(t *testing.T, order helperOrder) (*exec.Cmd, *json.Decoder) {
	t.Helper()
	text, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), helperEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, json.NewDecoder(stdout)
}

func killProgram(t *testing.T, program *exec.Cmd) {
	t.Helper()
	if err := program.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = program.Wait() // killed: it says so
}

// kill -9 of the program leaves no postgres behind: each shuts down by itself, and the next start has all the data.
func TestProgramIsKilled(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main", "shard-1", "shard-2", "shard-3")
	program, out := runHelper(t, helperOrder{}.as(cfg))
	var report helperReport
	if err := out.Decode(&report); err != nil {
		t.Fatal(err)
	}
	for name, dsn := range report.DSN {
		query(t, dsn, "CREATE TABLE kept AS SELECT '"+name+"' AS n")
	}
	killProgram(t, program)
	waitFor(t, "all postgres processes are gone", func() bool { return len(processes(t, cfg.Root)) == 0 })
	for name, pid := range report.PID {
		if alive(pid) {
			t.Errorf("%s: process %d lives", name, pid)
		}
	}
	clusters := start(t, cfg)
	for _, name := range cfg.Names {
		if got := query(t, clusters.DSN(name), "SELECT n FROM kept"); got != name {
			t.Errorf("%s holds %q after the crash", name, got)
		}
		log, err := os.ReadFile(clusters.LogPath(name) + ".previous")
		if err != nil || !bytes.HasSuffix(log, []byte("database system is shut down\n")) {
			t.Errorf("%s did not shut down: %v\n%s", name, err, log)
		}
	}
}

// Another program's start on the same data is refused by a line that names it.
func TestLockedByAnotherProgram(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	program, out := runHelper(t, helperOrder{}.as(cfg))
	var report helperReport
	if err := out.Decode(&report); err != nil {
		t.Fatal(err)
	}
	_, err := localpg.Start(t.Context(), cfg)
	wantError(t, err, localpg.ErrLocked, cfg.Root, "process "+strconv.Itoa(program.Process.Pid))
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q is more than a line", err)
	}
	query(t, report.DSN["main"], "SELECT 'fine'")
	killProgram(t, program)
	query(t, start(t, cfg).DSN("main"), "SELECT 'fine'") // the lock went with the program
}

// The tie to the program is to a thread of it; clusters do not end with the thread that asked for them.
func TestStartingThreadEnds(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main", "shard-1")
	type result struct {
		clusters *localpg.Clusters
		err      error
		thread   string
	}
	started := make(chan result)
	go onThreadThatEnds(func() {
		clusters, err := localpg.Start(context.Background(), cfg)
		started <- result{clusters, err, filepath.Join("/proc/self/task", strconv.Itoa(syscall.Gettid()))}
	})
	r := <-started
	if r.err != nil {
		t.Fatal(r.err)
	}
	t.Cleanup(func() { stop(t, r.clusters) })
	waitFor(t, "the thread has ended", func() bool {
		_, err := os.Stat(r.thread)
		return os.IsNotExist(err)
	})
	for _, name := range cfg.Names {
		query(t, r.clusters.DSN(name), "SELECT 'fine'")
	}
	select {
	case exit := <-r.clusters.Exited():
		t.Errorf("%s ended with the thread: %v", exit.Name, exit.Err)
	default:
	}
}

// onThreadThatEnds calls f on a thread that ends with the calling goroutine. The program's first thread never ends: when
// the goroutine is on that one, it keeps it and leaves f to another.
func onThreadThatEnds(f func()) {
	runtime.LockOSThread()
	if syscall.Gettid() != os.Getpid() {
		f()
		return
	}
	defer runtime.UnlockOSThread()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		f()
	}()
	<-done
}

// A start right after kill -9 does not wait for anybody: it deals with the processes that are still shutting down.
func TestStartRightAfterKill(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main", "shard-1")
	program, out := runHelper(t, helperOrder{}.as(cfg))
	var report helperReport
	if err := out.Decode(&report); err != nil {
		t.Fatal(err)
	}
	query(t, report.DSN["main"], "CREATE TABLE kept AS SELECT 'here' AS n")
	killProgram(t, program)
	if got := query(t, start(t, cfg).DSN("main"), "SELECT n FROM kept"); got != "here" {
		t.Errorf("the table holds %q", got)
	}
}

// Where nothing ties postgres to its program, the next start finds what was left running and replaces it.
func TestOrphansAreReplaced(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main", "shard-1")
	program, out := runHelper(t, helperOrder{Untied: true}.as(cfg))
	var report helperReport
	if err := out.Decode(&report); err != nil {
		t.Fatal(err)
	}
	query(t, report.DSN["main"], "CREATE TABLE kept AS SELECT 'here' AS n")
	killProgram(t, program)
	if got := query(t, report.DSN["main"], "SELECT n FROM kept"); got != "here" {
		t.Errorf("the orphan says %q: it was to live on", got)
	}
	cfg.Names = []string{"main"} // the other's orphan goes, too
	clusters := start(t, cfg)
	for name, pid := range report.PID {
		if alive(pid) || name == "main" && clusters.PID(name) == pid {
			t.Errorf("%s: the orphan %d lives", name, pid)
		}
	}
	if got := query(t, clusters.DSN("main"), "SELECT n FROM kept"); got != "here" {
		t.Errorf("the table holds %q", got)
	}
}

// A backend that is too busy to notice its postmaster's end does not keep the data from the next one.
func TestRestartEndsBusyBackend(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	clusters := start(t, cfg)
	conn, err := pgx.Connect(t.Context(), clusters.DSN("main"))
	if err != nil {
		t.Fatal(err)
	}
	backend := int(conn.PgConn().PID())
	busy := make(chan error)
	go func() {
		_, err := conn.Exec(context.Background(), "DO $$ BEGIN LOOP END LOOP; END $$")
		_ = conn.Close(context.Background())
		busy <- err
	}()
	waitFor(t, "the backend is busy", func() bool {
		return query(t, clusters.DSN("main"), "SELECT state FROM pg_stat_activity WHERE pid = "+strconv.Itoa(backend)) == "active"
	})
	clusters.Kill("main")
	if !slices.Contains(processes(t, cfg.Root), backend) {
		t.Errorf("backend %d ended with its postmaster: this test shows nothing", backend)
	}
	if err := clusters.Restart(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	if err := <-busy; err == nil {
		t.Error("an endless loop ended well")
	}
	if slices.Contains(processes(t, cfg.Root), backend) {
		t.Errorf("backend %d lives", backend)
	}
	query(t, clusters.DSN("main"), "SELECT 'fine'")
}

// Destroy stops orphans too, before it removes the data.
func TestDestroyStopsOrphans(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	program, out := runHelper(t, helperOrder{Untied: true}.as(cfg))
	var report helperReport
	if err := out.Decode(&report); err != nil {
		t.Fatal(err)
	}
	killProgram(t, program)
	if err := localpg.Destroy(t.Context(), cfg.Root); err != nil {
		t.Fatal(err)
	}
	if alive(report.PID["main"]) {
		t.Error("the orphan lives")
	}
	if _, err := os.Stat(cfg.Root); !os.IsNotExist(err) {
		t.Errorf("the data root is still there: %v", err)
	}
}

// A postmaster.pid whose id now belongs to another program, and a program that merely stands in the data directory:
// neither keeps PostgreSQL from starting, nor is harmed.
func TestBystandersAreSafe(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	clusters := start(t, cfg)
	dataDir := query(t, clusters.DSN("main"), "SHOW data_directory")
	pid := clusters.PID("main")
	owner, err := os.Stat(dataDir)
	if err != nil {
		t.Fatal(err)
	}
	clusters.Kill("main")
	pidFile := dataDir + "/postmaster.pid"
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	stop(t, clusters)

	bystander := exec.Command("sleep", "600")
	bystander.Dir = dataDir
	bystander.SysProcAttr = as(owner)
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = bystander.Wait()
	}()
	t.Cleanup(func() {
		_ = bystander.Process.Kill()
		<-ended
	})
	if err := os.WriteFile(pidFile, withPID(text, bystander.Process.Pid), 0o600); err != nil {
		t.Fatal(err)
	}
	again := start(t, cfg)
	if now := again.PID("main"); now == 0 || now == pid {
		t.Errorf("process %d after the restart, %d before", now, pid)
	}
	select {
	case <-ended:
		t.Error("the bystander was stopped")
	default:
	}
	if slices.Contains(processes(t, cfg.Root), bystander.Process.Pid) {
		t.Error("the bystander counts as PostgreSQL")
	}
}

// as starts a program as the owner of a file.
func as(file os.FileInfo) *syscall.SysProcAttr {
	if os.Geteuid() != 0 {
		return nil
	}
	stat := file.Sys().(*syscall.Stat_t)
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}}
}

// withPID is a postmaster.pid's text with another process id.
func withPID(text []byte, pid int) []byte {
	_, rest, _ := bytes.Cut(text, []byte("\n"))
	return append([]byte(strconv.Itoa(pid)+"\n"), rest...)
}
