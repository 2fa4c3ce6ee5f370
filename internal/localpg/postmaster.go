package localpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// fastShutdown is how long clusters may take to disconnect clients and write a checkpoint before they are made to quit.
	fastShutdown = 10 * time.Second
	// immediateShutdown is how long they may take to quit then, before they are killed.
	immediateShutdown = 2 * time.Second

	// logPrefix ends in the SQLSTATE, so that a reason for not starting is told by its code.
	logPrefix = "%m [%p] %e "
	// lockFileExists is PostgreSQL's SQLSTATE for a data directory that an earlier postmaster or one of its children still
	// holds.
	lockFileExists = "F0001"

	logTailBytes = 2048
)

// postmaster is one postgres process, from its start until it was reaped.
type postmaster struct {
	name    string
	dataDir string
	logPath string
	pid     int
	process *os.Process
	// expected says that its end is wanted, and nothing to report.
	expected atomic.Bool
	// gone is closed when the process was reaped; state is valid then.
	gone  chan struct{}
	state *os.ProcessState
}

// launch starts postgres on a cluster's data directory.
func launch(cfg Config, a account, pg Postgres, n *node) (*postmaster, error) {
	log, err := os.OpenFile(n.logPath, os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("localpg: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(pg.program("postgres"), cfg.postgresArgs(n)...)
	cmd.Dir = n.dataDir
	cmd.Env = programEnv()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = a.attr()
	if !cfg.untied {
		tie(cmd.SysProcAttr)
	}
	pm := &postmaster{name: n.name, dataDir: n.dataDir, logPath: n.logPath, gone: make(chan struct{})}
	started := make(chan error)
	go pm.live(cmd, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("localpg: start %s: %w", n.name, err)
	}
	return pm, nil
}

// live starts the process and waits for its end on one OS thread: the kernel ends what is tied to a thread when that
// thread ends, and Go ends threads as it likes unless a goroutine holds them.
func (pm *postmaster) live(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	pm.pid, pm.process = cmd.Process.Pid, cmd.Process
	started <- nil
	_ = cmd.Wait() // the state says it all
	pm.state = cmd.ProcessState
	close(pm.gone)
}

// ready waits until the cluster accepts connections: until the last line of postmaster.pid says so. An error carries the
// log's tail.
func (pm *postmaster) ready(ctx context.Context) error {
	pidFile := filepath.Join(pm.dataDir, pidFileName)
	return await(ctx, func() (bool, error) {
		select {
		case <-pm.gone:
			return false, pm.failure()
		default:
		}
		pid, status := readPidFile(pidFile)
		return pid == pm.pid && status == "ready", nil
	})
}

// alive says whether the process was not reaped yet.
func (pm *postmaster) alive() bool {
	select {
	case <-pm.gone:
		return false
	default:
		return true
	}
}

// stop shuts the process down and waits until it is gone: fast, after fastShutdown or the end of ctx at once, and at last
// by SIGKILL. The data is safe in each case, if Durable or not.
func (pm *postmaster) stop(ctx context.Context) error {
	pm.expected.Store(true)
	pm.signal(syscall.SIGINT)
	ctx, cancel := context.WithTimeout(ctx, fastShutdown)
	defer cancel()
	select {
	case <-pm.gone:
		return nil
	case <-ctx.Done():
	}
	pm.signal(syscall.SIGQUIT)
	timer := time.NewTimer(immediateShutdown)
	defer timer.Stop()
	select {
	case <-pm.gone:
	case <-timer.C:
		pm.signal(syscall.SIGKILL)
		<-pm.gone
	}
	return fmt.Errorf("localpg: %s did not shut down in time and was ended at once; it recovers at its next start", pm.name)
}

// kill ends the process as a crash would, and waits until it is reaped. Its children end by themselves soon after.
func (pm *postmaster) kill() {
	pm.expected.Store(true)
	pm.signal(syscall.SIGKILL)
	<-pm.gone
}

// signal does nothing once the process was reaped.
func (pm *postmaster) signal(s syscall.Signal) { _ = pm.process.Signal(s) }

// failure describes an end that was not wanted.
func (pm *postmaster) failure() error {
	tail := tailOf(pm.logPath)
	err := &exitError{name: pm.name, state: pm.state.String(), log: pm.logPath, tail: tail}
	err.stillHeld = strings.Contains(tail, "] "+lockFileExists+" ")
	return err
}

// exitError is the unwanted end of a postgres process.
type exitError struct {
	name, state, log, tail string
	stillHeld              bool
}

func (e *exitError) Error() string {
	text := fmt.Sprintf("PostgreSQL of %s ended (%s); its log %s", e.name, e.state, e.log)
	if e.tail == "" {
		return text + " is empty"
	}
	return text + " ends with:\n" + e.tail
}

// stillHeld says whether a start failed because something of an earlier postmaster was still there.
func stillHeld(err error) bool {
	var exit *exitError
	return errors.As(err, &exit) && exit.stillHeld
}

// rotateLog starts a cluster's log anew and keeps the one before, so that two runs' logs are all that ever pile up.
func rotateLog(path string) error {
	if err := os.Rename(path, path+".previous"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("localpg: %w", err)
	}
	return nil
}

// tailOf is the end of a log file in whole lines, at most logTailBytes long.
func tailOf(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err.Error()
	}
	from := max(0, info.Size()-logTailBytes)
	text, err := io.ReadAll(io.NewSectionReader(f, from, logTailBytes))
	if err != nil {
		return err.Error()
	}
	if from > 0 {
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			text = text[i+1:]
		}
	}
	return string(bytes.TrimSpace(text))
}

const pidFileName = "postmaster.pid"

// readPidFile reads postmaster.pid: the process id in line 1 and the status in line 8 (miscadmin.h, LOCK_FILE_LINE_*).
// Both are zero if they are not there yet.
func readPidFile(path string) (pid int, status string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, ""
	}
	lines := strings.Split(string(text), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return 0, ""
	}
	if len(lines) > 7 {
		status = strings.TrimSpace(lines[7])
	}
	return pid, status
}
