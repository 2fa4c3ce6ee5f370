package main_test

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
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

func TestListenHearsWhatCameWhileTheServerWasAway(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	first := startDev(t, data)
	address := newRelocatable(t, first.url)
	listen := command(t, []string{"LINKSPAN_URL=" + address.url, "LINKSPAN_TOKEN=" + first.token("gil@globex")}, "listen")
	invitations, notes := lines(t, listen, listen.StdoutPipe), lines(t, listen, listen.StderrPipe)
	if err := listen.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listen.Process.Kill() })
	waitFor(t, notes, "listening for invitations to globex")

	first.end(os.Interrupt) // before the first event
	waitFor(t, notes, "the connection is lost")
	second := startDev(t, data)
	created := second.query(second.token("ana@acme"), `mutation { createSharedChannel(input: {target: {handle: "globex"}, name: "unheard"}) { errors { message } } }`)
	if !strings.Contains(created, `"errors":[]`) {
		t.Fatal(created)
	}
	address.move(t, second.url)
	var heard struct {
		Cursor, At string
		Invitation struct{ State, ProposedName string }
	}
	line := waitFor(t, invitations, "unheard")
	if err := json.Unmarshal([]byte(line), &heard); err != nil || heard.Cursor == "" || heard.At == "" || heard.Invitation.State != "PENDING" || heard.Invitation.ProposedName != "unheard" {
		t.Errorf("%v in %s", err, line)
	}

	if err := listen.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for more := range invitations {
		t.Errorf("it wrote also %s", more)
	}
	_ = listen.Wait()
	if code := listen.ProcessState.ExitCode(); code != 0 {
		t.Errorf("SIGTERM ended it with %d", code)
	}
	second.end(os.Interrupt)
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
