package store

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// markRead moves a user's position on, unless it is further. Arguments: slot, channel, group, user, the user's name and its key, owner and
// number of the message.
var markRead = `
	WITH ` + access + `,` + target(`$7`, `$8`) + `,
	marked AS (
		INSERT INTO linkspan_shard.channel_user AS u (slot, channel_id, group_id, user_id, name, name_key, read_follows, read_number)
		SELECT $1, $2, $3, $4, $5, $6, t.follows, CASE WHEN t.owner_group_id = ` + everyone + ` THEN 0 ELSE t.number END FROM target AS t
		ON CONFLICT (slot, channel_id, group_id, user_id) DO UPDATE
		SET read_follows = excluded.read_follows, read_number = excluded.read_number
		WHERE (u.read_follows, u.read_number) < (excluded.read_follows, excluded.read_number)
		RETURNING u.read_follows, u.read_number
	)
	SELECT a.state, t.state, m.read_follows, m.read_number
	FROM owned LEFT JOIN access AS a ON true LEFT JOIN target AS t ON true LEFT JOIN marked AS m ON true`

// MarkRead implements [channel.Conversation].
func (s *Store) MarkRead(ctx context.Context, by channel.User, upTo ids.Message) (standing channel.Standing, read *channel.Place, err error) {
	slot := shardrouter.Slot(upTo.Channel.Slot())
	err = s.router.WritePgx(ctx, slot, func(ctx context.Context, tx *shardrouter.Tx) error {
		standing, read = channel.Standing{}, nil
		owned := false
		tx.Queue(markRead, int16(slot), upTo.Channel, by.ID.Group, by.ID, by.Name, channel.NameKey(by.Name), upTo.Owner, upTo.Number).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				owned = true
				var state, messageState *string
				var follows, number *int64
				if err := rows.Scan(&state, &messageState, &follows, &number); err != nil {
					return err
				}
				if follows != nil {
					read = &channel.Place{Public: *follows, Private: *number}
				}
				if state != nil {
					standing.Channel = channel.SharedChannelState(*state)
				}
				if messageState != nil {
					standing.Message = &channel.MessageStanding{State: channel.MessageState(*messageState)}
				}
			}
			if rows.Err() == nil && !owned {
				return shardrouter.ErrNotOwned
			}
			return rows.Err()
		})
		return nil
	}, shardrouter.Repeatable())
	if err != nil {
		return standing, nil, translate(err)
	}
	return standing, read, nil
}

// unreadOf counts a user's unread messages in channels. Arguments: slots, channels, group, user, the most that are counted.
const unreadOf = `
	SELECT owned.slot, s.channel_id, c.n FROM ` + shardrouter.OwnedFirstMany + `
	LEFT JOIN linkspan_shard.channel_side AS s
		ON s.slot = owned.slot AND s.channel_id = ANY ($2) AND s.group_id = $3 AND s.state = 'LINKED'
	LEFT JOIN linkspan_shard.channel_user AS u
		ON u.slot = s.slot AND u.channel_id = s.channel_id AND u.group_id = $3 AND u.user_id = $4
	LEFT JOIN LATERAL (
		SELECT count(*)::integer AS n FROM (
			(SELECT FROM linkspan_shard.message AS m
			WHERE m.slot = s.slot AND m.channel_id = s.channel_id AND m.owner_group_id = ` + everyone + `
				AND m.number > COALESCE(u.read_follows, 0)
				AND m.state <> 'DELETED' AND NOT (m.author_group_id = $3 AND m.author_id = $4) LIMIT $5)
			UNION ALL
			(SELECT FROM linkspan_shard.message AS m
			WHERE m.slot = s.slot AND m.channel_id = s.channel_id AND m.owner_group_id = $3 AND m.owner_group_id <> ` + everyone + `
				AND (m.follows, m.number) > (COALESCE(u.read_follows, 0), COALESCE(u.read_number, 0))
				AND m.state <> 'DELETED' AND NOT (m.author_group_id = $3 AND m.author_id = $4) LIMIT $5)
			LIMIT $5
		) AS m
	) AS c ON true`

// Unread implements [channel.Conversation].
func (s *Store) Unread(ctx context.Context, reader ids.User, channels []ids.Channel) (map[ids.Channel]int32, map[ids.Channel]error) {
	bySlot := make(map[shardrouter.Slot][]ids.Channel)
	for _, id := range channels {
		slot := shardrouter.Slot(id.Slot())
		bySlot[slot] = append(bySlot[slot], id)
	}
	counts := make(map[ids.Channel]int32, len(channels))
	failed := readBySlot(ctx, s, bySlot, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, wanted []ids.Channel) ([]shardrouter.Slot, func(), error) {
		here := make(map[ids.Channel]int32, len(wanted))
		args := []any{slots, uuids(wanted), reader.Group, reader, channel.MaxUnread}
		owned, err := eachOwned(ctx, conn, unreadOf, args, func(row pgx.Rows) error {
			var id ids.Channel
			var n int32
			err := row.Scan(nil, &id, &n)
			here[id] = n
			return err
		})
		return owned, func() {
			for id, n := range here {
				counts[id] = n
			}
		}, err
	})
	unread := make(map[ids.Channel]error)
	for slot, err := range failed {
		for _, id := range bySlot[slot] {
			unread[id] = err
		}
	}
	return counts, unread
}

// participantsOf are users of a channel that a group may read, chosen by a condition on u. Arguments: slot, channel, group, and those of the condition.
func participantsOf(which string) string {
	return `
	SELECT owned.slot, u.group_id, u.user_id, u.name, h.handle, h.group_name
	FROM ` + shardrouter.OwnedFirst + ` LEFT JOIN (
		linkspan_shard.channel_side AS v
		JOIN linkspan_shard.channel_user AS u ON u.slot = v.slot AND u.channel_id = v.channel_id
		JOIN linkspan_shard.channel_side AS h ON h.slot = v.slot AND h.channel_id = v.channel_id AND h.group_id = u.group_id
	) ON v.slot = owned.slot AND v.channel_id = $2 AND v.group_id = $3 AND v.state = 'LINKED' AND ` + which + `
	ORDER BY u.group_id, u.user_id`
}

var (
	participantsByID   = participantsOf(`u.group_id = ANY ($4) AND u.user_id = ANY ($5)`)
	participantsByName = participantsOf(`h.state = 'LINKED' AND u.name_key = ANY ($4)`)
)

// channelsOfGroup are those in a group's list. Arguments: slot, group.
const channelsOfGroup = `
	SELECT owned.slot, c.channel_id FROM ` + shardrouter.OwnedFirst + `
	LEFT JOIN linkspan_shard.group_channel AS c ON c.slot = owned.slot AND c.group_id = $2`

// participantsOfMany are users of channels that a group may read. Arguments: slots, channels, group, the users' groups, users.
const participantsOfMany = `
	SELECT owned.slot, u.group_id, u.user_id, u.name, h.handle, h.group_name
	FROM ` + shardrouter.OwnedFirstMany + ` LEFT JOIN (
		linkspan_shard.channel_side AS v
		JOIN linkspan_shard.channel_user AS u ON u.slot = v.slot AND u.channel_id = v.channel_id
		JOIN linkspan_shard.channel_side AS h ON h.slot = v.slot AND h.channel_id = v.channel_id AND h.group_id = u.group_id
	) ON v.slot = owned.slot AND v.channel_id = ANY ($2) AND v.group_id = $3 AND v.state = 'LINKED'
		AND u.group_id = ANY ($4) AND u.user_id = ANY ($5)
	ORDER BY u.seen_at`

// addParticipants adds those of the users whom the group knows from its channels alone. It looks in all of them, for nothing
// tells in which a user takes part.
func (s *Store) addParticipants(ctx context.Context, group ids.Group, users []ids.User, found map[ids.User]channel.User) error {
	if len(users) == 0 {
		return nil
	}
	bySlot := make(map[shardrouter.Slot][]ids.Channel)
	err := s.readOne(ctx, group, channelsOfGroup, []any{group}, func() { clear(bySlot) }, func(row pgx.Rows) error {
		var id ids.Channel
		err := row.Scan(nil, &id)
		slot := shardrouter.Slot(id.Slot())
		bySlot[slot] = append(bySlot[slot], id)
		return err
	})
	if err != nil {
		return err
	}
	homes := make([]ids.Group, len(users))
	for i, user := range users {
		homes[i] = user.Group
	}
	failed := readBySlot(ctx, s, bySlot, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, channels []ids.Channel) ([]shardrouter.Slot, func(), error) {
		var here []channel.User
		args := []any{slots, uuids(channels), group, uuids(homes), uuids(users)}
		owned, err := eachOwned(ctx, conn, participantsOfMany, args, func(row pgx.Rows) error {
			user, err := scanParticipant(row)
			here = append(here, user)
			return err
		})
		return owned, func() {
			for _, user := range here {
				if slices.Contains(users, user.ID) {
					found[user.ID] = user
				}
			}
		}, err
	})
	for _, err := range failed {
		return err
	}
	return nil
}

func scanParticipant(row pgx.Rows) (channel.User, error) {
	var home channel.Group
	var user ids.User
	var name string
	err := row.Scan(nil, &home.ID, &user, &name, &home.Handle, &home.Name)
	return userIn(home, user, name), err
}

// Participants implements [channel.Conversation].
func (s *Store) Participants(ctx context.Context, reader ids.User, id ids.Channel, users []ids.User) (map[ids.User]channel.User, error) {
	if len(users) == 0 {
		return nil, nil
	}
	homes := make([]ids.Group, len(users))
	for i, user := range users {
		homes[i] = user.Group
	}
	found, err := s.participants(ctx, reader, id, participantsByID, uuids(homes), uuids(users))
	byID := make(map[ids.User]channel.User, len(found))
	for _, user := range found {
		byID[user.ID] = user
	}
	return byID, err
}

// Named implements [channel.Conversation].
func (s *Store) Named(ctx context.Context, reader ids.User, id ids.Channel, keys []string) ([]channel.User, error) {
	return s.participants(ctx, reader, id, participantsByName, keys)
}

func (s *Store) participants(ctx context.Context, reader ids.User, id ids.Channel, text string, args ...any) (users []channel.User, err error) {
	args = append([]any{id, reader.Group}, args...)
	err = s.readSlot(ctx, shardrouter.Slot(id.Slot()), text, args, func() { users = nil }, func(row pgx.Rows) error {
		user, err := scanParticipant(row)
		users = append(users, user)
		return err
	})
	return users, err
}
