package main

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkspan/internal/gqlclient"
	"linkspan/internal/gqlclient/gqlclienttest"
)

// kindOfLog is what a listener can follow, and what a server says of it.
type kindOfLog struct {
	// listener is one on a fake server, and what it writes. Before it writes an event it asks shows.
	listener                  func(t *testing.T, script gqlclienttest.Script, shows func(cursor string) error) (l *listener, lines, notes *bytes.Buffer)
	answer                    func(gqlclienttest.Operation) any
	event, unshown, heartbeat func(cursor string) string
	variables                 map[string]any // of the subscription, beside the cursor
	title                     string
}

var kindsOfLog = map[string]kindOfLog{
	"the inbox": {
		listener: func(t *testing.T, script gqlclienttest.Script, shows func(string) error) (l *listener, lines, notes *bytes.Buffer) {
			l, lines, notes = listenerOf(t, script)
			l.log = &inboxLog{show: func(r receivedInvitation) error {
				if err := shows(r.Cursor); err != nil {
					return err
				}
				return showJSON(lines, r)
			}}
			return l, lines, notes
		},
		answer: gil, event: invitation, heartbeat: checkpoint,
		unshown: func(cursor string) string {
			return `{"inbox":{"__typename":"InvitationChanged","cursor":"` + cursor + `","at":"2026-11-23T21:18:00Z"}}`
		},
		title: "listening for invitations to globex at ",
	},
	"a channel": {
		listener: func(t *testing.T, script gqlclienttest.Script, shows func(string) error) (l *listener, lines, notes *bytes.Buffer) {
			l, lines, notes = channelListenerOf(t, script)
			l.log.(*channelLog).show = func(e channelEvent) error {
				if err := shows(e.Cursor); err != nil {
					return err
				}
				return showEventJSON(lines, e)
			}
			return l, lines, notes
		},
		answer:    gilInLaunch,
		event:     func(cursor string) string { return happens("MessagePosted", cursor, `,"message":{"body":"a"}`) },
		unshown:   func(cursor string) string { return happens("ChannelCheckpoint", cursor, "") },
		heartbeat: func(cursor string) string { return happens("ChannelCheckpoint", cursor, "") },
		variables: map[string]any{"channelId": "chn_1", "people": false},
		title:     "listening to “acme-launch” as globex at ",
	},
}

// ofEachLog runs a test with each kind of log.
func ofEachLog(t *testing.T, test func(t *testing.T, k kindOfLog)) {
	t.Parallel()
	for name, k := range kindsOfLog {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}

func TestListenResumesFromWhereItWas(t *testing.T) {
	ofEachLog(t, func(t *testing.T, k kindOfLog) {
		var mu sync.Mutex
		var sent []map[string]any // the variables of the subscriptions, one a connection
		ctx, end := context.WithCancel(t.Context())
		connections := []func(*gqlclienttest.Peer, string){
			func(*gqlclienttest.Peer, string) {}, // breaks before the first event
			func(p *gqlclienttest.Peer, id string) { p.Next(id, k.heartbeat("1")) },
			func(p *gqlclienttest.Peer, id string) { p.Next(id, k.event("2")); p.Next(id, k.event("3")) },
			func(p *gqlclienttest.Peer, id string) { p.Complete(id); p.Gone() },
			func(p *gqlclienttest.Peer, id string) {
				p.Next(id, k.unshown("4"))
				p.Close(gqlclient.CloseRestart, "restarting")
			},
			func(p *gqlclienttest.Peer, id string) { p.Next(id, k.event("5")); p.Gone() },
		}
		script := gqlclienttest.Script{Answer: k.answer, Socket: func(p *gqlclienttest.Peer) {
			p.Open()
			id, op, ok := p.Subscribed()
			if ok {
				mu.Lock()
				connection := connections[len(sent)]
				sent = append(sent, op.Variables)
				mu.Unlock()
				connection(p, id)
			}
		}}
		l, lines, notes := k.listener(t, script, func(cursor string) error {
			if cursor == "5" {
				end()
			}
			return nil
		})
		if err := l.run(ctx); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		var want []map[string]any
		for _, after := range []string{"now", "now", "1", "3", "3", "4"} {
			variables := map[string]any{"after": after}
			maps.Copy(variables, k.variables)
			want = append(want, variables)
		}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("subscriptions: %s", diff)
		}
		if diff := cmp.Diff([]string{"2", "3", "5"}, shown(t, lines)); diff != "" {
			t.Errorf("shown: %s", diff)
		}
		for _, said := range []string{k.title + l.client.URL, "the connection is lost", "connected again, continuing behind 1\n"} {
			if !strings.Contains(notes.String(), said) {
				t.Errorf("%q is not said:\n%s", said, notes)
			}
		}
	})
}

func TestListenBeginsBehindTheGivenCursor(t *testing.T) {
	ofEachLog(t, func(t *testing.T, k kindOfLog) {
		ctx, end := context.WithCancel(t.Context())
		after := make(chan any, 1)
		l, _, _ := k.listener(t, gqlclienttest.Script{Answer: k.answer, Socket: func(p *gqlclienttest.Peer) {
			p.Open()
			_, op, _ := p.Subscribed()
			after <- op.Variables["after"]
			end()
			p.Gone()
		}}, nil)
		given := "given"
		l.after = &given
		if err := l.run(ctx); err != nil {
			t.Error(err)
		}
		if position := <-after; position != "given" {
			t.Errorf("began behind %v", position)
		}
	})
}

func TestListenDoesNotPassWhatItCouldNotWrite(t *testing.T) {
	ofEachLog(t, func(t *testing.T, k kindOfLog) {
		full := errors.New("no space left")
		l, _, _ := k.listener(t, gqlclienttest.Script{Answer: k.answer, Socket: func(p *gqlclienttest.Peer) {
			p.Open()
			id, _, _ := p.Subscribed()
			p.Next(id, k.event("1"))
			p.Gone()
		}}, func(string) error { return full })
		if err := l.run(t.Context()); !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
		if *l.after != "now" {
			t.Errorf("the position is %s", *l.after)
		}
	})
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
