package store

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// markRead moves a user's position on, unless it is further. Arguments: slot, channel, group, user, the user's name and its key,
// owner and number of the message, and the operation, its mutation and the hash of its input, all null without a key, and as whom the user is judged.
var markRead = `
	WITH ` + access(`$12`) + `,` + target(`$7`, `$8`) + `,
	kept AS (
		SELECT k.mutation, k.input_hash FROM access
		JOIN linkspan_shard.channel_operation AS k ON k.slot = $1 AND k.channel_id = $2 AND k.op_id = $9::uuid
	), operation AS (
		INSERT INTO linkspan_shard.channel_operation (slot, channel_id, op_id, mutation, input_hash, owner_group_id, number)
		SELECT $1, $2, $9::uuid, $10, $11, t.owner_group_id, t.number FROM target AS t WHERE $9::uuid IS NOT NULL AND NOT EXISTS (SELECT FROM kept)
	),
	marked AS (
		INSERT INTO linkspan_shard.channel_user AS u (slot, channel_id, group_id, user_id, name, name_key, read_follows, read_number)
		SELECT $1, $2, $3, $4, $5, $6, t.follows, CASE WHEN t.owner_group_id = ` + everyone + ` THEN 0 ELSE t.number END
		FROM target AS t WHERE NOT EXISTS (SELECT FROM kept)
		ON CONFLICT (slot, channel_id, group_id, user_id) DO UPDATE
		SET read_follows = excluded.read_follows, read_number = excluded.read_number
		WHERE (u.read_follows, u.read_number) < (excluded.read_follows, excluded.read_number)
		RETURNING u.read_follows, u.read_number
	)
	SELECT a.state, t.state, k.mutation, k.input_hash, m.read_follows, m.read_number
	FROM owned LEFT JOIN access AS a ON true LEFT JOIN target AS t ON true LEFT JOIN kept AS k ON true LEFT JOIN marked AS m ON true`

// MarkRead implements [channel.Conversation]. With a key it waits for the changes of the channel, as these do for each other,
// so that of two with one key the second finds the first.
func (s *Store) MarkRead(ctx context.Context, by channel.User, admin bool, upTo ids.Message, op *channel.Operation) (done channel.Changed, err error) {
	var id ids.Op
	var kind, input *string
	if op != nil {
		id, kind, input = op.ID, &op.Mutation, &op.Input
	}
	slot := slotOfMessage(upTo)
	err = s.router.WritePgx(ctx, slot, func(ctx context.Context, tx *shardrouter.Tx) error {
		done = channel.Changed{}
		owned := false
		if op != nil {
			tx.Queue(lockLog, int16(slot), upTo.Channel)
		}
		args := []any{int16(slot), upTo.Channel, by.ID.Group, by.ID, by.Name, channel.NameKey(by.Name), upTo.Owner, upTo.Number, id, kind, input,
			judgedAs(readerOf(by, admin))}
		tx.Queue(markRead, args...).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				owned = true
				var state, messageState, mutation, keptInput *string
				var follows, number *int64
				if err := rows.Scan(&state, &messageState, &mutation, &keptInput, &follows, &number); err != nil {
					return err
				}
				if follows != nil {
					done.Read = &channel.Place{Public: *follows, Private: *number}
				}
				if state != nil {
					done.Channel = channel.SharedChannelState(*state)
				}
				if messageState != nil {
					done.Standing.Message = &channel.MessageStanding{State: channel.MessageState(*messageState)}
				}
				if mutation != nil {
					done.Kept = &channel.Operation{ID: id, Mutation: *mutation, Input: *keptInput}
				}
			}
			if rows.Err() == nil && !owned {
				return shardrouter.ErrNotOwned
			}
			return rows.Err()
		})
		return nil
	}, shardrouter.Repeatable())
	return done, translate(err)
}

// unreadOf counts a user's unread messages in channels. Arguments: slot or slots, channel or channels, group, user, the most that
// are counted, as whom the user is judged. Of those for everyone it asks only for what the primary key includes: a user's id is of one group alone (see ids.UserOf).
func unreadOf(owned, which string) string {
	return `
	SELECT owned.slot, s.channel_id, c.n FROM ` + owned + `
	LEFT JOIN linkspan_shard.channel_side AS s
		ON s.slot = owned.slot AND s.channel_id` + which + ` AND s.group_id = $3 AND s.state = 'LINKED' AND ` + sees(`s`, `$6`) + `
	LEFT JOIN linkspan_shard.channel_user AS u
		ON u.slot = s.slot AND u.channel_id = s.channel_id AND u.group_id = $3 AND u.user_id = $4
	LEFT JOIN LATERAL (
		SELECT count(*)::integer AS n FROM (
			(SELECT FROM linkspan_shard.message AS m
			WHERE m.slot = s.slot AND m.channel_id = s.channel_id AND m.owner_group_id = ` + everyone + `
				AND m.number > COALESCE(u.read_follows, 0) AND m.state <> 'DELETED' AND m.author_id <> $4 LIMIT $5)
			UNION ALL
			(SELECT FROM linkspan_shard.message AS m
			WHERE m.slot = s.slot AND m.channel_id = s.channel_id AND m.owner_group_id = $3 AND m.owner_group_id <> ` + everyone + `
				AND (m.follows, m.number) > (COALESCE(u.read_follows, 0), COALESCE(u.read_number, 0))
				AND m.state <> 'DELETED' AND m.author_id <> $4 LIMIT $5)
			LIMIT $5
		) AS m
	) AS c ON true`
}

var (
	unreadOfOne  = unreadOf(shardrouter.OwnedFirst, oneOf)
	unreadOfSome = unreadOf(shardrouter.OwnedFirstMany, someOf)
)

func unreadArgs(reader channel.Reader, id ids.Channel) []any {
	return []any{int16(slotOfChannel(id)), id, reader.User.Group, reader.User, channel.MaxUnread, judgedAs(reader)}
}

// Unread implements [channel.Conversation].
func (s *Store) Unread(ctx context.Context, reader channel.Reader, channels []ids.Channel) (map[ids.Channel]int32, map[ids.Channel]error) {
	bySlot := onSlots(slices.Values(channels), slotOfChannel)
	counts := make(map[ids.Channel]int32, len(channels))
	failed := readBySlot(ctx, s, bySlot, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, wanted []ids.Channel) ([]shardrouter.Slot, func(), error) {
		here := make(map[ids.Channel]int32, len(wanted))
		text, args := unreadOfSome, []any{slots, uuids(wanted), reader.User.Group, reader.User, channel.MaxUnread, judgedAs(reader)}
		if len(wanted) == 1 {
			text, args = unreadOfOne, unreadArgs(reader, wanted[0])
		}
		owned, err := eachOwned(ctx, conn, text, args, func(row pgx.Rows) error {
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
	return counts, unreadOn(bySlot, failed)
}

// participantsOf are those users of a channel that a group may read whom the group knows, chosen by a condition on u and one on
// the sides v and h, with a key each. Arguments: slot, channel, group, as whom the reader is judged, and those of the condition.
func participantsOf(which, sides, key string) string {
	return `
	SELECT owned.slot, u.group_id, u.user_id, u.key, u.name, h.handle, h.group_name
	FROM ` + shardrouter.OwnedFirst + ` LEFT JOIN (
		linkspan_shard.channel_side AS v
		JOIN LATERAL (
			SELECT u.group_id, u.user_id, ` + nameUntil(`u`, `v.unlinked_after`) + ` AS name, ` + key + ` AS key FROM linkspan_shard.channel_user AS u
			WHERE u.slot = v.slot AND u.channel_id = v.channel_id AND (u.group_id = $3 OR u.public_name IS NOT NULL) AND ` + which + `
		) AS u ON u.name IS NOT NULL
		JOIN linkspan_shard.channel_side AS h ON h.slot = v.slot AND h.channel_id = v.channel_id AND h.group_id = u.group_id
	) ON v.slot = owned.slot AND v.channel_id = $2 AND v.group_id = $3 AND ` + sees(`v`, `$4`) + sides + `
	ORDER BY u.group_id, u.user_id`
}

const bothLinked = ` AND v.state = 'LINKED' AND h.state = 'LINKED'`

var (
	participantsByID = participantsOf(`u.group_id = ANY ($5) AND u.user_id = ANY ($6)`, ` AND `+anySide.mayRead(`$4`), `''`)
	// What is for everyone names whom everyone knows, what is for a group whom the group knows.
	participantsByPublicName = participantsOf(`u.public_name_key = ANY ($5)`, bothLinked, `u.public_name_key`)
	participantsByName       = participantsOf(`(u.group_id = $3 AND u.name_key = ANY ($5) OR u.group_id <> $3 AND u.public_name_key = ANY ($5))`,
		bothLinked, `CASE WHEN u.group_id = $3 THEN u.name_key ELSE u.public_name_key END`)
)

// channelsOfGroup are those in a group's list. Arguments: slot, group.
const channelsOfGroup = `
	SELECT owned.slot, c.channel_id FROM ` + shardrouter.OwnedFirst + `
	LEFT JOIN linkspan_shard.group_channel AS c ON c.slot = owned.slot AND c.group_id = $2`

// participantsOfMany are users of channels that a group may read, as the group knows them, the newest name last; where the group parted,
// as of then. Arguments: slots, channels, group, the users' groups, users, as whom the reader is judged.
var participantsOfMany = `
	SELECT owned.slot, u.group_id, u.user_id, '', ` + nameUntil(`u`, `v.unlinked_after`) + `, h.handle, h.group_name
	FROM ` + shardrouter.OwnedFirstMany + ` LEFT JOIN (
		linkspan_shard.channel_side AS v
		JOIN linkspan_shard.channel_user AS u ON u.slot = v.slot AND u.channel_id = v.channel_id
		JOIN linkspan_shard.channel_side AS h ON h.slot = v.slot AND h.channel_id = v.channel_id AND h.group_id = u.group_id
	) ON v.slot = owned.slot AND v.channel_id = ANY ($2) AND v.group_id = $3 AND ` + anySide.mayRead(`$6`) + `
		AND u.group_id = ANY ($4) AND u.user_id = ANY ($5) AND ` + nameUntil(`u`, `v.unlinked_after`) + ` IS NOT NULL
	ORDER BY CASE WHEN u.group_id = $3 THEN u.seen_at ELSE COALESCE(v.unlinked_at, u.public_at) END`

// addParticipants adds those of the users whom the group knows from its channels alone. It looks in all of them, for nothing
// tells in which a user takes part.
func (s *Store) addParticipants(ctx context.Context, reader channel.Reader, users []ids.User, found map[ids.User]channel.User) error {
	if len(users) == 0 {
		return nil
	}
	group := reader.User.Group
	bySlot := make(map[shardrouter.Slot][]ids.Channel)
	err := s.readOne(ctx, group, channelsOfGroup, []any{group}, func() { clear(bySlot) }, func(row pgx.Rows) error {
		var id ids.Channel
		err := row.Scan(nil, &id)
		slot := slotOfChannel(id)
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
		args := []any{slots, uuids(channels), group, uuids(homes), uuids(users), judgedAs(reader)}
		owned, err := eachOwned(ctx, conn, participantsOfMany, args, func(row pgx.Rows) error {
			user, _, err := scanParticipant(row)
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

func scanParticipant(row pgx.Rows) (user channel.User, key string, err error) {
	var home channel.Group
	var id ids.User
	var name string
	err = row.Scan(nil, &home.ID, &id, &key, &name, &home.Handle, &home.Name)
	return userIn(home, id, name), key, err
}

// Participants implements [channel.Conversation].
func (s *Store) Participants(ctx context.Context, reader channel.Reader, id ids.Channel, users []ids.User) (map[ids.User]channel.User, error) {
	if len(users) == 0 {
		return nil, nil
	}
	homes := make([]ids.Group, len(users))
	for i, user := range users {
		homes[i] = user.Group
	}
	found, err := s.participants(ctx, reader, id, participantsByID, uuids(homes), uuids(users))
	byID := make(map[ids.User]channel.User, len(users))
	for _, user := range found[""] {
		byID[user.ID] = user
	}
	return byID, err
}

// Named implements [channel.Conversation].
func (s *Store) Named(ctx context.Context, reader channel.Reader, id ids.Channel, audience channel.Audience, keys []string) (map[string][]channel.User, error) {
	text := participantsByPublicName
	if audience == channel.AudienceOwnGroup {
		text = participantsByName
	}
	return s.participants(ctx, reader, id, text, keys)
}

// participants returns users by their keys.
func (s *Store) participants(ctx context.Context, reader channel.Reader, id ids.Channel, text string, args ...any) (users map[string][]channel.User, err error) {
	args = append([]any{id, reader.User.Group, judgedAs(reader)}, args...)
	err = s.readSlot(ctx, slotOfChannel(id), text, args, func() { users = map[string][]channel.User{} }, func(row pgx.Rows) error {
		user, key, err := scanParticipant(row)
		users[key] = append(users[key], user)
		return err
	})
	return users, err
}
