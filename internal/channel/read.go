package channel

import (
	"context"
	"errors"
	"sync"

	"linkspan/internal/ids"
)

// Group returns a group by its exact handle; nil where there is none. Any signed-in user may look one up.
func (s *Service) Group(ctx context.Context, handle string) (*Group, error) {
	if !HandlePattern.MatchString(handle) {
		return nil, nil
	}
	return orNil(s.Main.FindGroup(ctx, GroupSelector{Handle: &handle}))
}

func orNil[T any](value T, err error) (*T, error) {
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &value, nil
}

// SharedChannels returns a page of the viewer's group's channels, newest link first. A channel whose cluster is out of
// reach is an edge without a node.
func (s *Service) SharedChannels(ctx context.Context, v *Viewer, args PageArgs) (*SharedChannelConnection, error) {
	list := List{Kind: ids.ListSharedChannels, Reader: v.Group.ID}
	r, err := args.check(list)
	if err != nil {
		return nil, err
	}
	rows, err := s.Shards.ListChannels(ctx, v.Group.ID, r)
	if err != nil {
		return nil, err
	}
	channels := make([]ids.Channel, len(rows.Rows))
	for i, row := range rows.Rows {
		channels[i] = row.Value
	}
	found, unread := s.Shards.Channels(ctx, v.Group.ID, channels)
	return page(rows, list, func(id ids.Channel) (*SharedChannel, error) {
		return found[id], unread[id]
	}), nil
}

// ReceivedInvitations returns a page of the invitations that the viewer's group received, newest first.
func (s *Service) ReceivedInvitations(ctx context.Context, v *Viewer, args PageArgs, states []InvitationState) (*InvitationConnection, error) {
	return s.invitations(ctx, v, args, ids.ListReceivedInvitations, InvitationFilter{States: states})
}

// SentInvitations returns a page of the invitations that the viewer's group sent, newest first.
func (s *Service) SentInvitations(ctx context.Context, v *Viewer, args PageArgs, states []InvitationState) (*InvitationConnection, error) {
	return s.invitations(ctx, v, args, ids.ListSentInvitations, InvitationFilter{Sent: true, States: states})
}

// OpenInvitations returns a page of the invitations to the channel that the viewer's group sent and nobody has decided
// on. An operator has none.
func (s *Service) OpenInvitations(ctx context.Context, v *Viewer, channel ids.Channel, args PageArgs) (*InvitationConnection, error) {
	if v.Operator {
		return nil, forbiddenToOperators()
	}
	return s.invitations(ctx, v, args, ids.ListChannelInvitations, InvitationFilter{
		Sent: true, Channel: channel, States: []InvitationState{InvitationPending, InvitationAwaitingApproval},
	})
}

func (s *Service) invitations(ctx context.Context, v *Viewer, args PageArgs, kind ids.ListKind, f InvitationFilter) (*InvitationConnection, error) {
	list := List{Kind: kind, Reader: v.Group.ID, Channel: f.Channel}
	r, err := args.check(list)
	if err != nil {
		return nil, err
	}
	rows, err := s.Shards.ListInvitations(ctx, v.Group.ID, f, r)
	if err != nil {
		return nil, err
	}
	siblings := &siblings{}
	p := page(rows, list, func(in *Invitation) (*Invitation, error) {
		siblings.add(in)
		return in, nil
	})
	return &InvitationConnection{Page: *p, TotalCount: int32(rows.Total)}, nil
}

// InboxCursor returns where the viewer's group's inbox log stands.
func (s *Service) InboxCursor(ctx context.Context, v *Viewer) (ids.LogCursor, error) {
	log := InboxOf(v.Group.ID)
	heads, err := s.Shards.LogHeads(ctx, []LogKey{log})
	if err != nil {
		return ids.LogCursor{}, err
	}
	return heads[log].cursor(log, v.Group.ID), nil
}

// ChannelOf returns the channel of an invitation, nil for a viewer whose group is not linked with it. For the
// invitations of one page it reads all channels at once.
func (s *Service) ChannelOf(ctx context.Context, v *Viewer, in *Invitation) (*SharedChannel, error) {
	if in.siblings == nil {
		return s.channel(ctx, v, in.ChannelID)
	}
	return in.siblings.channel(ctx, s, v, in.ChannelID)
}

// siblings are invitations that are shown together. Their channels are read together, when the first is asked for, if
// the answer does not have them already.
type siblings struct {
	channels []ids.Channel
	once     sync.Once
	found    map[ids.Channel]*SharedChannel
	unread   map[ids.Channel]error
}

// add takes an invitation in, before anything is asked for.
func (b *siblings) add(in *Invitation) {
	in.siblings = b
	b.channels = append(b.channels, in.ChannelID)
}

// shownWith returns the invitation for an answer that shows its channel too, nil where the viewer may not see that.
func (i *Invitation) shownWith(c *SharedChannel) *Invitation {
	if i == nil {
		return nil
	}
	shown := *i // a step may still be on its way with the original
	shown.siblings = &siblings{found: map[ids.Channel]*SharedChannel{i.ChannelID: c}}
	shown.siblings.once.Do(func() {}) // nothing is left to be read
	return &shown
}

func (b *siblings) channel(ctx context.Context, s *Service, v *Viewer, id ids.Channel) (*SharedChannel, error) {
	b.once.Do(func() { b.found, b.unread = s.Shards.Channels(ctx, v.Group.ID, b.channels) })
	return b.found[id], b.unread[id]
}

// Shard tells where a channel's data lives to admins of its initiator and to operators; nil to others.
func (s *Service) Shard(v *Viewer, c *SharedChannel) *ChannelShard {
	if !v.Operator && (v.Role != RoleAdmin || v.Group.ID != c.Initiator.ID) {
		return nil
	}
	return &ChannelShard{ID: c.ID.Shard(), Slot: int32(c.ID.Slot()), Cluster: s.Shards.ClusterOf(c.ID)}
}

func (s *Service) channel(ctx context.Context, v *Viewer, id ids.Channel) (*SharedChannel, error) {
	found, unread := s.Shards.Channels(ctx, v.Group.ID, []ids.Channel{id})
	return found[id], unread[id]
}

func (s *Service) invitation(ctx context.Context, v *Viewer, id ids.Invitation) (*Invitation, error) {
	found, err := s.Shards.Invitations(ctx, v.Group.ID, []ids.Invitation{id})
	return found[id], err
}
