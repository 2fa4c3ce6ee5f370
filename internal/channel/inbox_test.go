package channel

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"linkspan/internal/ids"
)

// script is a hub whose one subscription says what it is told, and then that the hub is closed.
type script []func() (Delivery, error)

func (s *script) Follow(context.Context, LogKey, *ids.LogCursor) (Subscription, error) { return s, nil }

func (*script) Watch(context.Context, ids.User) (Watching, error) { return nil, ErrHubClosed }

func (s *script) Next(context.Context) (Delivery, error) {
	if len(*s) == 0 {
		return Delivery{}, ErrHubClosed
	}
	next := (*s)[0]
	*s = (*s)[1:]
	return next()
}

func (*script) Notify(f func()) { f() }
func (*script) Close()          {}

func (*script) AtHand() bool { return true }

func (*script) Due() bool { return true }

func (*script) Remind(f func()) { f() }

func (*script) Skip(int64, time.Time) {}

func (*script) Standing() LogStanding { return LogStanding{} }

// copies are shards that have no invitation, after the errors.
type copies struct {
	Shards
	errs []error
}

func (c *copies) Invitations(context.Context, ids.Group, []ids.Invitation) (map[ids.Invitation]*Invitation, error) {
	if len(c.errs) == 0 {
		return nil, nil
	}
	err := c.errs[0]
	c.errs = c.errs[1:]
	return nil, err
}

// A subscriber is told what ends its feed, unless that is its own end or the server's; out of reach is no end.
func TestWhatEndsAFeed(t *testing.T) {
	t.Parallel()
	unknown := errors.New("unknown")
	event := func() (Delivery, error) { return Delivery{Events: []LogEvent{{Kind: EventInvitationReceived}}}, nil }
	fail := func(err error) func() (Delivery, error) { return func() (Delivery, error) { return Delivery{}, err } }
	for name, test := range map[string]struct {
		script script
		copies []error
		events int
		want   error
	}{
		"the server":              {script{event}, nil, 1, io.EOF},
		"a fault":                 {script{event, fail(Expired())}, nil, 1, Expired()},
		"an unknown error":        {script{event, fail(unknown)}, nil, 1, unknown},
		"objects out of reach":    {script{event}, []error{Unavailable(unknown), Unavailable(unknown)}, 1, io.EOF},
		"objects that can't be":   {script{event}, []error{unknown}, 0, unknown},
		"objects after an outage": {script{event, event}, []error{nil, Unavailable(unknown), unknown}, 1, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &Service{Hub: &test.script, Shards: &copies{errs: test.copies}, Logger: slog.New(slog.DiscardHandler)}
			feed, err := s.Inbox(t.Context(), &Viewer{Group: Group{ID: ids.NewGroup()}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer feed.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			events := 0
			for err == nil {
				feed.Notify(func() {})
				var event InboxEvent
				if event, _, err = feed.Next(ctx); event != nil {
					events++
				}
			}
			if events != test.events || err.Error() != test.want.Error() || ctx.Err() != nil {
				t.Errorf("%d events, then %v; want %d, then %v", events, err, test.events, test.want)
			}
		})
	}
}
