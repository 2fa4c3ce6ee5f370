package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
)

// Destroy removes a data root with all its data, after it stopped what an earlier run left running there. It refuses a
// root that is in use (ErrLocked), another user's (ErrOtherOwner) or not made by this package (ErrForeignData); an absent
// or empty one is removed. A Start on the same root must wait until it is done: the lock goes with the root.
func Destroy(ctx context.Context, root string) error {
	path, err := realPath(root)
	if err != nil {
		return fmt.Errorf("localpg: %w", err)
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	locked, err := lockRoot(path)
	if err != nil {
		return err
	}
	defer locked.unlock()
	existing, err := locked.clusterDirs()
	if err != nil {
		return err
	}
	for _, dirs := range existing {
		if err := stopOrphans(ctx, slog.New(slog.DiscardHandler), dirs); err != nil {
			return err
		}
		for _, dir := range dirs {
			removeSharedMemory(dir)
		}
	}
	locked.removeShortRunDir()
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("localpg: %w", err)
	}
	return nil
}
