//go:build long

package localpg_test

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"linkspan/internal/localpg"
)

// Programs that start at once with an empty cache run initdb once between them.
func TestTemplateIsMadeOnce(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t)
	cache := filepath.Join(cfg.Root, "cache")
	if err := os.Chmod(cfg.Root, 0o755); err != nil {
		t.Fatal(err)
	}
	var initdbs atomic.Int64
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			one := newConfig(t, "main")
			one.CacheDir = cache
			one.Progress = func(step string) {
				if step == "initdb" {
					initdbs.Add(1)
				}
			}
			clusters, err := localpg.Start(t.Context(), one)
			if err != nil {
				t.Error(err)
				return
			}
			stop(t, clusters)
		})
	}
	group.Wait()
	if n := initdbs.Load(); n != 1 {
		t.Errorf("initdb ran %d times", n)
	}
	if err := os.RemoveAll(cache); err != nil {
		t.Fatal(err)
	}
}

// What an interrupted run left in the cache is not taken for a template.
func TestUnfinishedTemplate(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t, "main")
	cfg.CacheDir = filepath.Join(cfg.Root, "own-cache")
	stop(t, start(t, cfg))
	left := filepath.Join(cfg.CacheDir, ".new-template-1")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	templates, err := filepath.Glob(filepath.Join(cfg.CacheDir, "template-pg*"))
	if err != nil || len(templates) != 1 {
		t.Fatalf("templates %v, %v", templates, err)
	}
	if err := os.RemoveAll(templates[0]); err != nil {
		t.Fatal(err)
	}
	cfg.Names = append(cfg.Names, "shard-1")
	query(t, start(t, cfg).DSN("shard-1"), "SELECT 'fine'")
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", left, err)
	}
}
