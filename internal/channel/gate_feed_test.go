package channel

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"linkspan/internal/ids"
)

// room is what a subscriber's channel says about itself: one message, which reader can read who is let in.
type room struct {
	Conversation
	sights  []func() (Sight, error) // what each judgement says; the last goes on saying it
	judged  []Reader                // as whom
	hides   []bool                  // whether each read of messages finds nothing; the last goes on
	readers []Reader                // who read
	nested  []Reader                // who read what is asked of an event
}

func take[T any](from *[]T) T {
	first := (*from)[0]
	if len(*from) > 1 {
		*from = (*from)[1:]
	}
	return first
}

func (r *room) Sees(_ context.Context, reader Reader, _ ids.Channel) (Sight, error) {
	r.judged = append(r.judged, reader)
	return take(&r.sights)()
}

func (r *room) Messages(_ context.Context, reader Reader, wanted []ids.Message) (map[ids.Message]*Message, error) {
	r.readers = append(r.readers, reader)
	found := map[ids.Message]*Message{}
	if !take(&r.hides) {
		for _, id := range wanted {
			found[id] = &Message{ID: id, Writer: User{ID: writer}, State: Posted, Root: id}
		}
	}
	return found, nil
}

func (r *room) Participants(context.Context, Reader, ids.Channel, []ids.User) (map[ids.User]User, error) {
	return nil, nil
}

func (r *room) ListReplies(_ context.Context, reader Reader, roots []ids.Message, _ MessageRange) (map[ids.Message]MessageRows, map[ids.Message]error) {
	r.nested = append(r.nested, reader)
	return map[ids.Message]MessageRows{roots[0]: {Log: LogHead{History: here}}}, nil
}

func (r *room) Versions(_ context.Context, reader Reader, _ []ids.Message) (map[ids.Message][]MessageVersion, map[ids.Message]error) {
	r.nested = append(r.nested, reader)
	return nil, nil
}

// following is a hub with one subscription.
type following struct {
	Hub
	sub Subscription
}

func (f following) Follow(context.Context, LogKey, *ids.LogCursor) (Subscription, error) {
	return f.sub, nil
}

var (
	group   = ids.NewGroup()
	writer  = ids.UserOf(ids.NewGroup(), "ana")
	hal     = ids.UserOf(group, "hal")
	here    = ids.NewHistory()
	talking = ids.NewChannel(time.Now(), 3)
)

// seen is a judgement: the channel is seen, where its log stands then.
func seen(at int64, members bool) func() (Sight, error) {
	return func() (Sight, error) { return Sight{LogHead{History: here, Number: at}, members}, nil }
}

func unseen() (Sight, error) { return Sight{}, ErrNotFound }

// inRoom subscribes as one of all users of the group, to an event with number 5, where the log stands at 4.
func inRoom(t *testing.T, r *room) (*Service, *Viewer, *Feed[ChannelEvent]) {
	t.Helper()
	event := LogEvent{Kind: EventMessagePosted, Number: 5, Channel: talking, Message: ids.Message{Channel: talking, Number: 5}, Actor: writer}
	sub := &deliveries{left: []Delivery{{Events: []LogEvent{event}, Position: LogHead{History: here, Number: 5}}}, known: 5}
	s := &Service{Conversation: r, Hub: following{sub: sub}, Logger: slog.New(slog.DiscardHandler)}
	v := (&Viewer{User: User{ID: hal}, Group: Group{ID: group}, Role: RoleMember}).AnyoneIn()
	feed, err := s.ChannelEvents(t.Context(), v, talking, nil)
	if err != nil {
		t.Fatal(err)
	}
	feed.Notify(func() {})
	return s, v, feed
}

// TestEventsAreJudgedWithAllThatIsAskedOfThem reads what is asked of an event that several get as nobody in particular, whoever makes it, and of one that is for
// one subscriber alone as that one. Where that finds nothing since it is not to be seen by all, it is an error, which others don't get.
func TestEventsAreJudgedWithAllThatIsAskedOfThem(t *testing.T) {
	t.Parallel()
	for name, members := range map[string]bool{"for everyone": false, "for members": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &room{sights: []func() (Sight, error){seen(4, members)}, hides: []bool{false}}
			s, v, feed := inRoom(t, r)
			want := ids.User{}
			if members {
				want = hal
			}
			event, ok, err := feed.Next(t.Context())
			if !ok || err != nil {
				t.Fatalf("no event: %v", err)
			}
			m := event.(*MessagePosted).Message
			if _, err := s.Replies(t.Context(), v, m, PageArgs{First: new(int32)}); err != nil {
				t.Error(err)
			}
			r.sights, r.hides = []func() (Sight, error){unseen}, []bool{true}
			_, historyErr := s.History(t.Context(), v, m)
			_, rootErr := s.ReplyTo(t.Context(), v, m)
			if fault := (*Fault)(nil); !members && (!errors.As(historyErr, &fault) || !errors.As(rootErr, &fault)) {
				t.Errorf("what is kept meanwhile is shown to all: %v, %v", historyErr, rootErr)
			}
			for _, reader := range append(r.readers, r.nested...) {
				if reader.As != want {
					t.Errorf("it is read as %v, want %v", reader.As, want)
				}
			}
			if r.judged[0].As != hal {
				t.Errorf("it is judged as %v", r.judged[0].As)
			}
		})
	}
}

// TestEventsAreNotLostWithSight has a read find nothing, as the channel was kept from who reads then. What is seen again is read again, and nothing is shown
// that no judgement is behind.
func TestEventsAreNotLostWithSight(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		members bool
		sights  []func() (Sight, error) // behind each read that needs one
		hides   []bool
		reads   int
		want    error
	}{
		"it is for everyone, and was for a moment not": {false, []func() (Sight, error){seen(7, false)}, []bool{true, false}, 2, nil},
		"it is for everyone, and the event is gone":    {false, []func() (Sight, error){seen(7, false)}, []bool{true}, 2, io.ErrNoProgress},
		"it was taken away and given back":             {true, []func() (Sight, error){seen(7, true)}, []bool{true, false}, 2, nil},
		"it was so twice":                              {true, []func() (Sight, error){seen(7, true), seen(9, true)}, []bool{true, true, false}, 3, nil},
		"it is kept now, and taken away behind that":   {false, []func() (Sight, error){seen(6, true), unseen}, []bool{true, false}, 2, io.EOF},
		"it is for everyone again, and then not":       {true, []func() (Sight, error){seen(6, false), seen(8, true)}, []bool{true, true, false}, 3, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &room{sights: []func() (Sight, error){seen(4, test.members)}, hides: test.hides}
			_, _, feed := inRoom(t, r)
			r.sights = test.sights
			sub := feed.sub.(*deliveries)
			delivered := sub.left[0]
			events, _, err := feed.render(t.Context(), delivered, sub.Standing())
			if err == nil && len(events) == 0 {
				err = io.ErrNoProgress
			}
			if !errors.Is(err, test.want) || len(r.readers) != test.reads {
				t.Errorf("after %d reads there are %d events, %v; want %v after %d", len(r.readers), len(events), err, test.want, test.reads)
			}
			for i, reader := range r.readers {
				if own := reader.As == hal; i == 0 && own != test.members || i == len(r.readers)-1 && own != feed.gate.alone() {
					t.Errorf("the read %d is as %v", i, reader.As)
				}
			}
		})
	}
}

// TestWhoSubscribesIsNotKeptWaiting tells at once that a cluster is out of reach, and waits for it where the subscription runs.
func TestWhoSubscribesIsNotKeptWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away := func() (Sight, error) { return Sight{}, &Fault{Code: ShardUnavailable, Retryable: true} }
		for begins, sights := range [][]func() (Sight, error){{away, seen(4, false)}, {seen(4, false), away, seen(9, false)}} {
			r := &room{sights: slices.Clone(sights)}
			s := &Service{Conversation: r, Hub: following{sub: &deliveries{known: 9, needed: 9}}, Logger: slog.New(slog.DiscardHandler)}
			v := &Viewer{User: User{ID: hal}, Group: Group{ID: group}, Role: RoleMember}
			_, err := s.ChannelEvents(t.Context(), v, talking, nil)
			if fault := (*Fault)(nil); !errors.As(err, &fault) || fault.Code != ShardUnavailable || len(r.judged) != begins+1 {
				t.Errorf("after %d judgements who subscribes gets %v", len(r.judged), err)
			}
		}
		r := &room{sights: []func() (Sight, error){seen(4, false)}, hides: []bool{false}}
		_, _, feed := inRoom(t, r)
		feed.sub.(*deliveries).members = 5
		r.sights = []func() (Sight, error){away, away, seen(5, false)}
		if _, ok, err := feed.Next(t.Context()); !ok || err != nil {
			t.Errorf("who follows gets %v, %v", ok, err)
		}
	})
}

// TestJudgedBehindWhatWasLost has a cluster lose its newest events: the subscriber is judged once for what is known, and not for ever.
func TestJudgedBehindWhatWasLost(t *testing.T) {
	t.Parallel()
	r := &room{sights: []func() (Sight, error){seen(4, false)}, hides: []bool{false}}
	_, _, feed := inRoom(t, r)
	feed.sub.(*deliveries).members = 5
	if ahead, outlook := feed.Ahead(t.Context(), true); outlook != Clear || ahead.Number != 5 || len(r.judged) != 2 {
		t.Errorf("event %d is ahead (%v) after %d judgements", ahead.Number, outlook, len(r.judged))
	}
}
