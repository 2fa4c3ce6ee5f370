package channel

import (
	"context"
	"errors"

	"linkspan/internal/ids"
)

// ChannelMessages returns a page of the channel's messages that the viewer's group may see, in the order of its log. A group
// without access gets a FORBIDDEN fault.
func (s *Service) ChannelMessages(ctx context.Context, v *Viewer, channel ids.Channel, args PageArgs) (*MessageConnection, error) {
	return s.listMessages(ctx, v, List{Kind: ids.ListMessages, Reader: v.Group.ID, Channel: channel}, ids.Message{}, args)
}

// Replies returns a page of the replies to a message that the viewer's group may see, in the order of the channel's log.
func (s *Service) Replies(ctx context.Context, v *Viewer, root ids.Message, args PageArgs) (*MessageConnection, error) {
	return s.listMessages(ctx, v, List{Kind: ids.ListReplies, Reader: v.Group.ID, Channel: root.Channel}, root, args)
}

func (s *Service) listMessages(ctx context.Context, v *Viewer, list List, root ids.Message, args PageArgs) (*MessageConnection, error) {
	if v.Operator {
		return nil, forbiddenToOperators()
	}
	r, err := args.checkPlaces(list)
	if err != nil {
		return nil, err
	}
	rows, err := s.Conversation.ListMessages(ctx, v.User.ID, list.Channel, root, r)
	return pageOfMessages(v, list, rows, err)
}

// pageOfMessages makes a page of what was read of a list, or of the error that reading it ended with.
func pageOfMessages(v *Viewer, list List, rows MessageRows, err error) (*MessageConnection, error) {
	if errors.Is(err, ErrNotFound) {
		return nil, &Fault{Code: Forbidden, Message: "Your group does not take part in this channel now."}
	}
	if err != nil {
		return nil, err
	}
	together := make(map[ids.Message]*Message, len(rows.Messages))
	p := &MessageConnection{
		Edges:     make([]MessageEdge, len(rows.Messages)),
		PageInfo:  PageInfo{HasNextPage: rows.MoreBehind, HasPreviousPage: rows.MoreBefore},
		LogCursor: rows.Log.cursor(ChannelLogOf(list.Channel, v.Group.ID), v.Group.ID),
	}
	for i, m := range rows.Messages {
		together[m.ID] = m
		p.Edges[i] = MessageEdge{Cursor: list.placeCursor(rows.Places[i]), Value: m}
	}
	showTogether(together)
	p.markEnds()
	return p, nil
}

// History returns what a message says and has said, in the order of writing: nothing once it is deleted.
func (s *Service) History(ctx context.Context, v *Viewer, m *Message) ([]*MessageVersion, error) {
	versions, err := s.Conversation.Versions(ctx, v.User.ID, m.ID)
	for _, version := range versions {
		version.Actor = m.Writer // nobody else edits
	}
	return versions, err
}
