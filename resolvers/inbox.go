package resolvers

import (
	"context"
	"errors"
	"io"

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
	source := &inboxSource[E]{ctx, feed, make(chan E, 1)}
	gqlhttp.Pull(ctx, source)
	return source.out, nil
}

// inboxSource is a feed as the transport pulls from it.
type inboxSource[E channel.InboxEvent] struct {
	ctx  context.Context // of the field
	feed *channel.Feed
	out  chan E
}

// Notify implements [gqlhttp.Source].
func (s *inboxSource[E]) Notify(wake func()) { s.feed.Notify(wake) }

// Next implements [gqlhttp.Source].
func (s *inboxSource[E]) Next(ctx context.Context) (sent, more bool) {
	event, err := s.feed.Next(ctx)
	switch {
	case err == nil && event == nil:
		return false, true
	case err == nil:
		gqlhttp.AnnounceEvent(ctx, event.Position())
		s.out <- event.(E)
		return true, true
	case !errors.Is(err, io.EOF):
		graphql.AddError(s.ctx, err)
		gqlhttp.Fail(ctx, graphql.GetErrors(s.ctx)...)
	}
	return false, false
}

// Close implements [gqlhttp.Source].
func (s *inboxSource[E]) Close() { s.feed.Close() }
