package gqlclient_test

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"linkspan/internal/gqlclient"
	"linkspan/internal/gqlclient/gqlclienttest"
)

// open dials a socket whose other side is played by peer, after connection_ack.
func open(t *testing.T, peer func(*gqlclienttest.Peer)) *gqlclient.Socket {
	t.Helper()
	return dial(t, gqlclienttest.New(t, opened(peer)))
}

func opened(peer func(*gqlclienttest.Peer)) gqlclienttest.Script {
	return gqlclienttest.Script{Socket: func(p *gqlclienttest.Peer) {
		p.Open()
		peer(p)
	}}
}

func dial(t *testing.T, server *gqlclienttest.Server) *gqlclient.Socket {
	t.Helper()
	client := gqlclient.Client{URL: server.URL, Token: secret, HTTP: server.HTTP}
	socket, err := client.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(socket.Close)
	return socket
}

func TestDialSignsIn(t *testing.T) {
	t.Parallel()
	var got string
	client := clientOf(t, gqlclienttest.Script{Socket: func(p *gqlclienttest.Peer) {
		got = string(p.Open())
		p.Gone()
	}})
	socket, err := client.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	socket.Close()
	if got != `{"Authorization":"Bearer `+secret+`"}` {
		t.Errorf("payload: %s", got)
	}
}

func TestDialAnswersPingsBeforeItIsAcknowledged(t *testing.T) {
	t.Parallel()
	client := clientOf(t, gqlclienttest.Script{Socket: func(p *gqlclienttest.Peer) {
		p.Send(gqlclienttest.Message{Type: "ping"})
		for _, want := range []string{"connection_init", "pong"} {
			if m, _ := p.Receive(); m.Type != want {
				t.Errorf("got %+v, want %s", m, want)
			}
		}
		p.Send(gqlclienttest.Message{Type: "connection_ack"})
		p.Gone()
	}})
	socket, err := client.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	socket.Close()
}

func TestDialTellsARefusedSignIn(t *testing.T) {
	t.Parallel()
	client := clientOf(t, gqlclienttest.Script{Socket: func(p *gqlclienttest.Peer) {
		p.Receive()
		p.Close(gqlclient.CloseForbidden, "Forbidden")
	}})
	_, err := client.Dial(t.Context())
	var closed *gqlclient.CloseError
	if !errors.As(err, &closed) || closed.Code != gqlclient.CloseForbidden || closed.Reason != "Forbidden" {
		t.Errorf("got %v", err)
	}
}

func TestDialTellsARefusedUpgrade(t *testing.T) {
	t.Parallel()
	client := clientOf(t, gqlclienttest.Script{Upgrade: func(w http.ResponseWriter) bool {
		http.Error(w, "no sockets here", http.StatusForbidden)
		return true
	}})
	_, err := client.Dial(t.Context())
	var status *gqlclient.StatusError
	if !errors.As(err, &status) || status.Status != http.StatusForbidden || status.Text != "no sockets here\n" {
		t.Errorf("got %v", err)
	}
}

func TestPingsAreAnswered(t *testing.T) {
	t.Parallel()
	pong := make(chan gqlclienttest.Message, 1)
	open(t, func(p *gqlclienttest.Peer) {
		p.Send(gqlclienttest.Message{Type: "ping"})
		m, _ := p.Receive()
		pong <- m
		p.Gone()
	})
	if m := <-pong; m.Type != "pong" {
		t.Errorf("got %+v", m)
	}
}

func TestTheLossOfASocketEndsAllItsSubscriptions(t *testing.T) {
	t.Parallel()
	for name, loss := range map[string]struct {
		peer func(*gqlclienttest.Peer)
		code int
	}{
		"broken":           {func(*gqlclienttest.Peer) {}, gqlclient.CloseLost},
		"closed":           {func(p *gqlclienttest.Peer) { p.Close(gqlclient.CloseGoingAway, "bye") }, gqlclient.CloseGoingAway},
		"no JSON":          {func(p *gqlclienttest.Peer) { p.SendText("{"); p.Gone() }, gqlclient.CloseLost},
		"no such message":  {func(p *gqlclienttest.Peer) { p.SendText(`{"type":"ka"}`); p.Gone() }, gqlclient.CloseLost},
		"payload no array": {func(p *gqlclienttest.Peer) { p.SendText(`{"type":"error","id":"1","payload":1}`); p.Gone() }, gqlclient.CloseLost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket := open(t, func(p *gqlclienttest.Peer) {
				first, _, _ := p.Subscribed()
				p.Subscribed()
				p.Next(first, `{"a":1}`)
				loss.peer(p)
			})
			var subs []*gqlclient.Subscription
			for range 2 {
				sub, err := socket.Subscribe("subscription { a }", "", nil)
				if err != nil {
					t.Fatal(err)
				}
				subs = append(subs, sub)
			}
			if result, err := subs[0].Next(t.Context()); err != nil || string(result.Data) != `{"a":1}` {
				t.Errorf("what came before the loss: %s, %v", result.Data, err)
			}
			for _, sub := range subs {
				for range 2 { // again and again
					_, err := sub.Next(t.Context())
					var closed *gqlclient.CloseError
					if !errors.As(err, &closed) || closed.Code != loss.code {
						t.Errorf("got %v", err)
					}
				}
			}
			if _, err := socket.Subscribe("subscription { a }", "", nil); err == nil {
				t.Error("a lost socket takes subscriptions")
			}
		})
	}
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	var full sync.WaitGroup
	full.Add(1)
	socket := open(t, func(p *gqlclienttest.Peer) {
		id, _, _ := p.Subscribed()
		full.Done()
		for i := range 1000 { // more than anybody takes: the socket is held up when it is closed
			p.Next(id, strconv.Itoa(i))
		}
		p.Gone()
	})
	sub, err := socket.Subscribe("subscription { a }", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	full.Wait()
	socket.Close()
	socket.Close() // once more is nothing
	for {
		_, err := sub.Next(t.Context())
		if errors.Is(err, gqlclient.ErrClosed) {
			break
		}
		if err != nil {
			t.Fatalf("got %v", err)
		}
	}
	if _, err := socket.Subscribe("subscription { a }", "", nil); !errors.Is(err, gqlclient.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestSubscriptionErrorsAreTold(t *testing.T) {
	t.Parallel()
	socket := open(t, func(p *gqlclienttest.Peer) {
		id, _, _ := p.Subscribed()
		p.Fail(id, "CURSOR_EXPIRED", "too old")
		id, _, _ = p.Subscribed()
		p.Complete(id)
		p.Gone()
	})
	sub, err := socket.Subscribe("subscription { a }", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var fault *gqlclient.Error
	if _, err := sub.Next(t.Context()); !errors.As(err, &fault) || fault.Code != "CURSOR_EXPIRED" {
		t.Errorf("got %v", err)
	}
	sub, err = socket.Subscribe("subscription { a }", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sub.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}
