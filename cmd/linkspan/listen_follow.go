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

// listener shows a group's invitations, each once and in the order of the inbox, over as many connections as it takes.
//
// Its position moves behind an event when the event has been shown, and each connection continues from it. It has one
// before it subscribes for the first time, so nothing is lost with a connection that breaks before the first event.
type listener struct {
	client *gqlclient.Client
	after  *string // the position; nil: now, which is looked up first
	show   func(receivedInvitation) error
	notes  io.Writer                              // for people: what happens with the connection
	pause  func(ctx context.Context, attempt int) // before attempt 1, 2, …; returns early when ctx ends

	group    string // of the viewer, when it is known
	attempts int    // that failed since the last result
	started  bool   // whether a result ever came
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
	if l.group == "" {
		if err := l.ask(ctx); err != nil {
			return err
		}
	}
	socket, err := l.client.Dial(ctx)
	if err != nil {
		return err
	}
	defer socket.Close()
	sub, err := socket.Subscribe(listenInbox, "ListenInbox", map[string]any{"after": l.after})
	if err != nil {
		return err
	}
	for {
		result, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		if err := l.take(result); err != nil {
			return err
		}
	}
}

// ask looks up who listens and, unless the position is given, where its inbox stands.
func (l *listener) ask(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, askTimeout)
	defer done()
	var answer listenViewerData
	if err := l.client.Do(ctx, listenViewer, "ListenViewer", nil, &answer); err != nil {
		return err
	}
	if answer.Viewer == nil {
		return errOperator
	}
	l.group = answer.Viewer.Group.Handle
	if l.after == nil {
		l.after = &answer.Viewer.InboxCursor
	}
	return nil
}

// take shows a result, if it is an invitation, and moves the position behind it.
func (l *listener) take(result gqlclient.Result) error {
	var data listenInboxData
	err := result.Decode(&data)
	if data.Inbox == nil {
		return errors.Join(err, errNoEvent)
	}
	if err != nil { // a part of it is missing, such as a channel whose cluster is out of reach
		l.note("a part of what follows could not be read: %s", printable(err.Error()))
	}
	l.connected()
	if data.Inbox.Typename == "InvitationReceived" {
		if err := l.show(data.Inbox.receivedInvitation); err != nil {
			return &outputError{err}
		}
	}
	l.after = &data.Inbox.Cursor
	return nil
}

// connected says that results come, if that is news.
func (l *listener) connected() {
	switch {
	case !l.started:
		l.note("listening for invitations to %s at %s; Ctrl-C ends it", l.group, l.client.URL)
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
