package localpg

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// testAccount is the account without a change of user, whoever runs the test.
func testAccount() account { return account{name: "tester", uid: os.Geteuid(), gid: os.Getegid()} }

func TestSocketDirsInRoot(t *testing.T) {
	t.Parallel()
	root := &dataRoot{path: filepath.Join(shortTempDir(t), "data")}
	if err := os.Mkdir(root.path, 0o700); err != nil {
		t.Fatal(err)
	}
	dirs, err := root.socketDirs(testAccount(), []string{"main", "shard-1"})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(root.path, "run", "shard-1"); dirs["shard-1"] != want {
		t.Errorf("socket directory %s, want %s", dirs["shard-1"], want)
	}
}

func TestSocketDirsElsewhere(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{
		"long":   strings.Repeat("d", 100),
		"comma":  "a,b",
		"space":  "my data",
		"quote":  "it's",
		"accent": "données",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := &dataRoot{path: filepath.Join(shortTempDir(t), dir)}
			if err := os.Mkdir(root.path, 0o700); err != nil {
				t.Fatal(err)
			}
			dirs, err := root.socketDirs(testAccount(), []string{"main", "shard-1"})
			if err != nil {
				t.Fatal(err)
			}
			for name, dir := range dirs {
				if !fitsSocket(dir) {
					t.Errorf("%s: %s will not do for a socket", name, dir)
				}
				if !isPrivate(dir, 0o700) || !isPrivate(filepath.Dir(dir), 0o700) {
					t.Errorf("%s: %s is not private", name, dir)
				}
			}
			again, err := root.socketDirs(testAccount(), []string{"main"})
			if err != nil || again["main"] != dirs["main"] {
				t.Errorf("second start: %s, %v, want %s as before", again["main"], err, dirs["main"])
			}
			root.removeShortRunDir()
			if _, err := os.Stat(filepath.Dir(dirs["main"])); !os.IsNotExist(err) {
				t.Errorf("%s is still there: %v", dirs["main"], err)
			}
		})
	}
}

// Whatever stands at the recorded place and is not ours alone is neither used nor removed.
func TestRecordedSocketDirIsNotTrusted(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, dir string) error{
		"gone":             func(*testing.T, string) error { return nil },
		"link":             func(t *testing.T, dir string) error { return os.Symlink(t.TempDir(), dir) },
		"file":             func(_ *testing.T, dir string) error { return os.WriteFile(dir, nil, 0o600) },
		"open to everyone": func(_ *testing.T, dir string) error { return makeWithMode(dir, 0o777) },
		"open to a group":  func(_ *testing.T, dir string) error { return makeWithMode(dir, 0o770) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmp := shortTempDir(t)
			recorded := filepath.Join(tmp, runDirPrefix+"1")
			if err := prepare(t, recorded); err != nil {
				t.Fatal(err)
			}
			before, _ := os.Lstat(recorded)
			root := &dataRoot{path: filepath.Join(tmp, strings.Repeat("d", 100))}
			if err := os.Mkdir(root.path, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(root.in(runPathName), []byte(recorded+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			dirs, err := root.socketDirs(testAccount(), []string{"main"})
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Dir(dirs["main"]) == recorded {
				t.Errorf("%s was trusted", recorded)
			}
			root.removeShortRunDir()
			after, _ := os.Lstat(recorded)
			if (before == nil) != (after == nil) {
				t.Errorf("%s was %v and is %v", recorded, before, after)
			}
		})
	}
}

func TestRecordOfAnotherName(t *testing.T) {
	t.Parallel()
	tmp := shortTempDir(t)
	precious := filepath.Join(tmp, "precious")
	if err := os.Mkdir(precious, 0o700); err != nil {
		t.Fatal(err)
	}
	root := &dataRoot{path: tmp}
	if err := os.WriteFile(root.in(runPathName), []byte(precious), 0o600); err != nil {
		t.Fatal(err)
	}
	root.removeShortRunDir()
	if _, err := os.Stat(precious); err != nil {
		t.Errorf("a directory that this package did not make was removed: %v", err)
	}
}

// shortTempDir is a directory whose path leaves room for a socket's, unlike t.TempDir, whose path holds the test's name.
func shortTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "lpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func makeWithMode(dir string, mode os.FileMode) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(dir, mode)
}
