//go:build long

package main_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"linkspan/internal/server/servertest"
	"linkspan/shardrouter"
)

// serving is a running `linkspan serve`.
type serving struct {
	t    testing.TB
	cmd  *exec.Cmd
	url  string
	errs *bytes.Buffer // what it logged, once it has ended
}

// serveEnv is the environment of all replicas of an installation.
func serveEnv(config shardrouter.Config, more ...string) []string {
	shards := make([]string, len(config.Shards))
	for i, shard := range config.Shards {
		shards[i] = shard.Name + "=" + shard.DSN
	}
	return append([]string{
		"LINKSPAN_RATE=0", "LINKSPAN_MAIN_DSN=" + config.MainDSN, "LINKSPAN_SHARD_DSNS=" + strings.Join(shards, ","),
		"LINKSPAN_JWT_SECRET=" + string(servertest.Secret), "LINKSPAN_LISTEN=127.0.0.1:0",
	}, more...)
}

// startServe starts a replica and waits until it is ready; it is killed with the test at the latest.
func startServe(t testing.TB, env []string) *serving {
	t.Helper()
	s := &serving{t: t, cmd: command(t, env, "serve"), errs: &bytes.Buffer{}}
	s.cmd.Stderr = s.errs
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	late := time.AfterFunc(startPatience, func() { _ = s.cmd.Process.Kill() })
	defer late.Stop()
	var line []byte
	for one := make([]byte, 1); !bytes.HasSuffix(line, []byte("\n")); line = append(line, one[0]) {
		if _, err := io.ReadFull(out, one); err != nil {
			_ = s.cmd.Wait()
			t.Fatalf("never ready: %s", s.errs)
		}
	}
	s.url = strings.TrimSpace(strings.TrimPrefix(string(line), "ready:"))
	return s
}

// readiness is the answer of /readyz; the error is that nobody answered.
func (s *serving) readiness() (status int, draining bool, err error) {
	response, err := http.Get(strings.TrimSuffix(s.url, "/graphql") + "/readyz")
	if err != nil {
		return 0, false, err
	}
	defer response.Body.Close()
	var answer struct{ Draining bool }
	err = json.NewDecoder(response.Body).Decode(&answer)
	return response.StatusCode, answer.Draining, err
}

// terminate sends SIGTERM and waits until the replica says that it drains.
func (s *serving) terminate() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	for {
		status, draining, err := s.readiness()
		switch {
		case err != nil:
			s.t.Errorf("it was gone before it said that it drains: %v", err)
			return
		case draining && status == http.StatusServiceUnavailable:
			return
		case draining || status != http.StatusOK:
			s.t.Errorf("/readyz answers %d, draining %v", status, draining)
			return
		}
	}
}

// await waits for the replica's end, which must be clean and before the bound.
func (s *serving) await() {
	s.t.Helper()
	// The drain delay, five seconds for requests and sockets, two for what is being delivered, and a busy machine.
	late := time.AfterFunc(patience, sync.OnceFunc(func() {
		s.t.Errorf("it has not ended in %v", patience)
		_ = s.cmd.Process.Kill()
	}))
	defer late.Stop()
	_ = s.cmd.Wait()
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("it ended with %v:\n%s", s.cmd.ProcessState, s.errs)
	}
}
