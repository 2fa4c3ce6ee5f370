package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"linkspan/internal/gqlclient"
)

const (
	// firstPause and maxPause bound the pause before a connection is made again; it doubles from one to the other.
	firstPause = 200 * time.Millisecond
	maxPause   = 5 * time.Second
	// askTimeout bounds the question who listens.
	askTimeout = 15 * time.Second
)

// listener shows what happens in one log of the server, each event once and in the order of the log, over as many
// connections as it takes.
//
// Its position moves behind an event when the event has been shown, and each connection continues from it. It has one
// before it subscribes for the first time, so nothing is lost with a connection that breaks before the first event.
type listener struct {
	client *gqlclient.Client
	log    listened
	after  *string                                // the position; nil: now, which is looked up first
	notes  io.Writer                              // for people: what happens with the connection
	pause  func(ctx context.Context, attempt int) // before attempt 1, 2, …; returns early when ctx ends

	asked    bool  // whether it is known who listens
	attempts int   // that failed since the last result
	started  bool  // whether a result ever came
	last     error // the subscription's end, if it ends behind the last result
}

// listened is a log that a listener follows. One goroutine uses it.
type listened interface {
	// ask looks up who listens, and where the log stands now.
	ask(ctx context.Context, client *gqlclient.Client) (now string, err error)
	// subscription is what follows the log behind a position.
	subscription(after string) (document, name string, variables map[string]any)
	// read decodes a result. The error may be of a part of it: there is an event then, if it has a cursor.
	read(result gqlclient.Result) (heardEvent, error)
	// title says what is listened to, when that is known.
	title() string
	// remedy says what to do about a fault that trying again does not mend; nil: nothing that only this log knows of.
	remedy(fault *gqlclient.Error) error
	// command listens to this log.
	command() string
}

// heardEvent is one event of a log.
type heardEvent struct {
	cursor string
	show   func() error // nil: nobody wants to hear of it
	last   error        // why it is the last one, if the server ends the subscription now
}

// run listens until ctx ends, which is no error, or something is wrong that trying again does not mend.
func (l *listener) run(ctx context.Context) error {
	for {
		err := l.follow(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to end
		}
		if final := l.final(err); final != nil {
			return final
		}
		if l.attempts == 0 {
			l.note("%s", l.interruption(err))
		}
		l.attempts++
		l.pause(ctx, l.attempts)
	}
}

// follow shows what comes on one connection, until that ends.
func (l *listener) follow(ctx context.Context) error {
	if !l.asked {
		if err := l.ask(ctx); err != nil {
			return err
		}
	}
	socket, err := l.client.Dial(ctx)
	if err != nil {
		return err
	}
	defer socket.Close()
	sub, err := socket.Subscribe(l.log.subscription(*l.after))
	if err != nil {
		return err
	}
	for {
		result, err := sub.Next(ctx)
		if errors.Is(err, io.EOF) && l.last != nil {
			return &finalError{l.last}
		}
		if err != nil {
			return err
		}
		if err := l.take(result); err != nil {
			return err
		}
	}
}

// ask looks up who listens and, unless the position is given, where the log stands.
func (l *listener) ask(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, askTimeout)
	defer done()
	now, err := l.log.ask(ctx, l.client)
	if err != nil {
		return err
	}
	l.asked = true
	if l.after == nil {
		l.after = &now
	}
	return nil
}

// take shows a result, if people want to hear of it, and moves the position behind it.
func (l *listener) take(result gqlclient.Result) error {
	event, err := l.log.read(result)
	if event.cursor == "" {
		return errors.Join(err, errNoEvent)
	}
	if err != nil { // a part of it is missing, such as a channel whose cluster is out of reach
		l.note("a part of what follows could not be read: %s", printable(err.Error()))
	}
	l.connected()
	if event.show != nil {
		if err := event.show(); err != nil {
			return &finalError{fmt.Errorf("the output can't be written: %w", err)}
		}
	}
	l.after, l.last = &event.cursor, event.last
	return nil
}

// connected says that results come, if that is news.
func (l *listener) connected() {
	switch {
	case !l.started:
		l.note("listening %s at %s; Ctrl-C ends it", l.log.title(), l.client.URL)
	case l.attempts > 0:
		l.note("connected again, continuing behind %s", printable(*l.after))
	}
	l.started, l.attempts = true, 0
}

func (l *listener) note(format string, args ...any) {
	fmt.Fprintf(l.notes, "linkspan: "+format+"\n", args...)
}

// pauseWithJitter waits before an attempt: from half to the whole of a time that doubles with each.
func pauseWithJitter(ctx context.Context, attempt int) {
	timer := time.NewTimer(jittered(attempt))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func jittered(attempt int) time.Duration {
	pause := maxPause
	if doublings := attempt - 1; doublings < 10 {
		pause = min(maxPause, firstPause<<doublings)
	}
	return pause/2 + rand.N(pause/2+1)
}
