package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"linkspan/internal/channel"
	"linkspan/resolvers"
)

// TestDrain ends a server: it says so while it still takes requests, and its sockets end with a code that makes clients
// come back.
func TestDrain(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	url, end, ended := serve(t, Config{
		Health:     func(context.Context) []ClusterHealth { return []ClusterHealth{{Name: "main"}} },
		DrainDelay: 300 * time.Millisecond,
	})
	options := &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}}
	conn, response, err := websocket.Dial(ctx, url+"/graphql", options)
	if err != nil {
		t.Fatal(err)
	}
	if response.Body != nil {
		defer response.Body.Close()
	}
	defer conn.CloseNow()
	type message struct {
		Type string `json:"type"`
	}
	var ack message
	if err := errors.Join(wsjson.Write(ctx, conn, message{Type: "connection_init"}), wsjson.Read(ctx, conn, &ack)); err != nil {
		t.Fatal(err)
	}

	end()
	for { // until it has noticed
		response, err := get(ctx, url+"/readyz")
		if err != nil {
			t.Fatalf("it took no more requests before it said that it drains: %v", err)
		}
		if response.StatusCode == http.StatusServiceUnavailable {
			if !strings.Contains(response.body, `"draining":true`) || !response.Close {
				t.Errorf("it says %s, and keeps the connection: %v", response.body, !response.Close)
			}
			break
		}
	}
	for {
		var frame message
		if err = wsjson.Read(ctx, conn, &frame); err != nil {
			break
		}
		if frame.Type != "ping" {
			t.Errorf("the socket got %s", frame.Type)
		}
	}
	var closed websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != websocket.StatusServiceRestart {
		t.Errorf("the socket ended with %v", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := get(ctx, url+"/healthz"); err == nil {
		t.Error("it takes requests after its end")
	}
}

// serve starts a server that answers what needs no store. ended gets what Serve returns after end.
func serve(t *testing.T, config Config) (url string, end func(), ended <-chan error) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config.Resolvers, config.Tokens = resolvers.New(&channel.Service{}), NewTokens(TokenConfig{}, nil)
	config.Logger = slog.New(slog.DiscardHandler)
	ctx, end := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- New(config).Serve(ctx, listener) }()
	return "http://" + listener.Addr().String(), end, result
}

// answered is an answer with its body.
type answered struct {
	*http.Response
	body string
}

func get(ctx context.Context, url string) (answered, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answered{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answered{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answered{response, string(body)}, err
}

// TestUnusedConnection ends a server to which somebody is connected who has not asked anything, as browsers and pools do
// ahead of need. It is not waited for as for a request.
func TestUnusedConnection(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	url, end, ended := serve(t, Config{})
	unused, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer unused.Close()
	// Connections are taken in order: once this one was answered, the other was taken.
	response, err := get(ctx, url+"/healthz")
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	end()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := unused.Read(make([]byte, 1)); err == nil {
		t.Error("the unused connection is still open")
	}
}
