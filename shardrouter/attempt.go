package shardrouter

import (
	"context"
	"errors"
	"sync"
	"time"
)

// An attempt is one run of a closure, with the watch over it.
//
// The watch does not limit how long the closure takes. It asks whether the cluster lives when nobody has
// been served for half of AttemptTimeout, and the answer cuts everybody's connections or nobody's. So a
// slow disk is not taken for a dead cluster, and a dead cluster holds nobody longer than AttemptTimeout.
type attempt struct {
	database *Database
	ctx      context.Context // ends with the caller's until sealed, and when the attempt takes too long
	cancel   context.CancelCauseFunc
	caller   context.Context
	unbind   func() bool // nil: ctx is the caller's child

	resets    int64 // d.resets at the beginning: which connections it may have used
	unknown   bool  // COMMIT was sent and not answered
	readsOnly bool  // the transaction is read-only by request

	mu      sync.Mutex // guards the watch
	timer   *time.Timer
	ended   bool
	started time.Duration // since d.born
	asked   time.Duration // when the watch last looked
}

// errTooLong ends an attempt that the server's own limits should have ended.
var errTooLong = errors.New("the attempt took too long")

// begin starts an attempt, or returns nil when the database is closing. A bound one follows the caller's
// context as its child; the other can be sealed against it.
func (d *Database) begin(caller context.Context, bound bool) *attempt {
	d.mu.Lock()
	if d.closing.Load() {
		d.mu.Unlock()
		return nil
	}
	d.attempts.Add(1)
	d.mu.Unlock()
	a := &attempt{database: d, caller: caller, resets: d.resets.Load(), started: time.Since(d.born)}
	a.asked = a.started
	if bound {
		a.ctx, a.cancel = context.WithCancelCause(caller)
	} else {
		a.ctx, a.cancel = context.WithCancelCause(context.WithoutCancel(caller))
		a.unbind = context.AfterFunc(caller, func() { a.cancel(caller.Err()) })
	}
	a.mu.Lock()
	a.timer = time.AfterFunc(d.config.AttemptTimeout/2, a.watch)
	a.mu.Unlock()
	return a
}

// run runs the closure and ends the attempt. The cause is why its context ended, if it did.
func (a *attempt) run(once func(*attempt) error) (err, cause error) {
	defer a.end()
	err = once(a)
	return err, context.Cause(a.ctx)
}

// seal parts the attempt from the caller's context before COMMIT, so that the caller's end cannot make
// its outcome unknown. It fails when the context has ended.
func (a *attempt) seal() error {
	if !a.unbind() {
		return a.caller.Err()
	}
	return a.ctx.Err()
}

func (a *attempt) end() {
	a.mu.Lock()
	a.ended = true
	a.timer.Stop()
	a.mu.Unlock()
	if a.unbind != nil {
		a.unbind()
	}
	a.cancel(nil)
	a.database.attempts.Done()
}

func (a *attempt) watch() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return
	}
	d := a.database
	now := time.Since(d.born)
	if now-a.started > d.config.StatementTimeout+d.config.AttemptTimeout {
		a.cancel(errTooLong)
		return
	}
	if time.Duration(d.lastSign.Load()) < a.asked {
		d.suspect()
	}
	a.asked = now
	a.timer.Reset(d.config.AttemptTimeout / 2)
}
