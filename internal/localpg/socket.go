package localpg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// maxSocketPath is the longest path of a Unix socket, in bytes, that works on Linux (107) and macOS (103) alike.
const maxSocketPath = 103

// runDirPrefix starts the names of socket directories outside the data root.
const runDirPrefix = "linkspan-run-"

// plainPath is a path that needs no quoting anywhere: not in PostgreSQL's settings, where a comma separates directories,
// nor in a DSN, where it separates hosts.
var plainPath = regexp.MustCompile(`^[A-Za-z0-9/._+@=-]+$`)

// socketDirs makes a socket directory for each cluster: mode 0700 and the account's.
//
// They lie in the data root if their path is short and plain enough. If not, they lie in a directory with a random name
// below a temporary directory; its path is recorded in the root, so that the next start uses it again or, if it is not to
// be trusted any more, leaves it alone and makes another.
func (r *dataRoot) socketDirs(a account, names []string) (map[string]string, error) {
	longest := ""
	for _, name := range names {
		if len(name) > len(longest) {
			longest = name
		}
	}
	run := r.in(runDirName)
	if fitsSocket(filepath.Join(run, longest)) {
		if _, err := r.dir(a, runDirName); err != nil {
			return nil, err
		}
	} else {
		var err error
		if run, err = r.shortRunDir(a, longest); err != nil {
			return nil, fmt.Errorf("localpg: socket directory: %w", err)
		}
	}
	dirs := make(map[string]string, len(names))
	for _, name := range names {
		dir := filepath.Join(run, name)
		if err := makePrivate(a, dir); err != nil {
			return nil, fmt.Errorf("localpg: socket directory: %w", err)
		}
		dirs[name] = dir
	}
	return dirs, nil
}

func fitsSocket(dir string) bool {
	return plainPath.MatchString(dir) && len(filepath.Join(dir, ".s.PGSQL."+socketPort)) <= maxSocketPath
}

// shortRunDir finds or makes the recorded directory.
func (r *dataRoot) shortRunDir(a account, longest string) (string, error) {
	if dir := r.recordedRunDir(a.sharedDirMode()); dir != "" && fitsSocket(filepath.Join(dir, longest)) {
		return dir, nil
	}
	for _, tmp := range []string{os.TempDir(), "/tmp"} {
		// Ten digits are the longest random part that MkdirTemp appends.
		if !fitsSocket(filepath.Join(tmp, runDirPrefix+"0123456789", longest)) || firstClosed(a, tmp) != "" {
			continue
		}
		dir, err := os.MkdirTemp(tmp, runDirPrefix)
		if err != nil {
			return "", err
		}
		if err := os.Chmod(dir, a.sharedDirMode()); err != nil {
			return "", err
		}
		return dir, os.WriteFile(r.in(runPathName), []byte(dir+"\n"), 0o600)
	}
	return "", fmt.Errorf("the data directory's path is too long for a socket, and neither %s nor /tmp will do: "+
		"choose a data directory with a shorter path", os.TempDir())
}

// recordedRunDir is the directory that an earlier start recorded, "" if there is none or it is not to be trusted: the
// temporary directory is everybody's, and may have been cleared meanwhile.
func (r *dataRoot) recordedRunDir(mode fs.FileMode) string {
	text, err := os.ReadFile(r.in(runPathName))
	dir := strings.TrimSpace(string(text))
	if err != nil || !filepath.IsAbs(dir) || !strings.HasPrefix(filepath.Base(dir), runDirPrefix) || !isPrivate(dir, mode) {
		return ""
	}
	return dir
}

// isPrivate says whether path is a directory, not a link to one, that only this user can write to.
func isPrivate(path string, mode fs.FileMode) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm()&^mode != 0 {
		return false
	}
	owner, err := ownerOf(path)
	return err == nil && owner == os.Geteuid()
}

// makePrivate makes a directory that is the account's alone, or accepts the one that is there if it is. Its parent
// belongs to this program's user, so nobody else can have put something there.
func makePrivate(a account, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := a.give(dir); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
		return errors.Join(err, fmt.Errorf("%s is not a directory", dir))
	}
	return nil
}

// removeShortRunDir removes the recorded directory after the clusters stopped, if there is one.
func (r *dataRoot) removeShortRunDir() {
	if run := r.recordedRunDir(0o711); run != "" {
		_ = os.RemoveAll(run) // what stays does no harm
	}
	_ = os.Remove(r.in(runPathName))
}
