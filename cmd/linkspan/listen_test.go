package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkspan/internal/gqlclient"
	"linkspan/internal/gqlclient/gqlclienttest"
)

// listenerOf returns a listener on a fake server, that does not wait between attempts, and what it writes.
func listenerOf(t *testing.T, script gqlclienttest.Script) (l *listener, lines, notes *bytes.Buffer) {
	t.Helper()
	s := gqlclienttest.New(t, script)
	lines, notes = new(bytes.Buffer), new(bytes.Buffer)
	return &listener{
		client: &gqlclient.Client{URL: s.URL, Token: "token", HTTP: s.HTTP},
		log:    &inboxLog{show: func(r receivedInvitation) error { return showJSON(lines, r) }},
		notes:  notes,
		pause:  func(context.Context, int) {},
	}, lines, notes
}

// gil answers who listens.
func gil(gqlclienttest.Operation) any {
	return map[string]any{"data": map[string]any{"viewer": map[string]any{
		"user": map[string]any{"name": "Gil"}, "group": map[string]any{"handle": "globex", "name": "Globex"}, "inboxCursor": "now",
	}}}
}

// invitation is an event of the inbox with an invitation; checkpoint is one without.
func invitation(cursor string) string {
	return `{"inbox":{"__typename":"InvitationReceived","cursor":"` + cursor + `","at":"2026-11-23T21:18:00Z","invitation":{"id":"` + cursor + `"}}}`
}

func checkpoint(cursor string) string {
	return `{"inbox":{"__typename":"InboxCheckpoint","cursor":"` + cursor + `","at":"2026-11-23T21:18:00Z"}}`
}

// shown are the cursors of the lines that were written.
func shown(t *testing.T, lines *bytes.Buffer) (cursors []string) {
	t.Helper()
	for line := range strings.Lines(lines.String()) {
		var r receivedInvitation
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		cursors = append(cursors, r.Cursor)
	}
	return cursors
}

func TestListenResumesFromWhereItWas(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var positions []any // that the subscriptions began behind, one a connection
	ctx, end := context.WithCancel(t.Context())
	connections := []func(*gqlclienttest.Peer, string){
		func(*gqlclienttest.Peer, string) {}, // breaks before the first event
		func(p *gqlclienttest.Peer, id string) { p.Next(id, checkpoint("1")) },
		func(p *gqlclienttest.Peer, id string) { p.Next(id, invitation("2")); p.Next(id, invitation("3")) },
		func(p *gqlclienttest.Peer, id string) { p.Complete(id); p.Gone() },
		func(p *gqlclienttest.Peer, id string) {
			p.Next(id, `{"inbox":{"__typename":"InvitationChanged","cursor":"4","at":"2026-11-23T21:18:00Z"}}`)
			p.Close(gqlclient.CloseRestart, "restarting")
		},
		func(p *gqlclienttest.Peer, id string) { p.Next(id, invitation("5")); p.Gone() },
	}
	l, lines, notes := listenerOf(t, gqlclienttest.Script{Answer: gil, Socket: func(p *gqlclienttest.Peer) {
		p.Open()
		id, op, ok := p.Subscribed()
		if ok {
			mu.Lock()
			connection := connections[len(positions)]
			positions = append(positions, op.Variables["after"])
			mu.Unlock()
			connection(p, id)
		}
	}})
	inbox := l.log.(*inboxLog)
	show := inbox.show
	inbox.show = func(r receivedInvitation) error {
		if r.Cursor == "5" {
			end()
		}
		return show(r)
	}
	if err := l.run(ctx); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]any{"now", "now", "1", "3", "3", "4"}, positions); diff != "" {
		t.Errorf("positions: %s", diff)
	}
	if diff := cmp.Diff([]string{"2", "3", "5"}, shown(t, lines)); diff != "" {
		t.Errorf("shown: %s", diff)
	}
	for _, said := range []string{"listening for invitations to globex at " + l.client.URL, "the connection is lost", "connected again, continuing behind 1\n"} {
		if !strings.Contains(notes.String(), said) {
			t.Errorf("%q is not said:\n%s", said, notes)
		}
	}
}

func TestListenBeginsBehindTheGivenCursor(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	after := make(chan any, 1)
	l, _, _ := listenerOf(t, gqlclienttest.Script{Answer: gil, Socket: func(p *gqlclienttest.Peer) {
		p.Open()
		_, op, _ := p.Subscribed()
		after <- op.Variables["after"]
		end()
		p.Gone()
	}})
	given := "given"
	l.after = &given
	if err := l.run(ctx); err != nil {
		t.Error(err)
	}
	if position := <-after; position != "given" {
		t.Errorf("began behind %v", position)
	}
}

func TestListenWaitsForAServerAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	var asked atomic.Int32
	l, _, notes := listenerOf(t, gqlclienttest.Script{
		Answer: func(op gqlclienttest.Operation) any {
			switch asked.Add(1) {
			case 1, 2:
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "starting", http.StatusBadGateway) })
			case 3:
				return gqlclienttest.Faults("SHARD_UNAVAILABLE", "out of reach", true)
			case 4:
				return gqlclienttest.Faults("INTERNAL_SERVER_ERROR", "something", false)
			}
			return gil(op)
		},
		Socket: func(p *gqlclienttest.Peer) {
			p.Open()
			id, _, _ := p.Subscribed()
			p.Next(id, checkpoint("1"))
			p.Gone()
		},
	})
	var attempts []int
	l.pause = func(_ context.Context, attempt int) { attempts = append(attempts, attempt) }
	l.notes = writer(func(text string) {
		notes.WriteString(text)
		if strings.Contains(text, "listening") {
			end()
		}
	})
	if err := l.run(ctx); err != nil {
		t.Fatal(err)
	}
	if said := strings.Count(notes.String(), "no answer from"); said != 1 {
		t.Errorf("said %d times:\n%s", said, notes)
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4}, attempts); diff != "" {
		t.Error(diff)
	}
}

type writer func(string)

func (w writer) Write(text []byte) (int, error) {
	w(string(text))
	return len(text), nil
}

func TestListenDoesNotPassWhatItCouldNotWrite(t *testing.T) {
	t.Parallel()
	l, _, _ := listenerOf(t, gqlclienttest.Script{Answer: gil, Socket: func(p *gqlclienttest.Peer) {
		p.Open()
		id, _, _ := p.Subscribed()
		p.Next(id, invitation("1"))
		p.Gone()
	}})
	full := errors.New("no space left")
	l.log = &inboxLog{show: func(receivedInvitation) error { return full }}
	if err := l.run(t.Context()); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if *l.after != "now" {
		t.Errorf("the position is %s", *l.after)
	}
}

func TestListenShowsAnInvitationWithAPartThatCouldNotBeRead(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	l, lines, notes := listenerOf(t, gqlclienttest.Script{Answer: gil, Socket: func(p *gqlclienttest.Peer) {
		p.Open()
		id, _, _ := p.Subscribed()
		p.NextPayload(id, fmt.Sprintf(`{"data":%s,"errors":[%s]}`, invitation("1"), `{"message":"out of reach","path":["inbox","invitation","sharedChannel"]}`))
		p.Next(id, invitation("2"))
		p.Gone()
	}})
	inbox := l.log.(*inboxLog)
	show := inbox.show
	inbox.show = func(r receivedInvitation) error {
		if r.Cursor == "2" {
			end()
		}
		return show(r)
	}
	if err := l.run(ctx); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1", "2"}, shown(t, lines)); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(notes.String(), "out of reach (at inbox.invitation.sharedChannel)") {
		t.Errorf("said: %s", notes)
	}
}

func TestListenPausesGrowToTheirMost(t *testing.T) {
	t.Parallel()
	for attempt := range 100 {
		whole := min(maxPause, firstPause<<min(attempt, 20))
		for range 20 {
			if pause := jittered(attempt + 1); pause < whole/2 || pause > whole {
				t.Fatalf("attempt %d: %v is not from %v to %v", attempt+1, pause, whole/2, whole)
			}
		}
	}
}

func TestListenWithoutATokenSaysHowToGetOne(t *testing.T) {
	t.Setenv("LINKSPAN_TOKEN", " ")
	err := (&listenCmd{URL: "http://127.0.0.1:1/graphql"}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), getToken) {
		t.Errorf("got %v", err)
	}
}

func TestListenRefusesWhatIsNoURL(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"", "127.0.0.1:8080", "ws://127.0.0.1/graphql", "http://", "://"} {
		if _, err := newClient(endpoint, "token"); err == nil {
			t.Errorf("%q is taken", endpoint)
		}
	}
}
