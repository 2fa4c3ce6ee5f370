package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Protocol is how a subscriber talks with its server.
type Protocol string

// The protocols.
const (
	// GraphQL is graphql-transport-ws, https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md.
	GraphQL Protocol = "graphql-transport-ws"
	// Centrifuge is Centrifuge's own, in JSON, https://centrifugal.dev/docs/transports/client_protocol, with recovery on.
	Centrifuge Protocol = "centrifuge"
)

// opening is how many sockets are being opened at a time.
const opening = 64

// Subscribers are those that read what is posted.
type Subscribers struct {
	URL      string // ws, on loopback
	Protocol Protocol
	Count    int
	// Query and Variables are what each subscribes to; of Centrifuge Query is the channel.
	Query     string
	Variables map[string]any
	Tokens    []string // subscriber i bears number i modulo their count; none: it bears none
}

// readers are open subscribers.
type readers struct {
	sockets []*socket
	read    func(subscriber int, m mark, at time.Time)
	reading sync.WaitGroup

	failed atomic.Pointer[error] // why the first of them ended before its time
	ended  atomic.Bool           // that is their time
	lost   atomic.Int64          // those that ended before it
}

// open opens the subscribers. read is called with each mark that one of them reads, by one goroutine a subscriber. close must be
// called. The error is that of the first that could not be opened.
func (s Subscribers) open(ctx context.Context, read func(subscriber int, m mark, at time.Time)) (*readers, error) {
	sockets, err := s.openAll(func(i int) (*socket, error) { return s.openOne(ctx, i, nil) })
	if err != nil {
		return nil, err
	}
	all := &readers{sockets: sockets, read: read}
	for i, k := range all.sockets {
		all.reading.Go(func() {
			if err := all.follow(i, k, s.Protocol); err != nil && !all.ended.Load() {
				all.lost.Add(1)
				err = fmt.Errorf("subscriber %d: %w", i+1, err)
				all.failed.CompareAndSwap(nil, &err)
			}
		})
	}
	return all, nil
}

// openAll opens the sockets of all subscribers. The error is that of the first that could not be opened; then none is open.
func (s Subscribers) openAll(openOne func(i int) (*socket, error)) ([]*socket, error) {
	if _, err := Loopback(s.URL, "ws"); err != nil {
		return nil, err
	}
	sockets, failures := make([]*socket, s.Count), make([]error, s.Count)
	var opened errgroup.Group
	opened.SetLimit(opening)
	for i := range sockets {
		opened.Go(func() error {
			sockets[i], failures[i] = openOne(i)
			return nil
		})
	}
	_ = opened.Wait() // the failures are told in the subscribers' order
	for i, err := range failures {
		if err == nil {
			continue
		}
		for j, k := range sockets {
			if failures[j] == nil {
				k.net.Close()
			}
		}
		return nil, fmt.Errorf("subscriber %d: %w", i+1, err)
	}
	return sockets, nil
}

// close ends the subscribers and waits until none of them reads any more. Then it returns why the first ended before its
// time; nil: none did.
func (r *readers) close() error {
	r.ended.Store(true)
	for _, k := range r.sockets {
		k.net.Close()
	}
	r.reading.Wait()
	if failed := r.failed.Load(); failed != nil {
		return *failed
	}
	return nil
}

// openOne opens the socket of subscriber i. control, if there is one, is called before it connects.
func (s Subscribers) openOne(ctx context.Context, i int, control socketControl) (k *socket, err error) {
	token := ""
	if len(s.Tokens) > 0 {
		token = s.Tokens[i%len(s.Tokens)]
	}
	switch s.Protocol {
	case GraphQL:
		k, err = openSocket(ctx, s.URL, string(GraphQL), control)
		if err == nil {
			err = k.subscribeGraphQL(s.Query, s.Variables, token)
		}
	case Centrifuge:
		k, err = openSocket(ctx, s.URL, "", control)
		if err == nil {
			err = k.subscribeCentrifuge(s.Query)
		}
	default:
		return nil, fmt.Errorf("load: there is no protocol %q", s.Protocol)
	}
	if err == nil {
		err = k.net.SetDeadline(time.Time{})
	}
	if err != nil && k != nil {
		k.net.Close()
	}
	return k, err
}

func (k *socket) subscribeGraphQL(query string, variables map[string]any, token string) error {
	hello := map[string]any{"type": "connection_init"}
	if token != "" {
		hello["payload"] = map[string]any{"Authorization": "Bearer " + token}
	}
	if err := k.json(hello); err != nil {
		return err
	}
	if err := k.until(`"connection_ack"`); err != nil {
		return err
	}
	return k.json(map[string]any{"id": "1", "type": "subscribe", "payload": map[string]any{"query": query, "variables": variables}})
}

func (k *socket) subscribeCentrifuge(channel string) error {
	if err := k.json(map[string]any{"id": 1, "connect": struct{}{}}); err != nil {
		return err
	}
	if err := k.until(`"connect"`); err != nil {
		return err
	}
	if err := k.json(map[string]any{"id": 2, "subscribe": map[string]any{"channel": channel, "positioned": true, "recoverable": true}}); err != nil {
		return err
	}
	return k.until(`"subscribe"`)
}

func (k *socket) json(message any) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return k.text(string(text))
}

// until reads messages until one has that in it.
func (k *socket) until(part string) error {
	for {
		message, err := k.next()
		if err != nil {
			return err
		}
		if bytes.Contains(message, []byte(part)) {
			return nil
		}
		if err := k.other(message); err != nil {
			return err
		}
	}
}

// follow reads until the socket ends, or the subscription.
func (r *readers) follow(subscriber int, k *socket, protocol Protocol) error {
	for {
		message, err := k.next()
		if err != nil {
			return err
		}
		at := time.Now()
		if protocol == GraphQL {
			if m, found := findMark(message); found {
				r.read(subscriber, m, at)
			} else if err := k.other(message); err != nil {
				return err
			}
			continue
		}
		for line := range bytes.Lines(message) { // of Centrifuge a frame holds several
			if m, found := findMark(line); found {
				r.read(subscriber, m, at)
			} else if err := k.other(line); err != nil {
				return err
			}
		}
	}
}

// other handles what has no mark: it answers pings. The error is that of the subscription.
func (k *socket) other(message []byte) error {
	switch message = bytes.TrimSpace(message); {
	case len(message) == 2: // {}: Centrifuge's ping
		return k.text(`{}`)
	case bytes.Contains(message, []byte(`"type":"ping"`)):
		return k.text(`{"type":"pong"}`)
	case bytes.Contains(message, []byte(`"error`)), bytes.Contains(message, []byte(`"type":"complete"`)):
		return fmt.Errorf("the subscription ended: %.300s", message)
	}
	return nil
}
