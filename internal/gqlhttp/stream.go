package gqlhttp

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// framing is how a stream looks on the wire.
type framing interface {
	contentType() string
	// begin comes first, at once: the client learns that it is heard.
	begin(b *bytes.Buffer)
	// next is an event's answer.
	next(b *bytes.Buffer, a answer)
	// failed is the error that ends an operation.
	failed(b *bytes.Buffer, errs gqlerror.List)
	// alive shows that the server is there.
	alive(b *bytes.Buffer)
	// complete says that nothing more is to come.
	complete(b *bytes.Buffer)
}

var framings = map[Kind]framing{SSE: sse{}, Multipart: multipart{}}

// stream is an answer that comes in many parts.
type stream struct {
	framing framing
	w       http.ResponseWriter
	control *http.ResponseController
	config  *Config
	cancel  context.CancelCauseFunc
	single  bool // the operation has one answer, which a server that goes away waits for

	mu     sync.Mutex // of writing
	beats  *time.Timer
	closed bool // nothing is written any more
}

var errExpired = errors.New("gqlhttp: the party's time is over")

// operation begins an operation and returns its responses, with the context that they are asked with.
type operation func(ctx context.Context) (graphql.ResponseHandler, context.Context)

// stream answers with all responses of an operation, or its single one. That it breaks off, without a last part, tells the
// client to come back.
func (t *Transport) stream(w http.ResponseWriter, r *http.Request, executor graphql.GraphExecutor, accepts accepted, single bool, begin operation) {
	kind := accepts.stream
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	s := &stream{
		framing: framings[kind], w: w, control: http.NewResponseController(w), config: &t.config, cancel: cancel, single: single,
	}
	party := t.config.Party(ctx)
	if refused := t.admit(s, kind, party); refused != nil {
		t.writeRefusal(ctx, w, executor, accepts.ofRefusal(), refused.list())
		return
	}
	defer t.uncount(party)
	defer t.leave(s, kind, 0)
	defer s.close()
	defer func() {
		switch recovered := recover(); recovered {
		case nil:
			return
		case http.ErrAbortHandler: // with which parts are broken off, below
		default:
			t.config.Watch.Panicked(ctx, recovered)
		}
		panic(http.ErrAbortHandler) // nothing that is no part of the stream may follow
	}()
	if !party.Expires.IsZero() {
		defer time.AfterFunc(time.Until(party.Expires), func() { cancel(errExpired) }).Stop()
	}
	s.begin()
	note := &note{keepsIDs: kind == SSE, lastEventID: r.Header.Get("Last-Event-Id")}
	defer note.close()
	responses, ctx := begin(withNote(ctx, note))
	for next, more := note.next(ctx, responses); more; next, more = note.next(ctx, responses) {
		if s.write(func(b *bytes.Buffer) { s.framing.next(b, next) }) {
			t.config.Watch.Sent(kind)
		}
	}
	if ctx.Err() == nil {
		s.write(func(b *bytes.Buffer) {
			if failure := note.failed(); failure != nil {
				s.framing.failed(b, failure)
			}
			s.framing.complete(b)
		})
	}
	if kind == Multipart && ctx.Err() != nil {
		panic(http.ErrAbortHandler) // an answer that just ended would be a whole one
	}
}

// admit makes the stream one of the open connections of its party, unless there are too many.
func (t *Transport) admit(s *stream, kind Kind, party Party) *Error {
	if err := t.count(party); err != nil {
		refused := refusef(http.StatusTooManyRequests, tooManyConnectionsText+" Close some first.", t.config.MaxConnections)
		refused.RetryAfter = time.Second
		return refused
	}
	if err := t.enter(s, kind); err != nil {
		t.uncount(party)
		return refuseEnding()
	}
	return nil
}

// begin sends the headers and what comes first, and keeps the client informed from then on.
func (s *stream) begin() {
	header := s.w.Header()
	header.Set("Content-Type", s.framing.contentType())
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no")      // proxies of nginx's kind pass each part on
	_ = s.control.SetReadDeadline(time.Time{}) // the server's is for the request alone; where there is none, none is lifted
	s.write(s.framing.begin)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beats = time.AfterFunc(s.config.Heartbeat, s.beat)
}

func (s *stream) beat() {
	s.write(s.framing.alive)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.beats.Reset(s.config.Heartbeat)
	}
}

// write sends a part, and reports whether it did. A client that does not take it in time gets no more, and the operation
// ends.
func (s *stream) write(part func(*bytes.Buffer)) bool {
	buffer := takeBuffer()
	defer giveBuffer(buffer)
	part(buffer)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	_, err := writePieces(s.w, buffer.Bytes(), s.setDeadline)
	if err == nil {
		err = s.control.Flush()
	}
	if err != nil {
		s.closed = true
		s.cancel(err)
	} else {
		_ = s.control.SetWriteDeadline(time.Time{}) // in HTTP/2 it would end a stream that only waits
	}
	return err == nil
}

func (s *stream) setDeadline() error {
	_ = s.control.SetWriteDeadline(time.Now().Add(s.config.WriteTimeout)) // where there are none, writes don't wait
	return nil
}

// close lets nothing more be written but the end of the answer itself, which has its time too.
func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.beats != nil {
		s.beats.Stop()
	}
	_ = s.setDeadline()
}

// end implements connection.
func (s *stream) end(ctx context.Context) {
	if s.single {
		context.AfterFunc(ctx, func() { s.cancel(errEnding) })
		return
	}
	s.cancel(errEnding)
}
