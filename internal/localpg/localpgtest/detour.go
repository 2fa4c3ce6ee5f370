package localpgtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Detour is a place for a proxy between a test and a cluster: it listens on the socket Listen, and carries what comes to
// the cluster's own socket Target. DSN leads through it.
type Detour struct{ Listen, Target, DSN string }

// NewDetour makes a place for a proxy to the cluster of the DSN, which leads to a socket on port 5432. It is removed when
// the test ends; what listens there must have ended by then.
func NewDetour(t testing.TB, dsn string) Detour {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "lsp") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	const name = ".s.PGSQL.5432"
	return Detour{
		Listen: filepath.Join(dir, name), Target: filepath.Join(config.Host, name),
		DSN: strings.Replace(dsn, "host="+config.Host, "host="+dir, 1),
	}
}
