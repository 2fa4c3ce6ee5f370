package gqlclient

import (
	"context"
	"sync"
)

// buffered is how many results wait for a subscriber before the socket is no longer read.
const buffered = 64

// Subscription is one running operation on a socket. Next is used by one goroutine; Close by any.
type Subscription struct {
	socket  *Socket
	id      string
	results chan Result   // closed by finish
	left    chan struct{} // closed by Close
	once    sync.Once
	err     error // set before results is closed
}

// Subscribe starts an operation. The arguments are those of [Client.Do]. What the server says of it is told by Next. It
// fails only if the socket has ended or breaks, with the socket's error.
func (s *Socket) Subscribe(document, name string, variables any) (*Subscription, error) {
	sub := &Subscription{socket: s, results: make(chan Result, buffered), left: make(chan struct{})}
	if err := s.add(sub); err != nil {
		return nil, err
	}
	if err := s.write(s.ctx, messageSubscribe, sub.id, operation{Query: document, OperationName: name, Variables: variables}); err != nil {
		s.remove(sub)
		return nil, s.why(err)
	}
	return sub, nil
}

// Next waits for the next result. At the end of the subscription it returns, again and again, why: io.EOF if the server
// completed it, [Errors] if the server refused or ended it with them, [*CloseError] if the socket ended, [ErrClosed]
// after Close, ctx's error if ctx ended. A result may have errors of its own and be followed by more.
func (sub *Subscription) Next(ctx context.Context) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	select {
	case <-sub.left:
		return Result{}, ErrClosed
	default:
	}
	select {
	case result, ok := <-sub.results:
		if !ok {
			return Result{}, sub.err
		}
		return result, nil
	case <-sub.left:
		return Result{}, ErrClosed
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// Close ends the subscription and tells the server. Results that were not taken are dropped. The socket stays open.
func (sub *Subscription) Close() {
	sub.once.Do(func() {
		close(sub.left)
		if sub.socket.remove(sub) {
			_ = sub.socket.write(sub.socket.ctx, messageComplete, sub.id, nil) // a broken socket has ended it as well
		}
	})
}

// finish says that nothing more will be delivered, and why.
func (sub *Subscription) finish(err error) {
	sub.err = err
	close(sub.results)
}
