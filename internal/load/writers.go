package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// answerGrace is how long after the end of a run answers are waited for.
const answerGrace = 10 * time.Second

// writers send a call over connections that have one request each under way at a time.
type writers struct {
	calls       *calls
	connections int
	perSecond   float64 // of all together, evenly; 0: each sends as soon as it has its answer
	from, until time.Time
}

// written is what became of one writer's messages.
type written struct {
	delays []time.Duration // of good answers to what was sent from the time on that counts
	sent   int             // messages with the numbers 0 to sent-1, before that time too
	failed map[int]bool    // those of them that got no good answer: whether they happened is unknown
	first  error           // the first of what went wrong with those
}

// run sends until the time is over. The error is that a connection could not be opened.
func (w writers) run(ctx context.Context) ([]written, error) {
	ctx, cancel := context.WithDeadline(ctx, w.until.Add(answerGrace))
	defer cancel()
	turn := turns(ctx, w.perSecond, w.until)
	all, failures := make([]written, w.connections), make([]error, w.connections)
	var writing sync.WaitGroup
	for i := range all {
		writing.Go(func() { all[i], failures[i] = w.write(ctx, i+1, turn) })
	}
	writing.Wait()
	return all, errors.Join(failures...)
}

// turns returns what waits for the time of the next message, of all who call it together; false: that is too late.
func turns(ctx context.Context, perSecond float64, until time.Time) func() bool {
	var taken atomic.Int64
	began := time.Now()
	return func() bool {
		if perSecond == 0 {
			return time.Now().Before(until) && ctx.Err() == nil
		}
		at := began.Add(time.Duration(float64(taken.Add(1)) / perSecond * float64(time.Second)))
		return at.Before(until) && wait(ctx, time.Until(at)) == nil
	}
}

func (w writers) write(ctx context.Context, writer int, turn func() bool) (done written, err error) {
	done.failed = make(map[int]bool)
	var k *conn
	for turn() {
		if k == nil {
			if k, err = w.calls.dial(ctx, writer); err != nil {
				return done, err
			}
			defer k.net.Close()
		}
		started := time.Now()
		m := mark{started.UnixNano(), writer, done.sent}
		done.sent++
		if err := k.send(m); err != nil {
			done.failed[m.number] = true
			if done.first == nil {
				done.first = fmt.Errorf("connection %d: %w", writer, err)
			}
			if bad := (*badAnswer)(nil); !errors.As(err, &bad) {
				k.net.Close()
				k = nil
			}
		} else if !started.Before(w.from) {
			done.delays = append(done.delays, time.Since(started))
		}
	}
	return done, nil
}

// wait waits; the error is that of ctx if it ended before.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
