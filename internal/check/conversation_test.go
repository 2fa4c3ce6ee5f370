package check_test

import (
	"context"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// conversationPlants are those of what is said in channels.
var conversationPlants = []plant{
	{"channel-log-dense", "shards", `UPDATE linkspan_shard.channel_log SET floor = floor - 1 WHERE floor > 0`, ""},
	{"inbox-dense", "shards", `UPDATE linkspan_shard.inbox_log SET floor = floor - 1 WHERE floor > 0`, ""},
	{"private-log-dense", "shards", `UPDATE linkspan_shard.channel_side SET private_head = private_head + 1`, ""},
	{"private-log-dense", "shards", `UPDATE linkspan_shard.channel_side SET private_floor = private_floor - 1 WHERE private_floor > 0`, ""},
	{"private-log-dense", "shards", `DELETE FROM linkspan_shard.private_event WHERE kind = 'REACTION_ADDED'`, ""},
	{"private-order", "shards", `UPDATE linkspan_shard.private_event SET follows = follows + 1000, position = position + 1000`, ""},
	{"private-order", "shards", `UPDATE linkspan_shard.private_event AS p SET follows = l.head, position = l.head + p.number
		FROM linkspan_shard.channel_log AS l, linkspan_shard.channel_side AS s
		WHERE l.slot = p.slot AND l.channel_id = p.channel_id AND s.slot = p.slot AND s.channel_id = p.channel_id
			AND s.group_id = p.group_id AND p.number = s.private_floor + 1`, ""},
	{"side-unlinked", "shards", `UPDATE linkspan_shard.channel_side SET state = 'LEFT', unlinked_after = 1 WHERE role = 'TARGET'`, ""},
	{"side-unlinked", "shards", `UPDATE linkspan_shard.channel_side SET state = 'REMOVED', unlinked_after = 1000`, ""},
	{"message-posted", "shards", `DELETE FROM linkspan_shard.message WHERE state = 'EDITED'`, ""},
	{"message-posted", "shards", `DELETE FROM linkspan_shard.channel_event WHERE kind = 'MESSAGE_POSTED'`, ""},
	{"message-posted", "shards", `DELETE FROM linkspan_shard.private_event WHERE kind = 'MESSAGE_POSTED'`, ""},
	{"message-posted", "shards", `UPDATE linkspan_shard.message SET owner_group_id = gen_random_uuid()`, ""},
	{"message-event", "shards", `UPDATE linkspan_shard.message SET author_id = gen_random_uuid()`, ""},
	{"message-event", "shards", `UPDATE linkspan_shard.message SET follows = follows - 1`, ""},
	{"message-event", "shards", `UPDATE linkspan_shard.channel_event SET message_number = message_number + 1 WHERE kind = 'MESSAGE_POSTED'`, ""},
	{"event-message", "shards", `UPDATE linkspan_shard.private_event SET message_number = 1000 WHERE kind = 'REACTION_ADDED'`, ""},
	{"event-message", "shards", `UPDATE linkspan_shard.channel_event SET actor_id = gen_random_uuid() WHERE kind = 'MESSAGE_EDITED'`, ""},
	{"event-message", "shards", `UPDATE linkspan_shard.channel_event SET emoji = NULL WHERE kind = 'REACTION_REMOVED'`, ""},
	{"message-tombstone", "shards", `UPDATE linkspan_shard.message
		SET mention_group_ids = ARRAY[author_group_id], mention_ids = ARRAY[author_id] WHERE state = 'DELETED'`, ""},
	{"message-tombstone", "shards", `UPDATE linkspan_shard.message SET deleter_id = NULL WHERE state = 'DELETED'`, ""},
	{"message-tombstone", "shards", `UPDATE linkspan_shard.message SET state = 'POSTED', body = 'back', deleted_at = NULL WHERE state = 'DELETED'`, ""},
	{"message-tombstone", "shards", `INSERT INTO linkspan_shard.message_version (slot, channel_id, owner_group_id, number, version, body, at)
		SELECT slot, channel_id, owner_group_id, number, 1, 'before', now() FROM linkspan_shard.message WHERE state = 'DELETED'`, ""},
	{"message-tombstone", "shards", `DELETE FROM linkspan_shard.channel_event WHERE kind = 'MESSAGE_DELETED'`, ""},
	{"message-words", "shards", `DELETE FROM linkspan_shard.message_words`, ""},
	{"message-words", "shards", `UPDATE linkspan_shard.message_words SET follows = follows - 1`, ""},
	{"message-words", "shards", `UPDATE linkspan_shard.message_words SET words = ''`, ""},
	{"message-words", "shards", `INSERT INTO linkspan_shard.message_words (slot, channel_id, owner_group_id, number, follows, words)
		SELECT slot, channel_id, owner_group_id, number, follows, 'gone' FROM linkspan_shard.message WHERE state = 'DELETED'`, ""},
	{"message-words", "shards", `UPDATE linkspan_shard.message_words SET number = number + 1000`, ""},
	{"message-version", "shards", `DELETE FROM linkspan_shard.message_version`, ""},
	{"message-version", "shards", `UPDATE linkspan_shard.message SET version = version + 1 WHERE state = 'DELETED'`, ""},
	{"message-version", "shards", `UPDATE linkspan_shard.message SET state = 'EDITED' WHERE state = 'POSTED'`, ""},
	{"message-version", "shards", `UPDATE linkspan_shard.message_version SET number = number + 1000`, ""},
	{"reaction-message", "shards", `UPDATE linkspan_shard.reaction SET number = number + 1000`, ""},
	{"reaction-message", "shards", `INSERT INTO linkspan_shard.reaction (slot, channel_id, owner_group_id, number, emoji, group_id, user_id)
		SELECT slot, channel_id, owner_group_id, number, '👍', author_group_id, author_id FROM linkspan_shard.message WHERE state = 'DELETED'`, ""},
	{"reaction-count", "shards", `UPDATE linkspan_shard.message SET reaction_count = reaction_count + 1`, ""},
	{"reaction-count", "shards", `UPDATE linkspan_shard.message SET reaction_count = 0 WHERE reaction_count > 0`, ""},
	{"reaction-event", "shards", `DELETE FROM linkspan_shard.reaction`, ""},
	{"reaction-event", "shards", `UPDATE linkspan_shard.reaction SET emoji = '🎉'`, ""},
	{"reply-root", "shards", `UPDATE linkspan_shard.message SET reply_to = 1000 WHERE reply_to IS NOT NULL`, ""},
	{"reply-root", "shards", `UPDATE linkspan_shard.message SET reply_to = number, reply_to_owner = owner_group_id WHERE reply_to IS NOT NULL`, ""},
	{"reply-count", "shards", `UPDATE linkspan_shard.message SET reply_count = reply_count + 1`, ""},
	{"reply-count", "shards", `UPDATE linkspan_shard.message SET reply_count = 0 WHERE reply_count > 0`, ""},
	{"reply-count", "shards", `DELETE FROM linkspan_shard.private_replies`, ""},
	{"conversation-user", "shards", `DELETE FROM linkspan_shard.channel_user`, ""},
	{"conversation-user", "shards", `UPDATE linkspan_shard.message SET mention_ids = ARRAY[gen_random_uuid(), gen_random_uuid()]
		WHERE cardinality(mention_ids) = 2`, ""},
	{"conversation-user", "shards", `DELETE FROM linkspan_shard.channel_side WHERE role = 'TARGET'`, ""},
	{"public-user", "shards", `UPDATE linkspan_shard.channel_user SET public_name = NULL, public_name_key = NULL, public_at = NULL`, ""},
	{"read-position", "shards", `UPDATE linkspan_shard.channel_user SET read_follows = 1000000`, ""},
	{"read-position", "shards", `UPDATE linkspan_shard.channel_user SET read_number = read_number + 1000 WHERE read_number > 0`, ""},
	{"conversation-operation", "shards", `UPDATE linkspan_shard.channel_operation SET number = 1000000`, ""},
}

// talk has both sides of a channel do all that can be done in a conversation, with each other and for themselves.
func (w *world) talk(ctx context.Context, in *channel.Invitation) error {
	own := channel.AudienceOwnGroup
	var failed error
	said := func(payload *channel.MessagePayload, err error) *ids.Message {
		if err == nil {
			err = refusedOr(err, payload.Errors)
		}
		if err != nil {
			if failed == nil {
				failed = err
			}
			return &ids.Message{}
		}
		return &payload.Message.ID
	}
	from, to := w.admins[in.FromGroup.Handle], w.admins[in.ToGroup.Handle]
	post := func(by *channel.Viewer, audience *channel.Audience, replyTo *ids.Message) *ids.Message {
		return said(w.Service.PostMessage(ctx, by, channel.PostMessageInput{
			ChannelID: in.ChannelID, Body: "@" + secretText + " said it", Audience: audience, ReplyToID: replyTo,
		}))
	}
	first, among := post(from, nil, nil), post(to, &own, nil)
	post(to, nil, first)
	post(to, &own, first)
	post(to, &own, among)
	for _, message := range []*ids.Message{first, among} {
		by := to
		if message == first {
			by = from
		}
		said(w.Service.EditMessage(ctx, by, channel.EditMessageInput{MessageID: *message, Body: secretText}))
		said(w.Service.AddReaction(ctx, to, channel.AddReactionInput{MessageID: *message, Emoji: "👍"}))
		said(w.Service.AddReaction(ctx, to, channel.AddReactionInput{MessageID: *message, Emoji: "🙂"}))
		said(w.Service.RemoveReaction(ctx, to, channel.RemoveReactionInput{MessageID: *message, Emoji: "🙂"}))
		gone := post(by, (*channel.Audience)(nil), message)
		said(w.Service.EditMessage(ctx, by, channel.EditMessageInput{MessageID: *gone, Body: secretText}))
		said(w.Service.AddReaction(ctx, to, channel.AddReactionInput{MessageID: *gone, Emoji: "👍"}))
		said(w.Service.DeleteMessage(ctx, by, channel.DeleteMessageInput{MessageID: *gone}))
	}
	for viewer, last := range map[*channel.Viewer]*ids.Message{from: first, to: among} {
		payload, err := w.Service.MarkRead(ctx, viewer, channel.MarkReadInput{ChannelID: in.ChannelID, UpToMessageID: *last})
		if err == nil {
			err = refusedOr(err, payload.Errors)
		}
		if err != nil {
			return err
		}
	}
	return failed
}

// talkAndForget has a channel accepted whose logs lose what is in them, and are written again.
func (w *world) talkAndForget(ctx context.Context, in *channel.Invitation) error {
	err := w.accept(ctx, in)
	if err == nil {
		err = w.talk(ctx, in)
	}
	w.Settled()
	for _, cluster := range w.Router.Clusters() {
		if err == nil {
			_, err = w.Store.ForgetEvents(ctx, cluster, -time.Hour, 100, 100)
		}
	}
	if err == nil {
		err = w.talk(ctx, in)
	}
	return err
}

// acceptAndTalk has a channel accepted and talked in.
func (w *world) acceptAndTalk(ctx context.Context, in *channel.Invitation) error {
	err := w.accept(ctx, in)
	if err == nil {
		err = w.talk(ctx, in)
	}
	return err
}
