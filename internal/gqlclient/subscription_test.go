package gqlclient_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"linkspan/internal/gqlclient"
	"linkspan/internal/gqlclient/gqlclienttest"
)

func TestSubscriptionsShareASocketAndEachGetsItsOwnInOrder(t *testing.T) {
	t.Parallel()
	const subscribers, results = 5, 200
	socket := open(t, func(p *gqlclienttest.Peer) {
		names := make(map[string]any)
		for range subscribers {
			id, op, _ := p.Subscribed()
			names[id] = op.Variables["name"]
		}
		for i := range results {
			for id, name := range names {
				p.Next(id, fmt.Sprintf(`{"name":%q,"i":%d}`, name, i))
			}
		}
		p.Gone()
	})
	done := make(chan error, subscribers)
	for n := range subscribers {
		name := fmt.Sprint("subscriber ", n)
		sub, err := socket.Subscribe("subscription S($name: String) { a(name: $name) }", "S", map[string]any{"name": name})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for i := range results {
				result, err := sub.Next(t.Context())
				if want := fmt.Sprintf(`{"name":%q,"i":%d}`, name, i); err != nil || string(result.Data) != want {
					done <- fmt.Errorf("got %s, %v; want %s", result.Data, err, want)
					return
				}
			}
			done <- nil
		}()
	}
	for range subscribers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestNextEndsWithItsContextAndTheSubscriptionGoesOn(t *testing.T) {
	t.Parallel()
	waited := make(chan struct{})
	socket := open(t, func(p *gqlclienttest.Peer) {
		id, _, _ := p.Subscribed()
		<-waited
		p.Next(id, `{"a":1}`)
		p.Gone()
	})
	sub, err := socket.Subscribe("subscription { a }", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := sub.Next(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(waited)
	if _, err := sub.Next(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCloseOfASubscriptionTellsTheServerAndLeavesTheOthers(t *testing.T) {
	t.Parallel()
	left := make(chan gqlclienttest.Message, 1)
	socket := open(t, func(p *gqlclienttest.Peer) {
		first, _, _ := p.Subscribed()
		second, _, _ := p.Subscribed()
		for range 1000 { // nobody takes these: the socket is held up until the subscriber leaves
			p.Next(first, `{"a":1}`)
		}
		m, _ := p.Receive()
		left <- m
		p.Next(first, `{"a":"late"}`)
		p.Next(second, `{"a":2}`)
		p.Gone()
	})
	slow, err := socket.Subscribe("subscription { a }", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := socket.Subscribe("subscription { a }", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	slow.Close()
	slow.Close() // once more is nothing
	if m := <-left; m.Type != "complete" || m.ID != "1" {
		t.Errorf("the server got %+v", m)
	}
	if _, err := slow.Next(t.Context()); !errors.Is(err, gqlclient.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if result, err := other.Next(t.Context()); err != nil || string(result.Data) != `{"a":2}` {
		t.Errorf("the other got %s, %v", result.Data, err)
	}
}

func TestResultsMayHaveErrorsAndGoOn(t *testing.T) {
	t.Parallel()
	socket := open(t, func(p *gqlclienttest.Peer) {
		id, _, _ := p.Subscribed()
		p.NextPayload(id, `{"data":{"a":null},"errors":[{"message":"out of reach","extensions":{"code":"SHARD_UNAVAILABLE","retryable":true}}]}`)
		p.Next(id, `{"a":"b"}`)
		p.Gone()
	})
	sub, err := socket.Subscribe("subscription { a }", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ A *string }
	result, err := sub.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var fault *gqlclient.Error
	if err := result.Decode(&out); !errors.As(err, &fault) || !fault.Retryable || out.A != nil {
		t.Errorf("got %+v, %v", out, err)
	}
	if result, err = sub.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := result.Decode(&out); err != nil || *out.A != "b" {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestVariablesThatAreNoJSONAreTheCallersError(t *testing.T) {
	t.Parallel()
	socket := open(t, (*gqlclienttest.Peer).Gone)
	if _, err := socket.Subscribe("subscription { a }", "", func() {}); err == nil {
		t.Error("no error")
	}
	if _, err := socket.Subscribe("subscription { a }", "", nil); err != nil {
		t.Errorf("the socket is of no use any more: %v", err)
	}
}
