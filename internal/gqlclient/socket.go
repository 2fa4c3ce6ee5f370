package gqlclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const (
	subprotocol  = "graphql-transport-ws"
	ackTimeout   = 10 * time.Second // for the upgrade and connection_ack together
	closeTimeout = time.Second      // for the server to answer a close frame
	pingInterval = 15 * time.Second // how long the server may be silent before it is probed
)

// ErrClosed is returned after the caller's own Close.
var ErrClosed = errors.New("gqlclient: closed")

// errSilent is why a socket on which nothing arrives any more breaks.
var errSilent = errors.New("the server has been silent for too long")

// Socket is an open socket for any number of subscriptions. It is safe for concurrent use. The caller ends it with
// Close, also after it broke.
type Socket struct {
	conn    *websocket.Conn
	ctx     context.Context // ends the reading; its cause is why
	cancel  context.CancelCauseFunc
	closing chan struct{} // closed by Close
	closed  sync.Once
	running sync.WaitGroup

	heard   atomic.Bool // since keepAlive last looked
	waiting atomic.Bool // a subscriber holds up the reading

	mu     sync.Mutex
	subs   map[string]*Subscription
	lastID int
	err    error // once the socket has ended: why
}

// Dial opens a socket and signs in. ctx bounds only that; it takes at most 10 seconds. Errors: [*StatusError] for a
// refused upgrade, [*CloseError] for a refused sign-in, else what prevented the connection.
func (c *Client) Dial(ctx context.Context) (*Socket, error) {
	ctx, done := context.WithTimeout(ctx, ackTimeout)
	defer done()
	options := &websocket.DialOptions{HTTPClient: c.http(), Subprotocols: []string{subprotocol}}
	conn, response, err := websocket.Dial(ctx, c.URL, options) //nolint:bodyclose // the library has closed it
	if err != nil {
		if response != nil && response.StatusCode >= 300 {
			text, _ := io.ReadAll(response.Body) // what can be read of it
			return nil, statusError(response.StatusCode, text)
		}
		return nil, fmt.Errorf("gqlclient: %w", err)
	}
	conn.SetReadLimit(maxAnswerBytes)
	s := &Socket{conn: conn, closing: make(chan struct{}), subs: make(map[string]*Subscription)}
	if err := s.signIn(ctx, c.Token); err != nil {
		conn.CloseNow() //nolint:errcheck // it is of no use any more
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.running.Go(s.read)
	s.running.Go(s.keepAlive)
	return s, nil
}

// signIn sends the token and waits until the server has taken it.
func (s *Socket) signIn(ctx context.Context, token string) error {
	if s.conn.Subprotocol() != subprotocol {
		return fmt.Errorf("gqlclient: the server does not speak %s", subprotocol)
	}
	payload := struct {
		Authorization string `json:"Authorization,omitempty"`
	}{}
	if token != "" {
		payload.Authorization = "Bearer " + token
	}
	if err := s.write(ctx, messageInit, "", payload); err != nil {
		return err
	}
	for {
		m, err := s.receive(ctx)
		if err != nil {
			return err
		}
		switch m.Type {
		case messageAck:
			return nil
		case messagePing:
			if err := s.write(ctx, messagePong, "", nil); err != nil {
				return err
			}
		case messagePong:
		default:
			return fmt.Errorf("gqlclient: %q came instead of %s", m.Type, messageAck)
		}
	}
}

// Close ends the socket and with it all subscriptions, and waits until nothing of it runs any more: a second where the
// server does not answer, five if meanwhile it held up the reading.
func (s *Socket) Close() {
	s.closed.Do(func() {
		close(s.closing)
		giveUp := time.AfterFunc(closeTimeout, func() { s.cancel(ErrClosed) })
		defer giveUp.Stop()
		s.conn.Close(CloseNormal, "") //nolint:errcheck // broken or not, it is closed now
		s.cancel(ErrClosed)
	})
	s.running.Wait()
}

// read hands out what arrives until the socket ends.
func (s *Socket) read() {
	var err error
	for err == nil {
		var m message
		if m, err = s.receive(s.ctx); err == nil {
			s.heard.Store(true)
			err = s.handle(m)
		}
	}
	s.end(err)
}

func (s *Socket) handle(m message) error {
	switch m.Type {
	case messageNext:
		var result Result
		if err := json.Unmarshal(m.Payload, &result); err != nil {
			return &CloseError{Code: CloseLost, Err: fmt.Errorf("unexpected payload of %s: %w", m.Type, err)}
		}
		s.deliver(m.ID, result)
	case messageError:
		var faults Errors
		if err := json.Unmarshal(m.Payload, &faults); err != nil {
			return &CloseError{Code: CloseLost, Err: fmt.Errorf("unexpected payload of %s: %w", m.Type, err)}
		}
		s.finish(m.ID, faults)
	case messageComplete:
		s.finish(m.ID, io.EOF)
	case messagePing:
		return s.write(s.ctx, messagePong, "", nil)
	case messagePong:
	default:
		return &CloseError{Code: CloseLost, Err: fmt.Errorf("unexpected message %q", m.Type)}
	}
	return nil
}

// deliver waits until the subscriber takes the result, leaves, or the socket is closed.
func (s *Socket) deliver(id string, result Result) {
	s.mu.Lock()
	sub := s.subs[id]
	s.mu.Unlock()
	if sub == nil {
		return // it has left
	}
	s.waiting.Store(true)
	defer s.waiting.Store(false)
	select {
	case sub.results <- result:
	case <-sub.left:
	case <-s.closing:
	}
}

// finish ends one subscription. Only read calls it, so that nothing is delivered afterwards.
func (s *Socket) finish(id string, err error) {
	s.mu.Lock()
	sub := s.subs[id]
	delete(s.subs, id)
	s.mu.Unlock()
	if sub != nil {
		sub.finish(err)
	}
}

// end ends the socket. Only read calls it, at last.
func (s *Socket) end(err error) {
	if cause := context.Cause(s.ctx); cause != nil {
		err = cause
	}
	select {
	case <-s.closing:
		err = ErrClosed
	default:
	}
	s.mu.Lock()
	s.err = err
	subs := s.subs
	s.subs = nil
	s.mu.Unlock()
	s.cancel(err)
	s.conn.CloseNow() //nolint:errcheck // broken or not, it is closed now
	for _, sub := range subs {
		sub.finish(err)
	}
}

// keepAlive probes the server when nothing came for an interval, and breaks the socket if nothing comes for one more.
func (s *Socket) keepAlive() {
	ticker := time.NewTicker(pingInterval)
	defer ticker.Stop()
	probed := false
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-ticker.C:
		}
		switch {
		case s.heard.Swap(false), s.waiting.Load():
			probed = false
		case probed:
			s.cancel(&CloseError{Code: CloseLost, Err: errSilent})
			return
		default:
			probed = true
			if err := s.write(s.ctx, messagePing, "", nil); err != nil {
				s.cancel(err)
				return
			}
		}
	}
}

// add makes room for a subscription and gives it its id.
func (s *Socket) add(sub *Subscription) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.lastID++
	sub.id = strconv.Itoa(s.lastID)
	s.subs[sub.id] = sub
	return nil
}

// why returns what ended the socket, if it has ended, else err: a write to it fails with less than the read knows.
func (s *Socket) why(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	return err
}

// remove forgets a subscription. It reports whether the server may still have it.
func (s *Socket) remove(sub *Subscription) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, open := s.subs[sub.id]
	delete(s.subs, sub.id)
	return open
}
