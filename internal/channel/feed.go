package channel

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
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
//
// Who shares what events look like with other subscribers asks [Feed.Ahead] first, and then has the event made or passes over it.
type Feed[E Event] struct {
	sub   Subscription
	skips func(EventKind) bool // events that are not handed over; nil: all are
	quiet bool                 // no checkpoints are handed over
	gate  *gate                // by which the subscriber may be shut out; nil: nobody is
	// render returns what is to be seen of a delivery, as it was at that time or later.
	render   func(ctx context.Context, d Delivery, known LogStanding) ([]E, time.Time, error)
	due      bool      // a delivery may be there
	delivery Delivery  // what is not handed over yet
	pending  []E       // what is to be seen of it; empty: not rendered yet
	rendered Rendering // when pending was
	over     error     // why no more come
	at       Ahead     // the newest event that was fetched
}

// Ahead names an event of a log.
type Ahead struct {
	History ids.History
	Number  int64
}

// Rendering is when an event was rendered: objects are as they were then.
type Rendering struct {
	At    time.Time
	Known int64 // how far the log was known to have come
}

// staleAfter is how old what an event shows may be when it is handed over: a client that is slow gets no body that was deleted
// before that.
const staleAfter = time.Second

// Notify has call called once, when [Feed.Next] may have something to say. It must return at once, and
// may be called before Notify returns.
func (f *Feed[E]) Notify(call func()) {
	if f.left() || f.over != nil {
		call()
		return
	}
	f.due = true
	f.sub.Notify(call)
}

// Next returns the next event; false: there is none, and [Feed.Notify] tells when. The error is io.EOF when ctx or the
// server ends or no more can come, else what ended the feed, such as a CURSOR_EXPIRED fault after a restore.
func (f *Feed[E]) Next(ctx context.Context) (event E, ok bool, err error) {
	for {
		if ok, err = f.fetch(ctx); !ok || err != nil {
			return event, false, err
		}
		if err = f.admit(ctx); err != nil {
			return event, false, err
		}
		if err = f.show(ctx); err != nil {
			return event, false, err
		}
		if len(f.pending) > 0 {
			return f.take(), true, nil
		}
		f.delivery = Delivery{} // nothing of it is to be seen
	}
}

// Outlook is what [Feed.Ahead] sees.
type Outlook int

// The outlooks.
const (
	Clear   Outlook = iota // an event of the log comes next
	Nothing                // there is nothing: [Feed.Notify] tells when
	Apart                  // what comes is not of the log, or an error: ask [Feed.Next]
	Behind                 // it must be waited for
	Alone                  // whatever comes is for this subscriber alone: ask [Feed.Next] from here on
)

// Ahead tells which event of the log comes next, before it is rendered. Only if patient it waits for a read of the log.
func (f *Feed[E]) Ahead(ctx context.Context, patient bool) (Ahead, Outlook) {
	if f.gate.due(f.sub.Standing()) && !patient {
		return Ahead{}, Behind
	}
	switch err := f.admit(ctx); {
	case err != nil:
		return Ahead{}, Apart
	case f.gate.alone():
		return Ahead{}, Alone
	}
	if !f.left() && f.over == nil && f.due {
		switch {
		case !f.sub.Due():
			return Ahead{}, Nothing
		case !patient && !f.sub.AtHand():
			return Ahead{}, Behind
		}
	}
	switch ok, err := f.fetch(ctx); {
	case err != nil:
		return Ahead{}, Apart
	case !ok:
		return Ahead{}, Nothing
	case f.gate.due(f.sub.Standing()): // by what was just fetched
		return f.Ahead(ctx, patient)
	case len(f.delivery.Events) == 0:
		return Ahead{}, Apart
	}
	return Ahead{f.delivery.Position.History, f.delivery.Events[0].Number}, Clear
}

// At returns the newest event that is behind the subscriber, where nothing is left.
func (f *Feed[E]) At() Ahead { return f.at }

// Remind is Notify for who learns of the log's events elsewhere: call is called when something else is to be said, or for nothing.
func (f *Feed[E]) Remind(call func()) {
	f.due = true
	f.sub.Remind(call)
}

// Skip moves on behind an event that the subscriber got elsewhere then, where nothing is left.
func (f *Feed[E]) Skip(to int64, at time.Time) {
	f.at.Number = to
	f.sub.Skip(to, at)
}

// Takes reports whether the event ahead may be had as it was rendered then.
func (f *Feed[E]) Takes(r Rendering) bool { return f.Holds(r) && time.Since(r.At) < staleAfter }

// Holds reports whether nothing is known that takes back what was rendered then, or takes it from somebody. Any goroutine may ask at any time.
func (f *Feed[E]) Holds(r Rendering) bool { return r.Known >= f.sub.Standing().Needed }

// Make renders the event ahead, and returns it if anything is to be seen of it. Either way the next is ahead then, but where the rendering
// is zero: the event is for this subscriber alone after all. Errors are those of Next.
func (f *Feed[E]) Make(ctx context.Context) (event E, r Rendering, ok bool, err error) {
	if err = f.show(ctx); err != nil {
		return event, r, false, err
	}
	if f.gate.alone() {
		return event, r, false, nil
	}
	r = f.rendered
	if at := f.delivery.Events[0].Number; f.shown() > 0 && f.pending[0].Position().Position == at {
		return f.take(), r, true, nil
	}
	f.Pass()
	return event, r, false, nil
}

// Pass passes over the event ahead.
func (f *Feed[E]) Pass() {
	at := f.delivery.Events[0].Number
	f.delivery.Events = f.delivery.Events[1:]
	for f.shown() > 0 && f.pending[0].Position().Position <= at {
		f.drop()
	}
	if !f.left() {
		f.pending, f.delivery = nil, Delivery{}
	}
}

// left reports whether something is not handed over yet.
func (f *Feed[E]) left() bool { return len(f.delivery.Events) > 0 || f.delivery.Checkpoint }

// shown is how many events of the log are pending: the checkpoint is none.
func (f *Feed[E]) shown() int {
	if f.delivery.Checkpoint && len(f.pending) > 0 {
		return len(f.pending) - 1
	}
	return len(f.pending)
}

// fetch sees to it that something is left, if there is anything.
func (f *Feed[E]) fetch(ctx context.Context) (bool, error) {
	for !f.left() {
		switch {
		case f.over != nil:
			return false, f.over
		case !f.due:
			return false, nil
		}
		f.due = false
		delivery, err := f.sub.Next(ctx)
		if err != nil {
			f.over = ending(ctx, err)
			return false, f.over
		}
		f.delivery, f.at = f.wanted(delivery), Ahead{delivery.Position.History, delivery.Position.Number}
	}
	return true, nil
}

// admit has the subscriber judged anew, if that is due. The error is that which ends the feed.
func (f *Feed[E]) admit(ctx context.Context) error {
	known := f.sub.Standing()
	if f.over != nil || !f.gate.due(known) {
		return f.over
	}
	if err := f.gate.pass(ctx, known.Members); err != nil {
		f.over, f.pending, f.delivery = ending(ctx, err), nil, Delivery{}
	}
	return f.over
}

// wanted is the part of a delivery that is handed over.
func (f *Feed[E]) wanted(d Delivery) Delivery {
	d.Checkpoint = d.Checkpoint && !f.quiet
	skipped := func(e LogEvent) bool { return f.skips(e.Kind) }
	if f.skips != nil && slices.ContainsFunc(d.Events, skipped) {
		d.Events = slices.DeleteFunc(slices.Clone(d.Events), skipped)
	}
	return d
}

// ending is what an error means for the subscriber.
func ending(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, ErrHubClosed) {
		return io.EOF
	}
	return err
}

// show renders what is not handed over yet, unless it is as it should be.
func (f *Feed[E]) show(ctx context.Context) (err error) {
	if len(f.pending) > 0 && f.Takes(f.rendered) {
		return nil
	}
	known := f.sub.Standing()
	f.rendered.Known = known.Known // what is rendered from now on is not older
	if f.pending, f.rendered.At, err = f.render(ctx, f.delivery, known); err != nil || ctx.Err() != nil {
		return ending(ctx, err)
	}
	return nil
}

// take hands the first of what is pending over.
func (f *Feed[E]) take() E {
	event := f.pending[0]
	if f.drop(); len(f.pending) == 0 {
		f.pending, f.delivery = nil, Delivery{} // their arrays would outlive the events
		return event
	}
	at := event.Position().Position
	f.delivery.Events = f.delivery.Events[sort.Search(len(f.delivery.Events), func(i int) bool { return f.delivery.Events[i].Number > at }):]
	return event
}

// drop removes the first of what is pending.
func (f *Feed[E]) drop() {
	var none E
	f.pending[0] = none
	f.pending = f.pending[1:]
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
