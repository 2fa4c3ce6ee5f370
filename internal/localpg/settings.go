package localpg

import (
	"maps"
	"os"
	"slices"
	"strings"
)

const (
	// socketPort is part of the socket's name only: nothing listens on TCP.
	socketPort = "5432"
	superuser  = "linkspan"
	firstDB    = "postgres"
)

// settings are the command line settings of a cluster. They are sized for several clusters on a laptop, and given on the
// command line so that neither an old postgresql.conf nor ALTER SYSTEM changes what a run means.
func (cfg Config) settings(n *node) map[string]string {
	set := map[string]string{
		"shared_buffers":                  "32MB",
		"max_connections":                 "200",
		"max_wal_size":                    "256MB",
		"min_wal_size":                    "32MB",
		"autovacuum":                      "on",
		"jit":                             "off", // compiling costs more than it gains on small queries
		"max_logical_replication_workers": "0",   // one process less to start
		"timezone":                        "UTC",
		"log_timezone":                    "UTC",
		"log_checkpoints":                 "off",
		"cluster_name":                    "linkspan-" + n.name, // shown by ps
		// In the data directory: what a killed cluster leaves lies there, and is not short in containers as /dev/shm is.
		"dynamic_shared_memory_type": "mmap",
	}
	if !cfg.Durable {
		set["fsync"] = "off"
		set["synchronous_commit"] = "off"
		set["full_page_writes"] = "off"
	}
	maps.Copy(set, cfg.Settings)
	maps.Copy(set, map[string]string{
		"listen_addresses":        "",
		"port":                    socketPort,
		"unix_socket_directories": n.socketDir,
		"unix_socket_permissions": "0700",
		"logging_collector":       "off",
		"log_destination":         "stderr",
		"log_line_prefix":         logPrefix,
	})
	return set
}

// postgresArgs are the arguments of a cluster's postgres.
func (cfg Config) postgresArgs(n *node) []string {
	args := []string{"-D", n.dataDir}
	set := cfg.settings(n)
	for _, setting := range slices.Sorted(maps.Keys(set)) {
		args = append(args, "-c", setting+"="+set[setting])
	}
	return args
}

// programEnv is the environment of PostgreSQL's programs: this program's, without the variables that would change what
// they do.
func programEnv() []string {
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return strings.HasPrefix(name, "PG") || strings.HasPrefix(name, "LC_") ||
			slices.Contains([]string{"LANG", "LANGUAGE", "TZ", "NOTIFY_SOCKET"}, name)
	})
	// TZ spares initdb a search for the machine's zone. LC_ALL must be set on macOS, where looking it up starts threads.
	return append(env, "TZ=UTC", "LC_ALL=C")
}
