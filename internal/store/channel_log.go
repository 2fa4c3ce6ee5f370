package store

import (
	"context"
	"fmt"
	"maps"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// A side sees the events of a channel in one order: each private one behind the public one that was the last when it was
// written. Its place in that order is the sum of the public and the private events up to it; as all who write hold the row of
// channel_log, what is at a place never changes. The order of a side that takes part no longer ends with the event that says so.

// Where the order of a side v of a channel with the log l ends, and up to where it was removed: no further than it ends, whatever of
// the public log was removed behind that. LEAST passes over nulls.
const (
	sideEnd   = `COALESCE(v.unlinked_after, l.head) + v.private_head`
	sideFloor = `LEAST(l.floor, v.unlinked_after) + v.private_floor`
)

// sideHead is where the order of a side v of a channel with the log l stands, and whether it has ended there.
const sideHead = `l.history, ` + sideEnd + `, ` + sideFloor + `, v.unlinked_after IS NOT NULL`

// readChannelLog reads events behind a place in a side's order, or only the head if there are none. Arguments: slot, channel,
// group, place, limit.
const readChannelLog = `
	SELECT owned.slot, ` + sideHead + `, e.number IS NOT NULL, had.private, e.private, e.number, e.follows, e.at, e.kind,
		e.actor_group_id, e.actor_id, e.message_number, COALESCE(e.emoji, ''),
		e.about_group_id, COALESCE(h.handle, ''), COALESCE(h.group_name, '')
	FROM ` + shardrouter.OwnedFirst + `
	LEFT JOIN (
		linkspan_shard.channel_side AS v JOIN linkspan_shard.channel_log AS l ON l.slot = v.slot AND l.channel_id = v.channel_id
	) ON v.slot = owned.slot AND v.channel_id = $2 AND v.group_id = $3
	LEFT JOIN LATERAL (
		SELECT COALESCE((
			SELECT p.number FROM linkspan_shard.private_event AS p
			WHERE p.slot = v.slot AND p.channel_id = $2 AND p.group_id = $3 AND p.position <= $4 ORDER BY p.position DESC LIMIT 1), v.private_floor) AS private
	) AS had ON true
	LEFT JOIN LATERAL (
		SELECT * FROM (
			(SELECT false AS private, p.number, p.number AS follows, p.at, p.kind, p.actor_group_id, p.actor_id, p.message_number, p.emoji, p.about_group_id
			FROM linkspan_shard.channel_event AS p
			WHERE p.slot = v.slot AND p.channel_id = $2 AND p.number > $4 - had.private
				AND (v.unlinked_after IS NULL OR p.number <= v.unlinked_after) ORDER BY p.number LIMIT $5)
			UNION ALL
			(SELECT true, p.number, p.follows, p.at, p.kind, p.actor_group_id, p.actor_id, p.message_number, p.emoji, NULL::uuid
			FROM linkspan_shard.private_event AS p
			WHERE p.slot = v.slot AND p.channel_id = $2 AND p.group_id = $3 AND p.number > had.private ORDER BY p.number LIMIT $5)
		) AS e WHERE $4 >= ` + sideFloor + ` ORDER BY e.follows, e.private, e.number LIMIT $5
	) AS e ON true
	LEFT JOIN linkspan_shard.channel_side AS h ON h.slot = v.slot AND h.channel_id = $2 AND h.group_id = e.about_group_id
	ORDER BY e.follows, e.private, e.number`

// readChannelLog reads a channel's log as one side sees it; ErrNotFound where there is no such side.
func (s *Store) readChannelLog(ctx context.Context, log channel.LogKey, after int64, limit int) (page channel.LogPage, err error) {
	id := log.ID.Channel()
	args := []any{id, log.Side, after, limit}
	var privates int64 // on this page
	begin := func() { page, privates = channel.LogPage{}, 0 }
	err = s.readSlot(ctx, slotOfChannel(id), readChannelLog, args, begin, func(row pgx.Rows) error {
		var present, private bool
		var had, number, follows int64
		var message *int64
		e := channel.LogEvent{Channel: id, Number: after + int64(len(page.Events)) + 1}
		err := scanPart(row, []any{nil, &page.Head.History, &page.Head.Number, &page.Head.Floor, &page.Head.Ended, &present}, []any{
			&had, &private, &number, &follows, &e.At, &e.Kind, &e.Actor.Group, &e.Actor, &message, &e.Emoji,
			&e.Group.ID, &e.Group.Handle, &e.Group.Name,
		})
		if err != nil || !present {
			return err
		}
		if private {
			privates++
		}
		if follows+had+privates != e.Number || private && number != had+privates {
			return fmt.Errorf("store: event %d of channel %s (private: %v) follows %d, and is read at place %d", number, id.UUID(), private, follows, e.Number)
		}
		e.At = e.At.UTC()
		if message != nil {
			e.Message = ids.Message{Channel: id, Number: *message}
			if private {
				e.Message.Owner = log.Side
			}
		}
		page.Events = append(page.Events, e)
		return nil
	})
	if err == nil && page.Head.History.IsZero() {
		err = channel.ErrNotFound
	}
	return page, err
}

// channelHeads reads where logs of channels stand for their sides.
func (s *Store) channelHeads(ctx context.Context, bySlot map[shardrouter.Slot][]channel.LogKey, heads map[channel.LogKey]channel.LogHead) map[shardrouter.Slot]error {
	return readBySlot(ctx, s, bySlot, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, logs []channel.LogKey) ([]shardrouter.Slot, func(), error) {
		channels, sides := make([]ids.Channel, len(logs)), make([]ids.Group, len(logs))
		for i, log := range logs {
			channels[i], sides[i] = log.ID.Channel(), log.Side
		}
		here := make(map[channel.LogKey]channel.LogHead, len(logs))
		owned, err := eachOwned(ctx, conn, `
			SELECT owned.slot, v.channel_id, v.group_id, `+sideHead+`
			FROM `+shardrouter.OwnedFirstMany+` LEFT JOIN (
				unnest($2::uuid[], $3::uuid[]) AS w (channel_id, group_id)
				JOIN linkspan_shard.channel_side AS v ON v.slot = ANY ($1) AND v.channel_id = w.channel_id AND v.group_id = w.group_id
				JOIN linkspan_shard.channel_log AS l ON l.slot = v.slot AND l.channel_id = v.channel_id
			) ON v.slot = owned.slot`, []any{slots, uuids(channels), uuids(sides)}, func(row pgx.Rows) error {
			var id ids.Channel
			var side ids.Group
			var head channel.LogHead
			err := row.Scan(nil, &id, &side, &head.History, &head.Number, &head.Floor, &head.Ended)
			here[channel.ChannelLogOf(id, side)] = head
			return err
		})
		return owned, func() { maps.Copy(heads, here) }, err
	})
}
