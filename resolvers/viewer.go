package resolvers

import (
	"context"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

func (q query) Viewer(ctx context.Context) (*channel.Viewer, error) {
	if v := channel.ViewerFrom(ctx); !v.Operator {
		return v, nil
	}
	return nil, nil
}

type viewer struct{ service *channel.Service }

func (r viewer) InboxCursor(ctx context.Context, v *channel.Viewer) (*ids.LogCursor, error) {
	cursor, err := r.service.InboxCursor(ctx, v)
	return &cursor, err
}

func (r viewer) SharedChannels(
	ctx context.Context, v *channel.Viewer, first *int32, after *string, last *int32, before *string,
) (*channel.SharedChannelConnection, error) {
	return r.service.SharedChannels(ctx, v, channel.PageArgs{First: first, After: after, Last: last, Before: before})
}

func (r viewer) ReceivedInvitations(
	ctx context.Context, v *channel.Viewer, first *int32, after *string, last *int32, before *string,
	states []channel.InvitationState,
) (*channel.InvitationConnection, error) {
	args := invitationArgs(ctx, first, after, last, before)
	return r.service.ReceivedInvitations(ctx, v, args, states)
}

func (r viewer) SentInvitations(
	ctx context.Context, v *channel.Viewer, first *int32, after *string, last *int32, before *string,
	states []channel.InvitationState,
) (*channel.InvitationConnection, error) {
	args := invitationArgs(ctx, first, after, last, before)
	return r.service.SentInvitations(ctx, v, args, states)
}
