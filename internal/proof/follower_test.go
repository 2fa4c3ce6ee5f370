//go:build long

package proof_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/gqlclient"
	"linkspan/internal/ids"
)

// heard is an event of an inbox as a client got it, or as its log has it.
type heard struct {
	number     int64
	typename   string
	invitation string
}

const inboxDocument = `subscription($after: LogCursor) { inbox(after: $after) {
	__typename cursor
	... on InvitationReceived { invitation { id } }
	... on InvitationChanged { invitation { id } }
	... on SharedChannelLinked { invitation { id } } } }`

// typenames is how the kinds of a log's events are called by the API.
var typenames = map[channel.EventKind]string{
	channel.EventInvitationReceived:  "InvitationReceived",
	channel.EventInvitationChanged:   "InvitationChanged",
	channel.EventSharedChannelLinked: "SharedChannelLinked",
}

// written is what a follower must have heard of a log.
func written(log []channel.LogEvent) []heard {
	all := make([]heard, len(log))
	for i, event := range log {
		all[i] = heard{event.Number, typenames[event.Kind], event.Invitation.String()}
	}
	return all
}

// follower follows an inbox from its own cursor, over as many sockets as it takes.
type follower struct {
	*caller
	group   string
	after   string       // the cursor that it resumes from
	begin   int64        // where it began
	reached atomic.Int64 // where it is
	sockets int          // that it has had
	heard   []heard
}

// followFrom makes a follower behind a cursor.
func (f *front) followFrom(t testing.TB, token, group, cursor string) *follower {
	t.Helper()
	position, err := positionOf(cursor)
	if err != nil {
		t.Fatal(err)
	}
	l := &follower{caller: f.caller(t, token), group: group, after: cursor, begin: position}
	l.reached.Store(position)
	return l
}

// followNow makes a follower behind what the group's inbox has now.
func (f *front) followNow(t testing.TB, token, group string) *follower {
	t.Helper()
	var answer struct{ Viewer struct{ InboxCursor string } }
	if err := f.caller(t, token).Do(t.Context(), `{ viewer { inboxCursor } }`, "", nil, &answer); err != nil {
		t.Fatal(err)
	}
	return f.followFrom(t, token, group, answer.Viewer.InboxCursor)
}

func positionOf(cursor string) (int64, error) {
	parsed, err := ids.ParseLogCursor(cursor)
	return parsed.Position, err
}

// listen hears events until enough says so, which is asked after each and after each checkpoint, and until ctx ends. A
// socket that ends is followed by another; a fault that is not retryable is an error.
func (l *follower) listen(ctx context.Context, enough func(typename string) bool) error {
	for {
		err := l.socket(ctx, enough)
		var fault *gqlclient.Error
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &fault) && !fault.Retryable, errors.Is(err, errDisorder):
			return err
		}
		pauseFor(ctx, 10*time.Millisecond)
	}
}

// errDisorder is an event that is no event, or that comes without its number.
var errDisorder = errors.New("disorder")

// socket is listen over one socket.
func (l *follower) socket(ctx context.Context, enough func(typename string) bool) error {
	socket, err := l.Dial(ctx)
	if err != nil {
		return err
	}
	defer socket.Close()
	l.sockets++
	sub, err := socket.Subscribe(inboxDocument, "", map[string]any{"after": l.after})
	if err != nil {
		return err
	}
	for {
		result, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		typename, err := l.take(result)
		if err != nil || enough(typename) {
			return err
		}
	}
}

func (l *follower) take(result gqlclient.Result) (typename string, err error) {
	var data struct {
		Inbox *struct {
			Typename   string `json:"__typename"`
			Cursor     string
			Invitation struct{ ID string }
		}
	}
	if err := result.Decode(&data); err != nil {
		return "", err
	}
	if data.Inbox == nil {
		return "", fmt.Errorf("%w: no event in %s", errDisorder, result.Data)
	}
	position, err := positionOf(data.Inbox.Cursor)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errDisorder, err)
	}
	if data.Inbox.Typename != "InboxCheckpoint" {
		l.heard = append(l.heard, heard{position, data.Inbox.Typename, data.Inbox.Invitation.ID})
	}
	l.after = data.Inbox.Cursor
	l.reached.Store(position)
	return data.Inbox.Typename, nil
}

// listenAndDrop hears events until ctx ends, and drops its socket at random: with a goodbye, or cut, or while an event is on
// its way.
func (l *follower) listenAndDrop(ctx context.Context) error {
	for {
		left := 1 + rand.N(25)
		err := l.listen(ctx, func(string) bool {
			if left--; left == 1 && rand.N(2) == 0 {
				l.cut()
			}
			return left <= 0
		})
		if err != nil {
			return err
		}
	}
}
