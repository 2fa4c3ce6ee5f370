package localpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const (
	lockFileName = "linkspan-postgres.lock"
	cacheDirName = "cache"
	logDirName   = "logs"
	runDirName   = "run"
	runPathName  = "run.path"
	majorPrefix  = "pg"

	// newPrefix starts the names of unfinished work. Whoever holds the lock may remove what bears one.
	newPrefix = ".new-"

	lockText = "This directory holds Linkspan's local PostgreSQL clusters; this file marks and locks it. Do not delete it.\n"
)

// dataRoot is the locked data root. Root itself, and each directory in it that is not a cluster's own, belongs to the
// user that this program runs as.
type dataRoot struct {
	path string
	lock *os.File
}

// lockRoot makes the data root if it is absent and locks it. The first thing written into a new root is its lock file, so
// a root that is neither empty nor has one is somebody else's.
func lockRoot(path string) (*dataRoot, error) {
	if err := makeDirs(path); err != nil {
		return nil, fmt.Errorf("localpg: make data root: %w", err)
	}
	if err := checkOurs(path, os.Geteuid()); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, lockFileName), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("localpg: lock data root: %w", err)
	}
	if err := tryLock(lock); err != nil {
		defer lock.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("localpg: lock data root %s: %w", path, err)
		}
		holder := "another program"
		if pid := lockHolder(lock); pid != 0 {
			holder = fmt.Sprintf("another program (process %d)", pid)
		}
		return nil, &problem{kind: ErrLocked, text: fmt.Sprintf(
			"%s runs the PostgreSQL clusters in %s: stop it first, or choose another data directory", holder, path)}
	}
	err = writeHolder(lock)
	if err == nil && os.Geteuid() == 0 {
		err = os.Chmod(path, 0o711) // PostgreSQL runs as another user, who must pass
	}
	if err != nil {
		return nil, fmt.Errorf("localpg: lock data root: %w", errors.Join(err, releaseLock(lock)))
	}
	return &dataRoot{path: path, lock: lock}, nil
}

// checkOurs refuses a root with foreign content, or with content of another user.
func checkOurs(path string, uid int) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("localpg: read data root: %w", err)
	}
	// A file system's own directory does not make its root foreign.
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "lost+found" })
	if len(entries) == 0 {
		return nil
	}
	owner, err := ownerOf(filepath.Join(path, lockFileName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &problem{kind: ErrForeignData, text: fmt.Sprintf(
			"%s is not empty and was not made by Linkspan (it holds %q): choose an empty or absent directory for the data",
			path, entries[0].Name())}
	case err != nil:
		return fmt.Errorf("localpg: read data root: %w", err)
	case owner != uid:
		return &problem{kind: ErrOtherOwner, text: fmt.Sprintf(
			"%s was made by user id %d and this program runs as user id %d: run it as that user, or choose another data directory",
			path, owner, uid)}
	}
	return nil
}

// unlock gives the root up. The end of the program does so, too.
func (r *dataRoot) unlock() error { return releaseLock(r.lock) }

func (r *dataRoot) in(elem ...string) string {
	return filepath.Join(append([]string{r.path}, elem...)...)
}

// clusterDir is a cluster's data directory for a major version.
func (r *dataRoot) clusterDir(major int, name string) string {
	return r.in(majorPrefix+strconv.Itoa(major), name)
}

// clusterDirs lists the data directories there are, by major version.
func (r *dataRoot) clusterDirs() (map[int][]string, error) {
	dirs := map[int][]string{}
	versions, err := os.ReadDir(r.path)
	if err != nil {
		return nil, fmt.Errorf("localpg: read data root: %w", err)
	}
	for _, version := range versions {
		digits, ok := strings.CutPrefix(version.Name(), majorPrefix)
		major, err := strconv.Atoi(digits)
		if !ok || err != nil || !version.IsDir() {
			continue
		}
		clusters, err := os.ReadDir(r.in(version.Name()))
		if err != nil {
			return nil, fmt.Errorf("localpg: read data root: %w", err)
		}
		for _, cluster := range clusters {
			if cluster.IsDir() && clusterName.MatchString(cluster.Name()) {
				dirs[major] = append(dirs[major], r.in(version.Name(), cluster.Name()))
			}
		}
	}
	return dirs, nil
}

// dir makes a directory of the root that this program writes and the account passes through.
func (r *dataRoot) dir(a account, name string) (string, error) {
	path := r.in(name)
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("localpg: %w", err)
	}
	return path, os.Chmod(path, a.sharedDirMode())
}

// tryLock locks a file without waiting: EWOULDBLOCK if somebody else holds it.
func tryLock(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != syscall.EINTR {
			return err
		}
	}
}

// waitLock opens and locks a file that several programs share for a moment's work.
func waitLock(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	err = await(ctx, func() (bool, error) {
		err := tryLock(f)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

// releaseLock unlocks and closes a file. Closing it would not do: a child that this program is about to start has a copy
// of the open file until it runs its own program, and the lock would last as long.
func releaseLock(f *os.File) error {
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close())
}

func writeHolder(lock *os.File) error {
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err := lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"+lockText), 0)
	return err
}

// lockHolder is the process id in a lock file, 0 if it was not written yet.
func lockHolder(lock *os.File) int {
	text, err := io.ReadAll(io.NewSectionReader(lock, 0, 64))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		return 0
	}
	return pid
}

// makeDirs makes a directory and its missing parents for this user alone, but root's passable for all, whatever the umask.
func makeDirs(path string) error {
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // from the beginning: another program may use it before the umask is made good below
	}
	err := os.Mkdir(path, mode)
	switch {
	case errors.Is(err, fs.ErrExist):
		info, err := os.Stat(path)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is not a directory", path)
		}
		return err
	case errors.Is(err, fs.ErrNotExist):
		if err := makeDirs(filepath.Dir(path)); err != nil {
			return err
		}
		return makeDirs(path)
	case err != nil:
		return err
	}
	return os.Chmod(path, mode)
}

// realPath makes a path absolute and resolves the symbolic links of the part that exists.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
		return resolved, err
	}
	if _, err := os.Lstat(path); err == nil {
		return "", fmt.Errorf("%s is a symbolic link to nothing", path)
	}
	parent, err := realPath(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	return filepath.Join(parent, filepath.Base(path)), nil
}
