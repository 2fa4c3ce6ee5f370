package shardrouter

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// What a statement took from the heap is there for the next one: the server's process asks for no new pages.
func TestConnectionsKeepMemory(t *testing.T) {
	t.Parallel()
	const (
		// Ten pieces that are each too small for pages of their own, 1 MB together.
		hungry = `WITH pieces AS MATERIALIZED (SELECT repeat('x', 100000 + i) AS piece FROM generate_series(1, 10) AS i) SELECT count(piece) FROM pieces`
		rounds = 20
	)
	r, _ := newRouter(t, "a")
	a, _ := r.Cluster("a")
	conn, err := a.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	ask := func() {
		if _, err := conn.Exec(t.Context(), hungry); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	before := newPages(t, conn.Conn().PgConn().PID())
	for range rounds {
		ask()
	}
	if each := (newPages(t, conn.Conn().PgConn().PID()) - before) / rounds; each > 100 {
		t.Errorf("a statement that needs 1 MB takes %d new pages each time", each)
	}
}

// newPages is how many pages a process on this machine has got so far without reading them.
func newPages(t *testing.T, pid uint32) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, behindName, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(behindName) // from the third on: see proc(5)
	n, err := strconv.Atoi(fields[10-3])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
