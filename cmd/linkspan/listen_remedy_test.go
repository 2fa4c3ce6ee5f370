package main

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"linkspan/internal/gqlclient"
	"linkspan/internal/gqlclient/gqlclienttest"
)

func TestListenEndsWithWhatIsNotMendedByTryingAgain(t *testing.T) {
	t.Parallel()
	status := func(status int) func(gqlclienttest.Operation) any {
		return func(gqlclienttest.Operation) any {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "text", status) })
		}
	}
	answer := func(code string) func(gqlclienttest.Operation) any {
		return func(gqlclienttest.Operation) any { return gqlclienttest.Faults(code, "Because.", false) }
	}
	subscribed := func(then func(*gqlclienttest.Peer, string)) func(*gqlclienttest.Peer) {
		return func(p *gqlclienttest.Peer) {
			p.Open()
			if id, _, ok := p.Subscribed(); ok {
				then(p, id)
			}
			p.Gone()
		}
	}
	for name, c := range map[string]struct {
		script gqlclienttest.Script
		want   string
	}{
		"not signed in":      {gqlclienttest.Script{Answer: answer("UNAUTHENTICATED")}, getToken},
		"status 401":         {gqlclienttest.Script{Answer: status(http.StatusUnauthorized)}, getToken},
		"no Linkspan":        {gqlclienttest.Script{Answer: status(http.StatusNotFound)}, "check LINKSPAN_URL"},
		"another schema":     {gqlclienttest.Script{Answer: answer("GRAPHQL_VALIDATION_FAILED")}, "GRAPHQL_VALIDATION_FAILED: Because."},
		"an operator":        {gqlclienttest.Script{Answer: func(gqlclienttest.Operation) any { return map[string]any{"data": map[string]any{"viewer": nil}} }}, "operator"},
		"socket not let in":  {gqlclienttest.Script{Answer: gil, Socket: func(p *gqlclienttest.Peer) { p.Receive(); p.Close(gqlclient.CloseForbidden, "Forbidden") }}, getToken},
		"socket not in time": {gqlclienttest.Script{Answer: gil, Socket: subscribed(func(p *gqlclienttest.Peer, _ string) { p.Close(gqlclient.CloseUnauthorized, "expired") })}, getToken},
		"bad message":        {gqlclienttest.Script{Answer: gil, Socket: subscribed(func(p *gqlclienttest.Peer, _ string) { p.Close(gqlclient.CloseBadRequest, "what?") })}, "same version"},
		"foreign cursor": {gqlclienttest.Script{Answer: gil, Socket: subscribed(func(p *gqlclienttest.Peer, id string) {
			p.Fail(id, "BAD_USER_INPUT", "This cursor is of another log.")
		})}, "This cursor is of another log."},
		"refused by a result": {gqlclienttest.Script{Answer: gil, Socket: subscribed(func(p *gqlclienttest.Peer, id string) {
			p.NextPayload(id, `{"data":null,"errors":[{"message":"no","extensions":{"code":"BAD_USER_INPUT"}}]}`)
			p.Complete(id)
		})}, "--after"},
		"expired": {gqlclienttest.Script{Answer: gil, Socket: subscribed(func(p *gqlclienttest.Peer, id string) {
			p.Fail(id, "CURSOR_EXPIRED", "query first")
		})}, "receivedInvitations"},
		"token ends": {gqlclienttest.Script{Answer: gil, Socket: subscribed(func(p *gqlclienttest.Peer, id string) {
			p.Next(id, checkpoint("it's 7"))
			p.Fail(id, "UNAUTHENTICATED", "expired")
		})}, `listen --after 'it'\''s 7'`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, lines, _ := listenerOf(t, c.script)
			l.pause = func(context.Context, int) { t.Error("it tries again") }
			err := l.run(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			if lines.Len() > 0 {
				t.Errorf("it wrote %s", lines)
			}
		})
	}
}
