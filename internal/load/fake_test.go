package load_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"linkspan/internal/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a server that hands what is posted to all who subscribe, in order, and once; unless deliver says otherwise.
type fake struct {
	t   *testing.T
	url string

	// deliver is what that subscriber (from 0, in the order of their coming) gets of what was posted.
	deliver func(subscriber int, posted string) []string

	// apart is from which subscriber on each is written to by a goroutine of its own; 0: none is.
	apart int
	// leaving is whether subscribers may be gone when something is written to them.
	leaving bool

	mu          sync.Mutex
	subscribers []*fakeSubscriber
	stuck       int // writes to those that are under way
	pongs       int
	posted      int
	dead        []string // what else was asked for a message that is gone
	ended       map[string]bool
	bearers     map[string]int // of requests and sockets
}

type fakeSubscriber struct {
	socket   *websocket.Conn
	protocol load.Protocol
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{t: t, bearers: make(map[string]int), deliver: func(_ int, posted string) []string { return []string{posted} }}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /post", f.post)
	mux.HandleFunc("POST /deeds", f.deeds)
	mux.HandleFunc("GET /metrics", f.metrics)
	mux.HandleFunc("GET /graphql", f.graphql)
	mux.HandleFunc("GET /centrifuge", f.centrifuge)
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		f.mu.Lock()
		for _, s := range f.subscribers {
			s.socket.CloseNow()
		}
		f.mu.Unlock()
		server.Close()
	})
	f.url = server.URL
	return f
}

func (f *fake) call() load.Call {
	return load.Call{URL: f.url + "/post", Body: `{"body":"{{mark}} hello {{n}}"}`, Want: `"posted"`}
}

func (f *fake) listeners(count int) load.Subscribers {
	return load.Subscribers{
		URL: strings.Replace(f.url, "http", "ws", 1) + "/graphql", Protocol: load.GraphQL, Count: count,
		Query: `subscription ($channel: ID!) { events(channel: $channel) { body } }`, Variables: map[string]any{"channel": "c1"},
	}
}

func (f *fake) post(w http.ResponseWriter, r *http.Request) {
	var message struct{ Body string }
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
		f.t.Error(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bearers[r.Header.Get("Authorization")]++
	f.tell(r.Context(), message.Body)
	f.posted++
	fmt.Fprintf(w, `{"posted":true,"message":{"id":"m%d"}}`, f.posted)
}

// tell has all who subscribe hear of what was posted. It needs mu.
func (f *fake) tell(ctx context.Context, posted string) {
	for i, s := range f.subscribers {
		for _, body := range f.deliver(i, posted) {
			text := fmt.Sprintf(`{"id":"1","type":"next","payload":{"data":{"events":{"body":%q}}}}`, body)
			if s.protocol == load.Centrifuge {
				text = fmt.Sprintf(`{"push":{"channel":"c1","pub":{"data":{"body":%q},"offset":1}}}`+"\n{}", body)
			}
			if f.apart > 0 && i >= f.apart {
				f.stuck++
				go f.writeApart(s, text)
			} else if err := s.socket.Write(ctx, websocket.MessageText, []byte(text)); err != nil && !f.leaving {
				f.t.Error(err)
			}
		}
	}
}

// writeApart writes until the socket is closed.
func (f *fake) writeApart(s *fakeSubscriber, text string) {
	if s.socket.Write(context.Background(), websocket.MessageText, []byte(text)) == nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.stuck--
	}
}

func (f *fake) add(s *fakeSubscriber) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subscribers = append(f.subscribers, s)
}

// serve answers the messages of a socket until it ends; answer returns what to, and whether it subscribes.
func (f *fake) serve(w http.ResponseWriter, r *http.Request, protocol load.Protocol, answer func(message string) (to []string, subscribes bool)) {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{string(load.GraphQL)}})
	if err != nil {
		f.t.Error(err)
		return
	}
	for {
		_, message, err := socket.Read(context.Background())
		if err != nil || len(message) == 0 { // a socket that is closed while it is read may give nothing
			return
		}
		to, subscribes := answer(string(message))
		for _, text := range to {
			if socket.Write(context.Background(), websocket.MessageText, []byte(text)) != nil {
				return
			}
		}
		if subscribes {
			f.add(&fakeSubscriber{socket, protocol})
		}
	}
}

func (f *fake) pong() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pongs++
}

func (f *fake) graphql(w http.ResponseWriter, r *http.Request) {
	f.serve(w, r, load.GraphQL, func(message string) ([]string, bool) {
		var m struct {
			Type    string
			Payload struct {
				Authorization string
				Query         string
				Variables     map[string]any
			}
		}
		if err := json.Unmarshal([]byte(message), &m); err != nil {
			f.t.Error(err)
		}
		switch m.Type {
		case "connection_init":
			f.mu.Lock()
			defer f.mu.Unlock()
			f.bearers[m.Payload.Authorization]++
			return []string{`{"type":"ping"}`, `{"type":"connection_ack"}`}, false
		case "subscribe":
			if m.Payload.Variables["channel"] != "c1" {
				return []string{`{"id":"1","type":"error","payload":[{"message":"No such channel."}]}`}, false
			}
			return []string{`{"type":"ping"}`, `{"id":"1","type":"next","payload":{"data":{"events":{"__typename":"Checkpoint"}}}}`}, true
		case "pong":
			f.pong()
		default:
			f.t.Errorf("a subscriber said %s", message)
		}
		return nil, false
	})
}

func (f *fake) centrifuge(w http.ResponseWriter, r *http.Request) {
	f.serve(w, r, load.Centrifuge, func(message string) ([]string, bool) {
		switch message {
		case `{"connect":{},"id":1}`:
			return []string{`{"id":1,"connect":{"client":"x","ping":25,"pong":true}}`}, false
		case `{"id":2,"subscribe":{"channel":"c1","positioned":true,"recoverable":true}}`:
			return []string{`{"id":2,"subscribe":{"recoverable":true}}`}, true
		case `{}`:
			f.pong()
		default:
			f.t.Errorf("a subscriber said %s", message)
		}
		return nil, false
	})
}

// counted is how often something was seen, once the fake is at rest.
func (f *fake) counted(of func() int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return of()
}

// numbered is a mark's writer and number.
func numbered(text string) (writer, number string) {
	parts := strings.Split(text, ":")
	return parts[2], parts[3]
}

func own() load.Processes { return load.Processes{Server: os.Getpid(), Postgres: []int{os.Getpid()}} }

func sorted(of map[string]int) (names []string) {
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
