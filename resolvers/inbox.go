package resolvers

import (
	"context"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

func (s subscription) Inbox(ctx context.Context, after *ids.LogCursor) (<-chan channel.InboxEvent, error) {
	return s.service.Inbox(ctx, channel.ViewerFrom(ctx), after)
}

func (s subscription) InvitationReceived(ctx context.Context, after *ids.LogCursor) (<-chan *channel.InvitationReceived, error) {
	return only[*channel.InvitationReceived](ctx, s.service, after, channel.EventInvitationReceived)
}

func (s subscription) SharedChannelLinked(ctx context.Context, after *ids.LogCursor) (<-chan *channel.SharedChannelLinked, error) {
	return only[*channel.SharedChannelLinked](ctx, s.service, after, channel.EventSharedChannelLinked)
}

// only follows the viewer's inbox for events of one kind, whose type is E.
func only[E channel.InboxEvent](ctx context.Context, service *channel.Service, after *ids.LogCursor, kind channel.EventKind) (<-chan E, error) {
	events, err := service.Inbox(ctx, channel.ViewerFrom(ctx), after, kind)
	if err != nil {
		return nil, err
	}
	out := make(chan E)
	go func() {
		defer close(out)
		for event := range events {
			select {
			case out <- event.(E):
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}
