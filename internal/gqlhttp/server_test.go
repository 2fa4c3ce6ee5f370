package gqlhttp_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"linkspan/internal/gqlhttp"
)

// patience bounds the waiting of a test for what must happen soon.
const patience = time.Minute

func pause() <-chan time.Time { return time.After(time.Millisecond) }

// site is a server with a transport in it.
type site struct {
	*service
	t         testing.TB
	transport *gqlhttp.Transport
	url       string
	watch     *watch

	readBuffer int // of sockets that are opened, in bytes; 0: as the system has it
}

// serve starts a server; it ends with the test, which fails where something is still open then or was recovered.
func serve(t testing.TB, config gqlhttp.Config) *site {
	t.Helper()
	s := &site{service: newService(), t: t, watch: &watch{open: map[gqlhttp.Kind]int{}, sent: map[gqlhttp.Kind]int{}}}
	if config.Watch == nil {
		config.Watch = s.watch
	}
	s.transport = gqlhttp.New(config)
	server := httptest.NewServer(s.transport.Handler(s.executor()))
	s.url = server.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.transport.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		server.CloseClientConnections()
		server.Close()
		for s.running.Load() != 0 { // they learn of it in goroutines of their own
			if ctx.Err() != nil {
				t.Fatalf("%d resolvers are still running", s.running.Load())
			}
			<-pause()
		}
		for _, kind := range []gqlhttp.Kind{gqlhttp.WebSocket, gqlhttp.SSE, gqlhttp.Multipart} {
			if n := s.watch.count(kind); n != 0 {
				t.Errorf("%d of %s are still open", n, kind)
			}
		}
	})
	return s
}

// watch remembers what it is told.
type watch struct {
	mu       sync.Mutex
	open     map[gqlhttp.Kind]int
	sent     map[gqlhttp.Kind]int
	codes    []gqlhttp.CloseCode
	panicked []any
}

func (w *watch) Opened(kind gqlhttp.Kind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[kind]++
}

func (w *watch) Closed(kind gqlhttp.Kind, code gqlhttp.CloseCode) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[kind]--
	w.codes = append(w.codes, code)
}

func (w *watch) Sent(kind gqlhttp.Kind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent[kind]++
}

func (w *watch) Panicked(_ context.Context, recovered any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.panicked = append(w.panicked, recovered)
}

func (w *watch) sentOn(kind gqlhttp.Kind) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent[kind]
}

func (w *watch) count(kind gqlhttp.Kind) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open[kind]
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request; headers are pairs of name and value.
func (s *site) do(method, url, body string, headers ...string) answer {
	s.t.Helper()
	response := s.begin(s.t.Context(), method, url, body, headers...)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// begin sends a request and does not wait for the whole answer.
func (s *site) begin(ctx context.Context, method, url, body string, headers ...string) *http.Response {
	s.t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, s.url+url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	return response
}

// post asks for a document.
func (s *site) post(document string, headers ...string) answer {
	s.t.Helper()
	return s.do(http.MethodPost, "", quote(document), append([]string{"Content-Type", "application/json"}, headers...)...)
}

// quote is a request for a document.
func quote(document string) string {
	text, _ := json.Marshal(map[string]string{"query": document})
	return string(text)
}

// socket is a client of graphql-transport-ws that does only what it is told.
type socket struct {
	t    testing.TB
	ctx  context.Context
	conn *websocket.Conn
}

// dial opens a socket with these subprotocols.
func (s *site) dial(subprotocols ...string) *socket {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	s.t.Cleanup(cancel)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil && s.readBuffer > 0 {
			err = conn.(*net.TCPConn).SetReadBuffer(s.readBuffer)
		}
		return conn, err
	}}}
	conn, _, err := websocket.Dial(ctx, s.url, &websocket.DialOptions{Subprotocols: subprotocols, HTTPClient: client})
	if err != nil {
		s.t.Fatal(err)
	}
	conn.SetReadLimit(1 << 21)
	s.t.Cleanup(func() { _ = conn.CloseNow() })
	return &socket{s.t, ctx, conn}
}

// connect opens a socket that is acknowledged.
func (s *site) connect() *socket {
	s.t.Helper()
	k := s.dial("graphql-transport-ws")
	k.send(`{"type":"connection_init"}`)
	k.expect(`{"type":"connection_ack"}`)
	return k
}

func (k *socket) send(text string) {
	k.t.Helper()
	if err := k.conn.Write(k.ctx, websocket.MessageText, []byte(text)); err != nil {
		k.t.Fatal(err)
	}
}

// read returns the next message, or the code and reason that the socket was closed with.
func (k *socket) read() (string, websocket.CloseError) {
	_, text, err := k.conn.Read(k.ctx)
	if err == nil {
		return string(text), websocket.CloseError{}
	}
	closed := websocket.CloseError{Code: websocket.CloseStatus(err)}
	if closed.Code == -1 {
		closed.Reason = err.Error()
	}
	return "", closed
}

// expect reads the messages that must come next.
func (k *socket) expect(messages ...string) {
	k.t.Helper()
	for _, want := range messages {
		if got, closed := k.read(); got != want {
			k.t.Fatalf("got %.300s %v, want %.300s", got, closed, want)
		}
	}
}

// closed expects the socket to be closed with a code.
func (k *socket) closed(code websocket.StatusCode) {
	k.t.Helper()
	if got, closed := k.read(); closed.Code != code {
		k.t.Fatalf("got %.300s %v, want %d", got, closed, code)
	}
}

// subscribe is the message that begins an operation.
func subscribe(id, document string) string {
	return `{"id":"` + id + `","type":"subscribe","payload":` + quote(document) + `}`
}

// panics is how often the watch was told of one.
func (w *watch) panics() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.panicked)
}
