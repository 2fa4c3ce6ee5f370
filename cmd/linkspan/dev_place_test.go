//go:build long

package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDevSaysWhereItsDataIs starts below a directory that is closed to other users, as root's home is. PostgreSQL does
// not run as root, so root's clusters go elsewhere; nobody else's do.
func TestDevSaysWhereItsDataIs(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	d := &dev{t: t, env: []string{"LINKSPAN_LISTEN=127.0.0.1:0"}}
	d.Cmd = command(t, d.env, "dev")
	d.Dir = closed
	place := regexp.MustCompile(`/var/lib/linkspan/dev-[0-9a-f]{16}`)
	t.Cleanup(func() {
		if made := place.FindString(strings.Join(d.before, "\n")); made != "" {
			os.RemoveAll(made)
		}
	})
	d.start()
	elsewhere := place.FindString(strings.Join(d.before, "\n"))
	root, stays := filepath.Join(closed, ".linkspan", "clusters"), "the data stays in .linkspan\n"
	if os.Geteuid() == 0 {
		root, stays = elsewhere, "the data stays in .linkspan and "+elsewhere+"\n"
	}
	if made, err := filepath.Glob(filepath.Join(root, "pg*", "main")); err != nil || len(made) != 1 {
		t.Errorf("clusters in %s: %v %v\n%s", root, made, err, strings.Join(d.before, "\n"))
	}
	if rest := d.end(os.Interrupt); !strings.Contains(rest, stays) {
		t.Errorf("%q is not said at the end:\n%s", stays, rest)
	}
	waitForNoPostgres(t, root)
}
