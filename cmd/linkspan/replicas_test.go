//go:build long

package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"linkspan/internal/check"
	"linkspan/internal/gqlclient"
	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
	"linkspan/internal/store/storetest"
)

// TestRollingRestart replaces two replicas one after the other, twice, while users make channels and `linkspan listen`
// listens, both through a balancer. Every request is answered in the end and happened once, and every listener hears each,
// once, in one order.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	nats, _ := servertest.NATS(t)
	config := storetest.Config(t, 3)
	env := serveEnv(config, "LINKSPAN_NATS_URL="+nats, "LINKSPAN_DRAIN_DELAY=1s")
	replicas := []*serving{startServe(t, env), startServe(t, env)}
	registerGroups(t, replicas[0].url, "acme", "globex")
	front := newBalancer(t)
	replace := func(i int) {
		front.add(replicas[i])
		servertest.Eventually(t, "a replica is ready", func() bool { return front.has(replicas[i]) })
	}
	replace(0)
	replace(1)

	listeners := []*heardLines{listenThrough(t, front.url, "gil@globex"), listenThrough(t, front.url, "hua@globex")}
	var made makings
	var writing sync.WaitGroup
	done := make(chan struct{})
	for n := range 4 {
		writing.Go(func() {
			client := &gqlclient.Client{URL: front.url, Token: servertest.Admin(t, fmt.Sprintf("ana%d@acme", n))}
			for round := 0; ; round++ {
				select {
				case <-done:
					return
				default:
				}
				if err := made.make(ctx, client, fmt.Sprintf("channel-%d-%d", n, round)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for turn := range 4 {
		before := made.count()
		servertest.Eventually(t, "requests are served", func() bool { return made.count() > before+10 || t.Failed() })
		old := replicas[turn%2]
		old.terminate()
		old.await()
		replicas[turn%2] = startServe(t, env)
		replace(turn % 2)
	}
	close(done)
	writing.Wait()

	want := slices.Sorted(slices.Values(made.invitations))
	for i, l := range listeners {
		servertest.Eventually(t, "a listener has all", func() bool { return l.count() >= len(want) })
		heard := l.end()
		if !slices.Equal(heard, listeners[0].end()) {
			t.Errorf("listener %d heard another order", i)
		}
		if got := slices.Sorted(slices.Values(heard)); !slices.Equal(got, want) {
			t.Errorf("listener %d heard %d invitations, %d were made", i, len(got), len(want))
		}
	}
	_, router := storetest.OpenConfig(t, config)
	report, err := check.Run(ctx, router, nil)
	if err != nil || !report.OK() || report.Channels == 0 {
		t.Errorf("check: %v %+v", err, report)
	}
	t.Logf("4 restarts: %d channels made, %d requests repeated, each heard by %d listeners; %d invariants hold",
		len(want), made.failed.Load(), len(listeners), report.Invariants)
	for _, s := range replicas {
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		s.await()
	}
}

// makings is what users have made.
type makings struct {
	failed atomic.Int64 // requests without an answer

	mu          sync.Mutex
	invitations []string
}

func (m *makings) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.invitations)
}

// make makes a channel, with a key and until it is answered.
func (m *makings) make(ctx context.Context, client *gqlclient.Client, name string) error {
	input := map[string]any{"target": map[string]any{"handle": "globex"}, "name": name, "idempotencyKey": name}
	for {
		var answer struct {
			CreateSharedChannel struct {
				Invitation *struct{ ID string }
				Errors     []struct{ Code, Message string }
			}
		}
		err := client.Do(ctx, createChannel, "", map[string]any{"input": input}, &answer)
		var fault *gqlclient.Error
		switch created := answer.CreateSharedChannel; {
		case err == nil && created.Invitation == nil:
			return fmt.Errorf("%s was refused: %v", name, created.Errors)
		case err == nil:
			m.mu.Lock()
			defer m.mu.Unlock()
			m.invitations = append(m.invitations, created.Invitation.ID)
			return nil
		case ctx.Err() != nil, errors.As(err, &fault) && !fault.Retryable:
			return fmt.Errorf("%s: %w", name, err)
		}
		m.failed.Add(1)
		select {
		case <-time.After(10 * time.Millisecond): // as clients do
		case <-ctx.Done():
		}
	}
}

// heardLines is what a `linkspan listen` prints.
type heardLines struct {
	t    *testing.T
	stop func()

	mu          sync.Mutex
	invitations []string
	position    int64
	ended       chan struct{}
}

// listenThrough starts a listener and waits until it listens.
func listenThrough(t *testing.T, url, user string) *heardLines {
	t.Helper()
	cmd := command(t, []string{"LINKSPAN_URL=" + url, "LINKSPAN_TOKEN=" + servertest.Admin(t, user)}, "listen", "--json")
	out, notes := lines(t, cmd, cmd.StdoutPipe), lines(t, cmd, cmd.StderrPipe)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	waitFor(t, notes, "listening for invitations")
	l := &heardLines{t: t, ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		for line := range out {
			l.take(line)
		}
	}()
	go func() {
		for range notes { // "the connection is lost", and again
		}
	}()
	l.stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-l.ended
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("listen ended with %d", code)
		}
	})
	return l
}

func (l *heardLines) take(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var heard struct {
		Cursor     string
		Invitation struct{ ID string }
	}
	err := json.Unmarshal([]byte(line), &heard)
	cursor, malformed := ids.ParseLogCursor(heard.Cursor)
	if err != nil || malformed != nil || cursor.Position <= l.position {
		l.t.Errorf("behind %d came %s", l.position, line)
	}
	l.position = cursor.Position
	l.invitations = append(l.invitations, heard.Invitation.ID)
}

func (l *heardLines) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.invitations)
}

// end ends the listener and returns what it heard.
func (l *heardLines) end() []string {
	l.stop()
	return l.invitations
}
