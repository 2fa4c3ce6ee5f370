package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// A test binary by the name of the program is the program.
func init() {
	if filepath.Base(os.Args[0]) == "loadgen" {
		os.Exit(run())
	}
}

// loadgen runs the program.
func loadgen(t *testing.T, environment []string, arguments ...string) (stdout, stderr string, code int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "loadgen")
	if err := os.Symlink(self, bin); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bin, arguments...)
	cmd.Env = append(os.Environ(), environment...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		asked []string
		want  string
	}{
		{nil, "bin/loadgen http"},
		{[]string{"--help"}, "bin/loadgen http"},
		{[]string{"http", "--help"}, "LOADGEN_CONNECTIONS"},
		{[]string{"fanout", "--help"}, "ulimit -n"},
		{[]string{"e2e", "--help"}, "LOADGEN_RATE"},
		{[]string{"mixed", "--help"}, "dead rows"},
	} {
		stdout, stderr, code := loadgen(t, nil, c.asked...)
		if code != 0 || stderr != "" || !strings.Contains(stdout, c.want) {
			t.Errorf("%q: exit code %d, %s, %s", c.asked, code, stdout, stderr)
		}
		for line := range strings.Lines(stdout) {
			if width := utf8.RuneCountInString(strings.TrimRight(line, "\n")); width > 80 && !strings.Contains(line, os.TempDir()) {
				t.Errorf("%q: a line of %d columns: %s", c.asked, width, line)
			}
		}
	}
}

// TestHTTPCommand posts to two channels as users of two groups, and tells it both ways.
func TestHTTPCommand(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			OperationName string
			Variables     struct {
				Input struct{ ChannelID, Body string }
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.OperationName != "PostMessage" ||
			body.Variables.Input.ChannelID != "chn_1" || !strings.HasPrefix(body.Variables.Input.Body, "mark:") ||
			!strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ey") {
			t.Errorf("%v, %+v, %v", err, body, r.Header)
		}
		io.WriteString(w, `{"data":{"postMessage":{"message":{"id":"msg_1"}}}}`)
	}))
	t.Cleanup(server.Close)
	key := []string{"LINKSPAN_JWT_SECRET=" + strings.Repeat("k", 32)}
	asked := []string{"http", "--url", server.URL + "/graphql", "--operations", "../../clients/operations.graphql", "--channel", "chn_1", "--as", "ana@acme",
		"--connections", "2", "--warm-up", "10ms", "--for", "50ms", "--pid", fmt.Sprint(os.Getpid())}
	stdout, stderr, code := loadgen(t, key, asked...)
	if code != 0 || stderr != "" || strings.Count(stdout, "\n") != 2 || !strings.HasPrefix(stdout, "connections  requests  errors  a second") {
		t.Errorf("exit code %d, %s, %s", code, stdout, stderr)
	}
	stdout, stderr, code = loadgen(t, key, append(asked, "--json")...)
	var told map[string]any
	if err := json.Unmarshal([]byte(stdout), &told); err != nil || code != 0 || stderr != "" || told["requests"].(float64) < 1 || told["errors"] != 0.0 {
		t.Errorf("%v, exit code %d, %s, %s", err, code, stdout, stderr)
	}
}

// TestWhatIsWrong calls the program with what can't be, in one line each.
func TestWhatIsWrong(t *testing.T) {
	t.Parallel()
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	t.Cleanup(bad.Close)
	self := fmt.Sprint(os.Getpid())
	for _, c := range []struct{ asked, says string }{
		{"nope", "unexpected argument nope"},
		{"http --url http://example.com:80/ --body x --pid " + self, "not on this machine"},
		{"http --url http://127.0.0.1:1/ --body x", "nobody listens on port 1"},
		{"http --url http://127.0.0.1:1/ --operations /none", "no such file"},
		{"http --url http://127.0.0.1:1/ --body x --as ana --data /none --pid " + self, "there is no dev data in /none"},
		{"http --body x --for 10ms --warm-up 0s --pid " + self + " --url " + bad.URL, "requests got no good answer; the first: connection"},
		{"e2e --channel a,b", "name one channel"},
		{"mixed --rate 0", "must be above 0"},
		{"mixed --operations ../../clients/operations.graphql --pid " + self, "no channel is given"},
	} {
		_, stderr, code := loadgen(t, []string{"LINKSPAN_JWT_SECRET="}, strings.Fields(c.asked)...)
		if code != 1 || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "loadgen: ") || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: exit code %d, %s", c.asked, code, stderr)
		}
	}
}
