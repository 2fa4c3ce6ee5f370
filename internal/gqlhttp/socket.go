package gqlhttp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
)

// socket is a WebSocket with a client of graphql-transport-ws. Its messages are read by one goroutine; each operation has
// one of its own.
type socket struct {
	transport *Transport
	executor  graphql.GraphExecutor
	conn      *websocket.Conn
	wire      *wire                   // what conn is made of
	cancel    context.CancelCauseFunc // ends all operations
	running   sync.WaitGroup          // operations
	writing   sync.Mutex              // held while a message is written, and decided upon

	mu         sync.Mutex
	ctx        context.Context // of operations; Init may replace it
	acked      bool
	operations map[string]*operationRun
	live       int         // how many have not ended, those that were completed too
	singles    int         // how many of them have one answer, as far as is known
	timer      *time.Timer // for init to come, and to be answered; then for the next ping or the answer to the last
	expiry     *time.Timer
	pinged     bool // the last beat was a ping
	waiting    bool // for a sign of life since
	party      Party
	counted    bool
	ending     bool // the server goes away: closed as soon as there are no singles
	closed     *CloseError
}

// closeTimeout is how long a client may take to agree to the end of its socket.
const closeTimeout = 2 * time.Second

func newSocket(ctx context.Context, t *Transport, executor graphql.GraphExecutor, conn *websocket.Conn, wire *wire) *socket {
	s := &socket{transport: t, executor: executor, conn: conn, wire: wire, operations: map[string]*operationRun{}}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	return s
}

// run reads messages until the socket is closed.
func (s *socket) run(offered bool) {
	defer s.leave()
	if !offered {
		s.close(&CloseError{CloseBadSubprotocol, "Subprotocol not acceptable: offer " + subprotocol})
		return
	}
	s.mu.Lock()
	s.timer = time.AfterFunc(s.transport.config.InitTimeout, func() {
		s.close(&CloseError{CloseTimeout, "Connection initialisation timeout"})
	})
	s.mu.Unlock()
	for {
		kind, reader, err := s.conn.Reader(context.Background())
		if err == nil {
			elsewhere(func() { err = s.read(kind, reader) })
		}
		if err == nil {
			continue
		}
		var refused *CloseError
		switch {
		case errors.As(err, &refused):
			s.close(refused)
		case errors.Is(err, websocket.ErrMessageTooBig): // the library has said so; wait until the client has heard
			s.close(&CloseError{CloseTooBig, "A message is too big"})
		default:
			s.lost(err)
		}
		return
	}
}

// elsewhere runs f on a stack of its own, which goes when f returns. Stacks never get small again; who waits for long does
// not do the work.
func elsewhere(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// read reads a message and does what it says.
func (s *socket) read(kind websocket.MessageType, reader io.Reader) (err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			s.transport.config.Watch.Panicked(s.ctx, recovered)
			err = &CloseError{CloseInternal, "Internal error"}
		}
	}()
	buffer := takeBuffer()
	defer giveBuffer(buffer)
	if _, err := buffer.ReadFrom(reader); err != nil {
		return err
	}
	if kind != websocket.MessageText {
		return &CloseError{CloseInvalidMessage, "A message must be text"}
	}
	m, refused := readMessage(buffer.Bytes())
	if refused != nil {
		return refused
	}
	s.alive()
	switch m.Type {
	case messageInit:
		return s.init(json.RawMessage(m.Payload))
	case messagePing:
		return s.send(func(b *bytes.Buffer) bool { writePong(b, m.Payload); return true })
	case messageSubscribe:
		return s.subscribe(*m.ID, m.Payload)
	case messageComplete:
		s.complete(*m.ID)
	}
	return nil
}

// init acknowledges the connection, once.
func (s *socket) init(payload json.RawMessage) error {
	s.mu.Lock()
	again := s.acked
	config := &s.transport.config
	if !again && s.closed == nil {
		s.timer.Reset(config.InitTimeout) // ends what Init waits for, too
	}
	s.mu.Unlock()
	if again {
		return &CloseError{CloseTooManyInits, "Too many initialisation requests"}
	}
	if string(payload) == "null" {
		payload = nil
	}
	ctx, err := config.Init(s.ctx, bytes.Clone(payload))
	s.timer.Stop()
	if err != nil {
		var refused *CloseError
		if !errors.As(err, &refused) {
			refused = &CloseError{CloseInternal, "Internal error"}
		}
		return refused
	}
	party := config.Party(ctx)
	if err := s.transport.count(party); err != nil {
		return &CloseError{CloseTryLater, fmt.Sprintf(tooManyConnectionsText, config.MaxConnections)}
	}
	s.mu.Lock()
	s.ctx, s.acked, s.party, s.counted = ctx, true, party, true
	open := s.closed == nil // it can have been closed while Init ran
	if open {
		s.timer = time.AfterFunc(config.Heartbeat, s.beat)
		if !party.Expires.IsZero() {
			s.expiry = time.AfterFunc(time.Until(party.Expires), func() { s.close(&CloseError{CloseForbidden, "The token has expired"}) })
		}
	}
	s.mu.Unlock()
	return s.send(func(b *bytes.Buffer) bool { b.WriteString(`{"type":"connection_ack"}`); return open })
}

// alive notes that the client is there: any message shows it, as the answer to a ping does.
func (s *socket) alive() {
	s.mu.Lock()
	s.waiting = false
	s.mu.Unlock()
}

// beat is called when the next ping is due, and when the answer to the last one is.
func (s *socket) beat() {
	config := &s.transport.config
	s.mu.Lock()
	if s.closed != nil {
		s.mu.Unlock()
		return
	}
	if s.waiting {
		s.mu.Unlock()
		s.close(&CloseError{CloseTimeout, "No answer to a ping in time"})
		return
	}
	due := !s.pinged
	s.waiting, s.pinged = due, due
	s.mu.Unlock()
	pause := config.Heartbeat - config.PongTimeout
	if due {
		pause = config.PongTimeout
		_ = s.send(func(b *bytes.Buffer) bool { b.WriteString(`{"type":"ping"}`); return true })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed == nil {
		s.timer.Reset(pause)
	}
}

// send writes a message, unless write decides not to, or the socket is closed. One that can't be written in time ends the
// socket.
func (s *socket) send(write func(b *bytes.Buffer) bool) error {
	buffer := takeBuffer()
	defer giveBuffer(buffer)
	s.writing.Lock()
	defer s.writing.Unlock()
	newMessage(buffer)
	if !write(buffer) {
		return nil
	}
	err := s.wire.send(frameOf(buffer))
	if err != nil {
		s.lost(err)
	}
	return err
}

// end implements connection.
func (s *socket) end(ctx context.Context) {
	s.mu.Lock()
	s.ending = true
	idle := s.singles == 0
	s.mu.Unlock()
	restart := &CloseError{CloseRestart, shutdownReason}
	if idle {
		go s.close(restart)
		return
	}
	context.AfterFunc(ctx, func() { s.close(restart) })
}

// lost ends the socket whose connection has ended.
func (s *socket) lost(err error) {
	code := CloseLost
	if status := websocket.CloseStatus(err); status != -1 {
		code = CloseCode(status)
	}
	s.transport.parting.Lock()
	defer s.transport.parting.Unlock()
	if s.over(&CloseError{code, ""}) {
		_ = s.conn.CloseNow() // it is gone
	}
}

// close says why, ends the socket and waits for the client to agree.
func (s *socket) close(why *CloseError) {
	if s.over(why) {
		defer time.AfterFunc(closeTimeout, func() { _ = s.wire.Close() }).Stop() // the library would wait for longer
		_ = s.conn.Close(websocket.StatusCode(why.Code), why.reason())           // the client may be gone
	}
}

// over ends all that runs on the socket, and reports whether it was not over before.
func (s *socket) over(why *CloseError) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed != nil {
		return false
	}
	s.closed = why
	for _, timer := range []*time.Timer{s.timer, s.expiry} {
		if timer != nil {
			timer.Stop()
		}
	}
	s.cancel(why)
	return true
}

// leave waits for the operations, and says that the socket is gone.
func (s *socket) leave() {
	s.running.Wait()
	_ = s.conn.CloseNow()
	s.mu.Lock()
	party, counted, code := s.party, s.counted, s.closed.Code
	s.mu.Unlock()
	if counted {
		s.transport.uncount(party)
	}
	s.transport.leave(s, WebSocket, code)
}
