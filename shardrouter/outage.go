package shardrouter

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// An outage is the time from when a cluster counts as down until the prober has reached it. Callers fail
// at once meanwhile, with the prober's latest error.
type outage struct {
	since  time.Time
	reason atomic.Pointer[error]
}

const (
	firstProbePause = 25 * time.Millisecond
	lastProbePause  = 500 * time.Millisecond
)

// errSilent says that the server did not answer in time.
var errSilent = errors.New("the server does not answer")

// down is the reason of the outage, or nil while the cluster counts as up.
func (d *Database) down() error {
	if o := d.outage.Load(); o != nil {
		return *o.reason.Load()
	}
	return nil
}

// trip begins an outage unless there is one: it cuts all connections, so that everybody who waits gets
// an error now, and starts the prober.
func (d *Database) trip(reason error) {
	o := &outage{since: time.Now()}
	o.reason.Store(&reason)
	if !d.outage.CompareAndSwap(nil, o) {
		return
	}
	d.dialer.cut()
	d.config.Logger.Warn("cluster is down", "cluster", d.name, "error", reason)
	if !d.spawn(func(ctx context.Context) { d.recover(ctx, o) }) {
		d.outage.Store(nil) // closing
	}
}

// recover ends the outage when a new connection serves again.
func (d *Database) recover(ctx context.Context, o *outage) {
	pause := firstProbePause
	for {
		err := d.probe(ctx, d.config.ConnectTimeout)
		if err == nil {
			d.pool.Reset() // connections from before the outage
			d.alive()
			d.outage.Store(nil)
			d.config.Logger.Info("cluster is back", "cluster", d.name, "after", time.Since(o.since).Round(time.Millisecond))
			return
		}
		if ctx.Err() != nil {
			return
		}
		o.reason.Store(&err)
		// Jitter, because all processes lost the cluster at the same moment.
		if wait(ctx, pause/2+rand.N(pause/2)) != nil {
			return
		}
		pause = min(2*pause, lastProbePause)
	}
}

// suspect asks whether the cluster lives, unless somebody is asking already. Its silence is an outage.
func (d *Database) suspect() {
	if d.down() != nil || !d.asking.CompareAndSwap(false, true) {
		return
	}
	started := d.spawn(func(ctx context.Context) {
		defer d.asking.Store(false)
		began := time.Since(d.born)
		err := d.probe(ctx, d.config.AttemptTimeout/2)
		switch {
		case ctx.Err() != nil:
		case faultOf(err) != faultDown:
			d.alive()
		case time.Duration(d.lastSign.Load()) < began: // else others were served: it is only slow
			d.trip(err)
		}
	})
	if !started {
		d.asking.Store(false)
	}
}

// probe makes a new connection, lets the cluster prove its identity, and closes it. The limit is for each
// host of the DSN.
func (d *Database) probe(ctx context.Context, limit time.Duration) error {
	config := d.probing.Copy()
	config.ConnectTimeout = limit
	ctx, cancel := context.WithTimeout(ctx, limit*time.Duration(1+len(config.Fallbacks)))
	defer cancel()
	own := newDialer(func() error { return ctx.Err() })
	defer own.cut()
	config.DialFunc = own.dial

	conn, err := pgx.ConnectConfig(ctx, config)
	if err == nil {
		err = d.identity.verify(ctx, conn)
		_ = conn.Close(ctx)
	}
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &notServingError{fmt.Errorf("%w: %w", errSilent, err)}
	}
	return err
}

// alive notes that the cluster has just shown a sign of life.
func (d *Database) alive() { d.lastSign.Store(int64(time.Since(d.born))) }

// wait waits, or returns ctx.Err().
func wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
