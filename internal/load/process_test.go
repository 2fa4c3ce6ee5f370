package load

import (
	"bufio"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
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

// TestFamilyCPU has a process whose child burns CPU: that counts while the child lives, and after it has ended.
func TestFamilyCPU(t *testing.T) {
	t.Parallel()
	parent := exec.CommandContext(t.Context(), "sh", "-c", `(while :; do :; done) & echo $!; wait; echo ended; read end; exit 0`)
	in, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	says := bufio.NewScanner(out)
	says.Scan()
	child, err := strconv.Atoi(says.Text())
	if err != nil {
		t.Fatal(err)
	}
	const burnt = 50 * time.Millisecond
	family := func() time.Duration {
		cpu, err := familyCPU([]int{parent.Process.Pid})
		if err != nil {
			t.Error(err)
		}
		return cpu
	}
	for late := time.Now().Add(20 * time.Second); family() < burnt && time.Now().Before(late); {
		runtime.Gosched()
	}
	if cpu := family(); cpu < burnt {
		t.Errorf("a child has burnt CPU for 20 s, of which %v count", cpu)
	}
	if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	says.Scan()
	if cpu := family(); says.Text() != "ended" || cpu < burnt {
		t.Errorf("%s: the CPU of a child that has ended counts %v", says.Text(), cpu)
	}
	if err := errors.Join(in.Close(), parent.Wait()); err != nil {
		t.Error(err)
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
