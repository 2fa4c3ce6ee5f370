package channel

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
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

// copies are shards that have each invitation, after the errors, but for what is hidden.
type copies struct {
	Shards
	errs   []error
	hidden map[ids.Invitation]bool
}

func (c *copies) Invitations(_ context.Context, _ ids.Group, wanted []ids.Invitation) (map[ids.Invitation]*Invitation, error) {
	found := map[ids.Invitation]*Invitation{}
	for _, id := range wanted {
		if !c.hidden[id] {
			found[id] = &Invitation{ID: id}
		}
	}
	if len(c.errs) == 0 {
		return found, nil
	}
	err := c.errs[0]
	c.errs = c.errs[1:]
	return found, err
}

// A subscriber is told what ends its feed, unless that is its own end or the server's; out of reach is no end.
func TestWhatEndsAFeed(t *testing.T) {
	t.Parallel()
	unknown := errors.New("unknown")
	event := func() (Delivery, error) {
		return Delivery{Events: []LogEvent{{Kind: EventInvitationReceived, Invitation: ids.NewInvitation()}}}, nil
	}
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

// What is hidden is passed over in any place of a delivery, with what says that it is, and the checkpoint comes behind it.
func TestHiddenEventsArePassedOver(t *testing.T) {
	t.Parallel()
	shown, hidden := ids.NewInvitation(), ids.NewInvitation()
	of := func(number int64, kind EventKind, id ids.Invitation) LogEvent {
		return LogEvent{Number: number, Kind: kind, Invitation: id}
	}
	all := []LogEvent{
		of(1, EventInvitationReceived, hidden), of(2, EventInvitationReceived, shown), of(3, EventGroupBlocked, ids.Invitation{}),
		of(4, EventInvitationChanged, hidden), of(5, EventInvitationChanged, shown), of(6, EventInvitationReceived, hidden),
	}
	deliver := func(checkpoint bool, events ...LogEvent) func() (Delivery, error) {
		return func() (Delivery, error) {
			return Delivery{Events: events, Position: LogHead{Number: events[len(events)-1].Number}, Checkpoint: checkpoint}, nil
		}
	}
	for name, test := range map[string]struct {
		script script
		want   []int64
	}{
		"among others":        {script{deliver(false, all...)}, []int64{2, 5}},
		"before a checkpoint": {script{deliver(true, all...)}, []int64{2, 5, 6}},
		"alone":               {script{deliver(false, all[0]), deliver(false, all[3:]...)}, []int64{5}},
		"nothing else":        {script{deliver(false, all[2:4]...), deliver(true, all[5])}, []int64{6}},
	} {
		for _, ahead := range []bool{false, true} {
			scripted := append(script{}, test.script...)
			s := &Service{Hub: &scripted, Shards: &copies{hidden: map[ids.Invitation]bool{hidden: true}}, Logger: slog.New(slog.DiscardHandler)}
			feed, err := s.Inbox(t.Context(), &Viewer{Group: Group{ID: ids.NewGroup()}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for err == nil {
				feed.Notify(func() {})
				var event InboxEvent
				var ok bool
				if _, outlook := feed.Ahead(t.Context(), true); ahead && outlook == Clear {
					event, _, ok, err = feed.Make(t.Context())
				} else {
					event, ok, err = feed.Next(t.Context())
				}
				if ok {
					got = append(got, event.Position().Position)
				}
			}
			feed.Close()
			if !slices.Equal(got, test.want) || !errors.Is(err, io.EOF) {
				t.Errorf("%s, seen ahead %v: %v, then %v; want %v", name, ahead, got, err, test.want)
			}
		}
	}
}
