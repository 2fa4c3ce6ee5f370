package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
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
