// Package outbox lets decisions of the main database take effect on other clusters: durably, in order, once.
//
// A decision's steps are rows of the deciding transaction. They form streams, one for each subject and destination,
// with dense numbers. The request that decided delivers its steps itself ([Relay.Drive]); whatever it could not
// finish, because a cluster was out of reach or the process died, a relay takes up ([Relay.Run]).
//
// The invariants:
//
//   - The destination keeps the number of the last step that took effect, in the effect's own transaction, and takes
//     only the next. So a step takes effect once and in order whoever delivers it, however often, at the same time or
//     not. Everything below only saves work.
//   - Taking a stream's head, its effect, and noting the effect in main are three transactions, one after the other.
//     Between the first and the last the stream is leased: other relays leave it alone for a moment.
//   - Effects are noted in batches, after the answer. What is not noted yet is delivered again and skipped there.
package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"linkspan/internal/channel"
)

const (
	// Lease is for how long nobody else takes a step that a request or a relay is delivering.
	Lease = 2 * time.Second
	// pollInterval is how often a relay looks for due steps when there were none.
	pollInterval = 500 * time.Millisecond
	// maxClaims is how many streams a relay has taken at a time, and delivers concurrently.
	maxClaims = 32
	// deliverTimeout bounds one delivery; it is below Lease, so that a slow one does not meet its own repetition.
	deliverTimeout = 1800 * time.Millisecond
	// grace is how long a request waits for steps that its answer does not need.
	grace = 250 * time.Millisecond
	// linger is for how long effects are gathered before they are noted: far below Lease, and long enough that noting
	// does not compete with decisions for main's commits.
	linger = 100 * time.Millisecond
	// noteBatchSize is how many effects are noted in one transaction at the most.
	noteBatchSize = 512
	// maxBackOff bounds the pause before a step that failed is tried again.
	maxBackOff = 2 * time.Second
)

// Store keeps streams and steps in main. Implementations are safe for concurrent use.
type Store interface {
	// OpenSteps returns the steps of the subject whose effect is not noted, those to its channel first, each stream in
	// order.
	OpenSteps(ctx context.Context, subject [16]byte) ([]channel.Step, error)
	// ClaimDue takes the heads of at most limit streams that are due and whose needs are met, for the length of the
	// lease, and counts the attempt.
	ClaimDue(ctx context.Context, limit int, lease time.Duration) ([]Claim, error)
	// Complete notes that the steps have taken effect, in one transaction. Noting twice does no harm.
	Complete(ctx context.Context, steps []channel.Step) error
	// Defer lets the head of the stream be taken again after the pause.
	Defer(ctx context.Context, stream channel.Stream, pause time.Duration) error
}

// Claim is a stream's head that was taken, for the Attempts-th time.
type Claim struct {
	Step     channel.Step
	Attempts int
}

// Deliver lets one step take effect at its destination; channel.ErrStepGap if it is not its turn.
type Deliver func(ctx context.Context, step channel.Step) error

// Relay delivers steps. One a process; it is safe for concurrent use.
type Relay struct {
	store   Store
	deliver Deliver
	logger  *slog.Logger
	done    chan channel.Step // steps whose effect is to be noted
	quit    chan struct{}     // closed when no more come
	driving sync.WaitGroup    // deliveries that outlive their requests
}

var _ channel.Outbox = (*Relay)(nil)

// NewRelay returns a relay; Run must be running for it to finish what requests leave.
func NewRelay(store Store, deliver Deliver, logger *slog.Logger) *Relay {
	return &Relay{store: store, deliver: deliver, logger: logger, done: make(chan channel.Step, 16*noteBatchSize), quit: make(chan struct{})}
}

// Run delivers due steps until ctx ends; then it waits for deliveries under way and notes their effects. Any number of
// processes may run relays over the same main database.
func (r *Relay) Run(ctx context.Context) {
	var noting, delivering sync.WaitGroup
	noting.Go(r.note)
	ended := make(chan struct{}, maxClaims)
	for free := maxClaims; ctx.Err() == nil; {
		var claims []Claim
		if free > 0 {
			var err error
			if claims, err = r.store.ClaimDue(ctx, free, Lease); err != nil && ctx.Err() == nil {
				r.logger.WarnContext(ctx, "outbox: main can't be asked for due steps", "err", err)
			}
		}
		for _, claim := range claims {
			delivering.Go(func() {
				r.redeliver(context.WithoutCancel(ctx), claim)
				ended <- struct{}{}
			})
		}
		free -= len(claims)
		free += r.rest(ctx, ended)
	}
	delivering.Wait()
	r.driving.Wait()
	close(r.quit)
	noting.Wait()
}

// rest waits until a delivery has ended, behind which its stream may go on, or for a while; it returns how many have.
func (r *Relay) rest(ctx context.Context, ended <-chan struct{}) (n int) {
	select {
	case <-ended:
		n++
	case <-time.After(pollInterval):
	case <-ctx.Done():
	}
	for len(ended) > 0 {
		<-ended
		n++
	}
	return n
}

func (r *Relay) redeliver(ctx context.Context, claim Claim) {
	err := r.attempt(ctx, claim.Step)
	if err == nil {
		// Noted at once, and the lease given back: the stream's next step waits for it.
		err = r.store.Complete(ctx, []channel.Step{claim.Step})
	}
	var pause time.Duration
	if err != nil {
		pause = backOff(claim.Attempts)
		r.logger.WarnContext(ctx, "outbox: a step waits", "kind", claim.Step.Kind, "op", claim.Step.Op.UUID(),
			"number", claim.Step.Number, "attempts", claim.Attempts, "pause", pause, "err", err)
	}
	if err := r.store.Defer(ctx, claim.Step.Stream, pause); err != nil {
		r.logger.WarnContext(ctx, "outbox: a step waits for its lease", "op", claim.Step.Op.UUID(), "err", err)
	}
}

func (r *Relay) attempt(ctx context.Context, step channel.Step) error {
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	return r.deliver(ctx, step)
}

// backOff is 50 ms after the first attempt and doubles up to maxBackOff.
func backOff(attempts int) time.Duration {
	return min(25*time.Millisecond<<min(max(attempts, 1), 10), maxBackOff)
}

// note writes down effects until quit is closed and none is left: what gathers while it lingers goes in one
// transaction.
func (r *Relay) note() {
	for {
		select {
		case step := <-r.done:
			select {
			case <-time.After(linger):
			case <-r.quit:
			}
			r.noteBatch(step)
		case <-r.quit:
			for len(r.done) > 0 {
				r.noteBatch(<-r.done)
			}
			return
		}
	}
}

// noteBatch writes down the step and those that wait behind it. A batch that can't be written is left to redelivery,
// which costs work and changes nothing.
func (r *Relay) noteBatch(first channel.Step) {
	batch := []channel.Step{first}
	for len(batch) < noteBatchSize && len(r.done) > 0 {
		batch = append(batch, <-r.done)
	}
	ctx, cancel := context.WithTimeout(context.Background(), deliverTimeout)
	defer cancel()
	if err := r.store.Complete(ctx, batch); err != nil {
		r.logger.Warn("outbox: effects could not be noted; they will be delivered again and skipped", "steps", len(batch), "err", err)
	}
}

// errUndelivered is why a request's delivery ended without an effect: shown to the client as unavailable.
var errUndelivered = errors.New("outbox: an earlier step, or one that it needs, is still open")
