//go:build !linux

package localpg

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// orphansAreCertain: a postmaster's children cannot be told from other clusters' here, so PostgreSQL's own check of
// shared memory must stay in force.
const orphansAreCertain = false

// findOrphans finds the postmasters that the data directories' postmaster.pid name, if they are that: their command line
// holds the arguments that launch gives.
func findOrphans(ctx context.Context, dataDirs []string) ([]orphan, error) {
	var found []orphan
	for _, dir := range dataDirs {
		pid, _ := readPidFile(filepath.Join(dir, pidFileName))
		if pid == 0 {
			continue
		}
		process, err := os.FindProcess(pid)
		if err != nil {
			continue // gone
		}
		out, err := exec.CommandContext(ctx, "ps", "-ww", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) { // ps fails if there is no such process
			return nil, err
		}
		if !strings.Contains(string(out), " -D "+dir+" ") {
			process.Release()
			continue
		}
		found = append(found, orphan{pid: pid, dataDir: dir, process: process})
	}
	return found, nil
}
