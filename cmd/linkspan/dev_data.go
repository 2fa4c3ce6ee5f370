package main

import (
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"linkspan/internal/localpg"
)

const (
	defaultDataDir = ".linkspan"
	clustersDir    = "clusters"
	logFile        = "linkspan.log"
)

// ensureDataDir makes the data directory if it is absent, and refuses one with foreign content or of another user than
// uid before anything is written there.
func ensureDataDir(dir string, uid int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("the data directory can't be made: %w; choose another with LINKSPAN_DATA", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("the data directory can't be read: %w; choose another with LINKSPAN_DATA", err)
	}
	// A file system's own directory does not make its root foreign.
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "lost+found" })
	ours := len(entries) == 0
	for _, entry := range entries {
		if !slices.Contains([]string{clustersDir, clustersFile, logFile, devKeyFile}, entry.Name()) {
			continue
		}
		ours = true
		info, err := entry.Info()
		if err != nil {
			return fmt.Errorf("the data directory can't be read: %w; choose another with LINKSPAN_DATA", err)
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != uid {
			return fmt.Errorf("the data in %s was made by user id %d and this program runs as user id %d: run it as that user, "+
				"or choose another directory with LINKSPAN_DATA", dir, owner.Uid, uid)
		}
	}
	if !ours {
		return fmt.Errorf("%s is not empty and was not made by Linkspan (it holds %q): choose an empty or absent directory "+
			"with LINKSPAN_DATA", dir, entries[0].Name())
	}
	return nil
}

// reachableRoot is where the clusters live if PostgreSQL can't reach the data directory: a place of its own for each data
// directory.
func reachableRoot(dataDir string) (string, error) {
	data, err := filepath.Abs(dataDir)
	if err != nil {
		return "", err
	}
	hash := fnv.New64a()
	io.WriteString(hash, data)
	return filepath.Join(localpg.SystemDir, fmt.Sprintf("dev-%016x", hash.Sum64())), nil
}
