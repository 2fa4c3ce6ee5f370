package localpgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"linkspan/internal/localpg"
)

const (
	rootPrefix = "run-"
	cacheName  = "cache"

	// abandoned is the age from which a data root that nobody locks was left by a test binary that was killed. A younger one
	// may be about to be locked.
	abandoned = time.Minute
)

// place is a directory for data roots. It is the same for all test binaries of a user.
type place struct{ dir string }

// diskPlace has the cache, too, with the initdb template that makes a start fast. memoryPlace is for what need not be
// durable. TMPDIR, if it is set, says where both are.
var (
	diskPlace   = sync.OnceValues(func() (place, error) { return openPlace(os.TempDir()) })
	memoryPlace = sync.OnceValues(func() (place, error) {
		if memory := memoryDir(); memory != "" && os.Getenv("TMPDIR") == "" {
			return openPlace(memory)
		}
		return diskPlace()
	})
)

// CacheDir is a localpg.Config.CacheDir that all tests share.
func CacheDir() (string, error) {
	disk, err := diskPlace()
	return filepath.Join(disk.dir, cacheName), err
}

// NewRoot is a new empty directory for a localpg.Config.Root, on a disk if the data is to be durable. Whoever asks for it
// removes it with localpg.Destroy. (Not t.TempDir: as root, PostgreSQL's user could not reach it.)
func NewRoot(durable bool) (string, error) {
	open := memoryPlace
	if durable {
		open = diskPlace
	}
	p, err := open()
	if err != nil {
		return "", err
	}
	return os.MkdirTemp(p.dir, rootPrefix)
}

// openPlace makes a directory that only this user writes to, or takes the one that is there if it is one: its name can be
// guessed and its parent is everybody's, so what is there may be somebody else's trap.
func openPlace(parent string) (place, error) {
	path := filepath.Join(parent, "linkspan-test-"+strconv.Itoa(os.Geteuid()))
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // PostgreSQL runs as another user, who must pass
	}
	if err := os.Mkdir(path, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return place{}, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return place{}, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != os.Geteuid() {
		return place{}, fmt.Errorf("%s exists and is not a directory of this user: remove it or set TMPDIR", path)
	}
	p := place{dir: path}
	p.removeAbandoned()
	return p, os.Chmod(path, mode)
}

// removeAbandoned removes data roots that killed test binaries left. One that is in use is locked, and stays.
func (p place) removeAbandoned() {
	roots, _ := filepath.Glob(filepath.Join(p.dir, rootPrefix+"*")) // the pattern is well formed
	for _, root := range roots {
		if info, err := os.Lstat(root); err != nil || time.Since(info.ModTime()) < abandoned {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		_ = localpg.Destroy(ctx, root)
		cancel()
	}
}

// start starts clusters in a new data root.
func start(ctx context.Context, cfg localpg.Config) (*localpg.Clusters, string, error) {
	var err error
	if cfg.CacheDir, err = CacheDir(); err != nil {
		return nil, "", err
	}
	if cfg.Root, err = NewRoot(cfg.Durable); err != nil {
		return nil, "", err
	}
	cfg.BinDir = os.Getenv("LINKSPAN_PG_BINDIR")
	cfg.Source = os.Getenv("LINKSPAN_PG_SOURCE")
	clusters, err := localpg.Start(ctx, cfg)
	if err != nil {
		return nil, "", errors.Join(err, localpg.Destroy(ctx, cfg.Root))
	}
	return clusters, cfg.Root, nil
}

// end stops clusters and removes their data.
func end(clusters *localpg.Clusters, root string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return errors.Join(clusters.Stop(ctx), localpg.Destroy(ctx, root))
}
