package store

import (
	"context"
	"math"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// nameOf is the name of a channel_user as a group, $3, knows it: to others a user is called what it was called when it last did
// something for everyone, so that what it does for its own group alone shows in no name.
func nameOf(user string) string {
	return `CASE WHEN ` + user + `.group_id = $3 THEN ` + user + `.name ELSE ` + user + `.public_name END`
}

// messageColumns are those of a message m as a user sees it, whose group is $3 and id $4, with what messageJoins adds.
var messageColumns = `m.channel_id, m.owner_group_id, m.number, m.follows, m.state, m.body,
	m.author_group_id, m.author_id, m.author_name, COALESCE(` + nameOf(`u`) + `, m.author_name), h.handle, h.group_name,
	m.created_at, m.edited_at, m.deleted_at, m.deleter_id IS NOT NULL, m.reply_to_owner, m.reply_to,
	m.reply_count + COALESCE(p.reply_count, 0), r.emojis, r.counts, r.own,
	n.groups, n.users, n.names, n.handles, n.group_names`

// messageJoins are the author as of now and its group, replies for the reader's group alone, reactions, and the users whom
// the message names, with who deleted it in the end.
var messageJoins = `
	LEFT JOIN linkspan_shard.channel_user AS u ON u.slot = m.slot AND u.channel_id = m.channel_id
		AND u.group_id = m.author_group_id AND u.user_id = m.author_id
	LEFT JOIN linkspan_shard.channel_side AS h ON h.slot = m.slot AND h.channel_id = m.channel_id AND h.group_id = m.author_group_id
	LEFT JOIN linkspan_shard.private_replies AS p ON p.slot = m.slot AND p.channel_id = m.channel_id
		AND p.number = m.number AND p.group_id = $3 AND m.owner_group_id = ` + everyone + `
	LEFT JOIN LATERAL (
		SELECT array_agg(e.emoji ORDER BY e.first, e.emoji) AS emojis, array_agg(e.n ORDER BY e.first, e.emoji) AS counts,
			array_agg(e.own ORDER BY e.first, e.emoji) AS own
		FROM (
			SELECT r.emoji, count(*)::integer AS n, min(r.at) AS first, bool_or(r.group_id = $3 AND r.user_id = $4) AS own
			FROM linkspan_shard.reaction AS r
			WHERE r.slot = m.slot AND r.channel_id = m.channel_id AND r.owner_group_id = m.owner_group_id AND r.number = m.number
			GROUP BY r.emoji
		) AS e
	) AS r ON true
	LEFT JOIN LATERAL (
		SELECT array_agg(w.group_id ORDER BY w.n) AS groups, array_agg(w.user_id ORDER BY w.n) AS users, array_agg(w.name ORDER BY w.n) AS names,
			array_agg(w.handle ORDER BY w.n) AS handles, array_agg(w.group_name ORDER BY w.n) AS group_names
		FROM (
			SELECT w.group_id, w.user_id, w.n, ` + nameOf(`x`) + ` AS name, s.handle, s.group_name
			FROM unnest(m.mention_group_ids || m.deleter_group_id, m.mention_ids || m.deleter_id) WITH ORDINALITY AS w (group_id, user_id, n)
			JOIN linkspan_shard.channel_user AS x ON x.slot = m.slot AND x.channel_id = m.channel_id
				AND x.group_id = w.group_id AND x.user_id = w.user_id
			JOIN linkspan_shard.channel_side AS s ON s.slot = m.slot AND s.channel_id = m.channel_id AND s.group_id = w.group_id
		) AS w
	) AS n ON cardinality(m.mention_ids) > 0 OR m.deleter_id IS NOT NULL`

// messageRow is a message as messageColumns have it.
type messageRow struct {
	message                    channel.Message
	place                      channel.Place
	deleted                    bool
	rootOwner                  ids.Group
	root                       *int64
	emojis                     []string
	counts                     []int32
	own                        []bool
	groups                     []ids.Group
	users                      []ids.User
	names, handles, groupNames []string
}

func (r *messageRow) fields() []any {
	m := &r.message
	return []any{
		&m.ID.Channel, &m.ID.Owner, &m.ID.Number, &r.place.Public, &m.State, &m.Body,
		&m.Writer.ID.Group, &m.Writer.ID, &m.AuthorName, &m.Writer.Name, &m.Writer.Group.Handle, &m.Writer.Group.Name,
		&m.CreatedAt, &m.EditedAt, &m.DeletedAt, &r.deleted, &r.rootOwner, &r.root,
		&m.ReplyCount, &r.emojis, &r.counts, &r.own, &r.groups, &r.users, &r.names, &r.handles, &r.groupNames,
	}
}

// finish makes a message of what was scanned.
func (r *messageRow) finish() (*channel.Message, channel.Place) {
	m := r.message
	m.Writer.Group.ID = m.Writer.ID.Group
	m.CreatedAt, m.EditedAt, m.DeletedAt = m.CreatedAt.UTC(), utc(m.EditedAt), utc(m.DeletedAt)
	if !m.ID.Owner.IsZero() {
		r.place.Private = m.ID.Number
	}
	if r.root != nil {
		m.Root = ids.Message{Channel: m.ID.Channel, Owner: r.rootOwner, Number: *r.root}
	}
	for i, emoji := range r.emojis {
		m.Reactions = append(m.Reactions, channel.Reaction{Emoji: emoji, Count: r.counts[i], ViewerReacted: r.own[i]})
	}
	for i, id := range r.users {
		home := channel.Group{ID: r.groups[i], Handle: r.handles[i], Name: r.groupNames[i]}
		m.Mentioned = append(m.Mentioned, userIn(home, id, r.names[i]))
	}
	if n := len(m.Mentioned); r.deleted && n > 0 {
		m.Deleter, m.Mentioned = &m.Mentioned[n-1], m.Mentioned[:n-1]
	}
	return &m, r.place
}

// readMessages are some messages that a group may see. Arguments: slots, channels, group, user, owners, numbers.
var readMessages = `
	SELECT owned.slot, ` + messageColumns + `
	FROM ` + shardrouter.OwnedFirstMany + ` LEFT JOIN (
		unnest($2::uuid[], $5::uuid[], $6::bigint[]) AS w (channel_id, owner_group_id, number)
		JOIN linkspan_shard.channel_side AS v ON v.slot = ANY ($1) AND v.channel_id = w.channel_id AND v.group_id = $3 AND v.state = 'LINKED'
		JOIN linkspan_shard.message AS m ON m.slot = v.slot AND m.channel_id = w.channel_id
			AND m.owner_group_id = COALESCE(w.owner_group_id, ` + everyone + `) AND m.number = w.number
			AND m.owner_group_id IN (` + everyone + `, $3)
		` + messageJoins + `
	) ON m.slot = owned.slot`

// Messages implements [channel.Conversation].
func (s *Store) Messages(ctx context.Context, reader ids.User, messages []ids.Message) (map[ids.Message]*channel.Message, error) {
	bySlot := make(map[shardrouter.Slot][]ids.Message)
	for _, id := range messages {
		slot := shardrouter.Slot(id.Channel.Slot())
		bySlot[slot] = append(bySlot[slot], id)
	}
	found := make(map[ids.Message]*channel.Message, len(messages))
	failed := readBySlot(ctx, s, bySlot, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, wanted []ids.Message) ([]shardrouter.Slot, func(), error) {
		channels, owners, numbers := make([]ids.Channel, len(wanted)), make([]ids.Group, len(wanted)), make([]int64, len(wanted))
		for i, id := range wanted {
			channels[i], owners[i], numbers[i] = id.Channel, id.Owner, id.Number
		}
		var here []*channel.Message
		owned, err := eachOwned(ctx, conn, readMessages, []any{slots, uuids(channels), reader.Group, reader, uuids(owners), numbers}, func(row pgx.Rows) error {
			var r messageRow
			if err := row.Scan(append([]any{nil}, r.fields()...)...); err != nil {
				return err
			}
			m, _ := r.finish()
			here = append(here, m)
			return nil
		})
		return owned, func() {
			for _, m := range here {
				found[m.ID] = m
			}
		}, err
	})
	for _, err := range failed {
		return nil, err
	}
	return found, nil
}

// pageOfMessages is a part of a channel's messages for a group, or of the replies to one of them. Arguments: slot, channel, group, user, the place
// that the part lies behind (public, private), the place that it lies before (public messages up to, public, private), limit, and for replies owner and number of the message.
func pageOfMessages(replies, backward bool) string {
	only, order := ``, ``
	if replies {
		only = ` AND m.reply_to_owner = COALESCE($11::uuid, ` + everyone + `) AND m.reply_to = $12`
	}
	if backward {
		order = ` DESC`
	}
	return `
	SELECT owned.slot, l.history, l.head + v.private_head, m.number IS NOT NULL, ` + messageColumns + `
	FROM ` + shardrouter.OwnedFirst + `
	LEFT JOIN (
		linkspan_shard.channel_side AS v JOIN linkspan_shard.channel_log AS l ON l.slot = v.slot AND l.channel_id = v.channel_id
	) ON v.slot = owned.slot AND v.channel_id = $2 AND v.group_id = $3 AND ` + mayRead + `
	LEFT JOIN LATERAL (
		SELECT m.* FROM (
			(SELECT m.*, 0::bigint AS private FROM linkspan_shard.message AS m
			WHERE m.slot = v.slot AND m.channel_id = $2 AND m.owner_group_id = ` + everyone + `
				AND m.number > $5 AND m.number < $7` + only + `
			ORDER BY m.number` + order + ` LIMIT $10)
			UNION ALL
			(SELECT m.*, m.number AS private FROM linkspan_shard.message AS m
			WHERE m.slot = v.slot AND m.channel_id = $2 AND m.owner_group_id = $3 AND m.owner_group_id <> ` + everyone + `
				AND (m.follows, m.number) > ($5, $6) AND (m.follows, m.number) < ($8, $9)` + only + `
			ORDER BY m.follows` + order + `, m.number` + order + ` LIMIT $10)
		) AS m ORDER BY m.follows` + order + `, m.private` + order + ` LIMIT $10
	) AS m ON true` + messageJoins + `
	ORDER BY m.follows, m.private`
}

var messagePages = [2][2]string{
	{pageOfMessages(false, false), pageOfMessages(false, true)}, {pageOfMessages(true, false), pageOfMessages(true, true)},
}

// ListMessages implements [channel.Conversation].
func (s *Store) ListMessages(
	ctx context.Context, reader ids.User, id ids.Channel, root ids.Message, r channel.MessageRange,
) (rows channel.MessageRows, err error) {
	after, before := channel.Place{}, channel.Place{Public: math.MaxInt64}
	if r.After != nil {
		after = *r.After
	}
	if r.Before != nil {
		before = *r.Before
	}
	publicBefore := before.Public
	if before.Private > 0 {
		publicBefore++
	}
	slot := shardrouter.Slot(id.Slot())
	args := []any{id, reader.Group, reader, after.Public, after.Private, publicBefore, before.Public, before.Private, r.Limit + 1}
	texts := messagePages[0]
	if !root.IsZero() {
		texts = messagePages[1]
		args = append(args, root.Owner, root.Number)
	}
	text := texts[0]
	if r.Backward {
		text = texts[1]
	}
	err = s.readSlot(ctx, slot, text, args, func() { rows = channel.MessageRows{} }, func(row pgx.Rows) error {
		var m messageRow
		var present bool
		head := []any{nil, &rows.Log.History, &rows.Log.Number, &present}
		if err := scanPart(row, head, m.fields()); err != nil {
			return err
		}
		if present {
			shown, place := m.finish()
			rows.Messages = append(rows.Messages, shown)
			rows.Places = append(rows.Places, place)
		}
		return nil
	})
	if err == nil && rows.Log.History.IsZero() {
		err = channel.ErrNotFound
	}
	cut(&rows, r)
	return rows, err
}

// cut drops the message that was one too many and says whether more lie beyond. A cursor names a row of the list, so beyond a
// bound that was given there is something.
func cut(rows *channel.MessageRows, r channel.MessageRange) {
	rows.MoreBefore, rows.MoreBehind = r.After != nil, r.Before != nil
	surplus := len(rows.Messages) - r.Limit
	switch {
	case surplus <= 0:
	case r.Backward:
		rows.MoreBefore = true
		rows.Messages, rows.Places = rows.Messages[surplus:], rows.Places[surplus:]
	default:
		rows.MoreBehind = true
		rows.Messages, rows.Places = rows.Messages[:r.Limit], rows.Places[:r.Limit]
	}
}

// scanPart scans the head of a row, and the rest only if the last of the head, a *bool, is true.
func scanPart(row pgx.Rows, head, rest []any) error {
	all := make([]any, len(head)+len(rest))
	copy(all, head)
	if err := row.Scan(all...); err != nil || !*head[len(head)-1].(*bool) {
		return err
	}
	clear(all)
	copy(all[len(head):], rest)
	return row.Scan(all...)
}

// Versions implements [channel.Conversation].
func (s *Store) Versions(ctx context.Context, reader ids.User, message ids.Message) (versions []*channel.MessageVersion, err error) {
	const text = `
		SELECT owned.slot, v.at, v.body FROM ` + shardrouter.OwnedFirst + ` LEFT JOIN LATERAL (
			SELECT x.at, x.body, x.version FROM linkspan_shard.channel_side AS s
			JOIN linkspan_shard.message AS m ON m.slot = s.slot AND m.channel_id = s.channel_id
				AND m.owner_group_id = COALESCE($4::uuid, ` + everyone + `) AND m.number = $5 AND m.owner_group_id IN (` + everyone + `, $3)
			CROSS JOIN LATERAL (
				SELECT v.at, v.body, v.version FROM linkspan_shard.message_version AS v
				WHERE v.slot = m.slot AND v.channel_id = m.channel_id AND v.owner_group_id = m.owner_group_id AND v.number = m.number
				UNION ALL
				SELECT COALESCE(m.edited_at, m.created_at), m.body, m.version WHERE m.body IS NOT NULL
			) AS x
			WHERE s.slot = owned.slot AND s.channel_id = $2 AND s.group_id = $3 AND s.state = 'LINKED'
		) AS v ON true ORDER BY v.version`
	slot := shardrouter.Slot(message.Channel.Slot())
	args := []any{message.Channel, reader.Group, message.Owner, message.Number}
	err = s.readSlot(ctx, slot, text, args, func() { versions = nil }, func(row pgx.Rows) error {
		v := &channel.MessageVersion{}
		err := row.Scan(nil, &v.At, &v.Body)
		v.At = v.At.UTC()
		versions = append(versions, v)
		return err
	})
	return versions, err
}
