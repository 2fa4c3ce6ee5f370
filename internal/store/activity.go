package store

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// listedBehind are the channels of lists behind positions. Arguments: slots, groups, positions.
const listedBehind = `
	SELECT owned.slot, l.group_id, c.channel_id, COALESCE(c.position, 0) FROM ` + shardrouter.OwnedFirstMany + ` LEFT JOIN (
		unnest($2::uuid[], $3::bigint[]) AS w (group_id, position)
		JOIN linkspan_shard.inbox_log AS l ON l.slot = ANY ($1) AND l.group_id = w.group_id
		LEFT JOIN linkspan_shard.group_channel AS c ON c.slot = l.slot AND c.group_id = l.group_id AND c.position > w.position
	) ON l.slot = owned.slot`

// ListedChannels implements [channel.ListReader].
func (s *Store) ListedChannels(ctx context.Context, behind map[ids.Group]int64) (map[ids.Group][]channel.Row[ids.Channel], error) {
	bySlot := onSlots(maps.Keys(behind), slotOf)
	found := make(map[ids.Group][]channel.Row[ids.Channel], len(behind))
	failed := readBySlot(ctx, s, bySlot, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, groups []ids.Group) ([]shardrouter.Slot, func(), error) {
		positions := make([]int64, len(groups))
		for i, group := range groups {
			positions[i] = behind[group]
		}
		here := make(map[ids.Group][]channel.Row[ids.Channel], len(groups))
		owned, err := eachOwned(ctx, conn, listedBehind, []any{slots, uuids(groups), positions}, func(row pgx.Rows) error {
			var group ids.Group
			var listed channel.Row[ids.Channel]
			err := row.Scan(nil, &group, &listed.Value, &listed.Position)
			here[group] = append(here[group], listed)
			if listed.Position == 0 {
				here[group] = nil
			}
			return err
		})
		return owned, func() { maps.Copy(found, here) }, err
	})
	var errs []error
	for _, err := range failed {
		errs = append(errs, err)
	}
	if len(errs) == 0 && len(found) < len(behind) {
		errs = append(errs, channel.Unavailable(errNoInbox))
	}
	return found, errors.Join(errs...)
}

// readUpTo is how far users have read. Arguments: slots, channels, groups, users.
const readUpTo = `
	SELECT owned.slot, u.channel_id, u.group_id, u.user_id, u.read_follows, u.read_number FROM ` + shardrouter.OwnedFirstMany + ` LEFT JOIN (
		unnest($2::uuid[], $3::uuid[]) AS w (channel_id, group_id)
		JOIN linkspan_shard.channel_user AS u ON u.slot = ANY ($1) AND u.channel_id = w.channel_id AND u.group_id = w.group_id
			AND u.user_id = ANY ($4) AND (u.read_follows, u.read_number) > (0, 0)
	) ON u.slot = owned.slot`

// ReadUpTo implements [channel.ListReader].
func (s *Store) ReadUpTo(ctx context.Context, channels []channel.LogKey, users []ids.User) (marks []channel.Marked, err error) {
	bySlot := onSlots(slices.Values(channels), func(log channel.LogKey) shardrouter.Slot { return slotOfChannel(log.ID.Channel()) })
	failed := readBySlot(ctx, s, bySlot, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, logs []channel.LogKey) ([]shardrouter.Slot, func(), error) {
		in, of := make([]ids.Channel, len(logs)), make([]ids.Group, len(logs))
		for i, log := range logs {
			in[i], of[i] = log.ID.Channel(), log.Side
		}
		var here []channel.Marked
		owned, err := eachOwned(ctx, conn, readUpTo, []any{slots, uuids(in), uuids(of), uuids(users)}, func(row pgx.Rows) error {
			var m channel.Marked
			err := row.Scan(nil, &m.Channel, &m.User.Group, &m.User, &m.UpTo.Public, &m.UpTo.Private)
			here = append(here, m)
			return err
		})
		return owned, func() { marks = append(marks, here...) }, err
	})
	var errs []error
	for _, err := range failed {
		errs = append(errs, err)
	}
	return marks, errors.Join(errs...)
}
