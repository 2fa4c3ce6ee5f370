package localpg

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// removeSharedMemory frees the System V segment that a killed postmaster left and its next start would take over. It
// holds a few bytes only, but a system has only so many segments.
//
// postmaster.pid names it in line 7, by key and id. It is removed only if the postmaster of line 1 made it, it belongs to
// the data's owner, and nobody is attached.
func removeSharedMemory(dataDir string) {
	path := filepath.Join(dataDir, pidFileName)
	pid, _ := readPidFile(path)
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	lines := strings.Split(string(text), "\n")
	var key uint64
	var id int
	if len(lines) < 7 {
		return
	}
	if _, err := fmt.Sscan(lines[6], &key, &id); err != nil {
		return
	}
	owner, err := ownerOf(dataDir)
	if err != nil {
		return
	}
	var segment unix.SysvShmDesc
	if _, err := unix.SysvShmCtl(id, unix.IPC_STAT, &segment); err != nil {
		return
	}
	if int(segment.Cpid) == pid && int(segment.Perm.Uid) == owner && segment.Nattch == 0 {
		_, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil) // what stays does little harm
	}
}
