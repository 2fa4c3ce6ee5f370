package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// Messages of a group are looked for from behind those that it has deleted for certain (channel_side.cleared_number, cleared_private), in the
// order of their numbers, which is that of time. So each message is passed once for each side that deletes what is old, and no index by
// author is needed.

// lookedAt is how many messages of each log a transaction passes at most in search of those of a group.
const lookedAt = 1000

// dueSides are sides that are due. Argument: limit.
const dueSides = `
	SELECT s.channel_id, s.group_id FROM linkspan_shard.channel_side AS s JOIN ` + ownedHere + ` ON owned.slot = s.slot
	WHERE s.retention_due_at <= now() ORDER BY s.retention_due_at LIMIT $1`

// DueSides implements [channel.Shards].
func (s *Store) DueSides(ctx context.Context, cluster string, limit int) (due []ids.Side, err error) {
	database, err := s.cluster(cluster)
	if err != nil {
		return nil, err
	}
	err = database.ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
		rows, err := conn.Query(ctx, dueSides, limit)
		if err != nil {
			return err
		}
		due, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (side ids.Side, err error) {
			return side, row.Scan(&side.Channel, &side.Group)
		})
		return err
	})
	return due, translate(err)
}

// deleteOutdated deletes what is old of a side's messages, public ones first, and tells how many and the groups that it is news for. It runs behind
// lockLog. A side that parted reads no public event behind unlinked_after, so what is deleted in its private log follows that
// one; where even that was removed, as too old, nothing of its order is left, and the event goes at once with the rest.
//
// What is next is the first message that stays, if it is the group's; where the look ended before it found one it goes on at once, and at the
// end of a log nothing is due before what is said from now on. Arguments: slot, channel, group, how many messages to look at in
// each log, and how many to delete.
var deleteOutdated = `
	WITH owned AS (SELECT slot FROM ` + shardrouter.OwnedFirst + `),
	side AS (
		SELECT l.history, l.head, s.private_head, COALESCE(s.cleared_number, 0) AS number, COALESCE(s.cleared_private, 0) AS private,
			s.unlinked_after, COALESCE(l.floor > s.unlinked_after, false) AS removed,
			s.retention_days * interval '24 hours' AS kept, clock_timestamp() AS at
		FROM owned
		JOIN linkspan_shard.channel_log AS l ON l.slot = $1 AND l.channel_id = $2
		JOIN linkspan_shard.channel_side AS s ON s.slot = $1 AND s.channel_id = $2 AND s.group_id = $3
		WHERE s.retention_due_at <= now()
	), looked AS (
		SELECT m.owner, m.number, m.created_at, m.own, count(*) FILTER (WHERE m.own) OVER log AS n,
			COALESCE(bool_or(m.created_at > now() - side.kept) FILTER (WHERE m.own) OVER log, false) OR
				count(*) FILTER (WHERE m.own) OVER log > $5 AS stays
		FROM side CROSS JOIN LATERAL (
			(SELECT m.owner_group_id AS owner, m.number, m.created_at, m.author_group_id = $3 AND m.state <> 'DELETED' AS own
			FROM linkspan_shard.message AS m
			WHERE m.slot = $1 AND m.channel_id = $2 AND m.owner_group_id = ` + everyone + ` AND m.number > side.number ORDER BY m.number LIMIT $4)
			UNION ALL
			(SELECT m.owner_group_id, m.number, m.created_at, m.state <> 'DELETED' FROM linkspan_shard.message AS m
			WHERE m.slot = $1 AND m.channel_id = $2 AND m.owner_group_id = $3 AND m.number > side.private ORDER BY m.number LIMIT $4)
		) AS m WINDOW log AS (PARTITION BY m.owner ORDER BY m.number)
	), gone AS (
		SELECT $1::smallint AS slot, $2::uuid AS channel, g.owner, g.number, CASE g.owner WHEN $3 THEN side.private_head ELSE side.head END + g.n AS event
		FROM looked AS g, side WHERE g.own AND NOT g.stays
	), counted AS (
		SELECT count(*) FILTER (WHERE owner <> $3) AS public, count(*) FILTER (WHERE owner = $3) AS private FROM gone
	), passed AS (
		SELECT owner, max(number) FILTER (WHERE NOT stays) AS number,
			CASE WHEN bool_or(stays) THEN (array_agg(created_at ORDER BY number) FILTER (WHERE own AND stays))[1] WHEN count(*) = $4 THEN '-infinity' END AS next
		FROM looked GROUP BY owner
	), next AS (
		SELECT max(number) FILTER (WHERE owner <> $3) AS number, max(number) FILTER (WHERE owner = $3) AS private, min(next) AS oldest FROM passed
	), told AS (
		SELECT g.owner, g.number, g.event,
			CASE WHEN g.owner <> $3 THEN g.event ELSE COALESCE(side.unlinked_after, side.head + counted.public) END AS follows
		FROM gone AS g, side, counted
	), log AS (
		UPDATE linkspan_shard.channel_log AS l SET head = l.head + counted.public FROM counted
		WHERE l.slot = $1 AND l.channel_id = $2 AND counted.public > 0
	), public_event AS (
		INSERT INTO linkspan_shard.channel_event (slot, channel_id, number, kind, message_number, at)
		SELECT $1, $2, e.event, 'MESSAGE_DELETED', e.number, side.at FROM told AS e, side WHERE e.owner <> $3
	), private_event AS (
		INSERT INTO linkspan_shard.private_event (slot, channel_id, group_id, number, follows, position, kind, message_number, at)
		SELECT $1, $2, $3, e.event, e.follows, e.follows + e.event, 'MESSAGE_DELETED', e.number, side.at
		FROM told AS e, side WHERE e.owner = $3 AND NOT side.removed
	), noted AS (
		UPDATE linkspan_shard.channel_side AS s SET private_head = s.private_head + counted.private,
			private_floor = s.private_floor + CASE WHEN side.removed THEN counted.private ELSE 0 END,
			cleared_number = COALESCE(next.number, side.number), cleared_private = COALESCE(next.private, side.private),
			retention_due_at = CASE WHEN next.oldest + side.kept <= now() THEN now()
				ELSE GREATEST(COALESCE(next.oldest, now()) + side.kept, now() + interval '1 minute') END
		FROM side, counted, next WHERE s.slot = $1 AND s.channel_id = $2 AND s.group_id = $3
	), deleted AS (
		UPDATE linkspan_shard.message AS m SET body = NULL, state = 'DELETED', deleted_at = side.at,
			mention_group_ids = '{}', mention_ids = '{}', reaction_count = 0 FROM gone AS g, side WHERE ` + isOf("m") + `
	), forgotten AS (
		DELETE FROM linkspan_shard.message_version AS v USING gone AS g WHERE ` + isOf("v") + `
	), unworded AS (
		DELETE FROM linkspan_shard.message_words AS w USING gone AS g WHERE ` + isOf("w") + `
	), taken_back AS (
		DELETE FROM linkspan_shard.reaction AS r USING gone AS g WHERE ` + isOf("r") + `
	)
	SELECT owned.slot, counted.public + counted.private, ARRAY(
		SELECT s.group_id FROM linkspan_shard.channel_side AS s
		WHERE s.slot = $1 AND s.channel_id = $2 AND s.state = 'LINKED' AND (counted.public > 0 OR counted.private > 0 AND s.group_id = $3))
	FROM owned LEFT JOIN (side CROSS JOIN counted) ON true`

// isOf is that a row belongs to a message g that goes. All of its key comes from there, so that it is found by all of it: with a slot and a
// channel that are given, Postgres would read all of that channel before it has statistics.
func isOf(row string) string {
	return row + `.slot = g.slot AND ` + row + `.channel_id = g.channel AND ` + row + `.owner_group_id = g.owner AND ` + row + `.number = g.number`
}

// DeleteOutdated implements [channel.Shards].
func (s *Store) DeleteOutdated(ctx context.Context, side ids.Side, limit int) (cleared channel.DeletedOutdated, err error) {
	slot := slotOfChannel(side.Channel)
	err = s.router.WritePgx(ctx, slot, func(_ context.Context, tx *shardrouter.Tx) error {
		tx.Queue(lockLog, int16(slot), side.Channel)
		tx.Queue(deleteOutdated, int16(slot), side.Channel, side.Group, lookedAt, limit).QueryRow(func(row pgx.Row) error {
			var messages *int
			var told []ids.Group
			err := row.Scan(nil, &messages, &told)
			if errors.Is(err, pgx.ErrNoRows) {
				err = shardrouter.ErrNotOwned
			}
			if cleared = (channel.DeletedOutdated{}); messages != nil {
				cleared.Messages = *messages
			}
			for _, group := range told {
				cleared.Moved = append(cleared.Moved, channel.ChannelLogOf(side.Channel, group))
			}
			return err
		})
		return nil
	}, shardrouter.Repeatable())
	return cleared, translate(err)
}

// putOffSide arguments: slot, channel, group.
const putOffSide = `
	UPDATE linkspan_shard.channel_side AS s SET retention_due_at = now() + interval '1 minute' FROM (
		SELECT slot, channel_id, group_id FROM linkspan_shard.channel_side
		WHERE slot = $1 AND channel_id = $2 AND group_id = $3 AND retention_due_at <= now() FOR NO KEY UPDATE SKIP LOCKED
	) AS due WHERE s.slot = due.slot AND s.channel_id = due.channel_id AND s.group_id = due.group_id`

// PutOffSide implements [channel.Shards].
func (s *Store) PutOffSide(ctx context.Context, side ids.Side) error {
	slot := slotOfChannel(side.Channel)
	return translate(s.router.WritePgx(ctx, slot, func(_ context.Context, tx *shardrouter.Tx) error {
		tx.Queue(putOffSide, int16(slot), side.Channel, side.Group)
		return nil
	}, shardrouter.Repeatable()))
}
