package localpg

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// copyWorkers is how many files one copy or sync has in hand at once: the work is waiting for the file system.
var copyWorkers = max(4, runtime.NumCPU())

// copyTree copies the directories and files below from into the existing, private directory to and makes all of it, to as
// well, the account's. It follows no link and refuses whatever is neither a directory nor a file: the account may have
// put it there.
//
// Blocks are shared where the file system can (copy_file_range on btrfs and xfs).
func copyTree(ctx context.Context, from, to string, a account) error {
	source, err := os.OpenRoot(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer target.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(copyWorkers)
	err = fs.WalkDir(source.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case path == ".":
			return nil
		case entry.IsDir():
			if err := target.Mkdir(path, 0o700); err != nil {
				return err
			}
			return giveIn(target, path, a)
		case entry.Type().IsRegular():
			group.Go(func() error {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				return copyFile(source, target, path, a)
			})
			return nil
		}
		return fmt.Errorf("%s is neither a file nor a directory", filepath.Join(from, path))
	})
	if waited := group.Wait(); waited != nil {
		return waited
	}
	if err != nil {
		return err
	}
	// The directory itself goes last: until then nobody but this program's user can reach into it.
	return a.give(to)
}

func copyFile(source, target *os.Root, path string, a account) error {
	in, err := source.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := target.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	if a.drop {
		if err := out.Chown(a.uid, a.gid); err != nil {
			return err
		}
	}
	return out.Close()
}

func giveIn(root *os.Root, path string, a account) error {
	if !a.drop {
		return nil
	}
	return root.Lchown(path, a.uid, a.gid)
}

// syncFile makes a file, or the names in a directory, survive a power failure.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
