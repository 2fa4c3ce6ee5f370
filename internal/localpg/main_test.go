package localpg_test

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"linkspan/internal/localpg"
	"linkspan/internal/localpg/localpgtest"
)

// helperEnv makes the test binary a program that runs clusters, for tests that kill one.
const helperEnv = "LINKSPAN_LOCALPG_HELPER"

func TestMain(m *testing.M) {
	if order := os.Getenv(helperEnv); order != "" {
		helper(order)
		return
	}
	goleak.VerifyTestMain(localpgtest.Runner{M: m})
}

// helperOrder is what a helper is to do.
type helperOrder struct {
	Root     string
	CacheDir string
	BinDir   string
	Source   string
	Names    []string
	Untied   bool
	DieWith  string // a step of Progress at which the helper kills itself
}

// as is the order to do what a configuration says.
func (order helperOrder) as(cfg localpg.Config) helperOrder {
	order.Root, order.CacheDir, order.Names = cfg.Root, cfg.CacheDir, cfg.Names
	order.BinDir, order.Source = cfg.BinDir, cfg.Source
	return order
}

// helperReport is what a helper says when its clusters run.
type helperReport struct {
	DSN map[string]string
	PID map[string]int
}

// helper starts clusters and runs until its standard input ends, which it does when the test's process does, or until it
// is killed.
func helper(text string) {
	var order helperOrder
	if err := json.Unmarshal([]byte(text), &order); err != nil {
		panic(err)
	}
	cfg := localpg.Config{
		Root: order.Root, CacheDir: order.CacheDir, Names: order.Names, Durable: true, BinDir: order.BinDir, Source: order.Source,
	}
	if order.Untied {
		cfg = localpg.Untied(cfg)
	}
	cfg.Progress = func(step string) {
		if order.DieWith != "" && strings.HasPrefix(step, order.DieWith) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	clusters, err := localpg.Start(context.Background(), cfg)
	if err != nil {
		panic(err)
	}
	report := helperReport{DSN: map[string]string{}, PID: map[string]int{}}
	for _, name := range cfg.Names {
		report.DSN[name], report.PID[name] = clusters.DSN(name), clusters.PID(name)
	}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		panic(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// newConfig is a configuration for durable clusters in a new data root with the tests' template, of the PostgreSQL that the
// environment names, if it does; what is left of them goes at the test's end.
func newConfig(t testing.TB, names ...string) localpg.Config {
	t.Helper()
	cache, err := localpgtest.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return localpg.Config{
		Root: newRoot(t, false), Names: names, Durable: true, CacheDir: cache,
		BinDir: os.Getenv("LINKSPAN_PG_BINDIR"), Source: os.Getenv("LINKSPAN_PG_SOURCE"),
	}
}

// newRoot makes a data root, on a disk or where it is fast.
func newRoot(t testing.TB, disk bool) string {
	t.Helper()
	root, err := localpgtest.NewRoot(disk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := localpg.Destroy(context.Background(), root); err != nil {
			t.Errorf("destroy %s: %v", root, err)
		}
	})
	return root
}

// start starts clusters and stops them at the test's end.
func start(t *testing.T, cfg localpg.Config) *localpg.Clusters {
	t.Helper()
	clusters, err := localpg.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, clusters) })
	return clusters
}

func stop(t *testing.T, clusters *localpg.Clusters) {
	t.Helper()
	if err := clusters.Stop(context.Background()); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

// query runs a statement on a connection of its own and returns the one text that it yields, if it yields any.
func query(t *testing.T, dsn, statement string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if len(texts) == 0 {
		return ""
	}
	return texts[0]
}

// waitFor looks at a condition until it holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	const patience = 5 * time.Second
	deadline := time.Now().Add(patience)
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("still not after %s: %s", patience, what)
		}
		<-ticker.C
	}
}

// processes are the PostgreSQL processes that use the data in a root.
func processes(t *testing.T, root string) []int {
	t.Helper()
	pids, err := localpg.ProcessesIn(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	return pids
}

// unfinished are the files that an interrupted start left.
func unfinished(t *testing.T, cfg localpg.Config) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(cfg.Root, "pg*", ".new-*"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// alive says whether a process exists and has not ended: one that ended stays in the process table until its parent has
// noticed, and an orphan's parent is whoever is process 1 here.
func alive(pid int) bool {
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
}
