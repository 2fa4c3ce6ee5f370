package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// paste runs shell lines as they are pasted into a new terminal where dev was started. A curl does nothing but tell its
// arguments, each ended by a NUL.
func (d *dev) paste(script string) *exec.Cmd {
	d.t.Helper()
	shell := exec.Command("sh", "-c", "curl() { printf '%s\\0' \"$@\"; }\n"+script)
	shell.Dir, shell.Env = d.Dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	return shell
}

// argument is the argument of a curl that follows the one that is given.
func argument(t *testing.T, told []byte, before string) string {
	t.Helper()
	args := strings.Split(string(told), "\x00")
	for i, arg := range args[1:] {
		if args[i] == before {
			return arg
		}
	}
	t.Fatalf("no argument behind %s in %q", before, args)
	return ""
}

func TestWhatDevPrintsCanBePasted(t *testing.T) {
	t.Parallel()
	data := filepath.Join(filepath.Dir(dataDir(t)), "it's $HOME", "my data")
	d := &dev{t: t, env: []string{"LINKSPAN_DATA=" + data, "LINKSPAN_LISTEN=127.0.0.1:0"}}
	d.Cmd = command(t, d.env, "dev")
	bin := filepath.Join(d.Dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(d.Path, filepath.Join(bin, "linkspan")); err != nil {
		t.Fatal(err)
	}
	d.start()
	var blocks []string // each begins with a comment
	welcome := <-d.welcome
	testPage(t, d, welcome)
	for i, text := range strings.Split(welcome, "\n    # ") {
		if text, _, _ = strings.Cut(text, "\n\n"); i > 0 {
			blocks = append(blocks, "# "+text)
		}
	}
	if len(blocks) != 4 {
		t.Fatalf("it prints %q", blocks)
	}
	tour, listening, asking, gil := blocks[0], blocks[1], blocks[2], blocks[3]

	if shown, err := d.paste(tour).CombinedOutput(); err != nil || !strings.Contains(string(shown), "Try next") {
		t.Errorf("%s: %v\n%s", tour, err, shown)
	}
	listener := d.paste(strings.Replace(listening, "bin/linkspan listen", "exec bin/linkspan listen", 1))
	invitations, notes := lines(t, listener, listener.StdoutPipe), lines(t, listener, listener.StderrPipe)
	if err := listener.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Process.Kill(); _ = listener.Wait() })
	waitFor(t, notes, "listening for invitations to globex")

	told, err := d.paste(asking).Output()
	if err != nil {
		t.Fatalf("%s: %v", asking, err)
	}
	if url := argument(t, told, "-s"); url != d.url {
		t.Errorf("it asks %s, not %s", url, d.url)
	}
	_, token, _ := strings.Cut(strings.Join(strings.Split(string(told), "\x00"), "\n"), "Authorization: Bearer ")
	token, _, _ = strings.Cut(token, "\n")
	created := d.post(token, argument(t, told, "-d"))
	if !strings.Contains(created, `"name":"hello","state":"PENDING"`) {
		t.Errorf("it answers %s", created)
	}
	waitFor(t, invitations, `"proposedName":"hello"`)

	// The last block is for the same terminal as the one before.
	token = ""
	if told, err = d.paste(asking + "\n" + gil + "\nprintf 'token\\0%s' \"$LINKSPAN_TOKEN\"").Output(); err == nil {
		token = argument(t, told, "token")
	}
	if who := d.query(token, `{ viewer { user { name } group { handle } } }`); !strings.Contains(who, `"globex"`) {
		t.Errorf("%s: %v: %s", gil, err, who)
	}
	d.end(os.Interrupt)
}
