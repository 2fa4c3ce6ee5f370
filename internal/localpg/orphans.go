package localpg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// stopOrphans ends the PostgreSQL processes of an earlier run that still use a data directory, and waits until they are gone: those
// that are shutting down because their program died, those that nothing tied to their program, and the children of a postmaster that
// was killed. The caller holds the root's lock, so whatever runs there is an orphan.
//
// A process is signalled only if it is a postgres of that directory, and through a handle that was opened before looking, so that it
// cannot be another process that got its id.
func stopOrphans(ctx context.Context, log *slog.Logger, dataDirs []string) error {
	for step, grace := range []time.Duration{fastShutdown, immediateShutdown, immediateShutdown} {
		sig := []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL}[step]
		orphans, err := findOrphans(ctx, dataDirs)
		if err != nil || len(orphans) == 0 {
			return err
		}
		for _, o := range orphans {
			log.Warn("localpg: stopping a process of an earlier run", "pid", o.pid, "data", o.dataDir, "signal", sig)
			if err := o.signal(sig); err != nil {
				return fmt.Errorf("localpg: process %d still uses %s and cannot be stopped: %w", o.pid, o.dataDir, err)
			}
		}
		patience, cancel := context.WithTimeout(ctx, grace)
		err = await(patience, func() (bool, error) {
			left, err := findOrphans(patience, dataDirs)
			return err == nil && len(left) == 0, err
		})
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !errors.Is(err, context.DeadlineExceeded):
			return err
		}
	}
	return fmt.Errorf("localpg: processes of an earlier run in %s do not end", filepath.Dir(dataDirs[0]))
}

// orphan is a PostgreSQL process of an earlier run.
type orphan struct {
	pid     int
	dataDir string
	process *os.Process
}

func (o orphan) signal(sig syscall.Signal) error {
	defer o.process.Release()
	if err := o.process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// removeStalePidFile removes a postmaster.pid whose process id meanwhile belongs to some other program. PostgreSQL would take that
// program for its earlier postmaster and refuse to start, as happens in containers, where ids repeat. Called after stopOrphans, so
// no process uses the directory.
func removeStalePidFile(log *slog.Logger, dataDir string) error {
	if !orphansAreCertain {
		return nil
	}
	path := filepath.Join(dataDir, pidFileName)
	pid, _ := readPidFile(path)
	if pid == 0 || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return nil // PostgreSQL handles it
	}
	log.Warn("localpg: removing a stale postmaster.pid", "data", dataDir, "pid", pid)
	return os.Remove(path)
}
