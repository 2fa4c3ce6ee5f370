package channel

import (
	"context"
	"slices"
	"sync"

	"linkspan/internal/ids"
)

// ChannelMessages returns a page of the channel's messages that the viewer's group may see, in the order of its log. A group
// without access gets a FORBIDDEN fault.
func (s *Service) ChannelMessages(ctx context.Context, v *Viewer, channel ids.Channel, args PageArgs) (*MessageConnection, error) {
	if v.Operator {
		return nil, forbiddenToOperators()
	}
	list := listOfMessages(v, channel)
	r, err := args.checkPlaces(list)
	if err != nil {
		return nil, err
	}
	rows, err := s.Conversation.ListMessages(ctx, v.reader(), channel, r)
	showTogether(slices.Values(rows.Messages))
	return pageOfMessages(list, rows, err)
}

// messagesAhead is a page of messages of a channel that was read with it, and which part of them it is.
type messagesAhead struct {
	part MessageRange
	page *MessageConnection
}

// openChannel reads a channel with what is wanted of it; nil where the viewer may not see it.
func (s *Service) openChannel(ctx context.Context, v *Viewer, id ids.Channel, along Along) (*SharedChannel, error) {
	var part *MessageRange
	if along.Messages != nil {
		// What is wrong with the arguments is for Messages to tell.
		if r, err := along.Messages.checkPlaces(listOfMessages(v, id)); err == nil {
			part = &r
		}
	}
	opened, err := s.Conversation.OpenChannel(ctx, v.reader(), id, along.Unread, part)
	c := opened.Channel
	if err != nil || c == nil {
		return nil, err
	}
	if c.unread = batchOf[ids.Channel, int32](id); opened.Unread != nil {
		c.unread = filled(map[ids.Channel]int32{id: *opened.Unread})
	}
	if opened.Messages != nil {
		list, rows := listOfMessages(v, id), *opened.Messages
		c.ahead = &messagesAhead{*part, &MessageConnection{Written: rows.Written, page: sync.OnceValue(func() *Page[Message] {
			rows.Messages = copiedTogether(rows.Messages)
			return pageOf(list, rows)
		})}}
	}
	return c, nil
}

func listOfMessages(v *Viewer, channel ids.Channel) List {
	return List{Kind: ids.ListMessages, Reader: v.Group.ID, Channel: channel}
}

// Messages is ChannelMessages for a channel that was read: what was read ahead is not read again.
func (s *Service) Messages(ctx context.Context, v *Viewer, c *SharedChannel, args PageArgs) (*MessageConnection, error) {
	if c.ahead != nil {
		if r, err := args.checkPlaces(listOfMessages(v, c.ID)); err == nil && r.equal(c.ahead.part) {
			return c.ahead.page, nil
		}
	}
	return s.ChannelMessages(ctx, v, c.ID, args)
}

// Replies returns a page of the replies to a message that the viewer's group may see, in the order of the channel's log. For
// messages that are shown together the same part from the beginning, or from the end, is read at once.
func (s *Service) Replies(ctx context.Context, v *Viewer, m *Message, args PageArgs) (*MessageConnection, error) {
	if v.Operator {
		return nil, forbiddenToOperators()
	}
	list := List{Kind: ids.ListReplies, Reader: v.Group.ID, Channel: m.ID.Channel, Root: m.ID}
	r, err := args.checkPlaces(list)
	if err != nil {
		return nil, err
	}
	replies := batchOf[ids.Message, MessageRows](m.ID)
	if m.thread != nil && r.After == nil && r.Before == nil {
		replies = m.thread.repliesIn(r)
	}
	rows, err := replies.get(m.ID, func(roots []ids.Message) (map[ids.Message]MessageRows, map[ids.Message]error) {
		found, unread := s.Conversation.ListReplies(ctx, v.reader(), roots, r)
		var all []*Message
		for _, rows := range found {
			all = append(all, rows.Messages...)
		}
		showTogether(slices.Values(all))
		return found, unread
	})
	return pageOfMessages(list, rows, err)
}

// pageOfMessages makes a page of what was read of a list, or of the error that reading it ended with. Where nothing was read, not
// even the head of the log, the group may not read the channel.
func pageOfMessages(list List, rows MessageRows, err error) (*MessageConnection, error) {
	if err != nil {
		return nil, err
	}
	if rows.Log.History.IsZero() {
		return nil, &Fault{Code: Forbidden, Message: "Your group does not take part in this channel now, or does not show it to you."}
	}
	return &MessageConnection{Written: rows.Written, page: sync.OnceValue(func() *Page[Message] { return pageOf(list, rows) })}, nil
}

// pageOf is what is on a page.
func pageOf(list List, rows MessageRows) *Page[Message] {
	p := &Page[Message]{
		Edges:     make([]MessageEdge, len(rows.Messages)),
		PageInfo:  PageInfo{HasNextPage: rows.MoreBehind, HasPreviousPage: rows.MoreBefore},
		LogCursor: rows.Log.cursor(ChannelLogOf(list.Channel, list.Reader), list.Reader),
	}
	for i, m := range rows.Messages {
		p.Edges[i] = MessageEdge{Cursor: list.placeCursor(rows.Places[i]), Value: m}
	}
	p.markEnds()
	return p
}

// History returns what a message says and has said, in the order of writing, the newest MaxVersions: nothing once it is deleted.
// For messages that are shown together it is read at once.
func (s *Service) History(ctx context.Context, v *Viewer, m *Message) ([]*MessageVersion, error) {
	history := batchOf[ids.Message, []MessageVersion](m.ID)
	if m.thread != nil {
		history = m.thread.history
	}
	versions, err := history.get(m.ID, func(messages []ids.Message) (map[ids.Message][]MessageVersion, map[ids.Message]error) {
		return s.Conversation.Versions(ctx, v.reader(), messages)
	})
	if err == nil && len(versions) == 0 && m.State != Deleted {
		err = s.shown(ctx, v, m.ID.Channel)
	}
	shown := make([]*MessageVersion, len(versions))
	for i, version := range versions {
		version.Actor = m.Writer // nobody else edits
		shown[i] = &version
	}
	return shown, err
}
