//go:build !linux

package localpg

import (
	"context"
	"io/fs"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// syncTree makes a tree survive a power failure.
func syncTree(ctx context.Context, dir string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(copyWorkers)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if entry.IsDir() || entry.Type().IsRegular() {
			group.Go(func() error { return syncFile(path) })
		}
		return nil
	})
	if waited := group.Wait(); waited != nil {
		return waited
	}
	return err
}
