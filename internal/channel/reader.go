package channel

import (
	"context"
	"errors"
	"io"

	"linkspan/internal/ids"
)

// Reader is who reads what is on shards.
type Reader struct {
	User  ids.User // of whom only the group is set: nobody in particular. Zero: an operator
	As    ids.User // by whom it is judged what the group keeps to some of its users; zero: somebody to whom it keeps nothing
	Admin bool     // an admin sees all that the group does
}

// reader returns the viewer as the shards judge it.
func (v *Viewer) reader() Reader {
	r := Reader{User: v.User.ID, As: v.User.ID, Admin: v.Role == RoleAdmin}
	switch {
	case v.isAnyone():
		r.As = v.Subscriber
	case v.Operator:
		return Reader{}
	}
	return r
}

// anybody returns a reader who sees what all users of the group see with that role, whoever subscribed.
func (r Reader) anybody() Reader {
	r.As = ids.User{}
	return r
}

// Sight is how a channel stands for a reader who sees it.
type Sight struct {
	At      LogHead // where the channel's log stood for the reader's side
	Members bool    // the channel is for members of the reader's group alone
}

// gate judges whether a subscriber of a channel's log still sees the channel. It is used by one goroutine.
type gate struct {
	sees    func(ctx context.Context) (Sight, error) // ErrNotFound: it does not
	judged  int64                                    // up to which of the log's events
	members bool                                     // the channel is for members alone: the subscriber shares with nobody
}

// pass judges the subscriber. The error is io.EOF where it does not see the channel.
func (g *gate) pass(ctx context.Context) error {
	sight, err := g.sees(ctx)
	if errors.Is(err, ErrNotFound) {
		return io.EOF
	}
	if err == nil {
		g.judged, g.members = sight.At.Number, sight.Members
	}
	return err
}

// due reports whether something is known to have happened that may have taken the channel from the subscriber since it was judged. Nobody
// takes it from those who have no gate.
func (g *gate) due(known LogStanding) bool { return g != nil && known.Members > g.judged }

// alone reports whether what is shown to the subscriber is for it alone.
func (g *gate) alone() bool { return g != nil && g.members }
