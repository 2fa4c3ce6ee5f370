package failpoint

import (
	"context"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// Conversation puts points around each change of a conversation, by the mutation that makes it, and around marks of what was read.
func Conversation(inner channel.Conversation, at At) channel.Conversation {
	return conversationPort{inner, at}
}

type conversationPort struct {
	channel.Conversation
	at At
}

// Change implements [channel.Conversation].
func (p conversationPort) Change(ctx context.Context, c channel.Change) (channel.Changed, error) {
	p.at(c.Op.Mutation + before)
	changed, err := p.Conversation.Change(ctx, c)
	if err == nil {
		p.at(c.Op.Mutation + after)
	}
	return changed, err
}

// MarkRead implements [channel.Conversation].
func (p conversationPort) MarkRead(ctx context.Context, by channel.User, admin bool, upTo ids.Message, op *channel.Operation) (channel.Changed, error) {
	p.at("markRead" + before)
	done, err := p.Conversation.MarkRead(ctx, by, admin, upTo, op)
	if err == nil {
		p.at("markRead" + after)
	}
	return done, err
}
