package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of the CPU times in /proc: USER_HZ, which is 100 on every Linux that Go knows.
const tick = time.Second / 100

// stat is what /proc tells of a process; proc(5).
type stat struct {
	parent    int
	cpu       time.Duration // its own
	reapedCPU time.Duration // that of its children that have ended
}

func readStat(pid int) (s stat, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, fmt.Errorf("load: process %d: %w", pid, err)
	}
	name := bytes.LastIndexByte(text, ')') // a name may hold anything
	fields := strings.Fields(string(text[name+1:]))
	if len(fields) < 15 {
		return s, fmt.Errorf("load: /proc/%d/stat is not as proc(5) says", pid)
	}
	var ticks [4]int64
	for i := range ticks {
		if ticks[i], err = strconv.ParseInt(fields[11+i], 10, 64); err != nil {
			return s, fmt.Errorf("load: /proc/%d/stat: %w", pid, err)
		}
	}
	if s.parent, err = strconv.Atoi(fields[1]); err != nil {
		return s, fmt.Errorf("load: /proc/%d/stat: %w", pid, err)
	}
	s.cpu, s.reapedCPU = time.Duration(ticks[0]+ticks[1])*tick, time.Duration(ticks[2]+ticks[3])*tick
	return s, nil
}

// familyCPU is the CPU time that processes and their children have taken, ended ones too: of postmasters, all backends.
func familyCPU(pids []int) (total time.Duration, err error) {
	if len(pids) == 0 {
		return 0, nil
	}
	heads := make(map[int]bool, len(pids))
	for _, pid := range pids {
		s, err := readStat(pid)
		if err != nil {
			return 0, err
		}
		heads[pid] = true
		total += s.cpu + s.reapedCPU
	}
	err = eachProcess(func(pid int) error {
		s, err := readStat(pid) // who has ended meanwhile is among the reaped with the next look
		if err == nil && heads[s.parent] {
			total += s.cpu
		}
		return err
	})
	return total, err
}

func eachProcess(do func(pid int) error) error {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			if err := do(pid); err != nil && !gone(err) {
				return err
			}
		}
	}
	return nil
}

// gone reports whether an error is that of a process that has ended while it was looked at.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) }

// residentBytes is the memory that a process holds (RSS).
func residentBytes(pid int) (int64, error) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("load: process %d: %w", pid, err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if kilobytes, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(kilobytes, "kB")), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("load: process %d has no memory: it has ended", pid)
}

// Listener returns the process that listens on a port of this machine, over TCP. The error is fs.ErrNotExist where none
// does, or it is another user's.
func Listener(port int) (pid int, err error) {
	sockets := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, fmt.Errorf("load: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			const listening = "0A"
			fields := strings.Fields(line)
			if len(fields) > 9 && fields[3] == listening && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) {
				sockets["socket:["+fields[9]+"]"] = true
			}
		}
	}
	err = eachProcess(func(candidate int) error {
		descriptors, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", candidate))
		for _, descriptor := range descriptors {
			if to, err := os.Readlink(descriptor); err == nil && sockets[to] {
				pid = candidate
			}
		}
		return err
	})
	if err == nil && pid == 0 {
		err = fmt.Errorf("load: nobody listens on port %d: %w", port, fs.ErrNotExist)
	}
	return pid, err
}
