package shardrouter

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

const (
	firstConflictPause = 2 * time.Millisecond
	lastConflictPause  = 100 * time.Millisecond
)

// operation is what run carries through its attempts.
type operation struct {
	database   *Database
	repeatable bool
	conflicts  int       // runs lost to other transactions, and runs that the closure gave back
	reconnects int       // runs lost with their connection
	full       time.Time // when the server first said that it is full; zero: it has not
	unknown    error     // set when a COMMIT has been sent and its outcome never learned
}

// run runs an attempt, again where that is right, and returns what the caller of the package gets.
func (d *Database) run(ctx context.Context, bound, repeatable bool, once func(*attempt) error) error {
	if ctx.Value(holdsConnection{}) != nil {
		return ErrNested
	}
	op := operation{database: d, repeatable: repeatable}
	for {
		if err := ctx.Err(); err != nil {
			return op.failed(err)
		}
		if reason := d.down(); reason != nil {
			return op.unavailable(reason)
		}
		a := d.begin(ctx, bound)
		if a == nil {
			return op.failed(ErrClosed)
		}
		err, cause := a.run(once)
		if answered(err) {
			d.alive()
		}
		if err == nil {
			return nil
		}
		if again, err := op.judge(ctx, a, err, cause); !again {
			return err
		}
	}
}

// judge decides what becomes of an attempt's error: another run, or the error for the caller.
func (op *operation) judge(ctx context.Context, a *attempt, err, cause error) (again bool, _ error) {
	if a.unknown {
		op.unknown = err
		if !op.repeatable {
			return false, op.unavailable(err)
		}
	}
	var giveBack *retryError
	if errors.As(err, &giveBack) {
		return op.conflict(ctx, giveBack.err, giveBack.err)
	}
	if isEnd(err) {
		switch {
		case ctx.Err() != nil:
			return false, op.failed(ctx.Err())
		case op.database.closing.Load():
			return false, op.failed(ErrClosed)
		case errors.Is(cause, errTooLong):
			return false, op.unavailable(errTooLong)
		}
	}
	switch f := faultOf(err); {
	case f == faultConflict:
		op.database.counts.conflicts.Add(1)
		return op.conflict(ctx, err, op.unavailable(err))
	case f == faultFull:
		if op.full.IsZero() {
			op.full = time.Now()
		}
		if time.Since(op.full) > op.database.config.AttemptTimeout/2 {
			return false, op.unavailable(err)
		}
		return op.conflict(ctx, err, op.unavailable(err))
	case f == faultStale:
		op.database.renew(a)
		return op.conflict(ctx, err, op.unavailable(err))
	case f == faultSlow:
		return false, op.unavailable(err)
	case f == faultDown && a.readsOnly && isReadOnly(err):
		return false, err
	case f == faultDown, a.unknown:
		return op.lost(a, err)
	case op.unknown != nil && errors.Is(err, ErrNotOwned):
		return false, op.failed(err) // so that the router knows, too
	}
	return false, err // also after an unknown COMMIT: the closure has looked, and knows
}

// conflict runs the closure again after a short pause, a bounded number of times.
func (op *operation) conflict(ctx context.Context, err, last error) (bool, error) {
	op.conflicts++
	if op.conflicts > conflictRetries {
		return false, last
	}
	pause := min(firstConflictPause<<op.conflicts, lastConflictPause)
	if wait(ctx, rand.N(pause)) != nil {
		return false, op.failed(ctx.Err())
	}
	return true, err
}

// lost runs the closure once more, on a new connection: after a restart of the server all idle ones are
// dead, and that is no outage. A second loss is.
func (op *operation) lost(a *attempt, err error) (bool, error) {
	d := op.database
	if reason := d.down(); reason != nil {
		return false, op.unavailable(reason)
	}
	op.reconnects++
	if op.reconnects == 1 {
		d.counts.reconnects.Add(1)
		d.renew(a)
		return true, err
	}
	d.trip(err)
	return false, op.unavailable(err)
}

// renew has the pool make new connections, if it has not since the attempt began.
func (d *Database) renew(a *attempt) {
	if d.resets.CompareAndSwap(a.resets, a.resets+1) {
		d.pool.Reset()
	}
}

// unavailable is the error for a cluster that could not serve.
func (op *operation) unavailable(reason error) error {
	return op.failed(&UnavailableError{Cluster: op.database.name, Slot: NoSlot, Err: reason})
}

// failed returns err, inside of an OutcomeUnknownError where an earlier run may have been committed.
func (op *operation) failed(err error) error {
	if op.unknown == nil {
		return err
	}
	var unavailable *UnavailableError
	if !errors.As(err, &unavailable) && !errors.Is(err, ErrNotOwned) {
		err = &UnavailableError{Cluster: op.database.name, Slot: NoSlot, Err: errors.Join(err, op.unknown)}
	}
	return &OutcomeUnknownError{Cluster: op.database.name, Err: err}
}
