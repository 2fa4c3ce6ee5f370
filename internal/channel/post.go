package channel

import (
	"context"
	"errors"
	"time"

	"linkspan/internal/ids"
)

// MaxBodyBytes is the greatest length of a message's body.
const MaxBodyBytes = 40_000

// PostMessageInput is the input of Mutation.postMessage.
type PostMessageInput struct {
	ChannelID      ids.Channel
	Body           string
	Audience       *Audience
	ReplyToID      *ids.Message
	IdempotencyKey *string
}

// EditMessageInput is the input of Mutation.editMessage.
type EditMessageInput struct {
	MessageID      ids.Message
	Body           string
	IdempotencyKey *string
}

// DeleteMessageInput is the input of Mutation.deleteMessage.
type DeleteMessageInput struct {
	MessageID      ids.Message
	IdempotencyKey *string
}

// AddReactionInput is the input of Mutation.addReaction.
type AddReactionInput struct {
	MessageID      ids.Message
	Emoji          string
	IdempotencyKey *string
}

// RemoveReactionInput is the input of Mutation.removeReaction.
type RemoveReactionInput AddReactionInput

// MessagePayload is the answer of a mutation of a message.
type MessagePayload struct {
	Message *Message
	Errors  []UserError
}

type (
	// PostMessagePayload is the answer of Mutation.postMessage.
	PostMessagePayload = MessagePayload
	// EditMessagePayload is the answer of Mutation.editMessage.
	EditMessagePayload = MessagePayload
	// DeleteMessagePayload is the answer of Mutation.deleteMessage.
	DeleteMessagePayload = MessagePayload
	// AddReactionPayload is the answer of Mutation.addReaction.
	AddReactionPayload = MessagePayload
	// RemoveReactionPayload is the answer of Mutation.removeReaction.
	RemoveReactionPayload = MessagePayload
)

// PostMessage says something in a channel. It is durable when this returns.
func (s *Service) PostMessage(ctx context.Context, v *Viewer, in PostMessageInput) (*PostMessagePayload, error) {
	c := Change{Kind: EventMessagePosted, Message: ids.Message{Channel: in.ChannelID}, Body: in.Body}
	own := in.Audience != nil && *in.Audience == AudienceOwnGroup
	if in.ReplyToID != nil {
		c.ReplyTo = *in.ReplyToID
		own = own || in.Audience == nil && !c.ReplyTo.Owner.IsZero()
	}
	if own {
		c.Message.Owner = v.Group.ID
	}
	named := c.ReplyTo
	if !named.IsZero() && named.Channel != in.ChannelID {
		c.ReplyTo = noMessage(in.ChannelID)
	}
	return s.change(ctx, v, "postMessage", in.IdempotencyKey, c, in.Body, named)
}

// EditMessage changes what a message says.
func (s *Service) EditMessage(ctx context.Context, v *Viewer, in EditMessageInput) (*EditMessagePayload, error) {
	c := Change{Kind: EventMessageEdited, Message: in.MessageID, Body: in.Body}
	return s.change(ctx, v, "editMessage", in.IdempotencyKey, c, in.Body)
}

// DeleteMessage deletes what a message says. Deleting again is success.
func (s *Service) DeleteMessage(ctx context.Context, v *Viewer, in DeleteMessageInput) (*DeleteMessagePayload, error) {
	c := Change{Kind: EventMessageDeleted, Message: in.MessageID}
	return s.change(ctx, v, "deleteMessage", in.IdempotencyKey, c)
}

// AddReaction reacts to a message. Reacting again with the same emoji is success.
func (s *Service) AddReaction(ctx context.Context, v *Viewer, in AddReactionInput) (*AddReactionPayload, error) {
	c := Change{Kind: EventReactionAdded, Message: in.MessageID, Emoji: emojiOf(in.Emoji)}
	return s.change(ctx, v, "addReaction", in.IdempotencyKey, c, in.Emoji)
}

// RemoveReaction takes a reaction back. Taking back what is not there is success.
func (s *Service) RemoveReaction(ctx context.Context, v *Viewer, in RemoveReactionInput) (*RemoveReactionPayload, error) {
	c := Change{Kind: EventReactionRemoved, Message: in.MessageID, Emoji: emojiOf(in.Emoji)}
	return s.change(ctx, v, "removeReaction", in.IdempotencyKey, c, in.Emoji)
}

// change makes a change and returns the message as it is then, or the refusals.
func (s *Service) change(
	ctx context.Context, v *Viewer, mutation string, key *string, c Change, input ...any,
) (*MessagePayload, error) {
	m, err := s.tryChange(ctx, v, mutation, key, c, input)
	if err != nil {
		refusals, err := s.refused(err)
		return &MessagePayload{Errors: refusals}, err
	}
	return &MessagePayload{Message: m}, nil
}

func (s *Service) tryChange(
	ctx context.Context, v *Viewer, mutation string, key *string, c Change, input []any,
) (*Message, error) {
	if v.Operator {
		return nil, notFound(&c)
	}
	c.By, c.Admin = v.User, v.Role == RoleAdmin
	err := c.check()
	if err != nil {
		return nil, err
	}
	if c.Op, err = newChange(v, mutation, c.Message.Channel.String(), key, append(input, c.Message)); err != nil {
		return nil, err
	}
	began := time.Now()
	if c.Mentions, err = s.mentions(ctx, v, &c); err != nil {
		return nil, err
	}
	s.Fresh.before(&c)
	done, err := s.Conversation.Change(ctx, c)
	if err != nil {
		return nil, err
	}
	if m := c.fresh(&done); m != nil {
		s.Fresh.posted(m, began)
	}
	for _, a := range done.Appended {
		s.Hints.Publish(a)
	}
	if err := c.refusal(&done); err != nil {
		return nil, err
	}
	if c.Kind == EventMessagePosted && done.Kept == nil {
		return c.posted(&done), nil
	}
	found, err := s.messages(ctx, v, []ids.Message{done.Message})
	if err == nil && found[done.Message] == nil {
		err = notFound(&c) // the group's access has ended, since it was done or just now
		if c.Kind == EventMessagePosted && done.Channel != ChannelActive {
			err = channelNotActive(done.Channel, "channelId")
		}
	}
	return found[done.Message], err
}

// check refuses what no state of the channel makes right.
func (c *Change) check() error {
	switch {
	case (c.Kind == EventMessagePosted || c.Kind == EventMessageEdited) && (len(c.Body) < 1 || len(c.Body) > MaxBodyBytes):
		return invalidInput("A message has 1 to 40,000 bytes.", "body")
	case (c.Kind == EventReactionAdded || c.Kind == EventReactionRemoved) && c.Emoji == "":
		return invalidInput("A reaction is one emoji.", "emoji")
	case c.ReplyTo.Owner == c.By.ID.Group && c.Message.Owner.IsZero():
		return invalidInput("A reply to a message for your group alone is for your group alone: audience OWN_GROUP.", "audience")
	}
	return nil
}

// notFound is the refusal of a change of what the viewer may not see.
func notFound(c *Change) error {
	if c.Kind == EventMessagePosted {
		return channelNotFound()
	}
	return messageNotFound("messageId")
}

// refusal says why nothing was done; nil: it was.
func (c *Change) refusal(done *Changed) error {
	post := c.Kind == EventMessagePosted
	field := "messageId"
	if post {
		field = "channelId"
	}
	switch target := done.Standing.Message; {
	case done.Channel == "":
		return notFound(c)
	case done.Kept != nil && (done.Kept.Input != c.Op.Input || done.Kept.Mutation != c.Op.Mutation):
		return keyReused()
	case done.Done:
		return nil
	case done.Channel.over(): // whatever there is: who can't write learns nothing of it
		return channelNotActive(done.Channel, field)
	case !post && target == nil:
		return messageNotFound("messageId")
	case done.Channel != ChannelActive:
		return channelNotActive(done.Channel, field)
	case post && !c.ReplyTo.IsZero() && (target == nil || target.State == Deleted):
		return messageNotFound("replyToId")
	case post && target != nil && target.IsReply:
		return invalidInput("Reply to the message that began the thread, not to a reply.", "replyToId")
	case c.Kind == EventMessageEdited && target.Author != c.By.ID:
		return notAllowed("Only the author edits a message.", input("messageId")...)
	case c.Kind == EventMessageDeleted && !c.mayDelete(target):
		return notAllowed("The author deletes a message, or an admin of the author's group.", input("messageId")...)
	case !post && target.State == Deleted:
		return messageNotFound("messageId")
	case c.Kind == EventReactionAdded:
		return invalidInput("Users react to a message with at most 100 different emoji.", "emoji")
	}
	return errors.New("channel: a change that nothing forbids was not made")
}

func (c *Change) mayDelete(m *MessageStanding) bool {
	return m.Author == c.By.ID || c.Admin && m.Author.Group == c.By.ID.Group
}

// posted is the message that a change has just posted, as its author sees it.
func (c *Change) posted(done *Changed) *Message {
	return &Message{
		ID: done.Message, Body: &c.Body, State: Posted, Writer: c.By, AuthorName: c.By.Name, CreatedAt: done.At,
		Root: c.ReplyTo, Mentioned: c.Mentions,
	}
}

// fresh is the message that a change has just posted, as everybody sees it who may and reads it now; nil: that is not known. What
// those whom it names are called depends on who reads it.
func (c *Change) fresh(done *Changed) *Message {
	if c.Kind != EventMessagePosted || !done.Done || done.Kept != nil || len(c.Mentions) > 0 {
		return nil
	}
	m := c.posted(done)
	m.Writer.Group = done.Home
	return m
}
