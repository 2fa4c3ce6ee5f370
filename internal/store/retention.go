package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"linkspan/shardrouter"
)

// ShardClusters implements [channel.Shards].
func (s *Store) ShardClusters() []string { return s.router.Clusters() }

// ownedHere are the slots that a cluster owns, for statements about a whole cluster.
const ownedHere = `(SELECT slot FROM linkspan_shard.owned_slot WHERE state = 'OWNED') AS owned`

func (s *Store) cluster(name string) (*shardrouter.Database, error) {
	database, ok := s.router.Cluster(name)
	if !ok {
		return nil, fmt.Errorf("store: there is no cluster %q", name)
	}
	return database, nil
}

// ForgetChannelOperations implements [channel.Shards].
func (s *Store) ForgetChannelOperations(ctx context.Context, cluster string, age time.Duration, limit int) (int, error) {
	database, err := s.cluster(cluster)
	if err != nil {
		return 0, err
	}
	var removed int64
	err = database.WritePgx(ctx, func(ctx context.Context, tx *shardrouter.Tx) error {
		tag, err := tx.Exec(ctx, `
			DELETE FROM linkspan_shard.channel_operation AS o USING (
				SELECT k.slot, k.channel_id, k.op_id FROM linkspan_shard.channel_operation AS k JOIN `+ownedHere+` ON owned.slot = k.slot
				WHERE k.created_at < now() - $1::float8 * interval '1 second' ORDER BY k.created_at LIMIT $2
			) AS old WHERE o.slot = old.slot AND o.channel_id = old.channel_id AND o.op_id = old.op_id`, age.Seconds(), limit)
		removed = tag.RowsAffected()
		return err
	}, shardrouter.Repeatable())
	return int(removed), translate(err)
}

// oldLogs are logs that may have events from before an age. Arguments: the age in seconds, limit.
const oldLogs = `
	SELECT l.inbox, l.slot, l.id FROM (
		SELECT false AS inbox, slot, channel_id AS id, oldest_at FROM linkspan_shard.channel_log
		UNION ALL SELECT true, slot, group_id, oldest_at FROM linkspan_shard.inbox_log
	) AS l JOIN ` + ownedHere + ` ON owned.slot = l.slot
	WHERE l.oldest_at < now() - $1::float8 * interval '1 second' ORDER BY l.oldest_at LIMIT $2`

// ForgetEvents implements [channel.Shards].
func (s *Store) ForgetEvents(ctx context.Context, cluster string, age time.Duration, logs, events int) (int, error) {
	database, err := s.cluster(cluster)
	if err != nil {
		return 0, err
	}
	type oldLog struct {
		inbox bool
		slot  int16
		id    pgtype.UUID
	}
	var due []oldLog
	err = database.ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
		rows, err := conn.Query(ctx, oldLogs, age.Seconds(), logs)
		if err != nil {
			return err
		}
		due, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (l oldLog, err error) {
			return l, row.Scan(&l.inbox, &l.slot, &l.id)
		})
		return err
	})
	if err != nil {
		return 0, translate(err)
	}
	advanced := 0
	for _, l := range due {
		lock, forget := lockLog, forgetChannelEvents
		if l.inbox {
			lock, forget = lockInbox, forgetInboxEvents
		}
		moved := false
		err := s.router.WritePgx(ctx, shardrouter.Slot(l.slot), func(ctx context.Context, tx *shardrouter.Tx) error {
			tx.Queue(lock, l.slot, l.id)
			err := tx.QueryRow(ctx, forget, []any{l.slot, l.id, age.Seconds(), events}, &moved)
			if errors.Is(err, pgx.ErrNoRows) {
				err = shardrouter.ErrNotOwned
			}
			return err
		}, shardrouter.Repeatable())
		if err != nil {
			return advanced, translate(err)
		}
		if moved {
			advanced++
		}
	}
	return advanced, nil
}

// forgetChannelEvents removes the oldest events of a channel's logs: of the public one up to a number, of each side's
// private one all that come before that, and of those right behind it the old ones. So each side loses a beginning of its
// order; no public event goes before a private one that it has in front. It runs behind lockLog. Arguments: slot, channel,
// age in seconds, the most of each log. It tells whether it got on.
//
// The oldest event that is left is the oldest of those that may go next. A public one behind a private one that is not old waits for that, and so do
// the private ones behind it: a look on their account would find nothing to do, and come before those for other logs.
const forgetChannelEvents = `
	WITH owned AS (SELECT slot FROM ` + shardrouter.OwnedFirst + `),
	log AS (
		SELECT l.floor, l.oldest_at, now() - $3::float8 * interval '1 second' AS until
		FROM owned JOIN linkspan_shard.channel_log AS l ON l.slot = owned.slot AND l.channel_id = $2
	), public AS (
		SELECT e.number, bool_and(e.at < log.until) OVER (ORDER BY e.number) AS old
		FROM log CROSS JOIN LATERAL (
			SELECT e.number, e.at FROM linkspan_shard.channel_event AS e
			WHERE e.slot = $1 AND e.channel_id = $2 AND e.number > log.floor ORDER BY e.number LIMIT $4
		) AS e
	), private AS (
		SELECT s.group_id, e.number, e.follows,
			bool_and(e.at < log.until) OVER (PARTITION BY s.group_id ORDER BY e.number) AND e.number <= s.private_floor + $4 AS old
		FROM log JOIN linkspan_shard.channel_side AS s ON s.slot = $1 AND s.channel_id = $2
		CROSS JOIN LATERAL (
			SELECT e.number, e.follows, e.at FROM linkspan_shard.private_event AS e
			WHERE e.slot = $1 AND e.channel_id = $2 AND e.group_id = s.group_id AND e.number > s.private_floor ORDER BY e.number LIMIT $4 + 1
		) AS e
	), floor AS (
		SELECT LEAST(GREATEST(log.floor, (SELECT max(number) FROM public WHERE old)), (SELECT min(follows) FROM private WHERE NOT old)) AS number
		FROM log
	), sides AS (
		SELECT p.group_id, max(p.number) AS floor FROM private AS p, floor WHERE p.old AND p.follows <= floor.number GROUP BY p.group_id
	), forgotten AS (
		DELETE FROM linkspan_shard.channel_event AS e USING log, floor
		WHERE e.slot = $1 AND e.channel_id = $2 AND e.number > log.floor AND e.number <= floor.number
	), forgotten_private AS (
		DELETE FROM linkspan_shard.private_event AS e USING sides
		WHERE e.slot = $1 AND e.channel_id = $2 AND e.group_id = sides.group_id AND e.number <= sides.floor
	), side AS (
		UPDATE linkspan_shard.channel_side AS s SET private_floor = sides.floor FROM sides
		WHERE s.slot = $1 AND s.channel_id = $2 AND s.group_id = sides.group_id
	), oldest AS (
		SELECT COALESCE(LEAST(
			(SELECT e.at FROM linkspan_shard.channel_event AS e WHERE e.slot = $1 AND e.channel_id = $2 AND e.number = floor.number + 1
				AND NOT EXISTS (SELECT FROM private AS p WHERE NOT p.old AND p.follows <= floor.number)),
			(SELECT min(e.at) FROM linkspan_shard.channel_side AS s
				LEFT JOIN sides ON sides.group_id = s.group_id
				JOIN linkspan_shard.private_event AS e ON e.slot = s.slot AND e.channel_id = s.channel_id AND e.group_id = s.group_id
					AND e.number = COALESCE(sides.floor, s.private_floor) + 1 AND e.follows <= floor.number
				WHERE s.slot = $1 AND s.channel_id = $2)
		), now()) AS at FROM floor
	)
	UPDATE linkspan_shard.channel_log AS l SET floor = floor.number, oldest_at = oldest.at FROM log, floor, oldest
	WHERE l.slot = $1 AND l.channel_id = $2 RETURNING oldest.at > log.oldest_at OR floor.number > log.floor OR EXISTS (SELECT FROM sides)`

// lockInbox is lockLog for an inbox. Arguments: slot, group.
const lockInbox = `SELECT 1 FROM linkspan_shard.inbox_log WHERE slot = $1 AND group_id = $2 FOR UPDATE`

// forgetInboxEvents is forgetChannelEvents for an inbox. Arguments: slot, group, age in seconds, the most.
const forgetInboxEvents = `
	WITH owned AS (SELECT slot FROM ` + shardrouter.OwnedFirst + `),
	log AS (
		SELECT l.floor, l.oldest_at, now() - $3::float8 * interval '1 second' AS until
		FROM owned JOIN linkspan_shard.inbox_log AS l ON l.slot = owned.slot AND l.group_id = $2
	), first AS (
		SELECT e.number, bool_and(e.at < log.until) OVER (ORDER BY e.number) AS old
		FROM log CROSS JOIN LATERAL (
			SELECT e.number, e.at FROM linkspan_shard.inbox_event AS e
			WHERE e.slot = $1 AND e.group_id = $2 AND e.number > log.floor ORDER BY e.number LIMIT $4
		) AS e
	), floor AS (
		SELECT GREATEST(log.floor, (SELECT max(number) FROM first WHERE old)) AS number FROM log
	), forgotten AS (
		DELETE FROM linkspan_shard.inbox_event AS e USING log, floor
		WHERE e.slot = $1 AND e.group_id = $2 AND e.number > log.floor AND e.number <= floor.number
	), oldest AS (
		SELECT COALESCE((
			SELECT e.at FROM linkspan_shard.inbox_event AS e WHERE e.slot = $1 AND e.group_id = $2 AND e.number = floor.number + 1
		), now()) AS at FROM floor
	)
	UPDATE linkspan_shard.inbox_log AS l SET floor = floor.number, oldest_at = oldest.at FROM log, floor, oldest
	WHERE l.slot = $1 AND l.group_id = $2 RETURNING oldest.at > log.oldest_at OR floor.number > log.floor`
