package shardrouter

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"
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
	d.counts.outages.Add(1)
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
		err := d.ping(ctx)
		if err == nil {
			err = d.probe(ctx)
		}
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

// suspect asks whether the cluster lives, unless somebody is asking already; its silence is an outage. A
// server that is merely overloaded answers a ping in time, and then has ConnectTimeout to show that it
// serves; or it serves others meanwhile.
func (d *Database) suspect() {
	if d.down() != nil || !d.asking.CompareAndSwap(false, true) {
		return
	}
	started := d.spawn(func(ctx context.Context) {
		defer d.asking.Store(false)
		began := time.Since(d.born)
		err := d.ping(ctx)
		if err == nil {
			err = d.probe(ctx)
		}
		switch {
		case ctx.Err() != nil:
		case faultOf(err) != faultDown:
			d.alive()
		case time.Duration(d.lastSign.Load()) < began:
			d.trip(err)
		}
	})
	if !started {
		d.asking.Store(false)
	}
}

// probeIdle suspects the cluster whenever it has given no sign of life for IdleProbe.
func (d *Database) probeIdle(ctx context.Context) {
	for {
		left := d.config.IdleProbe - (time.Since(d.born) - time.Duration(d.lastSign.Load()))
		if left <= 0 {
			d.suspect()
			left = d.config.IdleProbe
		}
		if wait(ctx, left+rand.N(left/8+1)) != nil { // jitter, because all processes start together
			return
		}
	}
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
