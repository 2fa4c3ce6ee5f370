package live

import (
	"context"
	"io"
	"time"

	"linkspan/internal/channel"
)

// Subscription implements [channel.Subscription]: one subscriber's position in a log. One goroutine uses it.
type Subscription struct {
	log      *log
	epoch    uint64          // of the log when the subscription began; in any other it has expired
	position channel.LogHead // behind what the subscriber has
	target   int64           // where the log stood when the subscription began: the replay ends there
	greeting bool            // the checkpoint that comes first of all is due
	caughtUp bool            // the replay has ended, or there was none
	last     time.Time       // of the last delivery
	idle     *time.Timer
	alarm    *time.Timer
	alarmed  bool    // the alarm is set; guarded by the log's mutex, as what follows
	news     func()  // is called when there is news; nil: nobody waits
	reminds  func()  // is called when the alarm comes
	place    int     // among those of the log who wait
	since    *moment // when Notify was called: what fails after that is Next's business
	closed   bool
}

// Notify implements [channel.Subscription].
func (s *Subscription) Notify(f func()) { s.whenDue(f, func() { s.log.await(s, f) }) }

// Remind implements [channel.Subscription].
func (s *Subscription) Remind(f func()) { s.whenDue(f, func() { s.reminds = f }) }

// whenDue calls f if there is something to say, else it has wait see to that, with the log's mutex held, and sets the alarm.
func (s *Subscription) whenDue(f, wait func()) {
	l := s.log
	l.mu.Lock()
	s.since = l.now.Load()
	ready := s.over(context.Background()) != nil || s.due(s.since)
	if !ready {
		wait()
		s.setAlarm()
	}
	l.mu.Unlock()
	if ready {
		f()
	}
}

// Skip implements [channel.Subscription].
func (s *Subscription) Skip(to int64, at time.Time) {
	if to > s.position.Number {
		s.position.Number, s.last = to, at
	}
}

// Due implements [channel.Subscription].
func (s *Subscription) Due() bool {
	now := s.log.now.Load()
	failed := now.err != nil && s.since != nil && now != s.since
	return failed || s.over(context.Background()) != nil || s.due(now)
}

// setAlarm has the one who waits called when it has waited for long enough. An alarm that is set already is left alone: it
// comes too early, and then another one is set. So deliveries cost none. It needs the log's mutex.
func (s *Subscription) setAlarm() {
	left := s.left()
	switch {
	case left == forever, s.alarmed:
		return
	case s.alarm == nil:
		s.alarm = time.AfterFunc(left, s.rings)
	default:
		s.alarm.Reset(left)
	}
	s.alarmed = true
}

// rings is when the alarm comes.
func (s *Subscription) rings() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.alarmed = false
	f := s.reminds
	s.reminds = nil
	switch {
	case f != nil: // who is reminded knows how long it has waited
		f()
	case s.news == nil: // it is at work, and sets the alarm when it waits again
	case s.left() > 0:
		s.setAlarm()
	default:
		s.log.forget(s)()
	}
}

// due reports whether Next has something to say.
func (s *Subscription) due(now *moment) bool {
	return now.epoch != s.epoch || s.greeting || s.position.Number < now.head.Number || now.head.Ended || s.left() <= 0
}

// left is how long the subscriber may still wait without a word.
func (s *Subscription) left() time.Duration {
	if !s.caughtUp {
		return forever
	}
	return s.log.hub.cfg.Idle - time.Since(s.last)
}

// AtHand implements [channel.Subscription].
func (s *Subscription) AtHand() bool {
	now := s.log.now.Load()
	_, there := now.after(s.position.Number, 1)
	return there && now.epoch == s.epoch && !s.greeting
}

// Standing implements [channel.Subscription].
func (s *Subscription) Standing() channel.LogStanding {
	now := s.log.now.Load()
	return channel.LogStanding{Known: now.head.Number, Needed: max(s.target, now.taken), Members: now.whose, Read: now.read}
}

// Next implements [channel.Subscription]. The events of a delivery are shared with other subscribers and must not be
// changed. A checkpoint for idleness comes only after the replay has ended, so the first one always tells its end.
// An error that no waiting mends is returned to all who wait at the time; the subscription stands where it stood, and
// Next may be tried again.
func (s *Subscription) Next(ctx context.Context) (channel.Delivery, error) {
	pause := backoff{longest: s.log.hub.cfg.Poll}
	first := s.since // what went wrong before is not this call's business: the poll tries again
	if s.since = nil; first == nil {
		first = s.log.now.Load()
	}
	for {
		if err := s.over(ctx); err != nil {
			return channel.Delivery{}, err
		}
		now := s.log.now.Load()
		if now.epoch != s.epoch {
			return channel.Delivery{}, channel.Expired()
		}
		if s.greeting {
			s.greeting = false
			return s.deliver(nil, true), nil
		}
		if s.position.Number < now.head.Number {
			events, err := s.behind(ctx, now)
			if err == nil {
				if watch := s.log.hub.cfg.Watch; watch != nil && len(events) > 0 {
					newest := events[len(events)-1]
					watch.Delivered(max(now.head.Number-newest.Number, 0), time.Since(newest.At), !s.caughtUp)
				}
				return s.deliver(events, false), nil
			}
			if !retryable(err) {
				return channel.Delivery{}, err
			}
			s.log.hub.outage.begin(err)
			if err := s.wait(ctx, nil, pause.next()); err != nil {
				return channel.Delivery{}, err
			}
			continue
		}
		if now.head.Ended {
			return channel.Delivery{}, io.EOF
		}
		if now.err != nil && now != first {
			return channel.Delivery{}, now.err
		}
		left := s.left()
		if left <= 0 {
			return s.deliver(nil, true), nil
		}
		if err := s.wait(ctx, now.over, left); err != nil {
			return channel.Delivery{}, err
		}
	}
}

// forever is longer than any subscription.
const forever = time.Duration(1<<63 - 1)

// behind returns the events right behind the subscriber's position, from memory or else from the log.
func (s *Subscription) behind(ctx context.Context, now *moment) ([]channel.LogEvent, error) {
	if events, ok := now.after(s.position.Number, s.log.hub.cfg.PageSize); ok {
		return events, nil
	}
	return s.log.behind(ctx, pageKey{s.epoch, s.position.Number}, s.position.History)
}

// deliver moves the position behind the events.
func (s *Subscription) deliver(events []channel.LogEvent, checkpoint bool) channel.Delivery {
	s.position.Number += int64(len(events))
	if !s.caughtUp && s.position.Number >= s.target {
		s.caughtUp, checkpoint = true, true
	}
	s.last = time.Now()
	return channel.Delivery{Events: events, Position: s.position, Checkpoint: checkpoint}
}

// over returns why there is no next delivery, if so.
func (s *Subscription) over(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed || s.log.ctx.Err() != nil {
		return channel.ErrHubClosed
	}
	return nil
}

// wait ends when news is closed or the time is up, without an error, or with the subscription's end.
func (s *Subscription) wait(ctx context.Context, news <-chan struct{}, most time.Duration) error {
	if s.idle == nil {
		s.idle = time.NewTimer(most)
	} else {
		s.idle.Reset(most)
	}
	select {
	case <-news:
		return nil
	case <-s.idle.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.log.ctx.Done():
		return channel.ErrHubClosed
	}
}

// Close implements [channel.Subscription].
func (s *Subscription) Close() {
	if s.closed {
		return
	}
	s.closed = true
	for _, timer := range []*time.Timer{s.idle, s.alarm} {
		if timer != nil {
			timer.Stop()
		}
	}
	s.log.mu.Lock()
	s.log.forget(s)
	s.reminds = nil
	s.log.mu.Unlock()
	s.log.hub.leave(s.log)
}
