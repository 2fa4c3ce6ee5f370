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

// orphan is a PostgreSQL process of an earlier run that still uses a data directory: one that is shutting down because
// its program died, one that nothing tied to its program, or a child of a postmaster that was killed. The handle was
// opened before the process was looked at, so a signal cannot reach another process that got its id.
type orphan struct {
	pid     int
	dataDir string
	process *os.Process
}

// escalation is what is sent to orphans, in turn, and how long each signal may take to work.
//
// A postmaster shuts its children down itself, and they must not be told behind its back: the checkpointer would take
// SIGINT for the order to finish. Children without one have nothing left to save, for their shared memory is lost; they
// are to quit at once.
var escalation = []struct {
	postmaster, child, lone syscall.Signal // 0: none
	grace                   time.Duration
}{
	{postmaster: syscall.SIGINT, lone: syscall.SIGQUIT, grace: fastShutdown},
	{postmaster: syscall.SIGQUIT, lone: syscall.SIGKILL, grace: immediateShutdown},
	{postmaster: syscall.SIGKILL, child: syscall.SIGKILL, lone: syscall.SIGKILL, grace: immediateShutdown},
}

// stopOrphans ends the orphans in data directories and waits until they are gone. The caller holds the root's lock, so
// whatever PostgreSQL runs there is an orphan.
func stopOrphans(ctx context.Context, log *slog.Logger, dataDirs []string) error {
	for _, step := range escalation {
		orphans, err := findOrphans(ctx, dataDirs)
		if err != nil || len(orphans) == 0 {
			return err
		}
		leaders := map[string]bool{}
		for _, o := range orphans {
			if o.leads() {
				leaders[o.dataDir] = true
			}
		}
		for _, o := range orphans {
			sig := step.lone
			switch {
			case o.leads():
				sig = step.postmaster
			case leaders[o.dataDir]:
				sig = step.child
			}
			if err := o.signal(log, sig); err != nil {
				release(orphans)
				return fmt.Errorf("localpg: process %d still uses %s and cannot be stopped: %w", o.pid, o.dataDir, err)
			}
		}
		release(orphans)
		patience, cancel := context.WithTimeout(ctx, step.grace)
		err = await(patience, func() (bool, error) {
			left, err := findOrphans(patience, dataDirs)
			release(left)
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

// leads says whether the orphan is the postmaster of its data directory.
func (o orphan) leads() bool {
	pid, _ := readPidFile(filepath.Join(o.dataDir, pidFileName))
	return pid == o.pid
}

func (o orphan) signal(log *slog.Logger, sig syscall.Signal) error {
	if sig == 0 {
		return nil
	}
	log.Warn("localpg: stopping a process of an earlier run", "pid", o.pid, "data", o.dataDir, "signal", sig)
	if err := o.process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

func release(orphans []orphan) {
	for _, o := range orphans {
		_ = o.process.Release()
	}
}

// removeStalePidFile removes a postmaster.pid whose process id meanwhile belongs to some other program. PostgreSQL would
// take that program for its earlier postmaster and refuse to start, as happens in containers, where ids repeat. Called
// after stopOrphans, so no process uses the directory.
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
