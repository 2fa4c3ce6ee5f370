package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
)

func TestRequestIDsReachClientAndLog(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{})
	token := servertest.Admin(t, "ana@acme")

	refused := s.Post(token, `{ node(id: "rubbish") { id } }`, nil)
	id, _ := refused.Errors[0].Extensions["requestId"].(string)
	if id == "" || refused.Header.Get(server.RequestIDHeader) != id {
		t.Errorf("the answer's header says %q, its error %q", refused.Header.Get(server.RequestIDHeader), id)
	}
	if !strings.Contains(s.Logs.String(), `"requestId":"`+id+`"`) {
		t.Errorf("the log does not have %s", id)
	}

	for given, kept := range map[string]bool{"my-request-0001": true, "short": false, "with space and more": false, strings.Repeat("x", 65): false} {
		request, err := http.NewRequest(http.MethodGet, s.URL+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(server.RequestIDHeader, given)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.Header.Get(server.RequestIDHeader); (got == given) != kept || got == "" {
			t.Errorf("given %q, got %q", given, got)
		}
	}
}

func TestLogsHoldNoSecretAndNoText(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{})
	token := servertest.Admin(t, "ana@acme")
	s.Must(token, `mutation { createSharedChannel(input: {target: {handle: "globex"}, name: "marker-name", topic: "marker-topic", note: "marker-note"}) { errors { code } } }`, nil)
	s.Post(token+"x", `{ viewer { id } }`, nil)
	logs := s.Logs.String()
	for _, secret := range []string{token, string(servertest.Secret), "marker-name", "marker-topic", "marker-note"} {
		if strings.Contains(logs, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	for line := range strings.Lines(logs) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{})
	for path, want := range map[string]string{
		"/healthz": `{"status":"alive"}`,
		"/readyz": `{"ready":true,"draining":false,"clusters":[{"name":"main","ready":true},{"name":"shard-1","ready":true},` +
			`{"name":"shard-2","ready":true},{"name":"shard-3","ready":true}]}`,
	} {
		response, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || strings.TrimSpace(string(body)) != want {
			t.Errorf("%s: %d %s %v", path, response.StatusCode, body, err)
		}
	}
}

func TestSubscriptionOverPostIsRefused(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, servertest.Options{})
	for token, want := range map[string]string{servertest.Admin(t, "ana@acme"): "BAD_USER_INPUT", "": "UNAUTHENTICATED"} {
		answer := s.Post(token, `subscription { inbox { cursor } }`, nil)
		if len(answer.Errors) != 1 || answer.Errors[0].Code() != want {
			t.Error(answer.Body)
		}
	}
}

// What a socket may send: one field of a subscription, requests that are text, and 1 MiB a message.
func TestWhatASocketRefuses(t *testing.T) {
	t.Parallel()
	s := &place{Server: servertest.New(t, servertest.Options{})}
	token := servertest.Admin(t, "ana@acme")
	k := dial(t, s, bearing{payload: token})
	answer, _ := k.answer(k.subscribe(`subscription { inbox @skip(if: true) { cursor } }`, nil))
	if len(answer.Errors) != 1 || answer.Errors[0].Code() != "BAD_USER_INPUT" {
		t.Errorf("no field: %s", answer.Body)
	}
	for name, payload := range map[string]string{
		"half a surrogate pair in a variable": `{"query":"{ __typename }","variables":{"a":"\ud800"}}`,
		"half a surrogate pair in a literal":  `{"query":"{ group(handle: \"\\ud800\") { id } }"}`,
	} {
		k.last++
		id := strconv.Itoa(k.last)
		message := `{"type":"subscribe","id":"` + id + `","payload":` + payload + `}`
		if err := k.conn.Write(k.ctx, websocket.MessageText, []byte(message)); err != nil {
			t.Fatal(err)
		}
		answer, _ := k.answer(id)
		if len(answer.Errors) != 1 || answer.Errors[0].Code() != "BAD_USER_INPUT" ||
			answer.Errors[0].Extensions["requestId"] == "" {
			t.Errorf("%s: %s", name, answer.Body)
		}
	}
	for size, fits := range map[int]bool{server.MaxBodyBytes: true, server.MaxBodyBytes + 1: false} {
		k := dial(t, s, bearing{payload: token})
		frame := `{"type":"subscribe","id":"1","payload":{"query":"{ __typename }","variables":{"a":"`
		frame += strings.Repeat("x", size-len(frame)-4) + `"}}}`
		err := k.conn.Write(k.ctx, websocket.MessageText, []byte(frame)) // fails where the socket ends before it has all
		got, readErr := k.next()
		if err == nil {
			err = readErr
		}
		if fits && (err != nil || got.Type != "next") || !fits && err == nil {
			t.Errorf("%d bytes: %+v %v", size, got, err)
		}
	}
}
