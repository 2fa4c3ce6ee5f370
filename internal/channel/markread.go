package channel

import (
	"context"

	"linkspan/internal/ids"
)

// MarkReadInput is the input of Mutation.markRead.
type MarkReadInput struct {
	ChannelID      ids.Channel
	UpToMessageID  ids.Message
	IdempotencyKey *string
}

// MarkReadPayload is the answer of Mutation.markRead.
type MarkReadPayload struct {
	SharedChannel *SharedChannel
	Errors        []UserError
}

// MarkRead notes how far the user has read a channel. It never moves back, so without a key nothing is remembered of it.
func (s *Service) MarkRead(ctx context.Context, v *Viewer, in MarkReadInput) (*MarkReadPayload, error) {
	channel, err := s.markRead(ctx, v, in)
	if err != nil {
		refusals, err := s.refused(err)
		return &MarkReadPayload{Errors: refusals}, err
	}
	return &MarkReadPayload{SharedChannel: channel}, nil
}

func (s *Service) markRead(ctx context.Context, v *Viewer, in MarkReadInput) (*SharedChannel, error) {
	if v.Operator {
		return nil, channelNotFound()
	}
	op, err := newChange(v, "markRead", in.ChannelID.String(), in.IdempotencyKey, in.UpToMessageID)
	if err != nil {
		return nil, err
	}
	keyed := &op
	if in.IdempotencyKey == nil {
		keyed = nil
	}
	upTo := in.UpToMessageID
	if upTo.Channel != in.ChannelID {
		upTo = noMessage(in.ChannelID)
	}
	done, err := s.Conversation.MarkRead(ctx, v.User, v.Role == RoleAdmin, upTo, keyed)
	if err != nil {
		return nil, err
	}
	if done.Read != nil {
		s.Hints.Marked(Marked{User: v.User.ID, Channel: in.ChannelID, UpTo: *done.Read})
	}
	switch {
	case done.Channel == "":
		return nil, channelNotFound()
	case done.Kept != nil && (done.Kept.Input != op.Input || done.Kept.Mutation != op.Mutation):
		return nil, keyReused()
	case done.Kept == nil && done.Channel.over():
		return nil, channelNotActive(done.Channel, "channelId")
	case done.Kept == nil && done.Standing.Message == nil:
		return nil, messageNotFound("upToMessageId")
	}
	channel, err := s.channel(ctx, v, in.ChannelID)
	if err == nil && channel == nil {
		err = channelNotFound()
	}
	return channel, err
}

// UnreadCount returns how many messages of others the user has not read in a channel, at most MaxUnread; 0 where its group
// may not read it. For channels that are shown together they are counted at once.
func (s *Service) UnreadCount(ctx context.Context, v *Viewer, c *SharedChannel) (int32, error) {
	if v.Operator {
		return 0, forbiddenToOperators()
	}
	counts := c.unread
	if counts == nil {
		counts = batchOf[ids.Channel, int32](c.ID)
	}
	return counts.get(c.ID, func(channels []ids.Channel) (map[ids.Channel]int32, map[ids.Channel]error) {
		return s.Conversation.Unread(ctx, v.reader(), channels)
	})
}
