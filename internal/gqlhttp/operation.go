package gqlhttp

import (
	"bytes"
	"context"
	"net/http"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// operationRun is an operation on a socket.
type operationRun struct {
	id     string
	cancel context.CancelFunc
	single bool        // it has one answer, as far as is known
	over   atomic.Bool // nothing is sent of it any more; set with the socket's mutex held
	next   []byte      // what its next messages begin with, up to the payload
}

// subscribe begins an operation. What is refused is answered before anything else is read, so that who does not read is not
// read either.
func (s *socket) subscribe(id string, payload []byte) error {
	var params graphql.RawParams
	refused, malformed := parse(payload, &params)
	ctx, run, err := s.admit(id, malformed, &refused)
	switch {
	case err != nil:
		return err
	case refused != nil:
		return s.refuse(ctx, id, refused.list())
	case run != nil:
		go s.operate(ctx, run, &params)
	}
	return nil
}

// admit takes an operation in, or says why not: an error closes the socket. Neither is set where the server goes away: the
// client asks again when it is back.
func (s *socket) admit(id string, malformed bool, refused **Error) (context.Context, *operationRun, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := s.transport.config.MaxOperations
	switch _, taken := s.operations[id]; {
	case !s.acked:
		return nil, nil, &CloseError{CloseUnauthorized, "Unauthorized: connection_init comes first"}
	case malformed: // PROTOCOL.md: a format that is not specified closes the socket
		return nil, nil, &CloseError{CloseInvalidMessage, (*refused).Message}
	case s.closed != nil:
		return nil, nil, s.closed
	case taken:
		return nil, nil, &CloseError{CloseDuplicateID, "Subscriber for " + id + " already exists"}
	case s.ending, *refused != nil:
		return s.ctx, nil, nil
	case len(s.operations) >= most, s.live >= 2*most: // those that were completed may not have ended yet
		*refused = refusef(http.StatusTooManyRequests, "Too many operations run on this socket: at most %d at once. Complete some first.", most)
		return s.ctx, nil, nil
	}
	ctx, cancel := context.WithCancel(s.ctx)
	run := &operationRun{id: id, cancel: cancel, single: true, next: beginningOf(messageNext, id)}
	s.operations[id] = run
	s.live++
	s.singles++
	s.running.Add(1)
	return ctx, run, nil
}

// refuse answers an operation that does not begin.
func (s *socket) refuse(ctx context.Context, id string, errs gqlerror.List) error {
	errs = s.executor.DispatchError(inOperation(ctx), errs).Errors
	return s.send(func(b *bytes.Buffer) bool { writeError(b, id, errs); return true })
}

// complete ends an operation because the client does: nothing more is sent of it, and its id is free.
func (s *socket) complete(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if run := s.operations[id]; run != nil {
		s.drop(run)
	}
}

// drop frees an operation's id and its resolver; s.mu is held.
func (s *socket) drop(run *operationRun) {
	run.over.Store(true)
	run.cancel()
	delete(s.operations, run.id)
}

// closeOnPanic closes the socket if its caller panics.
func (s *socket) closeOnPanic(ctx context.Context) {
	if recovered := recover(); recovered != nil {
		s.transport.config.Watch.Panicked(ctx, recovered)
		s.close(&CloseError{CloseInternal, "Internal error"})
	}
}

// operate runs an operation to its end, or until it only waits for events.
func (s *socket) operate(ctx context.Context, run *operationRun, params *graphql.RawParams) {
	if f := s.begin(ctx, run, params); f != nil {
		context.AfterFunc(ctx, f.wake)
		f.work()
		return
	}
	s.finish(run)
}

// begin begins an operation and, unless it is a subscription that pulls from a source, runs it to its end.
func (s *socket) begin(ctx context.Context, run *operationRun, params *graphql.RawParams) (begun *flow) {
	defer s.closeOnPanic(ctx)
	ctx = graphql.StartOperationTrace(ctx)
	operation, errs := s.executor.CreateOperationContext(ctx, params)
	if errs != nil {
		s.fail(run, s.executor.DispatchError(graphql.WithOperationContext(ctx, operation), errs).Errors)
		return nil
	}
	subscription := operation.Operation.Operation == ast.Subscription
	if !s.goesOn(run, subscription) {
		return nil
	}
	note := &note{}
	defer func() {
		if begun == nil {
			note.close()
		}
	}()
	ctx = withNote(ctx, note)
	if subscription {
		ctx = s.transport.inAudience(ctx, s.executor, operation)
	}
	responses, ctx := s.executor.DispatchOperation(ctx, operation)
	if note.source != nil {
		f := &flow{socket: s, run: run, ctx: ctx, note: note, responses: responses, shares: note.shares()}
		f.state.Store(working)
		return f
	}
	for first := true; ; first = false {
		response := responses(ctx)
		if response == nil {
			break
		}
		if first && subscription && response.Data == nil && len(response.Errors) > 0 { // there is no stream
			s.fail(run, response.Errors)
			return nil
		}
		s.next(run, answer{response: response})
		if !subscription {
			break
		}
	}
	s.conclude(ctx, run, note)
	return nil
}

// conclude sends the last message of an operation that has no more responses.
func (s *socket) conclude(ctx context.Context, run *operationRun, note *note) {
	switch failure := note.failed(); {
	case ctx.Err() != nil: // nobody listens
	case failure != nil:
		s.fail(run, failure)
	default:
		s.last(run, func(b *bytes.Buffer) { writeComplete(b, run.id) })
	}
}

// goesOn reports whether somebody still wants the operation, now that it is known whether it is a subscription. A server that
// goes away waits for all others.
func (s *socket) goesOn(run *operationRun, subscription bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if subscription {
		run.single = false
		s.singles--
	}
	return s.closed == nil && s.operations[run.id] == run && (!subscription || !s.ending)
}

func (s *socket) next(run *operationRun, a answer) {
	sent := false
	err := s.send(func(b *bytes.Buffer) bool { // a socket that has ended ends the operation too
		if sent = !run.over.Load(); sent {
			writeNext(b, run.next, a)
		}
		return sent
	})
	if sent && err == nil {
		s.transport.config.Watch.Sent(WebSocket)
	}
}

// nextNow is next for who holds s.writing, and does not wait: s.writing is let go of when the message is out.
func (s *socket) nextNow(run *operationRun, a answer) {
	if run.over.Load() {
		s.writing.Unlock()
		return
	}
	buffer := takeBuffer()
	newMessage(buffer)
	writeNext(buffer, run.next, a)
	rest, err := s.wire.sendNow(frameOf(buffer))
	switch {
	case len(rest) > 0:
		go func() { s.written(buffer, s.wire.sendRest(rest)) }()
	case err != nil:
		go s.written(buffer, err) // to part takes a turn
	default:
		s.written(buffer, nil)
	}
}

// written ends what nextNow began.
func (s *socket) written(buffer *bytes.Buffer, err error) {
	giveBuffer(buffer)
	if err != nil {
		s.lost(err)
	} else {
		s.transport.config.Watch.Sent(WebSocket)
	}
	s.writing.Unlock()
}

// fail ends the operation with errors.
func (s *socket) fail(run *operationRun, errs gqlerror.List) {
	s.last(run, func(b *bytes.Buffer) { writeError(b, run.id, errs) })
}

// last sends an operation's last message, unless the client has completed it before. The id is free before the client can
// know that it is.
func (s *socket) last(run *operationRun, write func(b *bytes.Buffer)) {
	_ = s.send(func(b *bytes.Buffer) bool {
		s.mu.Lock()
		listening := s.operations[run.id] == run
		if listening {
			s.drop(run)
		}
		s.mu.Unlock()
		if listening {
			write(b)
		}
		return listening
	})
}

// finish lets go of the operation, and of the socket where it was the last thing that a server waited for.
func (s *socket) finish(run *operationRun) {
	s.mu.Lock()
	run.cancel()
	if s.operations[run.id] == run {
		s.drop(run)
	}
	s.live--
	if run.single { // now that its last message is out
		s.singles--
	}
	over := s.ending && s.singles == 0
	s.mu.Unlock()
	s.running.Done()
	if over {
		go s.close(&CloseError{CloseRestart, shutdownReason})
	}
}
