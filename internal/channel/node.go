package channel

import (
	"context"
	"maps"
	"sync"

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

// Along is what is to be read of a channel together with it.
type Along struct {
	Unread   bool      // how many messages the viewer has not read
	Messages *PageArgs // a page of messages; nil: none
}

// Node returns an object that the viewer may see, or nil. What it reads along with a channel, in the same round trip, UnreadCount
// and Messages then need not read; where that fails they do.
func (s *Service) Node(ctx context.Context, v *Viewer, id ids.ID, along Along) (Node, error) {
	if id.Kind != ids.KindChannel || v.Operator || along == (Along{}) {
		found := s.node(v, id, s.readNodes(ctx, v, []ids.ID{id}))
		return found.Node, found.Err
	}
	c, err := s.openChannel(ctx, v, id.Channel, along)
	if err != nil || c == nil {
		return nil, err
	}
	return c, nil
}

// Nodes returns the objects that the viewer may see, in the order of the ids (at most MaxPageSize), with one query a
// kind and cluster.
func (s *Service) Nodes(ctx context.Context, v *Viewer, wanted []ids.ID) ([]Found, error) {
	if len(wanted) > MaxPageSize {
		return nil, BadInput("nodes takes at most %d ids.", MaxPageSize)
	}
	read := s.readNodes(ctx, v, wanted)
	found := make([]Found, len(wanted))
	for i, id := range wanted {
		found[i] = s.node(v, id, read)
	}
	return found, nil
}

// nodeReads is what Nodes has read for all ids at once.
type nodeReads struct {
	channels       map[ids.Channel]*SharedChannel
	unread         map[ids.Channel]error
	invitations    map[ids.Invitation]*Invitation
	invitationsErr error
	groups         map[ids.Group]Group
	groupsErr      error
	users          map[ids.User]User
	usersErr       error
	messages       map[ids.Message]*Message
	messagesErr    error
}

// readNodes reads the kinds at once. An operator, who has no group, sees channels and groups alone.
func (s *Service) readNodes(ctx context.Context, v *Viewer, wanted []ids.ID) (read nodeReads) {
	var (
		channels    []ids.Channel
		invitations []ids.Invitation
		groups      []ids.Group
		users       []ids.User
		messages    []ids.Message
		reading     sync.WaitGroup
	)
	for _, id := range wanted {
		channel, ok := channelIn(id)
		switch {
		case ok:
			channels = append(channels, channel)
		case id.Kind == ids.KindGroup:
			groups = append(groups, id.Group)
		case v.Operator:
		case id.Kind == ids.KindInvitation:
			invitations = append(invitations, id.Invitation)
		case id.Kind == ids.KindUser && id.User != v.User.ID:
			users = append(users, id.User)
		case id.Kind == ids.KindMessage:
			messages = append(messages, id.Message)
		}
	}
	if len(invitations) > 0 {
		reading.Go(func() {
			read.invitations, read.invitationsErr = s.Shards.Invitations(ctx, v.Group.ID, invitations)
			showInvitationsTogether(maps.Values(read.invitations))
		})
	}
	if len(groups) > 0 {
		reading.Go(func() { read.groups, read.groupsErr = s.Main.FindGroups(ctx, groups) })
	}
	if len(users) > 0 {
		reading.Go(func() { read.users, read.usersErr = s.Shards.Users(ctx, v.reader(), users) })
	}
	if len(messages) > 0 {
		reading.Go(func() { read.messages, read.messagesErr = s.messages(ctx, v, messages) })
	}
	if len(channels) > 0 {
		read.channels, read.unread = s.channels(ctx, v, channels)
	}
	reading.Wait()
	return read
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

func (s *Service) node(v *Viewer, id ids.ID, read nodeReads) Found {
	if channel, ok := channelIn(id); ok {
		if c := read.channels[channel]; c != nil {
			return Found{Node: s.partOf(v, c, id)}
		}
		return Found{Err: read.unread[channel]}
	}
	switch id.Kind {
	case ids.KindInvitation:
		if in := read.invitations[id.Invitation]; in != nil {
			return Found{Node: in}
		}
		return Found{Err: read.invitationsErr}
	case ids.KindGroup:
		// As by its handle: whoever has the id was shown the group or looked it up.
		if group, ok := read.groups[id.Group]; ok {
			return Found{Node: group}
		}
		return Found{Err: read.groupsErr}
	case ids.KindUser:
		if !v.Operator && id.User == v.User.ID {
			return Found{Node: v.User}
		}
		if user, ok := read.users[id.User]; ok {
			return Found{Node: user}
		}
		return Found{Err: read.usersErr}
	case ids.KindMessage:
		if m := read.messages[id.Message]; m != nil {
			return Found{Node: m}
		}
		return Found{Err: read.messagesErr}
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
