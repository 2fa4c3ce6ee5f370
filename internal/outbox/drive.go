package outbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"linkspan/internal/channel"
)

// Settle begins to deliver what is still open for the subject; see [channel.Outbox].
func (r *Relay) Settle(ctx context.Context, subject [16]byte) (channel.Underway, error) {
	open, err := r.store.OpenSteps(ctx, subject)
	if err != nil {
		return nil, err
	}
	return r.Drive(ctx, open), nil
}

// Drive begins to deliver the steps, each stream in order and all streams at once, but for those that need the channel
// first. Deliveries go on when ctx ends; see [channel.Outbox].
func (r *Relay) Drive(ctx context.Context, steps []channel.Step) channel.Underway {
	streams := streamsOf(steps)
	detached := context.WithoutCancel(ctx)
	for _, s := range streams {
		if !s.waits {
			r.driving.Go(func() { r.drive(detached, s) })
		}
	}
	return streams
}

// drive delivers a stream, and then those that waited for it.
func (r *Relay) drive(ctx context.Context, s *stream) {
	s.end(r.driveStream(ctx, s.steps))
	for _, next := range s.behind {
		if s.err != nil {
			next.end(s.err)
		} else {
			r.driving.Go(func() { r.drive(ctx, next) })
		}
	}
}

// underway implements [channel.Underway]: streams on their way.
type underway []*stream

// stream is the steps of one stream and how their delivery ended.
type stream struct {
	steps  []channel.Step
	waits  bool      // for the stream to the subject's channel
	behind []*stream // those that wait for this one
	done   chan struct{}
	err    error // once done is closed
}

func (s *stream) end(err error) {
	s.err = err
	close(s.done)
}

// to returns where the stream leads.
func (s *stream) to() channel.Destination { return s.steps[0].Stream.Destination }

// streamsOf groups the steps by stream, in their order, and puts those that need the channel behind its stream. Where
// that is not among them, what they need is there already.
func streamsOf(steps []channel.Step) underway {
	var u underway
	byStream := make(map[channel.Stream]*stream)
	for _, step := range steps {
		s := byStream[step.Stream]
		if s == nil {
			s = &stream{done: make(chan struct{})}
			byStream[step.Stream] = s
			u = append(u, s)
		}
		s.steps = append(s.steps, step)
	}
	for _, s := range u {
		if !slices.ContainsFunc(s.steps, func(step channel.Step) bool { return step.Needs > 0 }) {
			continue
		}
		subject := s.steps[0].Stream.Subject
		first := slices.IndexFunc(u, func(other *stream) bool {
			return other.steps[0].Stream.Subject == subject && !other.to().Channel.IsZero()
		})
		if first >= 0 {
			s.waits = true
			u[first].behind = append(u[first].behind, s)
		}
	}
	return u
}

// Wait implements [channel.Underway].
func (u underway) Wait(ctx context.Context, required ...channel.Destination) error {
	for _, s := range u {
		if !slices.Contains(required, s.to()) {
			continue
		}
		select {
		case <-s.done:
			if s.err != nil {
				return unavailable(s.err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Linger implements [channel.Underway].
func (u underway) Linger(ctx context.Context) {
	enough := time.NewTimer(grace)
	defer enough.Stop()
	for _, s := range u {
		select {
		case <-s.done:
		case <-enough.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// driveStream delivers the steps of one stream in order. Where an earlier step is missing, which another request or a
// relay has not finished yet, it delivers that one too.
func (r *Relay) driveStream(ctx context.Context, steps []channel.Step) error {
	for _, step := range steps {
		err := r.attempt(ctx, step)
		if errors.Is(err, channel.ErrStepGap) {
			if err = r.closeGap(ctx, step); err == nil {
				err = r.attempt(ctx, step)
			}
		}
		if err != nil {
			r.logger.WarnContext(ctx, "outbox: a step is left to the relay", "kind", step.Kind, "op", step.Op.UUID(), "err", err)
			return err
		}
		r.noteLater(step)
	}
	return nil
}

// closeGap delivers the open steps of the stream that come before the step, behind what they need: all of that may have taken effect, and is not noted yet.
func (r *Relay) closeGap(ctx context.Context, step channel.Step) error {
	open, err := r.store.OpenSteps(ctx, step.Stream.Subject)
	if err != nil {
		return err
	}
	var needed, before []channel.Step
	var last channel.Step // that of those before which needs most
	for _, earlier := range open {
		if earlier.Stream == step.Stream && earlier.Number < step.Number {
			before = append(before, earlier)
			if earlier.Needs > last.Needs {
				last = earlier
			}
		}
	}
	for _, other := range open {
		if needs(last, other) {
			needed = append(needed, other)
		}
	}
	for _, earlier := range slices.Concat(needed, before) {
		if err := r.attempt(ctx, earlier); err != nil {
			return errors.Join(errUndelivered, err)
		}
		r.noteLater(earlier)
	}
	return nil
}

// needs reports whether a step has to wait for another, of the same subject, to take effect.
func needs(step, other channel.Step) bool {
	return !other.Stream.Destination.Channel.IsZero() && other.Number <= step.Needs
}

// noteLater hands a step over to be noted; where too many wait it is left to redelivery.
func (r *Relay) noteLater(step channel.Step) {
	select {
	case r.done <- step:
	default:
	}
}

// unavailable makes a fault of a delivery that has to wait for its turn or took too long; others stay as they are.
func unavailable(err error) error {
	if errors.Is(err, channel.ErrStepGap) || errors.Is(err, errUndelivered) || errors.Is(err, context.DeadlineExceeded) {
		return channel.Unavailable(err)
	}
	return err
}
