//go:build long

package localpg_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linkspan/internal/localpg"
)

// Clusters run in data roots whose path no socket could have, and leave nothing behind in the temporary directory.
func TestAwkwardRoots(t *testing.T) {
	t.Parallel()
	for _, name := range []string{strings.Repeat("d", 120), `it's, a "root"`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := newConfig(t, "main")
			base := cfg.Root
			if err := os.Chmod(base, 0o755); err != nil {
				t.Fatal(err)
			}
			cfg.Root = filepath.Join(base, name)
			clusters := start(t, cfg)
			dir := query(t, clusters.DSN("main"), "SHOW unix_socket_directories")
			if strings.HasPrefix(dir, base) {
				t.Errorf("socket in %s", dir)
			}
			clusters.Kill("main")
			if err := clusters.Restart(t.Context(), "main"); err != nil {
				t.Fatal(err)
			}
			query(t, clusters.DSN("main"), "SELECT 'fine'")
			stop(t, clusters)
			if _, err := os.Stat(dir); !os.IsNotExist(err) {
				t.Errorf("%s is still there: %v", dir, err)
			}
			if err := localpg.Destroy(t.Context(), cfg.Root); err != nil {
				t.Fatal(err)
			}
		})
	}
}
