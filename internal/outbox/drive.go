package outbox

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"linkspan/internal/channel"
)

// Settle delivers what is still open for the subject; see [channel.Outbox].
func (r *Relay) Settle(ctx context.Context, subject [16]byte, required ...channel.Destination) error {
	open, err := r.store.OpenSteps(ctx, subject)
	if err != nil || len(open) == 0 {
		return err
	}
	return r.Drive(ctx, open, required...)
}

// outcome is how one stream's delivery ended.
type outcome struct {
	destination channel.Destination
	err         error
}

// Drive delivers the steps, each stream in order and all streams at once, but for those that need the channel first; see
// [channel.Outbox]. It returns as soon as the answer may be given; deliveries go on when ctx ends.
func (r *Relay) Drive(ctx context.Context, steps []channel.Step, required ...channel.Destination) error {
	streams := byStream(steps)
	outcomes := make(chan outcome, len(streams))
	detached := context.WithoutCancel(ctx)
	r.driving.Go(func() { r.driveAll(detached, streams, outcomes) })

	var slow <-chan time.Time
	for missing, open := len(required), len(streams); open > 0; open-- {
		if missing == 0 && slow == nil {
			slow = time.After(grace)
		}
		select {
		case o := <-outcomes:
			if !slices.Contains(required, o.destination) {
				continue
			}
			if o.err != nil {
				return unavailable(o.err)
			}
			missing--
		case <-slow:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// driveAll delivers the streams' steps: first those that wait for nothing, concurrently, then those that need the
// channel's.
func (r *Relay) driveAll(ctx context.Context, streams [][]channel.Step, outcomes chan<- outcome) {
	var free, waiting [][]channel.Step
	for _, stream := range streams {
		if slices.ContainsFunc(stream, func(step channel.Step) bool { return step.Needs > 0 }) {
			waiting = append(waiting, stream)
		} else {
			free = append(free, stream)
		}
	}
	failed := make(map[[16]byte]error) // subjects whose channel could not be reached
	for _, o := range r.driveEach(ctx, free, outcomes) {
		if o.err != nil && !o.destination.Channel.IsZero() {
			failed[o.destination.Channel.Bytes()] = o.err
		}
	}
	ready := waiting[:0]
	for _, stream := range waiting {
		if err := failed[stream[0].Stream.Subject]; err != nil {
			outcomes <- outcome{stream[0].Stream.Destination, err}
		} else {
			ready = append(ready, stream)
		}
	}
	r.driveEach(ctx, ready, outcomes)
}

// driveEach delivers the streams concurrently, tells each outcome at once and returns them all.
func (r *Relay) driveEach(ctx context.Context, streams [][]channel.Step, outcomes chan<- outcome) []outcome {
	ended := make([]outcome, len(streams))
	var delivering sync.WaitGroup
	for i, stream := range streams {
		delivering.Go(func() {
			ended[i] = r.driveStream(ctx, stream)
			outcomes <- ended[i]
		})
	}
	delivering.Wait()
	return ended
}

// driveStream delivers the steps of one stream in order. Where an earlier step is missing, which another request or a
// relay has not finished yet, it delivers that one too.
func (r *Relay) driveStream(ctx context.Context, steps []channel.Step) outcome {
	o := outcome{destination: steps[0].Stream.Destination}
	for _, step := range steps {
		err := r.attempt(ctx, step)
		if errors.Is(err, channel.ErrStepGap) {
			if err = r.closeGap(ctx, step); err == nil {
				err = r.attempt(ctx, step)
			}
		}
		if err != nil {
			r.logger.WarnContext(ctx, "outbox: a step is left to the relay", "kind", step.Kind, "op", step.Op.UUID(), "err", err)
			o.err = err
			return o
		}
		r.noteLater(step)
	}
	return o
}

// closeGap delivers the open steps of the stream that come before the step.
func (r *Relay) closeGap(ctx context.Context, step channel.Step) error {
	open, err := r.store.OpenSteps(ctx, step.Stream.Subject)
	if err != nil {
		return err
	}
	for _, earlier := range open {
		if earlier.Stream != step.Stream || earlier.Number >= step.Number {
			continue
		}
		if waits(earlier, open) {
			return errUndelivered
		}
		if err := r.attempt(ctx, earlier); err != nil {
			return errors.Join(errUndelivered, err)
		}
		r.noteLater(earlier)
	}
	return nil
}

// waits reports whether what the step needs is among the open steps of its subject.
func waits(step channel.Step, open []channel.Step) bool {
	return slices.ContainsFunc(open, func(other channel.Step) bool {
		return !other.Stream.Destination.Channel.IsZero() && other.Number <= step.Needs
	})
}

// noteLater hands a step over to be noted; where too many wait it is left to redelivery.
func (r *Relay) noteLater(step channel.Step) {
	select {
	case r.done <- step:
	default:
	}
}

// byStream groups the steps by stream, in their order.
func byStream(steps []channel.Step) [][]channel.Step {
	var streams [][]channel.Step
	index := make(map[channel.Stream]int)
	for _, step := range steps {
		i, ok := index[step.Stream]
		if !ok {
			i = len(streams)
			index[step.Stream] = i
			streams = append(streams, nil)
		}
		streams[i] = append(streams[i], step)
	}
	return streams
}

// unavailable makes a fault of a delivery that has to wait for its turn or took too long; others stay as they are.
func unavailable(err error) error {
	if errors.Is(err, channel.ErrStepGap) || errors.Is(err, errUndelivered) || errors.Is(err, context.DeadlineExceeded) {
		return channel.Unavailable(err)
	}
	return err
}
