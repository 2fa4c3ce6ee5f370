package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"linkspan/internal/server/servertest"
)

// patience is how long a test waits for what must happen soon.
const patience = 20 * time.Second

// socket is a graphql-transport-ws connection that one goroutine uses. What comes is read as it comes and pings are answered, also while the test
// does something else; it waits here, up to a bound that no test comes near.
type socket struct {
	t     testing.TB
	ctx   context.Context
	conn  *websocket.Conn
	came  chan frame // closed behind the last
	ended error      // why, once came is closed
	last  int        // number of the last operation
}

// frame is a message of the protocol.
type frame struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// bearing is how a socket signs in: by the upgrade's header, by connection_init's payload, by both or not at all.
type bearing struct{ header, payload string }

// dial opens a socket that is signed in; it is closed when the test ends.
func dial(t testing.TB, s *place, by bearing) *socket {
	t.Helper()
	k := knock(t, s, by)
	if ack := k.read(); ack.Type != "connection_ack" {
		t.Fatalf("connection_init got %s %s", ack.Type, ack.Payload)
	}
	return k
}

// knock opens a socket and asks to be signed in.
func knock(t testing.TB, s *place, by bearing) *socket {
	t.Helper()
	ctx := t.Context()
	dialing, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	header := http.Header{}
	if by.header != "" {
		header.Set("Authorization", "Bearer "+by.header)
	}
	conn, response, err := websocket.Dial(dialing, "ws"+strings.TrimPrefix(s.URL, "http")+"/graphql", &websocket.DialOptions{
		HTTPHeader: header, Subprotocols: []string{"graphql-transport-ws"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if response.Body != nil {
		defer response.Body.Close()
	}
	conn.SetReadLimit(1 << 22)
	t.Cleanup(func() { _ = conn.CloseNow() })
	k := &socket{t: t, ctx: ctx, conn: conn, came: make(chan frame, 1<<14)}
	go k.listen()
	init := frame{Type: "connection_init"}
	if by.payload != "" {
		init.Payload, _ = json.Marshal(map[string]string{"Authorization": "Bearer " + by.payload})
	}
	k.write(init)
	return k
}

func (k *socket) write(f frame) {
	k.t.Helper()
	if err := wsjson.Write(k.ctx, k.conn, f); err != nil {
		k.t.Fatal(err)
	}
}

// listen keeps what comes, but for pings, which it answers.
func (k *socket) listen() {
	defer close(k.came)
	for {
		var f frame
		if k.ended = wsjson.Read(k.ctx, k.conn, &f); k.ended != nil {
			return
		}
		switch f.Type {
		case "ping":
			if k.ended = wsjson.Write(k.ctx, k.conn, frame{Type: "pong"}); k.ended != nil {
				return
			}
		case "pong":
		default:
			k.came <- f
		}
	}
}

// next returns the next frame that is no ping, or why there is none.
func (k *socket) next() (frame, error) {
	select {
	case f, ok := <-k.came:
		if !ok {
			return f, k.ended
		}
		return f, nil
	case <-time.After(3 * patience):
		return frame{}, errors.New("nothing came in time")
	}
}

func (k *socket) read() frame {
	k.t.Helper()
	f, err := k.next()
	if err != nil {
		k.t.Fatal(err)
	}
	return f
}

// subscribe starts an operation and returns its id.
func (k *socket) subscribe(document string, variables map[string]any) string {
	k.t.Helper()
	payload, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		k.t.Fatal(err)
	}
	k.last++
	id := strconv.Itoa(k.last)
	k.write(frame{ID: id, Type: "subscribe", Payload: payload})
	return id
}

// complete ends an operation from this side.
func (k *socket) complete(id string) {
	k.t.Helper()
	k.write(frame{ID: id, Type: "complete"})
}

// answer waits for the next answer of an operation. A frame of type error is an answer with errors alone; done means
// that the server completed the operation instead.
func (k *socket) answer(id string) (answer servertest.Answer, done bool) {
	k.t.Helper()
	for {
		f := k.read()
		if f.ID != id {
			continue // left over from an operation that was completed
		}
		answer.Body = string(f.Payload)
		var err error
		switch f.Type {
		case "next":
			err = json.Unmarshal(f.Payload, &struct {
				Data   *map[string]any     `json:"data"`
				Errors *[]servertest.Error `json:"errors"`
			}{&answer.Data, &answer.Errors})
		case "error":
			err = json.Unmarshal(f.Payload, &answer.Errors)
		case "complete":
			return answer, true
		default:
			k.t.Fatalf("unexpected frame %s %s", f.Type, f.Payload)
		}
		if err != nil {
			k.t.Fatalf("%v: %s", err, f.Payload)
		}
		return answer, false
	}
}

// event waits for the next event of a subscription with one root field and returns that field's value.
func (k *socket) event(id string) map[string]any {
	k.t.Helper()
	answer, done := k.answer(id)
	if done || len(answer.Errors) > 0 || len(answer.Data) != 1 {
		k.t.Fatalf("no event: done %v, %s", done, answer.Body)
	}
	for _, value := range answer.Data {
		return value.(map[string]any)
	}
	return nil
}
