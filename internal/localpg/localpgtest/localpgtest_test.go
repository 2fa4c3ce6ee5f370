package localpgtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"linkspan/internal/localpg/localpgtest"
)

// childEnv makes the test binary one that another test looks at from outside: it runs TestChild, then ends as told.
const childEnv = "LINKSPAN_LOCALPGTEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "killed" {
		m.Run() // TestChild does not return
		return
	}
	goleak.VerifyTestMain(localpgtest.Runner{M: m})
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

func TestDatabasesAreSeparate(t *testing.T) {
	t.Parallel()
	const tests = 20
	var dataDirs sync.Map
	for i := range tests {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			dsn := localpgtest.Database(t)
			query(t, dsn, "CREATE TABLE mine (n text)") // fails if another test made it here
			dataDirs.Store(query(t, dsn, "SHOW data_directory"), true)
			if got := query(t, dsn, "SHOW max_connections"); got != "300" {
				t.Errorf("max_connections is %s", got)
			}
		})
	}
	t.Cleanup(func() {
		servers := 0
		dataDirs.Range(func(any, any) bool { servers++; return true })
		if servers != 1 {
			t.Errorf("%d servers", servers)
		}
	})
}

// A test's database goes with the test, though the test left a connection open.
func TestDatabaseIsDropped(t *testing.T) {
	t.Parallel()
	var name string
	var conn *pgx.Conn
	t.Run("test", func(t *testing.T) {
		dsn := localpgtest.Database(t)
		name = query(t, dsn, "SELECT current_database()")
		var err error
		if conn, err = pgx.Connect(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
	})
	if conn == nil {
		t.FailNow() // the subtest said why
	}
	defer conn.Close(context.Background())
	if !strings.Contains(name, "testdatabaseisdropped_test") {
		t.Errorf("database %q does not tell its test", name)
	}
	left := query(t, localpgtest.Database(t), "SELECT count(*)::text FROM pg_database WHERE datname = '"+name+"'")
	if left != "0" {
		t.Errorf("%s is still there", name)
	}
}

func TestDatabaseOfLongName(t *testing.T) {
	t.Parallel()
	t.Run(strings.Repeat("Ä long name; ", 20), func(t *testing.T) {
		t.Parallel()
		query(t, localpgtest.Database(t), "SELECT 'fine'")
	})
}

// lists numbers the lists of TestDatabases.
var lists atomic.Int64

func TestDatabases(t *testing.T) {
	t.Parallel()
	var filled atomic.Int64
	number := lists.Add(1) // the same test may run more than once in a binary
	names := []string{fmt.Sprintf("one_%d", number), fmt.Sprintf("two_%d", number)}
	for i := range 5 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			dsns := localpgtest.Databases(t, names, func(ctx context.Context, dsns []string) error {
				filled.Add(1)
				for i, dsn := range dsns {
					conn, err := pgx.Connect(ctx, dsn)
					if err != nil {
						return err
					}
					_, err = conn.Exec(ctx, fmt.Sprintf("CREATE TABLE greeting AS SELECT 'hello %d' AS word", i))
					if err := errors.Join(err, conn.Close(ctx)); err != nil {
						return err
					}
				}
				return nil
			})
			for i, dsn := range dsns {
				if got, want := query(t, dsn, "SELECT word FROM greeting"), fmt.Sprintf("hello %d", i); got != want {
					t.Errorf("copy %d says %q, want %q", i, got, want)
				}
				query(t, dsn, "DROP TABLE greeting") // fails if another test has the same database
			}
		})
	}
	t.Cleanup(func() {
		if n := filled.Load(); n != 1 {
			t.Errorf("filled %d times", n)
		}
	})
}

func TestClusters(t *testing.T) {
	t.Parallel()
	var dataDir string
	t.Run("test", func(t *testing.T) {
		clusters := localpgtest.Clusters(t, true, "main", "shard-1")
		dataDir = query(t, clusters.DSN("main"), "SHOW data_directory")
		if got := query(t, clusters.DSN("shard-1"), "SHOW fsync"); got != "on" {
			t.Errorf("durable, and fsync is %s", got)
		}
		fast := localpgtest.Clusters(t, false, "main")
		if got := query(t, fast.DSN("main"), "SHOW fsync"); got != "off" {
			t.Errorf("not durable, and fsync is %s", got)
		}
	})
	if _, err := os.Stat(dataDir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dataDir, err)
	}
}

// childReport is what a child says of its shared server.
type childReport struct {
	PID     int
	DataDir string
}

// TestChild is the child's part of the tests below; on its own it only shows that the server answers.
func TestChild(t *testing.T) {
	dsn := localpgtest.Database(t)
	var report childReport
	pid := query(t, dsn, "SELECT (string_to_array(pg_read_file('postmaster.pid'), E'\\n'))[1]")
	if _, err := fmt.Sscan(pid, &report.PID); err != nil {
		t.Fatal(err)
	}
	report.DataDir = query(t, dsn, "SHOW data_directory")
	how := os.Getenv(childEnv)
	if how == "" {
		return
	}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		t.Fatal(err)
	}
	if how == "killed" {
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
}

// runChild runs TestChild in a process of its own until it has reported.
func runChild(t *testing.T, how string) (child *exec.Cmd, report childReport) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child = exec.Command(self, "-test.run", "^TestChild$")
	child.Env = append(os.Environ(), childEnv+"="+how)
	child.Stderr = os.Stderr
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = child.Wait()
	})
	if err := json.NewDecoder(stdout).Decode(&report); err != nil {
		t.Fatal(err)
	}
	return child, report
}

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

// gone says whether a server has ended: its last act is to remove postmaster.pid.
func gone(report childReport) bool {
	_, err := os.Stat(filepath.Join(report.DataDir, "postmaster.pid"))
	return errors.Is(err, os.ErrNotExist)
}

func TestServerStopsWithTests(t *testing.T) {
	t.Parallel()
	child, report := runChild(t, "done")
	if err := child.Wait(); err != nil {
		t.Errorf("child: %v", err)
	}
	if !gone(report) {
		t.Errorf("server %d runs on", report.PID)
	}
	if _, err := os.Stat(filepath.Dir(filepath.Dir(report.DataDir))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the child left its data: %v", err)
	}
}
