package localpgtest

import (
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/localpg"
)

// Freeze stops every process of a cluster, as a machine does that hangs: what was connected gets no answer, and nothing new
// is served. It returns what lets them go on; the end of the test does so in any case.
func Freeze(t testing.TB, clusters *localpg.Clusters, name string) (thaw func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), clusters.DSN(name))
	if err != nil {
		t.Fatal(err)
	}
	stopped := []int{clusters.PID(name)}
	if err := syscall.Kill(stopped[0], syscall.SIGSTOP); err != nil { // first: it starts no more
		t.Fatal(err)
	}
	thaw = func() {
		for _, pid := range stopped {
			_ = syscall.Kill(pid, syscall.SIGCONT) // it may be gone
		}
	}
	t.Cleanup(thaw)
	rows, err := conn.Query(t.Context(), `SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()`)
	if err != nil {
		t.Fatal(err)
	}
	backends, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, pid := range backends {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err == nil {
			stopped = append(stopped, pid)
		}
	}
	return thaw
}
