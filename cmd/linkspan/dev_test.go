package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"linkspan/internal/localpg/localpgtest"
)

// patience bounds each wait for a condition.
const patience = 30 * time.Second

// startPatience bounds the wait for a start: the machine's first one may have to fetch PostgreSQL.
const startPatience = 2 * time.Minute

// linkspan is the program: the one that LINKSPAN_BIN names, or this test binary by the program's name.
var linkspan = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("LINKSPAN_BIN"); bin != "" {
		return bin, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if namedIn, err = os.MkdirTemp("", "linkspan-bin-"); err != nil {
		return "", err
	}
	bin := filepath.Join(namedIn, "linkspan")
	return bin, os.Symlink(self, bin)
})

// namedIn is the directory in which this binary has the program's name, "" if it needed none.
var namedIn string

func TestMain(m *testing.M) {
	code := localpgtest.Main(m)
	if namedIn != "" {
		os.RemoveAll(namedIn)
	}
	os.Exit(code)
}

// dataDir is a data directory that PostgreSQL's user can reach too.
func dataDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "linkspan-dev-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "data")
}

// command is the program with an environment of its own.
func command(t testing.TB, env []string, args ...string) *exec.Cmd {
	t.Helper()
	bin, err := linkspan()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, args...)
	cmd.Dir = t.TempDir()
	for _, pair := range os.Environ() {
		// Which PostgreSQL to use is the machine's affair.
		if !strings.HasPrefix(pair, "LINKSPAN_") || strings.HasPrefix(pair, "LINKSPAN_PG_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cmd.Env = append(cmd.Env, "GORACE=halt_on_error=1")    // a race must not hide behind another exit code
	cmd.Env = append(cmd.Env, "LINKSPAN_ADMIN_LISTEN=off") // tests must not meet at its default
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// output runs the program to its end.
func output(t testing.TB, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := command(t, env, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	_ = cmd.Wait()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// dev is a running dev server.
type dev struct {
	*exec.Cmd
	t      testing.TB
	url    string
	env    []string
	before []string // the lines that it printed until it was ready
	errs   bytes.Buffer

	welcome chan string // what it printed then
	rest    chan string // what it printed from then on, once it has ended
}

// startDev starts a dev server with an environment of its own, and waits until it is ready.
func startDev(t testing.TB, data string, env ...string) *dev {
	t.Helper()
	d := &dev{t: t, env: []string{"LINKSPAN_DATA=" + data, "LINKSPAN_LISTEN=127.0.0.1:0"}}
	d.Cmd = command(t, slices.Concat(d.env, env), "dev")
	return d.start()
}

// start starts the program and waits until it is ready.
func (d *dev) start() *dev {
	t := d.t
	t.Helper()
	d.Stderr = &d.errs
	stdout, err := d.StdoutPipe()
	if err == nil {
		err = d.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Process.Kill() })
	late := time.AfterFunc(startPatience, func() { _ = d.Process.Kill() })
	defer late.Stop()
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		d.before = append(d.before, lines.Text())
		if url, ok := strings.CutPrefix(lines.Text(), "ready: "); ok {
			d.url, d.welcome, d.rest = url, make(chan string, 1), make(chan string, 1)
			go func() {
				var printed strings.Builder
				for lines.Scan() {
					printed.WriteString(lines.Text() + "\n")
					if strings.Contains(lines.Text(), "Ctrl-C ends the server") {
						d.welcome <- printed.String()
					}
				}
				d.rest <- printed.String()
			}()
			return d
		}
	}
	t.Fatalf("never ready: %s", d.errs.String())
	return nil
}

func (d *dev) token(user string) string {
	d.t.Helper()
	token, errs, code := output(d.t, d.env, "token", user)
	if code != 0 {
		d.t.Fatalf("token: %s", errs)
	}
	return strings.TrimSpace(token)
}

func (d *dev) query(token, document string) string {
	d.t.Helper()
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		d.t.Fatal(err)
	}
	return d.post(token, string(body))
}

func (d *dev) post(token, body string) string {
	d.t.Helper()
	request, err := http.NewRequest(http.MethodPost, d.url, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(answer)
}

// end signals the server, waits for its end, and returns what it printed since it was ready.
func (d *dev) end(signal os.Signal) string {
	d.t.Helper()
	if err := d.Process.Signal(signal); err != nil {
		d.t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { _ = d.Process.Kill() })
	defer late.Stop()
	rest := <-d.rest
	_ = d.Wait()
	if signal == os.Interrupt && d.ProcessState.ExitCode() != 0 {
		d.t.Errorf("Ctrl-C ended it with %v: %s", d.ProcessState, d.errs.String())
	}
	return rest
}

// waitForNoPostgres waits until no process works on the data any more.
func waitForNoPostgres(t testing.TB, data string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		processes, err := exec.Command("ps", "-axo", "pid,args").Output()
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for line := range strings.Lines(string(processes)) {
			if strings.Contains(line, data) {
				left = append(left, line)
			}
		}
		if len(left) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("processes are left: %v", left)
		}
	}
}

// testReadyz wants readyz to name the cluster that is down.
func testReadyz(t *testing.T, d *dev, data string) {
	ready := func() string {
		response, err := http.Get(strings.Replace(d.url, "/graphql", "/readyz", 1))
		if err != nil {
			return err.Error()
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err.Error()
		}
		return response.Status + " " + string(body)
	}
	for _, cluster := range []string{"main", "shard-1", "shard-2", "shard-3"} {
		if answer := ready(); !strings.HasPrefix(answer, "200") || !strings.Contains(answer, `{"name":"`+cluster+`","ready":true}`) {
			t.Fatalf("%s: %s", cluster, answer)
		}
	}
	goOn := stopCluster(t, filepath.Join(data, "clusters"), "shard-2")
	defer goOn()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for answer := ready(); !strings.HasPrefix(answer, "503") || !strings.Contains(answer, `{"name":"shard-2","ready":false,"reason":"`); answer = ready() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("shard-2 is stopped: %s", answer)
		}
	}
}

// stopCluster stops all processes of a local cluster, as a machine that hangs does, and returns what lets them go on; the
// end of the test does so in any case.
func stopCluster(t *testing.T, clusters, name string) (goOn func()) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(clusters, "pg*", name, "postmaster.pid"))
	if err != nil || len(files) != 1 {
		t.Fatalf("postmaster.pid of %s: %v %v", name, files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	postmaster, _, _ := strings.Cut(string(text), "\n")
	children, err := exec.Command("pgrep", "-P", postmaster).Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) { // 1: no process matched
		t.Fatal(err)
	}
	var pids []int
	for _, pid := range append(strings.Fields(string(children)), postmaster) {
		process, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, process)
	}
	all := func(signal syscall.Signal) {
		for _, pid := range pids {
			_ = syscall.Kill(pid, signal) // it may be gone
		}
	}
	goOn = func() { all(syscall.SIGCONT) }
	t.Cleanup(goOn)
	all(syscall.SIGSTOP)
	return goOn
}

func TestDevSaysWhatToDo(t *testing.T) {
	t.Parallel()
	t.Run("a taken port", func(t *testing.T) {
		t.Parallel()
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		data := dataDir(t)
		_, errs, code := output(t, []string{"LINKSPAN_DATA=" + data, "LINKSPAN_LISTEN=" + taken.Addr().String()}, "dev")
		if code != 1 || !strings.Contains(errs, "taken") || !strings.Contains(errs, "LINKSPAN_LISTEN=") || strings.Count(errs, "\n") != 1 {
			t.Errorf("exit %d, %q", code, errs)
		}
		waitForNoPostgres(t, data)
	})
	t.Run("foreign data", func(t *testing.T) {
		t.Parallel()
		data := dataDir(t)
		if err := os.MkdirAll(filepath.Join(data, "clusters"), 0o755); err != nil {
			t.Fatal(err)
		}
		precious := filepath.Join(data, "clusters", "precious")
		if err := os.WriteFile(precious, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, errs, code := output(t, []string{"LINKSPAN_DATA=" + data, "LINKSPAN_LISTEN=127.0.0.1:0"}, "dev")
		if code != 1 || !strings.Contains(errs, data) || strings.Count(errs, "\n") != 1 {
			t.Errorf("exit %d, %q", code, errs)
		}
		if kept, err := os.ReadFile(precious); err != nil || string(kept) != "mine" {
			t.Errorf("foreign data was touched: %q %v", kept, err)
		}
	})
	t.Run("somebody's directory", func(t *testing.T) {
		t.Parallel()
		data := dataDir(t)
		if err := os.Mkdir(data, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(data, "letter.txt"), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, errs, code := output(t, []string{"LINKSPAN_DATA=" + data, "LINKSPAN_LISTEN=127.0.0.1:0"}, "dev")
		if code != 1 || !strings.Contains(errs, "letter.txt") || !strings.Contains(errs, "LINKSPAN_DATA") || strings.Count(errs, "\n") != 1 {
			t.Errorf("exit %d, %q", code, errs)
		}
		if left, err := os.ReadDir(data); err != nil || len(left) != 1 {
			t.Errorf("it holds %v, %v", left, err)
		}
	})
	t.Run("settings", func(t *testing.T) {
		t.Parallel()
		for _, test := range []struct{ env, want string }{
			{"LINKSPAN_INVITATION_TTL=0s", "LINKSPAN_INVITATION_TTL"},
			{"LINKSPAN_INVITATION_TTL=-1h", "LINKSPAN_INVITATION_TTL"},
			{"LINKSPAN_POOL_SIZE=0", "LINKSPAN_POOL_SIZE"},
			{"LINKSPAN_JWT_SECRET=short", "LINKSPAN_JWT_SECRET has 5 bytes"},
			{"LINKSPAN_PG_SOURCE=npn", "--pg-source"},
		} {
			data := dataDir(t)
			out, errs, code := output(t, []string{"LINKSPAN_DATA=" + data, "LINKSPAN_LISTEN=127.0.0.1:0", test.env}, "dev")
			if code == 0 || out != "" || !strings.Contains(errs, test.want) || strings.Count(errs, "\n") != 1 {
				t.Errorf("%s: exit %d, %q, %q", test.env, code, out, errs)
			}
			if _, err := os.Stat(data); !os.IsNotExist(err) {
				t.Errorf("%s: it made something: %v", test.env, err)
			}
		}
	})
	t.Run("no PostgreSQL", func(t *testing.T) {
		t.Parallel()
		_, errs, code := output(t, []string{
			"LINKSPAN_DATA=" + dataDir(t), "LINKSPAN_LISTEN=127.0.0.1:0", "LINKSPAN_PG_BINDIR=" + t.TempDir(),
		}, "dev")
		if code != 1 || !strings.Contains(errs, "LINKSPAN_PG_BINDIR") || strings.Count(errs, "\n") != 1 {
			t.Errorf("exit %d, %q", code, errs)
		}
	})
}

func TestTokenSaysWhatToDo(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	for name, test := range map[string]struct {
		env  []string
		args []string
		want string
	}{
		"no dev data":      {nil, []string{"token", "ana@acme"}, "make run"},
		"nobody":           {nil, []string{"token"}, "ana@acme"},
		"no group":         {[]string{"LINKSPAN_JWT_SECRET=0123456789abcdef0123456789abcdef"}, []string{"token", "ana"}, "USER@GROUP"},
		"operator of role": {nil, []string{"token", "--operator", "--role", "admin"}, "--role"},
		"short secret":     {[]string{"LINKSPAN_JWT_SECRET=0123456789abcdef0123456789abcde"}, []string{"token", "ana@acme"}, "31 bytes"},
		"operator of user": {nil, []string{"token", "--operator", "ana@acme"}, "--operator"},
		"ended already":    {nil, []string{"token", "--ttl=-1h", "ana@acme"}, "--ttl"},
	} {
		out, errs, code := output(t, append(test.env, "LINKSPAN_DATA="+data), test.args...)
		if code == 0 || out != "" || !strings.Contains(errs, test.want) {
			t.Errorf("%s: exit %d, %q, %q", name, code, out, errs)
		}
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("token made something in the data directory: %v", err)
	}
}
