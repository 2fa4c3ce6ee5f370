//go:build long

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"linkspan/internal/failpoint"
)

// programEnv makes the test binary the program, with points at which it dies as file 3 tells it; it reports to file 4.
const programEnv = "LINKSPAN_CRASH_PROGRAM"

// crashPatience bounds each wait for what a crash test does itself; what the program promises has deadlines of its own.
const crashPatience = 30 * time.Second

func init() {
	if os.Getenv(programEnv) == "" {
		return
	}
	points := failpoint.NewSwitch(os.NewFile(3, "commands"), os.NewFile(4, "reports"), func() {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	})
	wrapPorts = func(p ports) ports {
		return ports{
			main:         failpoint.Main(p.main, points.At),
			shards:       failpoint.Shards(p.shards, points.At),
			conversation: failpoint.Conversation(p.conversation, points.At),
			outbox:       failpoint.Store(p.outbox, points.At),
		}
	}
	os.Args = []string{"linkspan", "serve"}
	os.Exit(run())
}

// program is a running `linkspan serve` in a process of its own.
type program struct {
	t        testing.TB
	cmd      *exec.Cmd
	commands *json.Encoder
	obeyed   chan struct{}
	arrived  chan failpoint.Arrival // of a pause, or while recording
	died     chan struct{}          // closed when the process has ended
	errs     bytes.Buffer           // what it logged, once it has died
}

// startProgram starts the program with a first command and returns at once; see ready.
func startProgram(t testing.TB, env []string, first failpoint.Command) (p *program, ready chan string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	commandsIn, commandsOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reportsIn, reportsOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p = &program{
		t: t, cmd: exec.Command(self), commands: json.NewEncoder(commandsOut),
		obeyed: make(chan struct{}, 1), arrived: make(chan failpoint.Arrival, 1000), died: make(chan struct{}),
	}
	p.cmd.Env = append(os.Environ(), append(env, programEnv+"=1", "LINKSPAN_LISTEN=127.0.0.1:0")...)
	p.cmd.ExtraFiles = []*os.File{commandsIn, reportsOut}
	p.cmd.Stderr = &p.errs
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	commandsIn.Close()
	reportsOut.Close()
	ready = make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if url, ok := strings.CutPrefix(lines.Text(), "ready: "); ok {
				ready <- url
			}
		}
	}()
	go func() {
		p.hear(reportsIn)
		<-ended
		_ = p.cmd.Wait()
		commandsOut.Close()
		reportsIn.Close()
		close(p.died)
	}()
	t.Cleanup(p.kill)
	p.command(first)
	return p, ready
}

// hear takes reports until the process has ended.
func (p *program) hear(reports *os.File) {
	incoming := json.NewDecoder(reports)
	for {
		var r failpoint.Report
		if err := incoming.Decode(&r); err != nil {
			return
		}
		if r.Obeyed {
			p.obeyed <- struct{}{}
		} else {
			p.arrived <- r.At
		}
	}
}

// command tells the program what to do at points, and waits until it does.
func (p *program) command(c failpoint.Command) {
	p.t.Helper()
	if err := p.commands.Encode(c); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.obeyed:
	case <-p.died:
		p.t.Fatalf("the program ended: %s", p.errs.String())
	case <-time.After(crashPatience):
		p.t.Fatal("the program does not obey")
	}
}

// waitDead waits until the process has died by itself at the point that it was told.
func (p *program) waitDead(at failpoint.Arrival) {
	p.t.Helper()
	select {
	case <-p.died:
		status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
		if status.Signal() != syscall.SIGKILL {
			p.t.Fatalf("at %v it ended with %v: %s", at, p.cmd.ProcessState, p.errs.String())
		}
	case <-time.After(crashPatience):
		p.t.Fatalf("%v is never reached", at)
	}
}

// kill ends the process, if it runs, and waits for that.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.died
}

// drain returns what was recorded until now.
func (p *program) drain() (reached []failpoint.Arrival) {
	for {
		select {
		case at := <-p.arrived:
			reached = append(reached, at)
		default:
			return reached
		}
	}
}

// within asks until the condition holds, and returns why it does not hold at the deadline.
func within(deadline time.Duration, holds func() error) error {
	late := time.After(deadline)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := holds()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-late:
			return fmt.Errorf("not within %v: %w", deadline, err)
		}
	}
}
