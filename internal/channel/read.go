package channel

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"

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
	rows, err := s.Shards.ListChannels(ctx, v.reader(), r)
	if err != nil {
		return nil, err
	}
	channels := make([]ids.Channel, len(rows.Rows))
	for i, row := range rows.Rows {
		channels[i] = row.Value
	}
	found, unread := s.channels(ctx, v, channels)
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
		Sent: true, Channel: channel, States: []InvitationState{InvitationRequested, InvitationPending, InvitationAwaitingApproval},
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
	var shown []*Invitation
	p := page(rows, list, func(in *Invitation) (*Invitation, error) {
		shown = append(shown, in)
		return in, nil
	})
	showInvitationsTogether(slices.Values(shown))
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

// ChannelOf returns the channel of an invitation, nil for a viewer whose group never was linked with it. For the
// invitations of one page it reads all channels at once.
func (s *Service) ChannelOf(ctx context.Context, v *Viewer, in *Invitation) (*SharedChannel, error) {
	if in.channels == nil {
		return s.channel(ctx, v, in.ChannelID)
	}
	return in.channels.get(in.ChannelID, func(wanted []ids.Channel) (map[ids.Channel]*SharedChannel, map[ids.Channel]error) {
		return s.channels(ctx, v, wanted)
	})
}

// PreviousOf returns the last invitation of the same group to the channel before that one; nil where there was none, or the viewer's group may not
// see it. For the invitations of one page it reads all at once.
func (s *Service) PreviousOf(ctx context.Context, v *Viewer, in *Invitation) (*Invitation, error) {
	switch {
	case in.PreviousID.IsZero():
		return nil, nil
	case in.previous == nil:
		return s.invitation(ctx, v, in.PreviousID)
	}
	return in.previous.get(in.PreviousID, func(wanted []ids.Invitation) (map[ids.Invitation]*Invitation, map[ids.Invitation]error) {
		found, err := s.Shards.Invitations(ctx, v.Group.ID, wanted)
		return found, unreadAll(wanted, err)
	})
}

// showInvitationsTogether has invitations share the read of their channels, and of those before them, before anything is asked for.
func showInvitationsTogether(invitations iter.Seq[*Invitation]) {
	channels, previous := batchOf[ids.Channel, *SharedChannel](), batchOf[ids.Invitation, *Invitation]()
	for in := range invitations {
		in.channels, in.previous = channels, previous
		channels.keys = append(channels.keys, in.ChannelID)
		if !in.PreviousID.IsZero() {
			previous.keys = append(previous.keys, in.PreviousID)
		}
	}
}

// shownWith returns the invitation for an answer that shows its channel too, nil where the viewer may not see that.
func (i *Invitation) shownWith(c *SharedChannel) *Invitation {
	if i == nil {
		return nil
	}
	shown := *i // a step may still be on its way with the original
	shown.channels = filled(map[ids.Channel]*SharedChannel{i.ChannelID: c})
	return &shown
}

// Shard tells where a channel's data lives to admins of its initiator and to operators; nil to others.
func (s *Service) Shard(v *Viewer, c *SharedChannel) *ChannelShard {
	if !v.Operator && (v.Role != RoleAdmin || v.Group.ID != c.Initiator.ID) {
		return nil
	}
	return &ChannelShard{ID: c.ID.Shard(), Slot: int32(c.ID.Slot()), Cluster: s.Shards.ClusterOf(c.ID)}
}

func (s *Service) channel(ctx context.Context, v *Viewer, id ids.Channel) (*SharedChannel, error) {
	found, unread := s.channels(ctx, v, []ids.Channel{id})
	return found[id], unread[id]
}

// channels returns channels as the viewer's group sees them, and has them share the read of what the viewer has not read.
func (s *Service) channels(ctx context.Context, v *Viewer, wanted []ids.Channel) (found map[ids.Channel]*SharedChannel, unread map[ids.Channel]error) {
	return s.channelsFor(ctx, v.reader(), wanted)
}

func (s *Service) channelsFor(ctx context.Context, reader Reader, wanted []ids.Channel) (found map[ids.Channel]*SharedChannel, unread map[ids.Channel]error) {
	found, unread = s.Shards.Channels(ctx, reader, wanted)
	counts := batchOf[ids.Channel, int32](slices.Collect(maps.Keys(found))...)
	for _, c := range found {
		c.unread = counts
	}
	return found, unread
}

func (s *Service) invitation(ctx context.Context, v *Viewer, id ids.Invitation) (*Invitation, error) {
	found, err := s.Shards.Invitations(ctx, v.Group.ID, []ids.Invitation{id})
	return found[id], err
}
