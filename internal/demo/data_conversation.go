package demo

import (
	"context"
	"fmt"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// said is a message of the demo data.
type said struct {
	by      string
	body    string
	alone   bool // for the author's group alone
	replyTo int  // the place in conversation of what it replies to; -1: nothing
	liked   string
}

// conversation is what is said in the linked channel: a thread, a reaction, and a message a side that the other one does
// not see.
var conversation = []said{
	{by: "ana", body: "Welcome! @Gil, when can globex be ready for the launch?", replyTo: -1},
	{by: "gil", body: "Hua, is the shop on time? Let us tell them a date that we can keep.", alone: true, replyTo: -1},
	{by: "hua", body: "The shop is ready on the first of May.", replyTo: 0, liked: "🎉"},
	{by: "ben", body: "Then our press release goes out on the second.", alone: true, replyTo: -1},
	{by: "ana", body: "@Hua, then the second it is!", replyTo: 0},
}

// converse has the conversation in the channel that acme and globex share, or what is missing of it: a start that was cut
// short is continued under the same idempotency keys. Where that channel is gone, or called otherwise, nothing is said.
func converse(ctx context.Context, service *channel.Service, viewers map[string]*channel.Viewer) error {
	ana := viewers["ana"]
	where, err := launch(ctx, service, ana)
	if err != nil || where == nil {
		return err
	}
	seen, err := service.ChannelMessages(ctx, ana, *where, channel.PageArgs{})
	if err != nil {
		return err
	}
	toAcme := 0
	for _, each := range conversation {
		if !each.alone || viewers[each.by].Group.ID == ana.Group.ID {
			toAcme++
		}
	}
	if len(seen.Edges()) >= toAcme {
		return nil // the last message is there: all are
	}
	posted := make([]ids.Message, len(conversation))
	for i, each := range conversation {
		if posted[i], err = say(ctx, service, viewers[each.by], *where, i, posted); err != nil {
			return err
		}
		if each.liked == "" {
			continue
		}
		key := fmt.Sprintf("demo-like-%d", i)
		liked, err := service.AddReaction(ctx, ana, channel.AddReactionInput{MessageID: posted[i], Emoji: each.liked, IdempotencyKey: &key})
		if err != nil {
			return err
		}
		if err := happened(liked.Errors); err != nil {
			return err
		}
	}
	return nil
}

// launch finds the channel of the demo data, which is among acme's oldest ones; nil: it is not there.
func launch(ctx context.Context, service *channel.Service, ana *channel.Viewer) (*ids.Channel, error) {
	const most = int32(100)
	last := most
	page, err := service.SharedChannels(ctx, ana, channel.PageArgs{Last: &last})
	if err != nil {
		return nil, err
	}
	for _, edge := range page.Edges {
		c := edge.Value
		if c != nil && c.State == channel.ChannelActive && c.Own != nil && c.Own.Name != nil && *c.Own.Name == "launch" {
			return &c.ID, nil
		}
	}
	return nil, nil
}

// say posts one message of the conversation.
func say(
	ctx context.Context, service *channel.Service, by *channel.Viewer, where ids.Channel, i int, posted []ids.Message,
) (ids.Message, error) {
	key := fmt.Sprintf("demo-message-%d", i)
	in := channel.PostMessageInput{ChannelID: where, Body: conversation[i].body, IdempotencyKey: &key}
	if conversation[i].alone {
		own := channel.AudienceOwnGroup
		in.Audience = &own
	}
	if root := conversation[i].replyTo; root >= 0 {
		in.ReplyToID = &posted[root]
	}
	answer, err := service.PostMessage(ctx, by, in)
	if err != nil {
		return ids.Message{}, err
	}
	if err := happened(answer.Errors); err != nil {
		return ids.Message{}, err
	}
	return answer.Message.ID, nil
}
