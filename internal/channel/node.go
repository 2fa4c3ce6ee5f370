package channel

import (
	"context"

	"linkspan/internal/ids"
)

// Node is whatever can be fetched by its id.
type Node interface{ IsNode() }

// Found is one of the answers of Nodes: a node; nothing, where there is none or the viewer may not see it; or why it
// could not be read.
type Found struct {
	Node Node
	Err  error
}

// Nodes returns the objects that the viewer may see, in the order of the ids (at most MaxPageSize), with one query a
// cluster for all channels among them.
func (s *Service) Nodes(ctx context.Context, v *Viewer, wanted []ids.ID) ([]Found, error) {
	if len(wanted) > MaxPageSize {
		return nil, BadInput("nodes takes at most %d ids.", MaxPageSize)
	}
	var channels []ids.Channel
	var invitations []ids.Invitation
	for _, id := range wanted {
		if channel, ok := channelIn(id); ok {
			channels = append(channels, channel)
		} else if id.Kind == ids.KindInvitation && !v.Operator {
			invitations = append(invitations, id.Invitation)
		}
	}
	read := nodeReads{}
	if len(channels) > 0 {
		read.channels, read.unread = s.Shards.Channels(ctx, v.Group.ID, channels)
	}
	if len(invitations) > 0 {
		read.invitations, read.invitationsErr = s.Shards.Invitations(ctx, v.Group.ID, invitations)
	}
	found := make([]Found, len(wanted))
	for i, id := range wanted {
		found[i] = s.node(ctx, v, id, read)
	}
	return found, nil
}

// nodeReads is what Nodes has read for all ids at once.
type nodeReads struct {
	channels       map[ids.Channel]*SharedChannel
	unread         map[ids.Channel]error
	invitations    map[ids.Invitation]*Invitation
	invitationsErr error
}

// channelIn returns the channel that an id of a channel, a side or a shard names.
func channelIn(id ids.ID) (ids.Channel, bool) {
	switch id.Kind {
	case ids.KindChannel:
		return id.Channel, true
	case ids.KindSide:
		return id.Side.Channel, true
	case ids.KindShard:
		return id.Shard.Channel(), true
	}
	return ids.Channel{}, false
}

func (s *Service) node(ctx context.Context, v *Viewer, id ids.ID, read nodeReads) Found {
	if channel, ok := channelIn(id); ok {
		if err := read.unread[channel]; err != nil {
			return Found{Err: err}
		}
		if c := read.channels[channel]; c != nil {
			return Found{Node: s.partOf(v, c, id)}
		}
		return Found{}
	}
	switch id.Kind {
	case ids.KindInvitation:
		if in := read.invitations[id.Invitation]; in != nil {
			return Found{Node: in}
		}
		return Found{Err: read.invitationsErr}
	case ids.KindGroup:
		// As by its handle: whoever has the id was shown the group or looked it up.
		group, err := orNil(s.Main.FindGroup(ctx, GroupSelector{ID: &id.Group}))
		if group == nil {
			return Found{Err: err}
		}
		return Found{Node: *group}
	case ids.KindUser:
		return s.user(ctx, v, id.User)
	case ids.KindViewer:
		if !v.Operator && id.Viewer == v.ID() {
			return Found{Node: v}
		}
	}
	return Found{}
}

// partOf returns the channel, or the part of it that the id names; nil where the viewer may not see it.
func (s *Service) partOf(v *Viewer, c *SharedChannel, id ids.ID) Node {
	switch id.Kind {
	case ids.KindChannel:
		return c
	case ids.KindShard:
		if shard := s.Shard(v, c); shard != nil {
			return shard
		}
	case ids.KindSide:
		for i := range c.Sides {
			if c.Sides[i].ID == id.Side {
				return &c.Sides[i]
			}
		}
	}
	return nil
}

func (s *Service) user(ctx context.Context, v *Viewer, id ids.User) Found {
	switch {
	case v.Operator:
		return Found{}
	case id == v.User.ID:
		return Found{Node: v.User}
	}
	user, err := orNil(s.Shards.User(ctx, v.Group.ID, id))
	if user == nil {
		return Found{Err: err}
	}
	return Found{Node: *user}
}
