package live

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"linkspan/internal/channel"
)

// retryable tells an outage, which is waited out, from what no waiting mends.
func retryable(err error) bool {
	var fault *channel.Fault
	return errors.As(err, &fault) && fault.Retryable
}

// outOfTime makes an outage of a read that did not end in time.
func outOfTime(err error) error {
	if errors.Is(err, context.DeadlineExceeded) && !retryable(err) {
		return channel.Unavailable(err)
	}
	return err
}

// backoff is the pause between tries: it doubles up to longest, with jitter, so that not all come back at once.
type backoff struct {
	longest time.Duration
	pause   time.Duration
}

func (b *backoff) next() time.Duration {
	b.pause = min(max(2*b.pause, 50*time.Millisecond), b.longest)
	return b.pause/2 + rand.N(b.pause/2+1)
}

func (b *backoff) reset() { b.pause = 0 }

// outage logs the beginning and the end of a time in which logs can't be read: one line each, however many logs and
// subscribers wait. It lasts until all live logs could be read at once.
type outage struct {
	logger *slog.Logger

	mu    sync.Mutex
	since time.Time // zero: none
}

func (o *outage) begin(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		o.since = time.Now()
		o.logger.Warn("logs out of reach; their subscribers wait", "error", err)
	}
}

func (o *outage) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.since.IsZero() {
		o.logger.Info("logs in reach again", "after", time.Since(o.since).Round(time.Millisecond))
		o.since = time.Time{}
	}
}

// forget ends an outage that nobody waits out any more.
func (o *outage) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.since = time.Time{}
}
