package store

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// everyone stands for the owner of what is for everyone in a channel, in SQL.
const everyone = `'00000000-0000-0000-0000-000000000000'::uuid`

// lockLog has the changes of one channel follow each other. It is a statement of its own: the next one, of the same
// transaction, then sees all that came before. Arguments: slot, channel.
const lockLog = `SELECT 1 FROM linkspan_shard.channel_log WHERE slot = $1 AND channel_id = $2 FOR UPDATE`

// sideState is the state of a channel c for the group of its side s.
const sideState = `CASE WHEN c.state = 'ARCHIVED' THEN 'ARCHIVED' WHEN s.state IN ('LEFT', 'REMOVED') THEN 'DISCONNECTED' WHEN s.state = 'CLOSED' OR ` + channelOverdue + ` THEN 'CLOSED' ELSE c.state END`

// access is the channel for the viewer, and where its logs stand. Arguments: slot, channel, group, and at its place as whom the viewer is judged.
func access(as string) string {
	return `
	owned AS (SELECT slot FROM ` + shardrouter.OwnedFirst + `),
	access AS (
		SELECT ` + sideState + ` AS state, s.state = 'LINKED' AS linked, l.history, l.head
		FROM owned
		JOIN linkspan_shard.channel AS c ON c.slot = owned.slot AND c.channel_id = $2
		JOIN linkspan_shard.channel_side AS s ON s.slot = owned.slot AND s.channel_id = $2 AND s.group_id = $3 AND ` + sees(`s`, as) + `
		JOIN linkspan_shard.channel_log AS l ON l.slot = owned.slot AND l.channel_id = $2
	)`
}

// target is a message of the channel that the viewer's group may see. Arguments: those of access, the message's owner and
// its number at their places.
func target(owner, number string) string {
	return `
	target AS (
		SELECT m.* FROM access
		JOIN linkspan_shard.message AS m ON m.slot = $1 AND m.channel_id = $2
			AND m.owner_group_id = COALESCE(` + owner + `::uuid, ` + everyone + `) AND m.number = ` + number + `
		WHERE access.linked AND m.owner_group_id IN (` + everyone + `, $3)
	)`
}

// The arguments of a change: $1 slot, $2 channel, $3 group, $4 user, $5 the user's name, $6 its key, $7 operation,
// $8 mutation, $9 hash of the input, $10 kind, $11 owner of the message, $12 its number, $13 emoji, $14 as whom the user is judged. What a kind
// has beside these comes behind.

// changeText is the statement of a kind of change, for the public log or for the group's private one. going says under which
// condition it goes on, beside those that all have; effect are the statements that write it; numbered is what must have a row
// for an event to be written.
func changeText(private bool, going, effect, numbered string) string {
	log := `
	log AS (
		UPDATE linkspan_shard.channel_log AS l SET head = l.head + 1 FROM ` + numbered + ` AS x
		WHERE l.slot = $1 AND l.channel_id = $2 RETURNING l.head AS number, l.head AS follows, clock_timestamp() AS at
	), event AS (
		INSERT INTO linkspan_shard.channel_event (slot, channel_id, number, kind, actor_group_id, actor_id, message_number, emoji, at)
		SELECT $1, $2, number, $10, $3, $4, $12::bigint, $13::text, at FROM log
		RETURNING number, number AS follows, at
	)`
	if private {
		log = `
	log AS (
		UPDATE linkspan_shard.channel_side AS s SET private_head = s.private_head + 1 FROM ` + numbered + ` AS x, access AS a
		WHERE s.slot = $1 AND s.channel_id = $2 AND s.group_id = $3 RETURNING s.private_head AS number, a.head AS follows, clock_timestamp() AS at
	), event AS (
		INSERT INTO linkspan_shard.private_event
			(slot, channel_id, group_id, number, follows, position, kind, actor_group_id, actor_id, message_number, emoji, at)
		SELECT $1, $2, $3, number, follows, follows + number, $10, $3, $4, $12::bigint, $13::text, at FROM log
		RETURNING number, follows, at
	)`
	}
	// Names change with an event alone, by which who has read the channel knows that it is not as it was. Where there is nothing for everyone to see, nobody
	// but the group learns of the user or its name.
	known := `CASE WHEN log.number IS NOT NULL THEN $5::text END, CASE WHEN log.number IS NOT NULL THEN $6::text END,
			CASE WHEN log.number IS NOT NULL THEN now() END, COALESCE(log.number, 0)`
	if private {
		known = `NULL, NULL, NULL, 0`
	}
	return `
	WITH ` + access(`$14`) + `,
	kept AS (
		SELECT k.mutation, k.input_hash, k.owner_group_id, k.number FROM access
		JOIN linkspan_shard.channel_operation AS k ON k.slot = $1 AND k.channel_id = $2 AND k.op_id = $7
	),` + target(`$11`, `$12`) + `,
	going AS (
		SELECT a.head FROM access AS a LEFT JOIN target AS t ON true
		WHERE a.linked AND a.state = 'ACTIVE' AND NOT EXISTS (SELECT FROM kept) AND ` + going + `
	),` + log + `,` + effect + `,
	operation AS (
		INSERT INTO linkspan_shard.channel_operation (slot, channel_id, op_id, mutation, input_hash, owner_group_id, number)
		SELECT $1, $2, $7, $8, $9, COALESCE($11::uuid, ` + everyone + `), $12::bigint FROM going
	), known AS (
		INSERT INTO linkspan_shard.channel_user AS u
			(slot, channel_id, group_id, user_id, name, name_key, public_name, public_name_key, public_at, public_number)
		SELECT $1, $2, $3, $4, $5, $6, ` + known + ` FROM going LEFT JOIN log ON true
		` + userKnown + ` AND EXISTS (SELECT FROM log)
	)
	SELECT a.state, k.mutation, k.input_hash, k.owner_group_id, k.number,
		t.state, t.author_group_id, t.author_id, t.reply_to IS NOT NULL,
		EXISTS (SELECT FROM going), e.number, e.follows, e.at, a.history, sides.groups, sides.heads
	FROM owned LEFT JOIN access AS a ON true LEFT JOIN kept AS k ON true LEFT JOIN target AS t ON true LEFT JOIN event AS e ON true
	LEFT JOIN LATERAL (
		SELECT array_agg(s.group_id) AS groups, array_agg(s.private_head) AS heads FROM linkspan_shard.channel_side AS s
		WHERE s.slot = $1 AND s.channel_id = $2 AND s.state = 'LINKED'
	) AS sides ON e.number IS NOT NULL`
}

// userKnown has an INSERT of a channel_user u note the names that the user has now, those for everyone only if there are. What the
// others knew before is kept where a side that parted goes on reading it: no more of them than sides have parted.
const userKnown = `ON CONFLICT (slot, channel_id, group_id, user_id) DO UPDATE
		SET name = excluded.name, name_key = excluded.name_key, seen_at = now(), public_name = COALESCE(excluded.public_name, u.public_name),
			public_name_key = COALESCE(excluded.public_name_key, u.public_name_key),
			public_at = CASE WHEN excluded.public_name <> COALESCE(u.public_name, '') THEN excluded.public_at ELSE u.public_at END,
			public_number = CASE WHEN excluded.public_name <> COALESCE(u.public_name, '') THEN excluded.public_number ELSE u.public_number END,
			former_names = CASE WHEN excluded.public_name <> u.public_name AND EXISTS (
				SELECT FROM linkspan_shard.channel_side AS s
				WHERE s.slot = u.slot AND s.channel_id = u.channel_id AND s.unlinked_after >= u.public_number
			) THEN u.former_names || jsonb_build_object('name', u.public_name, 'since', u.public_number, 'until', excluded.public_number)
			ELSE u.former_names END
		WHERE (u.name <> excluded.name OR u.public_name IS DISTINCT FROM COALESCE(excluded.public_name, u.public_name))`

// changeTexts are the statements by kind: of the public log, and of private ones.
var changeTexts = map[channel.EventKind][2]string{
	channel.EventMessageEdited:   {editText(false), editText(true)},
	channel.EventMessageDeleted:  {deleteText(false), deleteText(true)},
	channel.EventReactionAdded:   {addReactionText(false), addReactionText(true)},
	channel.EventReactionRemoved: {removeReactionText(false), removeReactionText(true)},
}

func editText(private bool) string {
	// Nobody but the group itself reads what is for it alone, and edits it while it does.
	words := `NULL`
	if !private {
		words = `(
			SELECT w.words FROM linkspan_shard.message_words AS w
			WHERE w.slot = $1 AND w.channel_id = $2 AND w.owner_group_id = t.owner_group_id AND w.number = t.number AND EXISTS (
				SELECT FROM linkspan_shard.channel_side AS s
				WHERE s.slot = $1 AND s.channel_id = $2 AND s.unlinked_after >= COALESCE(t.edited_number, t.number)))`
	}
	return changeText(private, `t.state <> 'DELETED' AND t.author_group_id = $3 AND t.author_id = $4`, `
	replaced AS (
		INSERT INTO linkspan_shard.message_version
			(slot, channel_id, owner_group_id, number, version, body, at, edited_number, replaced_number, mention_group_ids, mention_ids, words)
		SELECT $1, $2, t.owner_group_id, t.number, t.version, t.body, COALESCE(t.edited_at, t.created_at),
			COALESCE(t.edited_number, 0), log.number, t.mention_group_ids, t.mention_ids, `+words+` FROM log, target AS t
	), edited AS (
		UPDATE linkspan_shard.message AS m
		SET body = $15, state = 'EDITED', version = m.version + 1, edited_at = log.at, edited_number = log.number,
			mention_group_ids = $16, mention_ids = $17 FROM log
		WHERE m.slot = $1 AND m.channel_id = $2 AND m.owner_group_id = COALESCE($11::uuid, `+everyone+`) AND m.number = $12
	), worded AS (
		UPDATE linkspan_shard.message_words AS w SET words = $18::text::tsvector FROM log
		WHERE w.slot = $1 AND w.channel_id = $2 AND w.owner_group_id = COALESCE($11::uuid, `+everyone+`) AND w.number = $12
	)`, `going`)
}

func deleteText(private bool) string {
	return changeText(private,
		`t.author_group_id = $3 AND ($15::boolean OR t.author_id = $4)`, `
	deleted AS (
		UPDATE linkspan_shard.message AS m SET body = NULL, state = 'DELETED', deleted_at = log.at, deleter_group_id = $3, deleter_id = $4,
			mention_group_ids = '{}', mention_ids = '{}', reaction_count = 0 FROM log
		WHERE m.slot = $1 AND m.channel_id = $2 AND m.owner_group_id = COALESCE($11::uuid, `+everyone+`) AND m.number = $12
	), forgotten AS (
		DELETE FROM linkspan_shard.message_version AS v USING log
		WHERE v.slot = $1 AND v.channel_id = $2 AND v.owner_group_id = COALESCE($11::uuid, `+everyone+`) AND v.number = $12
	), unworded AS (
		DELETE FROM linkspan_shard.message_words AS w USING log
		WHERE w.slot = $1 AND w.channel_id = $2 AND w.owner_group_id = COALESCE($11::uuid, `+everyone+`) AND w.number = $12
	), taken_back AS (
		DELETE FROM linkspan_shard.reaction AS r USING log
		WHERE r.slot = $1 AND r.channel_id = $2 AND r.owner_group_id = COALESCE($11::uuid, `+everyone+`) AND r.number = $12
	)`, `(SELECT FROM going, target WHERE target.state <> 'DELETED')`)
}

func addReactionText(private bool) string {
	const others = `
		FROM linkspan_shard.reaction AS r WHERE r.slot = $1 AND r.channel_id = $2 AND r.owner_group_id = t.owner_group_id AND r.number = t.number`
	few := `(EXISTS (SELECT` + others + ` AND r.emoji = $13) OR (SELECT count(DISTINCT r.emoji)` + others + `) < ` + strconv.Itoa(channel.MaxEmoji) + `)`
	return changeText(private, `t.state <> 'DELETED' AND `+few, `
	added AS (
		INSERT INTO linkspan_shard.reaction (slot, channel_id, owner_group_id, number, emoji, group_id, user_id, event_number)
		SELECT $1, $2, COALESCE($11::uuid, `+everyone+`), $12, $13, $3, $4, log.number FROM log
	),`+reactionsCounted(`+ 1`), `(SELECT FROM going WHERE NOT EXISTS (`+ownReaction+`))`)
}

func removeReactionText(private bool) string {
	return changeText(private, `t.state <> 'DELETED'`, `
	removed AS (
		DELETE FROM linkspan_shard.reaction AS r USING log
		WHERE r.slot = $1 AND r.channel_id = $2 AND r.owner_group_id = COALESCE($11::uuid, `+everyone+`) AND r.number = $12
			AND r.emoji = $13 AND r.group_id = $3 AND r.user_id = $4
	),`+reactionsCounted(`- 1`), `(SELECT FROM going WHERE EXISTS (`+ownReaction+`))`)
}

// reactionsCounted has the message know how many reactions it has. A replica of before 00007, which is still running, does not count.
func reactionsCounted(change string) string {
	return `
	counted AS (
		UPDATE linkspan_shard.message AS m SET reaction_count = GREATEST(m.reaction_count ` + change + `, 0) FROM log
		WHERE m.slot = $1 AND m.channel_id = $2 AND m.owner_group_id = COALESCE($11::uuid, ` + everyone + `) AND m.number = $12
	)`
}

// ownReaction is the user's reaction with the emoji.
const ownReaction = `
	SELECT FROM linkspan_shard.reaction AS r WHERE r.slot = $1 AND r.channel_id = $2
		AND r.owner_group_id = COALESCE($11::uuid, ` + everyone + `) AND r.number = $12 AND r.emoji = $13 AND r.group_id = $3 AND r.user_id = $4`

// Change implements [channel.Conversation]. The statement that decides is the one that writes, behind one that locks the
// channel's log; both go in one round trip. Messages are posted in groups.
func (s *Store) Change(ctx context.Context, c channel.Change) (done channel.Changed, err error) {
	if c.Kind == channel.EventMessagePosted {
		return s.post(ctx, &c)
	}
	id := c.Message.Channel
	slot := slotOfChannel(id)
	text := changeTexts[c.Kind][0]
	if !c.Message.Owner.IsZero() {
		text = changeTexts[c.Kind][1]
	}
	args := append([]any{int16(slot), id}, changeArgs(&c)...)
	err = s.router.WritePgx(ctx, slot, func(_ context.Context, tx *shardrouter.Tx) error {
		done = channel.Changed{}
		owned := false
		tx.Queue(lockLog, int16(slot), id)
		tx.Queue(text, args...).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				owned = true
				var r changeRow
				if err := rows.Scan(r.fields()...); err != nil {
					return err
				}
				done = r.changed(&c)
			}
			if err := rows.Err(); err != nil {
				return err
			}
			if !owned {
				return shardrouter.ErrNotOwned
			}
			return nil
		})
		return nil
	}, shardrouter.Repeatable())
	s.happened(done, &c)
	if len(done.Appended) > 0 {
		s.lanes.known.forget(id, c.Message.Owner)
	}
	return done, translate(err)
}

// happened has pages forgotten that a change made old.
func (s *Store) happened(done channel.Changed, c *channel.Change) {
	if len(done.Appended) > 0 {
		s.pages.drop(c.Message.Channel, c.Message.Owner)
	}
}

// changeArgs are the arguments of a change, from the third on.
func changeArgs(c *channel.Change) []any {
	var emoji *string
	if c.Emoji != "" {
		emoji = &c.Emoji
	}
	args := []any{
		c.By.ID.Group, c.By.ID, c.By.Name, channel.NameKey(c.By.Name), c.Op.ID, c.Op.Mutation, c.Op.Input, c.Kind,
		c.Message.Owner, c.Message.Number, emoji, judgedAs(readerOf(c.By, c.Admin)),
	}
	switch c.Kind {
	case channel.EventMessageEdited:
		groups, users := make([]ids.Group, len(c.Mentions)), make([]ids.User, len(c.Mentions))
		for i, user := range c.Mentions {
			groups[i], users[i] = user.ID.Group, user.ID
		}
		args = append(args, c.Body, uuids(groups), uuids(users), vector(c.Body, mark(c.Message.Channel, c.Message.Owner)))
	case channel.EventMessageDeleted:
		args = append(args, c.Admin)
	}
	return args
}

// readerOf is a user as a reader.
func readerOf(user channel.User, admin bool) channel.Reader {
	return channel.Reader{User: user.ID, As: user.ID, Admin: admin}
}

// changeRow is what came of a change, or of a post among others.
type changeRow struct {
	state, mutation, input, messageState *string
	keptOwner                            ids.Group
	keptNumber, number, follows          *int64
	author                               ids.User
	isReply, going                       *bool
	history                              ids.History
	groups                               []ids.Group
	heads                                []int64
	at                                   *time.Time
}

func (r *changeRow) fields() []any {
	return []any{
		&r.state, &r.mutation, &r.input, &r.keptOwner, &r.keptNumber, &r.messageState, &r.author.Group, &r.author, &r.isReply,
		&r.going, &r.number, &r.follows, &r.at, &r.history, &r.groups, &r.heads,
	}
}

// changed is what that means for the change.
func (r *changeRow) changed(c *channel.Change) (done channel.Changed) {
	if r.state == nil {
		return done
	}
	done.Channel, done.Message, done.Done = channel.SharedChannelState(*r.state), c.Message, *r.going
	if r.messageState != nil {
		done.Standing.Message = &channel.MessageStanding{State: channel.MessageState(*r.messageState), Author: r.author, IsReply: *r.isReply}
	}
	if r.keptNumber != nil {
		done.Done = true
		done.Message = ids.Message{Channel: c.Message.Channel, Owner: r.keptOwner, Number: *r.keptNumber}
		done.Kept = &channel.Operation{ID: c.Op.ID, Mutation: *r.mutation, Input: *r.input, Outcome: channel.Outcome{Message: done.Message}}
	}
	if r.number == nil {
		return done
	}
	done.At = r.at.UTC()
	if c.Kind == channel.EventMessagePosted {
		done.Message.Number = *r.number
	}
	event := channel.LogEvent{At: done.At, Kind: c.Kind, Channel: c.Message.Channel, Actor: c.By.ID, Message: done.Message, Emoji: c.Emoji}
	for i, group := range r.groups {
		log := channel.ChannelLogOf(event.Channel, group)
		switch {
		case c.Message.Owner.IsZero():
			event.Number = *r.number + r.heads[i]
		case group == c.Message.Owner:
			event.Number = *r.follows + *r.number
		default:
			continue
		}
		done.Appended = append(done.Appended, channel.Appended{Log: log, History: r.history, Event: event})
	}
	return done
}
