package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"linkspan/internal/channel"
	"linkspan/internal/gqlhttp"
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

// follow hands over the viewer's inbox, or its events of the kinds, whose type is E. Where the transport says what the
// client has, that counts, not after. A fault that ends it is the subscription's last message.
func follow[E channel.InboxEvent](
	ctx context.Context, service *channel.Service, after *ids.LogCursor, kinds ...channel.EventKind,
) (<-chan E, error) {
	if last := gqlhttp.LastEventID(ctx); last != "" {
		position, err := ids.ParseLogCursor(last)
		if err != nil {
			return nil, err
		}
		after = &position
	}
	feed, err := service.Inbox(ctx, channel.ViewerFrom(ctx), after, kinds...)
	if err != nil {
		return nil, err
	}
	out := make(chan E)
	go func() {
		defer close(out)
		for event := range feed.Events {
			gqlhttp.AnnounceEvent(ctx, event.Position())
			select {
			case out <- event.(E):
			case <-ctx.Done():
				return
			}
		}
		if err := feed.Err(); err != nil {
			graphql.AddError(ctx, err)
			for _, presented := range graphql.GetErrors(ctx) {
				gqlhttp.Fail(ctx, presented)
			}
		}
	}()
	return out, nil
}
