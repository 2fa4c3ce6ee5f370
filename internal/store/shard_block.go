package store

import (
	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// What a group is shown of a copy i: nothing of what it received from a group that it blocks, unless that is accepted.
const (
	copyBlocks = `EXISTS (
		SELECT FROM linkspan_shard.group_block AS b WHERE b.slot = i.slot AND b.group_id = i.group_id
			AND b.other_group_id = CASE i.direction WHEN 'SENT' THEN i.to_group_id ELSE i.from_group_id END AND b.blocked)`
	copyIsShown = `(i.direction = 'SENT' OR i.state = 'ACCEPTED' OR NOT ` + copyBlocks + `)`
)

// SaveBlocking implements [channel.ShardTx].
func (t *shardTx) SaveBlocking(group ids.Group, b *channel.Blocking) {
	t.queue(`
		INSERT INTO linkspan_shard.group_block AS b (slot, group_id, other_group_id, version, blocked) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (slot, group_id, other_group_id) DO UPDATE SET version = excluded.version, blocked = excluded.blocked
		WHERE b.version < excluded.version`, group, b.Other.ID, b.Version, b.Blocked)
}

// ReceiveAgain implements [channel.ShardTx]. The lock is a statement of its own, so that the next one sees what those have added whom it waited
// for: their events were passed over while the group was blocked.
func (t *shardTx) ReceiveAgain(group, from ids.Group) {
	t.queue(`SELECT 1 FROM linkspan_shard.inbox_log WHERE slot = $1 AND group_id = $2 FOR UPDATE`, group)
	t.queue(`
		WITH open AS (
			SELECT i.*, row_number() OVER (ORDER BY i.position) AS place FROM linkspan_shard.group_invitation AS i
			WHERE i.slot = $1 AND i.group_id = $2 AND i.direction = 'RECEIVED' AND i.from_group_id = $3
				AND i.state IN `+openStates+` AND i.expires_at > now()
		), log AS (
			UPDATE linkspan_shard.inbox_log SET head = head + (SELECT count(*) FROM open) WHERE slot = $1 AND group_id = $2
			RETURNING head - (SELECT count(*) FROM open) AS before, history
		)
		INSERT INTO linkspan_shard.inbox_event (slot, group_id, number, kind, invitation_id, invitation_version, channel_id,
			about_group_id, about_handle, about_name, actor_group_id, actor_id)
		SELECT $1, $2, log.before + o.place, 'INVITATION_RECEIVED', o.invitation_id, o.version, o.channel_id,
			o.from_group_id, o.from_handle, o.from_name, o.from_group_id, o.sender_id
		FROM open AS o CROSS JOIN log ORDER BY o.place
		RETURNING number, at, kind, invitation_id, invitation_version, channel_id, about_group_id, about_handle, about_name,
			actor_group_id, actor_id, (SELECT history FROM log)`, group, from,
	).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			a := channel.Appended{Log: channel.InboxOf(group)}
			e := &a.Event
			if err := rows.Scan(&e.Number, &e.At, &e.Kind, &e.Invitation, &e.Version, &e.Channel, &e.Group.ID, &e.Group.Handle, &e.Group.Name,
				&e.Actor.Group, &e.Actor, &a.History); err != nil {
				return err
			}
			e.At = e.At.UTC()
			t.appended = append(t.appended, a)
		}
		return rows.Err()
	})
}
