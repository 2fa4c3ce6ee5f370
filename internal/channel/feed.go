package channel

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sort"
	"time"

	"linkspan/internal/ids"
)

// Event is what a subscriber of a log gets.
type Event interface {
	// Position is the cursor behind the event.
	Position() ids.LogCursor
}

// Feed is what a subscriber of a log gets, one event after the other. One goroutine uses it.
type Feed[E Event] struct {
	sub      Subscription
	render   func(ctx context.Context, d Delivery) ([]E, error) // io.EOF: these were the last
	due      bool                                               // a delivery may be there
	delivery Delivery                                           // of what is pending: what is not handed over yet
	pending  []E                                                // delivered, and not yet handed over
	rendered time.Time                                          // when pending was
	ended    bool                                               // no more are to come
}

// staleAfter is how old what an event shows may be when it is handed over: a client that is slow gets no body that was deleted
// before that.
const staleAfter = time.Second

// Notify has call called once, when [Feed.Next] may have something to say. It must return at once, and
// may be called before Notify returns.
func (f *Feed[E]) Notify(call func()) {
	if len(f.pending) > 0 || f.ended {
		call()
		return
	}
	f.due = true
	f.sub.Notify(call)
}

// Next returns the next event; false: there is none, and [Feed.Notify] tells when. The error is io.EOF when ctx or the
// server ends or no more can come, else what ended the feed, such as a CURSOR_EXPIRED fault after a restore.
func (f *Feed[E]) Next(ctx context.Context) (event E, ok bool, err error) {
	switch {
	case len(f.pending) > 0:
		if time.Since(f.rendered) >= staleAfter {
			err = f.show(ctx)
		}
	case f.ended:
		return event, false, io.EOF
	case !f.due:
		return event, false, nil
	default:
		f.due = false
		if f.delivery, err = f.sub.Next(ctx); err == nil {
			err = f.show(ctx)
		}
	}
	if errors.Is(err, io.EOF) {
		f.ended, err = true, nil
	}
	switch {
	case ctx.Err() != nil, errors.Is(err, ErrHubClosed):
		return event, false, io.EOF
	case err != nil:
		return event, false, err
	case len(f.pending) == 0:
		return f.Next(ctx)
	}
	return f.take(), true, nil
}

// show renders what is not handed over yet.
func (f *Feed[E]) show(ctx context.Context) (err error) {
	f.pending, err = f.render(ctx, f.delivery)
	f.rendered = time.Now()
	return err
}

// take hands the first of what is pending over.
func (f *Feed[E]) take() E {
	event := f.pending[0]
	var none E
	f.pending[0] = none
	if f.pending = f.pending[1:]; len(f.pending) == 0 {
		f.pending, f.delivery = nil, Delivery{} // their arrays would outlive the events
		return event
	}
	at := event.Position().Position
	f.delivery.Events = f.delivery.Events[sort.Search(len(f.delivery.Events), func(i int) bool { return f.delivery.Events[i].Number > at }):]
	return event
}

// Close ends the feed.
func (f *Feed[E]) Close() { f.sub.Close() }

// feedBackOff is the pause before objects of events are read again when their cluster was out of reach.
const feedBackOff = 500 * time.Millisecond

// patiently reads what events show, as soon as its cluster is within reach, so that no event is lost. An error is the end
// of ctx, or what trying again would not mend.
func patiently[T any](ctx context.Context, logger *slog.Logger, log LogKey, read func() (T, error)) (T, error) {
	for {
		found, err := read()
		if fault := (*Fault)(nil); !errors.As(err, &fault) || !fault.Retryable {
			return found, err
		}
		logger.WarnContext(ctx, "a subscription waits for its cluster", "log", log.ID.UUID(), "err", err)
		select {
		case <-time.After(feedBackOff):
		case <-ctx.Done():
			return found, ctx.Err()
		}
	}
}
