package main_test

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// relocatable is one address for servers that come and go.
type relocatable struct {
	url string
	at  atomic.Pointer[url.URL]
}

func newRelocatable(t *testing.T, first string) *relocatable {
	t.Helper()
	r := &relocatable{}
	r.move(t, first)
	proxy := &httputil.ReverseProxy{
		Rewrite:  func(p *httputil.ProxyRequest) { p.SetURL(r.at.Load()) },
		ErrorLog: log.New(io.Discard, "", 0),
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	r.url = front.URL + "/graphql"
	return r
}

func (r *relocatable) move(t *testing.T, to string) {
	t.Helper()
	at, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	r.at.Store(&url.URL{Scheme: at.Scheme, Host: at.Host})
}

// lines hands out the lines that a program writes; the channel is closed when it has ended.
func lines(t *testing.T, cmd *exec.Cmd, pipe func() (io.ReadCloser, error)) <-chan string {
	t.Helper()
	out, err := pipe()
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan string, 100)
	go func() {
		defer close(written)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			written <- scan.Text()
		}
	}()
	return written
}

// waitFor waits for a line with that text in it.
func waitFor(t *testing.T, written <-chan string, text string) string {
	t.Helper()
	late := time.After(patience)
	last := ""
	for {
		select {
		case line, ok := <-written:
			if !ok {
				t.Fatalf("it ended before %q, with %q", text, last)
			}
			last = line
			if strings.Contains(line, text) {
				return line
			}
		case <-late:
			t.Fatalf("%q never came", text)
		}
	}
}

// follower is a `listen` of gil@globex that follows the server from one address to the next.
type follower struct {
	t            *testing.T
	address      *relocatable
	listen       *exec.Cmd
	heard, notes <-chan string
}

// startFollower starts one with these flags, and waits until it says that.
func startFollower(t *testing.T, d *dev, says string, flags ...string) *follower {
	t.Helper()
	f := &follower{t: t, address: newRelocatable(t, d.url)}
	f.listen = command(t, []string{"LINKSPAN_URL=" + f.address.url, "LINKSPAN_TOKEN=" + d.token("gil@globex")}, append([]string{"listen"}, flags...)...)
	f.heard, f.notes = lines(t, f.listen, f.listen.StdoutPipe), lines(t, f.listen, f.listen.StderrPipe)
	if err := f.listen.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.listen.Process.Kill() })
	waitFor(t, f.notes, says)
	return f
}

// isLeft waits until it says that the server is away.
func (f *follower) isLeft() {
	f.t.Helper()
	waitFor(f.t, f.notes, "the connection is lost")
}

// hears lets it find the server, and wants to see the invitation.
func (f *follower) hears(d *dev, name string) {
	t := f.t
	t.Helper()
	f.address.move(t, d.url)
	var heard struct {
		Cursor, At string
		Invitation struct{ State, ProposedName string }
	}
	line := waitFor(t, f.heard, name)
	if err := json.Unmarshal([]byte(line), &heard); err != nil || heard.Cursor == "" || heard.At == "" || heard.Invitation.State != "PENDING" || heard.Invitation.ProposedName != name {
		t.Errorf("%v in %s", err, line)
	}
}

// hearsMessage lets it find the server, and wants to see the message.
func (f *follower) hearsMessage(d *dev, body string) {
	t := f.t
	t.Helper()
	f.address.move(t, d.url)
	var heard struct {
		Typename   string `json:"__typename"`
		Cursor, At string
		Message    struct {
			Body, State, Audience string
			Author                struct{ Name string }
		}
	}
	line := waitFor(t, f.heard, body)
	if err := json.Unmarshal([]byte(line), &heard); err != nil || heard.Typename != "MessagePosted" || heard.Cursor == "" || heard.At == "" ||
		heard.Message.Body != body || heard.Message.State != "POSTED" || heard.Message.Audience != "EVERYONE" || heard.Message.Author.Name != "Ana" {
		t.Errorf("%v in %s", err, line)
	}
}

// ends tells it to end by SIGTERM, and wants to see nothing more of it.
func (f *follower) ends() {
	t := f.t
	t.Helper()
	if err := f.listen.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for more := range f.heard {
		t.Errorf("it wrote also %s", more)
	}
	_ = f.listen.Wait()
	if code := f.listen.ProcessState.ExitCode(); code != 0 {
		t.Errorf("SIGTERM ended it with %d", code)
	}
}

func TestListenSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env  []string
		want string
	}{
		"no token": {nil, "export LINKSPAN_TOKEN=$(bin/linkspan token gil@globex)"},
		"no URL":   {[]string{"LINKSPAN_TOKEN=x", "LINKSPAN_URL=127.0.0.1:8080"}, "LINKSPAN_URL"},
	} {
		out, errs, code := output(t, test.env, "listen")
		if code != 1 || out != "" || !strings.Contains(errs, test.want) {
			t.Errorf("%s: exit %d, %q, %q", name, code, out, errs)
		}
	}
}
