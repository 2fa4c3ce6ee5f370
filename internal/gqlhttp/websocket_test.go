package gqlhttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"linkspan/internal/gqlhttp"
)

// TestSocketProtocol is what PROTOCOL.md says of a socket on which nothing goes wrong.
func TestSocketProtocol(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{})
	k := s.connect()
	k.send(subscribe("q", "{ name }"))
	k.expect(`{"id":"q","type":"next","payload":{"data":{"name":"linkspan"}}}`, `{"id":"q","type":"complete"}`)
	k.send(subscribe("q", "subscription { count(to: 2) }")) // the id is free again
	k.expect(`{"id":"q","type":"next","payload":{"data":{"count":1}}}`, `{"id":"q","type":"next","payload":{"data":{"count":2}}}`, `{"id":"q","type":"complete"}`)
	k.send(`{"type":"ping"}`)
	k.expect(`{"type":"pong"}`)
	k.send(`{"type":"ping","payload":{"a":[1,"é"]}}`)
	k.expect(`{"type":"pong","payload":{"a":[1,"é"]}}`)
	k.send(`{"type":"pong"}`) // unasked: a heartbeat
	k.send(`{"type":"complete","id":"unknown"}`)
	k.send(subscribe(`é\"`, "mutation { name }"))
	k.expect(`{"id":"é\"","type":"next","payload":{"data":{"name":"linkspan"}}}`, `{"id":"é\"","type":"complete"}`)
	k.send(subscribe("b", "{ breaks }")) // an error of a field is part of the result
	k.expect(`{"id":"b","type":"next","payload":{"errors":[{"message":"it broke","extensions":{"presented":true}}],"data":{"breaks":null}}}`, `{"id":"b","type":"complete"}`)
	if sent := s.watch.sentOn(gqlhttp.WebSocket); sent != 5 {
		t.Errorf("%d responses were told to be sent, want 5", sent)
	}
}

// TestSocketErrors has operations fail: error is their last message, and the socket stays.
func TestSocketErrors(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{MaxOperations: 2})
	k := s.connect()
	for document, message := range map[string]string{
		"{": "Expected Name", "{ none }": "Cannot query field", "query($t: String!) { echo(text: $t) }": "must be defined", "": "no operation",
		"subscription { refused }": "not for you",
	} {
		k.send(subscribe("1", document))
		got, _ := k.read()
		if !strings.HasPrefix(got, `{"id":"1","type":"error","payload":[{"message":"`) || !strings.Contains(got, message) || !strings.Contains(got, `"presented":true`) {
			t.Errorf("%s: %s", document, got)
		}
	}
	k.send(`{"id":"1","type":"subscribe","payload":{"query":"{ name }","variables":{"a":"\ud800"}}}`)
	if got, _ := k.read(); !strings.HasPrefix(got, `{"id":"1","type":"error","payload":[{"message":"`) || !strings.Contains(got, "not Unicode") {
		t.Errorf("half a pair: %s", got)
	}
	k.send(subscribe("f", "subscription { fails }"))
	k.expect(`{"id":"f","type":"next","payload":{"data":{"fails":1}}}`, `{"id":"f","type":"error","payload":[{"message":"it broke off"}]}`)
	k.send(subscribe("1", "subscription { silent }"))
	k.send(subscribe("2", "subscription { silent }"))
	k.send(subscribe("3", "subscription { silent }"))
	if got, _ := k.read(); !strings.HasPrefix(got, `{"id":"3","type":"error"`) || !strings.Contains(got, "at most 2") {
		t.Errorf("a third operation: %s", got)
	}
	k.send(`{"type":"complete","id":"1"}`)
	k.send(subscribe("3", "{ name }"))
	k.expect(`{"id":"3","type":"next","payload":{"data":{"name":"linkspan"}}}`, `{"id":"3","type":"complete"}`)
}

// TestSocketSilence sends nothing more of an operation that the client has completed, and frees its resolver and its id.
func TestSocketSilence(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{})
	k := s.connect()
	for range 20 {
		k.send(subscribe("e", "subscription { endless }"))
		if got, closed := k.read(); !strings.HasPrefix(got, `{"id":"e","type":"next"`) {
			t.Fatalf("%.100s %v", got, closed)
		}
		k.send(`{"type":"complete","id":"e"}`)
		k.send(`{"type":"ping"}`)
		for got := ""; got != `{"type":"pong"}`; got, _ = k.read() {
			if strings.Contains(got, "complete") {
				t.Fatalf("got %s", got)
			}
		}
		k.send(subscribe("e", "{ name }")) // what follows the pong is of this one alone
		k.expect(`{"id":"e","type":"next","payload":{"data":{"name":"linkspan"}}}`, `{"id":"e","type":"complete"}`)
	}
	eventually(t, "the resolvers have ended", func() bool { return s.running.Load() == 0 })
}

// TestSocketCloseCodes breaks each rule.
func TestSocketCloseCodes(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{MaxBodyBytes: 1000, InitTimeout: time.Minute, Init: func(ctx context.Context, payload json.RawMessage) (context.Context, error) {
		switch string(payload) {
		case `{"refuse":"expired"}`:
			return nil, &gqlhttp.CloseError{Code: gqlhttp.CloseForbidden, Reason: strings.Repeat("é", 100)}
		case `{"refuse":"other"}`:
			return nil, errors.New("a secret")
		case `{"refuse":"panic"}`:
			panic("on purpose")
		}
		return ctx, nil
	}})
	const init = `{"type":"connection_init"}`
	for name, c := range map[string]struct {
		messages []string
		code     websocket.StatusCode
	}{
		"no JSON":                       {[]string{"x"}, 4400},
		"a number":                      {[]string{"7"}, 4400},
		"null":                          {[]string{"null"}, 4400},
		"an array":                      {[]string{"[]"}, 4400},
		"no type":                       {[]string{"{}"}, 4400},
		"an unknown type":               {[]string{`{"type":"start"}`}, 4400},
		"a type of the old protocol":    {[]string{init, `{"type":"stop","id":"1"}`}, 4400},
		"a message of the server":       {[]string{init, `{"type":"next","id":"1","payload":{}}`}, 4400},
		"the payload of init is a text": {[]string{`{"type":"connection_init","payload":"x"}`}, 4400},
		"the payload of ping is a list": {[]string{init, `{"type":"ping","payload":[]}`}, 4400},
		"subscribe without an id":       {[]string{init, `{"type":"subscribe","payload":{"query":"{ name }"}}`}, 4400},
		"subscribe with an empty id":    {[]string{init, subscribe("", "{ name }")}, 4400},
		"subscribe with a long id":      {[]string{init, subscribe(strings.Repeat("x", 257), "{ name }")}, 4400},
		"subscribe with a number as id": {[]string{init, `{"id":1,"type":"subscribe","payload":{"query":"{ name }"}}`}, 4400},
		"subscribe without a payload":   {[]string{init, `{"id":"1","type":"subscribe"}`}, 4400},
		"subscribe without a query":     {[]string{init, `{"id":"1","type":"subscribe","payload":{}}`}, 4400},
		"subscribe with a list":         {[]string{init, `{"id":"1","type":"subscribe","payload":{"query":"{ name }","variables":[]}}`}, 4400},
		"an id with half a pair":        {[]string{init, `{"id":"\ud800","type":"subscribe","payload":{"query":"{ name }"}}`}, 4400},
		"complete without an id":        {[]string{init, `{"type":"complete"}`}, 4400},
		"a name twice":                  {[]string{init, `{"id":"1","type":"subscribe","payload":{"query":"{ name }","query":"{ none }"}}`}, 4400},
		"not UTF-8":                     {[]string{init, "{\"type\":\"ping\",\"payload\":{\"a\":\"\xff\"}}"}, 4400},
		"subscribe before init":         {[]string{subscribe("1", "{ name }")}, 4401},
		"init twice":                    {[]string{init, init}, 4429},
		"an id twice":                   {[]string{init, subscribe("1", "subscription { silent }"), subscribe("1", "{ name }")}, 4409},
		"too big":                       {[]string{init, subscribe("1", strings.Repeat("#", 1000))}, 1009},
		"init is refused":               {[]string{`{"type":"connection_init","payload":{"refuse":"expired"}}`}, 4403},
		"init breaks":                   {[]string{`{"type":"connection_init","payload":{"refuse":"other"}}`}, 4500},
		"init panics":                   {[]string{`{"type":"connection_init","payload":{"refuse":"panic"}}`}, 4500},
		"a subscription panics":         {[]string{init, subscribe("1", "subscription { panics }")}, 4500},
		"a query panics":                {[]string{init, subscribe("1", "{ panics }")}, 4500},
	} {
		t.Run(name, func(t *testing.T) {
			s := *s
			s.t = t
			k := s.dial("graphql-transport-ws")
			for _, message := range c.messages {
				k.send(message)
			}
			for {
				got, closed := k.read()
				if got != "" {
					continue // an acknowledgement, a pong
				}
				if closed.Code != c.code || strings.Contains(closed.Reason, "secret") {
					t.Errorf("closed with %v, want %d", closed, c.code)
				}
				return
			}
		})
	}
	t.Run("binary", func(t *testing.T) {
		s := *s
		s.t = t
		k := s.dial("graphql-transport-ws")
		if err := k.conn.Write(k.ctx, websocket.MessageBinary, []byte(init)); err != nil {
			t.Fatal(err)
		}
		k.closed(4400)
	})
	for name, subprotocols := range map[string][]string{"none": nil, "the old one": {"graphql-ws"}} {
		t.Run("subprotocol: "+name, func(t *testing.T) {
			s := *s
			s.t = t
			k := s.dial(subprotocols...)
			if got := k.conn.Subprotocol(); got != "" {
				t.Errorf("it takes %s", got)
			}
			k.closed(4406)
		})
	}
	if n := s.watch.panics(); n != 3 {
		t.Errorf("%d panics were told of, want 3", n)
	}
}

// TestSocketInitTimeout gives up on clients that don't send connection_init.
func TestSocketInitTimeout(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{InitTimeout: 20 * time.Millisecond})
	s.dial("graphql-transport-ws").closed(4408)
	pinging := s.dial("graphql-transport-ws")
	pinging.send(`{"type":"ping"}`)
	for got := `{"type":"pong"}`; got != ""; {
		var closed websocket.CloseError
		if got, closed = pinging.read(); got == "" && closed.Code != 4408 {
			t.Errorf("closed with %v", closed)
		}
	}
}

// TestSocketInitTakesLong gives up on an Init that does not come to an end.
func TestSocketInitTakesLong(t *testing.T) {
	t.Parallel()
	given := make(chan error, 1)
	s := serve(t, gqlhttp.Config{InitTimeout: 20 * time.Millisecond, Init: func(ctx context.Context, _ json.RawMessage) (context.Context, error) {
		<-ctx.Done()
		given <- context.Cause(ctx)
		return ctx, nil
	}})
	k := s.dial("graphql-transport-ws")
	k.send(`{"type":"connection_init"}`)
	k.closed(4408)
	if err := <-given; err == nil {
		t.Error("Init was not told why")
	}
}

// TestUpgrades refuses what is no upgrade to a WebSocket, or comes from another site's page.
func TestUpgrades(t *testing.T) {
	t.Parallel()
	s := serve(t, gqlhttp.Config{})
	upgrade := func(more ...string) []string {
		headers := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Protocol", "graphql-transport-ws"}
		return append(headers, more...)
	}
	key, version := []string{"Sec-WebSocket-Key", "MDEyMzQ1Njc4OWFiY2RlZg=="}, []string{"Sec-WebSocket-Version", "13"}
	for name, c := range map[string]struct {
		method  string
		headers []string
		status  int
	}{
		"no key":           {"GET", upgrade(version...), 400},
		"another version":  {"GET", upgrade(append(key, "Sec-WebSocket-Version", "8")...), 400},
		"by POST":          {"POST", upgrade(append(key, version...)...), 405},
		"another origin":   {"GET", upgrade(append(append(key, version...), "Origin", "https://evil.example")...), 403},
		"no origin at all": {"GET", upgrade(append(append(key, version...), "Origin", "null")...), 403},
	} {
		got := s.do(c.method, "", "", c.headers...)
		if got.status != c.status || !strings.Contains(got.body, `"presented":true`) {
			t.Errorf("%s: %d %s, want %d", name, got.status, got.body, c.status)
		}
	}
	got := s.begin(t.Context(), "GET", "", "", upgrade(append(append(key, version...), "Origin", s.url)...)...)
	defer got.Body.Close()
	if got.StatusCode != http.StatusSwitchingProtocols || got.Header.Get("Sec-WebSocket-Protocol") != "graphql-transport-ws" {
		t.Errorf("the same origin: %d %v", got.StatusCode, got.Header)
	}
}

// TestSocketPings pings clients, and closes sockets of those that don't answer.
func TestSocketPings(t *testing.T) {
	t.Parallel()
	answering := serve(t, gqlhttp.Config{Heartbeat: 4 * time.Second, PongTimeout: 3900 * time.Millisecond}).connect()
	silent := serve(t, gqlhttp.Config{Heartbeat: 40 * time.Millisecond, PongTimeout: 20 * time.Millisecond}).connect()
	for range 2 {
		answering.expect(`{"type":"ping"}`)
		answering.send(`{"type":"pong"}`)
	}
	silent.expect(`{"type":"ping"}`)
	silent.closed(4408)
}

// TestSocketParties bounds how many connections a party has, and how long they live.
func TestSocketParties(t *testing.T) {
	t.Parallel()
	type keyOf struct{}
	s := serve(t, gqlhttp.Config{
		MaxConnections: 2,
		Init: func(ctx context.Context, payload json.RawMessage) (context.Context, error) {
			return context.WithValue(ctx, keyOf{}, string(payload)), nil
		},
		Party: func(ctx context.Context) gqlhttp.Party {
			key, _ := ctx.Value(keyOf{}).(string)
			party := gqlhttp.Party{Key: key}
			if strings.Contains(key, "short") {
				party.Expires = time.Now().Add(50 * time.Millisecond)
			}
			return party
		},
	})
	open := func(name string) *socket {
		k := s.dial("graphql-transport-ws")
		k.send(`{"type":"connection_init","payload":{"name":"` + name + `"}}`)
		return k
	}
	one, two := open("a"), open("a")
	one.expect(`{"type":"connection_ack"}`)
	two.expect(`{"type":"connection_ack"}`)
	open("a").closed(1013)
	open("b").expect(`{"type":"connection_ack"}`)
	_ = two.conn.Close(websocket.StatusNormalClosure, "")
	eventually(t, "its place is free", func() bool {
		k := open("a")
		got, _ := k.read()
		return got == `{"type":"connection_ack"}`
	})
	short := open("short")
	short.expect(`{"type":"connection_ack"}`)
	short.send(subscribe("1", "subscription { silent }"))
	short.closed(4403)
}
