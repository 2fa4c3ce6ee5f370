package localpg

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// orphansAreCertain: findOrphans sees every process that uses a data directory.
const orphansAreCertain = true

// findOrphans finds the processes whose program is postgres and whose working directory is one of dataDirs, as is that of
// each process of a cluster, its postmaster's children included.
func findOrphans(_ context.Context, dataDirs []string) ([]orphan, error) {
	wanted := make(map[string]os.FileInfo, len(dataDirs))
	for _, dir := range dataDirs {
		info, err := os.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		wanted[dir] = info
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var found []orphan
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || !isPostgres(pid) {
			continue
		}
		process, err := os.FindProcess(pid)
		if err != nil {
			continue // gone
		}
		dir := workingDirOf(pid, wanted)
		if dir == "" || !isPostgres(pid) {
			process.Release()
			continue
		}
		found = append(found, orphan{pid: pid, dataDir: dir, process: process})
	}
	return found, nil
}

// workingDirOf compares directories themselves, not their names: in another container the same name is another directory.
func workingDirOf(pid int, wanted map[string]os.FileInfo) string {
	cwd, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid), "cwd"))
	if err != nil {
		return "" // gone, or not ours to look at
	}
	for dir, info := range wanted {
		if os.SameFile(cwd, info) {
			return dir
		}
	}
	return ""
}

func isPostgres(pid int) bool {
	comm, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
	name := strings.TrimSpace(string(comm))
	return err == nil && (name == "postgres" || name == "postmaster")
}
