package resolvers

import (
	"context"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

func (s subscription) Inbox(ctx context.Context, after *ids.LogCursor) (<-chan channel.InboxEvent, error) {
	return follow[channel.InboxEvent](ctx, s.service, after)
}

func (s subscription) InvitationReceived(
	ctx context.Context, after *ids.LogCursor,
) (<-chan *channel.InvitationReceived, error) {
	return follow[*channel.InvitationReceived](ctx, s.service, after, channel.EventInvitationReceived)
}

func (s subscription) SharedChannelLinked(
	ctx context.Context, after *ids.LogCursor,
) (<-chan *channel.SharedChannelLinked, error) {
	return follow[*channel.SharedChannelLinked](ctx, s.service, after, channel.EventSharedChannelLinked)
}

// follow hands over the viewer's inbox, or its events of the kinds, whose type is E.
func follow[E channel.InboxEvent](
	ctx context.Context, service *channel.Service, after *ids.LogCursor, kinds ...channel.EventKind,
) (<-chan E, error) {
	after, err := resumed(ctx, after)
	if err != nil {
		return nil, err
	}
	feed, err := service.Inbox(ctx, channel.ViewerFrom(ctx), after, kinds...)
	if err != nil {
		return nil, err
	}
	return pullLog[channel.InboxEvent, E](ctx, feed), nil
}
