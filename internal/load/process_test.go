package load

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestListener(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if pid, err := Listener(port); pid != os.Getpid() || err != nil {
		t.Errorf("%d listens, %v; not %d", pid, err, os.Getpid())
	}
	listener.Close()
	if pid, err := Listener(port); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%d listens, %v", pid, err)
	}
}

// TestFamilyCPU has a child burn CPU: it counts while it lives and after it has ended.
func TestFamilyCPU(t *testing.T) {
	// Not parallel: other tests would burn CPU of this process.
	before, err := familyCPU([]int{os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	burnt := func(least time.Duration) bool {
		now, err := familyCPU([]int{os.Getpid()})
		if err != nil {
			t.Fatal(err)
		}
		own, err := readStat(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		return now-before-own.cpu >= least
	}
	for late := time.Now().Add(20 * time.Second); !burnt(50 * time.Millisecond); {
		if time.Now().After(late) {
			t.Fatal("the child's CPU does not count")
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	if !burnt(50 * time.Millisecond) {
		t.Error("the CPU of a child that has ended does not count")
	}
}

func TestResidentBytes(t *testing.T) {
	t.Parallel()
	if bytes, err := residentBytes(os.Getpid()); err != nil || bytes < 1<<20 {
		t.Errorf("%d bytes, %v", bytes, err)
	}
	if _, err := residentBytes(1 << 30); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no process: %v", err)
	}
	if _, err := (Processes{Server: 1 << 30}).read(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no process: %v", err)
	}
}
