package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"linkspan/internal/gqlclient"
	"linkspan/internal/gqlclient/gqlclienttest"
)

// channelListenerOf is listenerOf for a channel.
func channelListenerOf(t *testing.T, script gqlclienttest.Script) (l *listener, lines, notes *bytes.Buffer) {
	t.Helper()
	l, lines, notes = listenerOf(t, script)
	l.log = &channelLog{id: "chn_1", show: func(e channelEvent) error { return showEventJSON(lines, e) }}
	return l, lines, notes
}

// gilInLaunch answers who listens to what.
func gilInLaunch(gqlclienttest.Operation) any {
	return map[string]any{"data": map[string]any{
		"viewer": map[string]any{"group": map[string]any{"id": "grp_g", "handle": "globex", "name": "Globex"}},
		"node":   map[string]any{"__typename": "SharedChannel", "id": "chn_1", "name": "acme-launch", "messages": map[string]any{"logCursor": "now"}},
	}}
}

// happens is an event of a channel at that cursor, with these fields.
func happens(typename, cursor, fields string) string {
	return `{"channelEvents":{"__typename":"` + typename + `","cursor":"` + cursor + `","at":"2026-11-23T21:18:00Z"` + fields + `}}`
}

// TestListenToAChannelWritesWhatWasSent has events written as they came, those of an unknown kind too.
func TestListenToAChannelWritesWhatWasSent(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	l, lines, _ := channelListenerOf(t, gqlclienttest.Script{Answer: gilInLaunch, Socket: func(p *gqlclienttest.Peer) {
		p.Open()
		id, _, _ := p.Subscribed()
		p.Next(id, happens("MessagePosted", "1", `,"message":{"body":"a"}`))
		p.Next(id, happens("MessageNovel", "2", ""))
		p.Gone()
	}})
	log := l.log.(*channelLog)
	show := log.show
	log.show = func(e channelEvent) error {
		if e.Cursor == "2" {
			end()
		}
		return show(e)
	}
	if err := l.run(ctx); err != nil {
		t.Fatal(err)
	}
	want := `{"__typename":"MessagePosted","cursor":"1","at":"2026-11-23T21:18:00Z","message":{"body":"a"}}
{"__typename":"MessageNovel","cursor":"2","at":"2026-11-23T21:18:00Z"}
`
	if diff := cmp.Diff(want, lines.String()); diff != "" {
		t.Error(diff)
	}
}

func TestListenToAChannelShowsItsEnd(t *testing.T) {
	t.Parallel()
	l, lines, _ := channelListenerOf(t, gqlclienttest.Script{Answer: gilInLaunch, Socket: func(p *gqlclienttest.Peer) {
		p.Open()
		id, _, _ := p.Subscribed()
		p.Next(id, happens("GroupUnlinked", "1", `,"group":{"id":"grp_other"}`))
		p.Next(id, happens("GroupUnlinked", "2", `,"group":{"id":"grp_g"}`))
		p.Complete(id)
		p.Gone()
	}})
	l.pause = func(context.Context, int) { t.Error("it tries again") }
	if err := l.run(t.Context()); err == nil || err.Error() != "globex takes part in this channel no longer" {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"1", "2"}, shown(t, lines)); diff != "" {
		t.Errorf("shown: %s", diff)
	}
}

func TestListenToAChannelEndsWithWhatIsNotMendedByTryingAgain(t *testing.T) {
	t.Parallel()
	const globex = `"viewer":{"group":{"id":"grp_g","handle":"globex"}}`
	answer := func(body string) func(gqlclienttest.Operation) any {
		return func(gqlclienttest.Operation) any { return json.RawMessage(body) }
	}
	failing := func(code string) func(*gqlclienttest.Peer) {
		return func(p *gqlclienttest.Peer) {
			p.Open()
			if id, _, ok := p.Subscribed(); ok {
				p.Fail(id, code, "Because.")
			}
			p.Gone()
		}
	}
	for name, c := range map[string]struct {
		script gqlclienttest.Script
		want   string
	}{
		"an operator":       {gqlclienttest.Script{Answer: answer(`{"data":{"viewer":null,"node":null}}`)}, "operator"},
		"no such channel":   {gqlclienttest.Script{Answer: answer(`{"data":{` + globex + `,"node":null}}`)}, "to globex there is no channel chn_1"},
		"something else":    {gqlclienttest.Script{Answer: answer(`{"data":{` + globex + `,"node":{"__typename":"User","id":"usr_1"}}}`)}, "something else than a channel"},
		"no id":             {gqlclienttest.Script{Answer: answer(`{"data":{` + globex + `,"node":null},"errors":[{"message":"No id.","extensions":{"code":"BAD_USER_INPUT"}}]}`)}, "--channel is not the id of a channel: No id."},
		"takes no part":     {gqlclienttest.Script{Answer: answer(`{"data":{` + globex + `,"node":null},"errors":[{"message":"No.","extensions":{"code":"FORBIDDEN"}}]}`)}, "globex does not take part"},
		"foreign cursor":    {gqlclienttest.Script{Answer: gilInLaunch, Socket: failing("BAD_USER_INPUT")}, "--after"},
		"expired":           {gqlclienttest.Script{Answer: gilInLaunch, Socket: failing("CURSOR_EXPIRED")}, "messages(last: 100)"},
		"not to be seen":    {gqlclienttest.Script{Answer: gilInLaunch, Socket: failing("NOT_FOUND")}, "no channel chn_1 any more"},
		"what nobody knows": {gqlclienttest.Script{Answer: gilInLaunch, Socket: failing("NOVEL")}, "NOVEL: Because."},
		"token ends": {gqlclienttest.Script{Answer: gilInLaunch, Socket: func(p *gqlclienttest.Peer) {
			p.Open()
			id, _, _ := p.Subscribed()
			p.Next(id, happens("ChannelCheckpoint", "7", ""))
			p.Close(gqlclient.CloseUnauthorized, "expired")
		}}, "listen --channel chn_1 --after 7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, lines, _ := channelListenerOf(t, c.script)
			l.pause = func(context.Context, int) { t.Error("it tries again") }
			if err := l.run(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			if lines.Len() > 0 {
				t.Errorf("it wrote %s", lines)
			}
		})
	}
}

func TestListenToAChannelIsTriedAgainWhereItsClusterIsAway(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	away := true
	l, lines, _ := channelListenerOf(t, gqlclienttest.Script{
		Answer: func(op gqlclienttest.Operation) any {
			if away {
				away = false
				return gqlclienttest.Faults("SHARD_UNAVAILABLE", "out of reach", true)
			}
			return gilInLaunch(op)
		},
		Socket: func(p *gqlclienttest.Peer) {
			p.Open()
			id, _, _ := p.Subscribed()
			p.Next(id, happens("MessagePosted", "1", ""))
			p.Gone()
		},
	})
	log := l.log.(*channelLog)
	show := log.show
	log.show = func(e channelEvent) error { end(); return show(e) }
	if err := l.run(ctx); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"1"}, shown(t, lines)); diff != "" {
		t.Error(diff)
	}
}
