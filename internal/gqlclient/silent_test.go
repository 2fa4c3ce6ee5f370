package gqlclient_test

import (
	"errors"
	"io"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/gqlclient"
	"linkspan/internal/gqlclient/gqlclienttest"
)

// openInMemory is open for tests inside a bubble of synctest.
func openInMemory(t *testing.T, peer func(*gqlclienttest.Peer)) *gqlclient.Socket {
	t.Helper()
	return dial(t, gqlclienttest.NewInMemory(t, opened(peer)))
}

func TestASilentServerIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		socket := openInMemory(t, (*gqlclienttest.Peer).Gone) // takes all, answers nothing
		sub, err := socket.Subscribe("subscription { a }", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		_, err = sub.Next(t.Context())
		var closed *gqlclient.CloseError
		if !errors.As(err, &closed) || closed.Code != gqlclient.CloseLost {
			t.Errorf("got %v", err)
		}
		if took := time.Since(started); took > time.Minute {
			t.Errorf("noticed after %v", took)
		}
	})
}

func TestAQuietServerThatAnswersPingsIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		socket := openInMemory(t, func(p *gqlclienttest.Peer) {
			id, _, _ := p.Subscribed()
			for range 5 {
				if m, _ := p.Receive(); m.Type != "ping" {
					t.Errorf("got %+v", m)
					return
				}
				p.Send(gqlclienttest.Message{Type: "pong"})
			}
			p.Next(id, `{"a":1}`)
			p.Gone()
		})
		sub, err := socket.Subscribe("subscription { a }", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sub.Next(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAServerThatASubscriberHoldsUpIsNotTakenForSilent(t *testing.T) {
	t.Parallel()
	const results = 1000 // far more than are buffered
	synctest.Test(t, func(t *testing.T) {
		socket := openInMemory(t, func(p *gqlclienttest.Peer) {
			id, _, _ := p.Subscribed()
			go p.Gone()
			for i := range results {
				p.Next(id, strconv.Itoa(i))
			}
			p.Complete(id)
			p.Hang()
		})
		sub, err := socket.Subscribe("subscription { a }", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // of the bubble's time: the subscriber is busy
		for i := range results {
			if result, err := sub.Next(t.Context()); err != nil || string(result.Data) != strconv.Itoa(i) {
				t.Fatalf("result %d: %s, %v", i, result.Data, err)
			}
		}
		if _, err := sub.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("got %v", err)
		}
	})
}

func TestCloseDoesNotWaitForAServerThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		socket := openInMemory(t, (*gqlclienttest.Peer).Hang) // reads nothing, so answers no close frame
		synctest.Wait()
		started := time.Now()
		socket.Close()
		if took := time.Since(started); took > time.Second {
			t.Errorf("took %v", took)
		}
	})
}
