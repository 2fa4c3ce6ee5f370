package localpg

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// installation is a directory with programs that answer --version as PostgreSQL's do.
type installation struct {
	dir     string // below the test's directory
	version string
	without string // a program that is missing
}

func (i installation) make(t *testing.T, base string) string {
	t.Helper()
	dir := filepath.Join(base, i.dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postgres", "initdb"} {
		if name != i.without {
			writeProgram(t, filepath.Join(dir, name), `echo "`+name+` (PostgreSQL) `+i.version+`"`)
		}
	}
	return dir
}

func writeProgram(t *testing.T, path, script string) {
	t.Helper()
	// No other test may start a program meanwhile: it would hold this file open for writing, and the script could not be run.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// openTempDir is a directory that the account of a test run by root can enter.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir := shortTempDir(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func testSearch(t *testing.T, path, patterns []string) *search {
	t.Helper()
	a, err := runAs(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &search{account: a, path: path, patterns: patterns, npmDirs: []string{filepath.Join(openTempDir(t), "npm")}}
}

// testConfig is a checked configuration.
func testConfig() Config {
	return Config{Progress: func(string) {}, Logger: slog.New(slog.DiscardHandler)}
}

func TestSearchOrder(t *testing.T) {
	t.Parallel()
	base := openTempDir(t)
	onPath := installation{dir: "onpath", version: "16.2"}.make(t, base)
	old := installation{dir: "old", version: "14.11"}.make(t, base)
	torn := installation{dir: "torn", version: "17.1", without: "initdb"}.make(t, base)
	configured := installation{dir: "configured", version: "15.18 (Debian 15.18-0+deb12u1)"}.make(t, base)
	installation{dir: "lib/9.6/bin", version: "9.6.24"}.make(t, base)
	installation{dir: "lib/15/bin", version: "15.1"}.make(t, base)
	installation{dir: "lib/17/bin", version: "17.4"}.make(t, base)
	installation{dir: "lib/16/bin", version: "16.1"}.make(t, base)
	newest := filepath.Join(base, "lib/17/bin")
	patterns := []string{filepath.Join(base, "lib/*/bin")}

	links := filepath.Join(base, "links")
	if err := os.Mkdir(links, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(onPath, "postgres"), filepath.Join(links, "postgres")); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(base, "config")
	if err := os.Mkdir(config, 0o755); err != nil {
		t.Fatal(err)
	}
	writeProgram(t, filepath.Join(config, "pg_config"), "echo "+configured)
	staleConfig := filepath.Join(base, "staleconfig")
	if err := os.Mkdir(staleConfig, 0o755); err != nil {
		t.Fatal(err)
	}
	writeProgram(t, filepath.Join(staleConfig, "pg_config"), "echo "+filepath.Join(base, "removed"))

	for name, tc := range map[string]struct {
		path   []string
		majors []int
		want   string // directory
		major  int
	}{
		"PATH first":                   {path: []string{onPath, config}, want: onPath, major: 16},
		"links are resolved":           {path: []string{links}, want: onPath, major: 16},
		"the first on PATH":            {path: []string{configured, onPath}, want: configured, major: 15},
		"pg_config next":               {path: []string{config}, want: configured, major: 15},
		"pg_config of a client only":   {path: []string{staleConfig}, want: newest, major: 17},
		"newest of the usual places":   {want: newest, major: 17},
		"too old is passed over":       {path: []string{old}, want: newest, major: 17},
		"no initdb is passed over":     {path: []string{torn, onPath}, want: onPath, major: 16},
		"relative PATH does not count": {path: []string{"", ".", "lib/16/bin"}, want: newest, major: 17},
		"the data's version wins": {
			path: []string{onPath}, majors: []int{15}, want: filepath.Join(base, "lib/15/bin"), major: 15,
		},
		"one of the data's versions": {path: []string{onPath}, majors: []int{15, 16}, want: onPath, major: 16},
		"no such version anywhere":   {path: []string{onPath}, majors: []int{21}, want: onPath, major: 16},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pg, err := testSearch(t, tc.path, patterns).find(t.Context(), testConfig(), tc.majors)
			if err != nil {
				t.Fatal(err)
			}
			if pg.BinDir != tc.want || pg.Major != tc.major {
				t.Errorf("found %+v, want version %d in %s", pg, tc.major, tc.want)
			}
		})
	}
}

func TestUsualPlaces(t *testing.T) {
	t.Parallel()
	for _, place := range []string{
		"/usr/lib/postgresql/15/bin", "/usr/pgsql-17/bin", "/opt/homebrew/opt/postgresql@17/bin",
		"/usr/local/opt/postgresql@16/bin", "/Applications/Postgres.app/Contents/Versions/latest/bin",
	} {
		known := func(pattern string) bool {
			matched, err := filepath.Match(pattern, place)
			return err == nil && matched
		}
		if !slices.ContainsFunc(placePatterns, known) {
			t.Errorf("%s is not looked into", place)
		}
	}
}

func TestNoPostgres(t *testing.T) {
	t.Parallel()
	base := openTempDir(t)
	old := installation{dir: "old", version: "13.9"}.make(t, base)
	_, err := testSearch(t, []string{old}, nil).find(t.Context(), testConfig(), nil)
	if !errors.Is(err, ErrNoPostgres) {
		t.Fatalf("error %v, want ErrNoPostgres", err)
	}
	for _, want := range []string{"15 or later", "install", "LINKSPAN_PG_BINDIR", "13.9", old, "too old"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not hold %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q is more than a line", err)
	}
}

func TestBinDir(t *testing.T) {
	t.Parallel()
	base := openTempDir(t)
	good := installation{dir: "good", version: "16.2"}.make(t, base)
	other := installation{dir: "other", version: "17.2"}.make(t, base)
	old := installation{dir: "old", version: "14.1"}.make(t, base)
	torn := installation{dir: "torn", version: "16.1", without: "initdb"}.make(t, base)
	broken, alien := filepath.Join(base, "broken"), filepath.Join(base, "alien")
	for dir, script := range map[string]string{broken: "echo no such library >&2; exit 127", alien: "echo mysqld 8.0"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		writeProgram(t, filepath.Join(dir, "postgres"), script)
	}
	for name, tc := range map[string]struct {
		dir  string
		says string // of the error; empty: none
	}{
		"good":    {good, ""},
		"absent":  {filepath.Join(base, "absent"), "there is no postgres in"},
		"too old": {old, "too old"},
		"torn":    {torn, "initdb"},
		"broken":  {broken, "no such library"},
		"alien":   {alien, "mysqld 8.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig()
			cfg.BinDir = tc.dir
			// Another one would serve, but the one that was named is meant.
			pg, err := testSearch(t, []string{other}, nil).find(t.Context(), cfg, []int{17})
			if tc.says == "" {
				if err != nil || pg.BinDir != tc.dir {
					t.Errorf("found %+v, %v, want %s", pg, err, tc.dir)
				}
				return
			}
			if !errors.Is(err, ErrNoPostgres) {
				t.Fatalf("error %v, want ErrNoPostgres", err)
			}
			for _, want := range []string{tc.says, "LINKSPAN_PG_BINDIR"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not hold %q", err, want)
				}
			}
		})
	}
}

// Programs that the account cannot reach do not serve, and the error says which directory is closed.
func TestClosedBinDir(t *testing.T) {
	t.Parallel()
	closed := shortTempDir(t)
	dir := installation{dir: "bin", version: "16.2"}.make(t, closed)
	s := testSearch(t, nil, nil)
	_, err := s.fixed(t.Context(), dir)
	if !s.account.drop {
		if err != nil {
			t.Errorf("own programs: %v", err)
		}
		return
	}
	if !errors.Is(err, ErrNoPostgres) || !strings.Contains(err.Error(), closed+" is closed") {
		t.Errorf("error %v, want one that names %s", err, closed)
	}
}

func TestSearchIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := findPostgres(ctx, Config{CacheDir: t.TempDir()}, testSearch(t, nil, nil).account, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestLeadingNumber(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]int{
		"15.18 (Debian 15.18-0+deb12u1)": 15, "17beta1": 17, "19devel": 19, "9.6.24": 9, "16": 16, "": 0, "x15": 0,
	} {
		if got := leadingNumber(version); got != want {
			t.Errorf("%q: %d, want %d", version, got, want)
		}
	}
}
