package channel

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"linkspan/internal/ids"
)

// moving is a hub for one who watches.
type moving struct {
	Hub
	moved  []ids.Channel
	later  []ids.Channel
	end    error
	closed bool
}

func (m *moving) Watch(context.Context, ids.User) (Watching, error) { return m, nil }

func (m *moving) Next() (id ids.Channel, ok bool, err error) {
	if len(m.moved) == 0 {
		return id, false, m.end
	}
	id, m.moved = m.moved[0], m.moved[1:]
	return id, true, nil
}

func (m *moving) Later(id ids.Channel) { m.later = append(m.later, id) }
func (m *moving) Notify(func())        {}
func (m *moving) Close()               { m.closed = true }

// someChannels are shards that have channels, and can't read others.
type someChannels struct {
	Shards
	found  map[ids.Channel]*SharedChannel
	unread map[ids.Channel]error
}

func (s someChannels) Channels(context.Context, Reader, []ids.Channel) (map[ids.Channel]*SharedChannel, map[ids.Channel]error) {
	return s.found, s.unread
}

// TestActivity tells of channels as they can be read: not of those that are not to be seen, and of those out of reach later.
func TestActivity(t *testing.T) {
	t.Parallel()
	here, away, hidden, broken := ids.Channel{}, ids.Channel{}, ids.Channel{}, ids.Channel{}
	for i, id := range []*ids.Channel{&here, &away, &hidden, &broken} {
		if err := id.Scan([]byte{0: 1, 6: 0x80, 8: 0x80, 15: byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	unknown := errors.New("unknown")
	hub := &moving{moved: []ids.Channel{away, hidden, here, broken}}
	s := &Service{Hub: hub, Shards: someChannels{
		found:  map[ids.Channel]*SharedChannel{here: {ID: here}},
		unread: map[ids.Channel]error{away: Unavailable(unknown), broken: unknown},
	}}
	activity, err := s.ChannelActivity(t.Context(), &Viewer{})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok, err := activity.Next(t.Context()); err != nil || !ok || got.SharedChannel.ID != here || !slices.Equal(hub.later, []ids.Channel{away}) {
		t.Fatalf("got %v, %v, %v; later %v", got, ok, err, hub.later)
	}
	if _, _, err := activity.Next(t.Context()); !errors.Is(err, unknown) {
		t.Errorf("got %v, want what nothing mends", err)
	}
	if got, ok, err := activity.Next(t.Context()); got != nil || ok || err != nil {
		t.Errorf("got %v, %v, %v; want nothing", got, ok, err)
	}
	hub.end = ErrHubClosed
	if _, _, err := activity.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("at the hub's end: %v", err)
	}
	hub.end, hub.moved = nil, []ids.Channel{here}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, _, err := activity.Next(ended); !errors.Is(err, io.EOF) {
		t.Errorf("at the subscriber's end: %v", err)
	}
	if activity.Close(); !hub.closed {
		t.Error("it still watches")
	}
	var fault *Fault
	if _, err := s.ChannelActivity(t.Context(), &Viewer{Operator: true}); !errors.As(err, &fault) || fault.Code != Forbidden {
		t.Errorf("an operator gets %v", err)
	}
}
