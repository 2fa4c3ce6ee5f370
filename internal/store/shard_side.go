package store

import (
	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// introduced has an INSERT of a channel_user u leave the names alone that the others know already.
const introduced = `ON CONFLICT (slot, channel_id, group_id, user_id) DO UPDATE
		SET public_name = excluded.public_name, public_name_key = excluded.public_name_key, public_at = now(), public_number = excluded.public_number
		WHERE u.public_name IS NULL`

// told is the end of a statement that changes a side, its CTE side, which holds nothing where that was not changed: the log goes on, who did it is known
// to the others, an event of that kind tells of the side ($3), and is returned with the log's history for each side that takes part, and for
// the side itself where that says it is told, with where its private log stands. The others are where the group, id, name and name key of who did
// it are (the id null: nobody), and the version of the side.
func told(kind, group, user, name, key, version string) string {
	return `, head AS (
			UPDATE linkspan_shard.channel_log AS l SET head = l.head + 1 FROM side
			WHERE l.slot = $1 AND l.channel_id = $2 RETURNING l.head AS number, l.history
		), known AS (
			INSERT INTO linkspan_shard.channel_user AS u
				(slot, channel_id, group_id, user_id, name, name_key, public_name, public_name_key, public_at, public_number)
			SELECT $1, $2, ` + group + `, ` + user + `, ` + name + `, ` + key + `, ` + name + `, ` + key + `, now(), head.number
			FROM head WHERE ` + user + `::uuid IS NOT NULL
			` + introduced + `
		), event AS (
			INSERT INTO linkspan_shard.channel_event
				(slot, channel_id, number, kind, actor_group_id, actor_id, about_group_id, side_version, at)
			SELECT $1, $2, head.number, '` + kind + `', ` + group + `, ` + user + `, $3, ` + version + `, clock_timestamp() FROM head
			RETURNING number, at
		)
	SELECT e.number, e.at, head.history, told.group_id, told.private_head FROM event AS e, head, (
		SELECT s.group_id, s.private_head FROM linkspan_shard.channel_side AS s
		WHERE s.slot = $1 AND s.channel_id = $2 AND s.state = 'LINKED' AND s.group_id <> $3
		UNION ALL SELECT side.group_id, side.private_head FROM side WHERE side.told
	) AS told`
}

// LinkSide locks the log in a statement of its own, as all do who write to it: in one with the side, nothing would say which comes first.
func (t *shardTx) LinkSide(in *channel.Invitation, link channel.Link) {
	to := in.ToGroup
	t.queue(lockLog, in.ChannelID)
	t.queue(`
		WITH active AS (
			UPDATE linkspan_shard.channel SET state = 'ACTIVE', pending_until = NULL
			WHERE slot = $1 AND channel_id = $2 AND state = 'PENDING'
		), side AS (
			INSERT INTO linkspan_shard.channel_side AS s
				(slot, channel_id, group_id, handle, group_name, role, state, version, name, linked_at, linked_number)
			SELECT $1, $2, $3, $4, $5, 'TARGET', $6, $7, $8, $9, l.head + 1
			FROM linkspan_shard.channel_log AS l WHERE l.slot = $1 AND l.channel_id = $2
			ON CONFLICT (slot, channel_id, group_id) DO UPDATE
			SET state = excluded.state, version = excluded.version, name = excluded.name, linked_at = excluded.linked_at,
				linked_number = excluded.linked_number, may_invite = false, unlinked_at = NULL, unlinked_after = NULL, frozen_topic = NULL,
				frozen_initiator_group_id = NULL, frozen_initiator_handle = NULL, frozen_initiator_name = NULL
			WHERE s.version < excluded.version
			RETURNING s.group_id, s.private_head, true AS told
		)`+told("GROUP_LINKED", "$13", "$10", "$11", "$12", "$7"),
		in.ChannelID, to.ID, to.Handle, to.Name, link.State, link.Version, link.Name, link.LinkedAt,
		in.Resolver.ID, in.Resolver.Name, channel.NameKey(in.Resolver.Name), in.Resolver.Group.ID,
	).Query(t.tells(channel.LogEvent{Kind: channel.EventGroupLinked, Channel: in.ChannelID, Group: to, Actor: in.Resolver.ID}))
}

func (t *shardTx) UnlinkSide(group channel.Group, link channel.Link, by *channel.User) {
	var actor ids.User // zero: NULL
	var name, key *string
	if by != nil {
		spelt := channel.NameKey(by.Name)
		actor, name, key = by.ID, &by.Name, &spelt
	}
	t.queue(lockLog, link.Channel)
	t.queue(`
		WITH side AS (
			UPDATE linkspan_shard.channel_side AS s
			SET state = $4, version = $5, linked_at = $6, may_invite = false, unlinked_at = $7, unlinked_after = l.head + 1, frozen_topic = COALESCE(s.topic, c.topic),
				frozen_initiator_group_id = c.initiator_group_id, frozen_initiator_handle = c.initiator_handle, frozen_initiator_name = c.initiator_name
			FROM linkspan_shard.channel_log AS l, linkspan_shard.channel AS c
			WHERE s.slot = $1 AND s.channel_id = $2 AND s.group_id = $3 AND s.version < $5 AND s.state = 'LINKED'
				AND l.slot = s.slot AND l.channel_id = s.channel_id AND c.slot = s.slot AND c.channel_id = s.channel_id
			RETURNING s.group_id, s.private_head, true AS told
		)`+told("GROUP_UNLINKED", "$8", "$9", "$10", "$11", "$5"),
		link.Channel, link.Group, link.State, link.Version, link.LinkedAt, link.UnlinkedAt, actor.Group, actor, name, key,
	).Query(t.tells(channel.LogEvent{Kind: channel.EventGroupUnlinked, Channel: link.Channel, Group: group, Actor: actor}))
}

func (t *shardTx) SaveChannel(id ids.Channel, e channel.ChannelEffect) {
	t.queue(`
		UPDATE linkspan_shard.channel SET offered_group_id = $3, state = CASE WHEN $4 THEN 'ARCHIVED' ELSE state END
		WHERE slot = $1 AND channel_id = $2`, id, e.Offered, e.Archived)
}

// ChangeChannel tells a side that does not take part nothing: its log has ended.
func (t *shardTx) ChangeChannel(e channel.Effect) {
	link, other, by := e.Link, e.Other, e.By
	if other == nil {
		other = &channel.Link{}
	}
	var initiator channel.Group // zero: NULL
	var handle, name *string
	if e.Channel.Initiator != nil {
		initiator = *e.Channel.Initiator
		handle, name = &initiator.Handle, &initiator.Name
	}
	t.queue(lockLog, link.Channel)
	t.queue(`
		WITH side AS (
			UPDATE linkspan_shard.channel_side AS s SET version = $4, role = CASE WHEN $5 THEN 'INITIATOR' ELSE 'TARGET' END, may_invite = $6,
				name = $19, name_visible = $20, topic = $21, muted_by_default = $22, retention_days = CASE WHEN $24::integer IS NULL THEN s.retention_days ELSE NULLIF($24, 0) END,
				retention_due_at = CASE WHEN COALESCE(s.retention_days, 0) = COALESCE($24, s.retention_days, 0) THEN s.retention_due_at WHEN $24 > 0 THEN now() END
			WHERE s.slot = $1 AND s.channel_id = $2 AND s.group_id = $3 AND s.version < $4
			RETURNING s.group_id, s.private_head, s.state = 'LINKED' AS told
		), other AS (
			UPDATE linkspan_shard.channel_side AS s SET version = $8, role = CASE WHEN $9 THEN 'INITIATOR' ELSE 'TARGET' END, may_invite = $10
			FROM side WHERE s.slot = $1 AND s.channel_id = $2 AND s.group_id = $7 AND s.version < $8
		), was AS (
			UPDATE linkspan_shard.channel_side AS s SET role = 'TARGET' FROM side
			WHERE $12::uuid IS NOT NULL AND s.slot = $1 AND s.channel_id = $2 AND s.role = 'INITIATOR' AND s.group_id <> $3
				AND s.group_id IS DISTINCT FROM $7
		), changed AS (
			UPDATE linkspan_shard.channel AS c SET offered_group_id = $11,
				home_group_id = CASE WHEN $12::uuid IS NULL THEN c.home_group_id ELSE COALESCE(c.home_group_id, c.initiator_group_id) END,
				home_handle = CASE WHEN $12::uuid IS NULL THEN c.home_handle ELSE COALESCE(c.home_handle, c.initiator_handle) END,
				home_name = CASE WHEN $12::uuid IS NULL THEN c.home_name ELSE COALESCE(c.home_name, c.initiator_name) END,
				initiator_group_id = COALESCE($12, c.initiator_group_id), initiator_handle = COALESCE($13, c.initiator_handle),
				initiator_name = COALESCE($14, c.initiator_name),
				topic = CASE WHEN $23::text IS NULL THEN c.topic ELSE NULLIF($23, '') END
			FROM side WHERE c.slot = $1 AND c.channel_id = $2
		)`+told("CHANNEL_CHANGED", "$15", "$16", "$17", "$18", "$4"),
		link.Channel, link.Group, link.Version, link.Initiator, link.MayInvite, other.Group, other.Version, other.Initiator, other.MayInvite,
		e.Channel.Offered, initiator.ID, handle, name, by.ID.Group, by.ID, by.Name, channel.NameKey(by.Name),
		link.Name, link.NameVisible, link.Topic, link.MutedByDefault, e.Channel.Topic, e.RetentionDays,
	).Query(t.tells(channel.LogEvent{Kind: channel.EventChannelChanged, Channel: link.Channel, Group: *e.Group, Actor: by.ID}))
}

// tells notes an event that was appended to a channel's log, for each side that it is told to.
func (t *shardTx) tells(event channel.LogEvent) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		for rows.Next() {
			var number, private int64
			var side ids.Group
			a := channel.Appended{Event: event}
			if err := rows.Scan(&number, &a.Event.At, &a.History, &side, &private); err != nil {
				return err
			}
			a.Log, a.Event.At, a.Event.Number = channel.ChannelLogOf(event.Channel, side), a.Event.At.UTC(), number+private
			t.appended = append(t.appended, a)
		}
		return rows.Err()
	}
}

func (t *shardTx) CloseChannel(link channel.Link) {
	t.queue(`
		WITH closed AS (
			UPDATE linkspan_shard.channel SET state = 'CLOSED', pending_until = NULL
			WHERE slot = $1 AND channel_id = $2 AND state = 'PENDING'
		)
		UPDATE linkspan_shard.channel_side SET state = $4, version = $5, linked_at = NULL
		WHERE slot = $1 AND channel_id = $2 AND group_id = $3 AND version < $5`,
		link.Channel, link.Group, link.State, link.Version)
}
