package resolvers

import (
	"context"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

func (m mutation) PostMessage(ctx context.Context, input channel.PostMessageInput) (*channel.PostMessagePayload, error) {
	return m.service.PostMessage(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) EditMessage(ctx context.Context, input channel.EditMessageInput) (*channel.EditMessagePayload, error) {
	return m.service.EditMessage(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) DeleteMessage(ctx context.Context, input channel.DeleteMessageInput) (*channel.DeleteMessagePayload, error) {
	return m.service.DeleteMessage(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) AddReaction(ctx context.Context, input channel.AddReactionInput) (*channel.AddReactionPayload, error) {
	return m.service.AddReaction(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) RemoveReaction(ctx context.Context, input channel.RemoveReactionInput) (*channel.RemoveReactionPayload, error) {
	return m.service.RemoveReaction(ctx, channel.ViewerFrom(ctx), input)
}

func (m mutation) MarkRead(ctx context.Context, input channel.MarkReadInput) (*channel.MarkReadPayload, error) {
	return m.service.MarkRead(ctx, channel.ViewerFrom(ctx), input)
}

func (s subscription) ChannelEvents(ctx context.Context, id ids.ID, after *ids.LogCursor) (<-chan channel.ChannelEvent, error) {
	if id.Kind != ids.KindChannel {
		return nil, &ids.MalformedError{What: "a channel's id"}
	}
	after, err := resumed(ctx, after)
	if err != nil {
		return nil, err
	}
	feed, err := s.service.ChannelEvents(ctx, channel.ViewerFrom(ctx), id.Channel, after)
	if err != nil {
		return nil, err
	}
	return pullLog[channel.ChannelEvent, channel.ChannelEvent](ctx, feed), nil
}

func (r sharedChannel) UnreadCount(ctx context.Context, c *channel.SharedChannel) (int32, error) {
	return r.service.UnreadCount(ctx, channel.ViewerFrom(ctx), c)
}

func (r sharedChannel) Messages(
	ctx context.Context, c *channel.SharedChannel, first *int32, after *string, last *int32, before *string,
) (*channel.MessageConnection, error) {
	args := channel.PageArgs{First: first, After: after, Last: last, Before: before}
	return r.service.Messages(ctx, channel.ViewerFrom(ctx), c, args)
}

func (r sharedChannel) Search(
	ctx context.Context, c *channel.SharedChannel, text string,
	first *int32, after *string, last *int32, before *string, order *channel.SearchOrder,
) (*channel.MessageConnection, error) {
	search := channel.Search{Text: text, Order: channel.SearchNewest}
	if order != nil {
		search.Order = *order
	}
	args := channel.PageArgs{First: first, After: after, Last: last, Before: before}
	return r.service.SearchMessages(ctx, channel.ViewerFrom(ctx), c.ID, search, args)
}

type message struct{ service *channel.Service }

func (r message) ReplyTo(ctx context.Context, m *channel.Message) (*channel.Message, error) {
	root, err := r.service.ReplyTo(ctx, channel.OneOfTheGroup(ctx), m)
	if root != nil && len(root.Reactions) > 0 {
		channel.ViewerFrom(ctx) // whose reactions are among them
	}
	return root, err
}

func (r message) Replies(
	ctx context.Context, m *channel.Message, first *int32, after *string, last *int32, before *string,
) (*channel.MessageConnection, error) {
	args := channel.PageArgs{First: first, After: after, Last: last, Before: before}
	return r.service.Replies(ctx, channel.ViewerFrom(ctx), m, args)
}

func (r message) History(ctx context.Context, m *channel.Message) ([]*channel.MessageVersion, error) {
	return r.service.History(ctx, channel.ViewerFrom(ctx), m)
}

type messageConnection struct{}

func (messageConnection) Nodes(ctx context.Context, p *channel.MessageConnection) ([]*channel.Message, error) {
	return nodesOf(ctx, p.Page()), nil
}
