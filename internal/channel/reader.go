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
	case v.isAnyone(): // what others are shown too is read as nobody in particular
		if r.As = (ids.User{}); v.gate.alone() {
			r.As = v.Subscriber
		}
	case v.Operator:
		return Reader{}
	}
	return r
}

// subscriber returns who subscribed as the shards judge it, whoever else is shown the same.
func (v *Viewer) subscriber() Reader {
	r := v.reader()
	if v.isAnyone() {
		r.As = v.Subscriber
	}
	return r
}

// shown returns an error where nothing was found of a channel for several subscribers because it is kept from some of them: so none of the others gets
// that for what there is.
func (s *Service) shown(ctx context.Context, v *Viewer, channel ids.Channel) error {
	if !v.isAnyone() || v.gate == nil || v.gate.alone() {
		return nil
	}
	_, err := s.Conversation.Sees(ctx, v.reader(), channel)
	if errors.Is(err, ErrNotFound) {
		return noSuchChannel()
	}
	return err
}

// Sight is how a channel stands for a reader who sees it.
type Sight struct {
	At      LogHead // where the channel's log stood for the reader's side
	Members bool    // the channel is for members of the reader's group alone
}

// gate judges whether a subscriber of a channel's log still sees the channel. It is used by one goroutine.
type gate struct {
	sees    func(ctx context.Context) (Sight, error) // ErrNotFound: it does not
	at      LogHead                                  // where the log stood when the subscriber was judged
	judged  int64                                    // up to which of the log's events
	members bool                                     // the channel is for members alone: the subscriber shares with nobody
}

// pass judges the subscriber, behind an event of the log that is known; 0: none. The error is io.EOF where it does not see the channel.
func (g *gate) pass(ctx context.Context, behind int64) error {
	sight, err := g.sees(ctx)
	if errors.Is(err, ErrNotFound) {
		return io.EOF
	}
	if err == nil {
		// A cluster that lost its newest events in a failover stands before what is known.
		g.at, g.judged, g.members = sight.At, max(sight.At.Number, behind), sight.Members
	}
	return err
}

// due reports whether something is known to have happened that may have taken the channel from the subscriber since it was judged. Nobody
// takes it from those who have no gate.
func (g *gate) due(known LogStanding) bool { return g != nil && known.Members > g.judged }

// alone reports whether what is shown to the subscriber is for it alone.
func (g *gate) alone() bool { return g != nil && g.members }

// ShownMembers is SideMembers for who may share with others what is read.
func (s *Service) ShownMembers(ctx context.Context, v *Viewer, side *ChannelSide, args PageArgs) (*UserConnection, error) {
	page, err := s.SideMembers(ctx, v, side, args)
	if err == nil && page != nil && len(page.Edges) == 0 {
		err = s.shown(ctx, v, side.ID.Channel)
	}
	return page, err
}
