package store

import (
	"context"
	"math"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// nameOf is the name of a channel_user as a group, $3, knows it: to others a user is called what it was called when it last did
// something for everyone, so that what it does for its own group alone shows in no name.
func nameOf(user string) string {
	return `CASE WHEN ` + user + `.group_id = $3 THEN ` + user + `.name ELSE ` + user + `.public_name END`
}

// messageColumns are those of a message m as a user sees it, whose group is $3 and id $4 (null: nobody in particular), with what
// messageJoins adds: its author as of now, replies for the reader's group alone if it has any private message, reactions, and the
// users whom it names, with who deleted it in the end. What most messages have none of is looked for where the row says that there
// is some: a CASE that is false costs nothing.
var messageColumns = `m.channel_id, m.owner_group_id, m.number, m.follows, m.state, m.body,
	m.author_group_id, m.author_id, m.author_name, COALESCE(` + nameOf(`u`) + `, m.author_name), h.handle, h.group_name,
	m.created_at, m.edited_at, m.deleted_at, m.deleter_id IS NOT NULL, m.reply_to_owner, m.reply_to,
	m.reply_count + CASE WHEN m.private_head > 0 AND m.owner_group_id = ` + everyone + ` THEN COALESCE((
		SELECT p.reply_count FROM linkspan_shard.private_replies AS p
		WHERE p.slot = m.slot AND p.channel_id = m.channel_id AND p.number = m.number AND p.group_id = $3), 0) ELSE 0 END,
	CASE WHEN m.reaction_count > 0 THEN to_json(ARRAY(SELECT e FROM (
		SELECT r.emoji, count(*) AS count, bool_or(r.group_id = $3 AND r.user_id IS NOT DISTINCT FROM $4) AS own
		FROM linkspan_shard.reaction AS r
		WHERE r.slot = m.slot AND r.channel_id = m.channel_id AND r.owner_group_id = m.owner_group_id AND r.number = m.number
		GROUP BY r.emoji ORDER BY min(r.at), r.emoji
	) AS e)) END,
	CASE WHEN cardinality(m.mention_ids) > 0 OR m.deleter_id IS NOT NULL THEN to_json(ARRAY(SELECT w FROM (
		SELECT named.group_id, named.user_id, x.name, x.handle, x.group_name
		FROM unnest(m.mention_group_ids || m.deleter_group_id, m.mention_ids || m.deleter_id) WITH ORDINALITY AS named (group_id, user_id, n)
		JOIN LATERAL (
			SELECT ` + nameOf(`x`) + ` AS name, s.handle, s.group_name FROM linkspan_shard.channel_user AS x
			JOIN linkspan_shard.channel_side AS s ON s.slot = x.slot AND s.channel_id = x.channel_id AND s.group_id = x.group_id
			WHERE x.slot = m.slot AND x.channel_id = m.channel_id AND x.group_id = named.group_id AND x.user_id = named.user_id OFFSET 0
		) AS x ON true ORDER BY named.n
	) AS w)) END`

// messageJoins are the author of a message m and its group.
const messageJoins = `
	LEFT JOIN linkspan_shard.channel_user AS u ON u.slot = m.slot AND u.channel_id = m.channel_id
		AND u.group_id = m.author_group_id AND u.user_id = m.author_id
	LEFT JOIN linkspan_shard.channel_side AS h ON h.slot = m.slot AND h.channel_id = m.channel_id AND h.group_id = m.author_group_id`

// messageRow is a message as messageColumns have it.
type messageRow struct {
	message   channel.Message
	place     channel.Place
	deleted   bool
	rootOwner ids.Group
	root      *int64
	reactions []reactionRow
	named     []namedRow
}

// reactionRow is one emoji of the reactions to a message.
type reactionRow struct {
	Emoji string `json:"emoji"`
	Count int32  `json:"count"`
	Own   bool   `json:"own"`
}

// namedRow is a user whom a message names, or who deleted it.
type namedRow struct {
	Group     uuid.UUID `json:"group_id"`
	User      uuid.UUID `json:"user_id"`
	Name      string    `json:"name"`
	Handle    string    `json:"handle"`
	GroupName string    `json:"group_name"`
}

func (r *messageRow) fields() []any {
	m := &r.message
	return []any{
		&m.ID.Channel, &m.ID.Owner, &m.ID.Number, &r.place.Public, &m.State, &m.Body,
		&m.Writer.ID.Group, &m.Writer.ID, &m.AuthorName, &m.Writer.Name, &m.Writer.Group.Handle, &m.Writer.Group.Name,
		&m.CreatedAt, &m.EditedAt, &m.DeletedAt, &r.deleted, &r.rootOwner, &r.root,
		&m.ReplyCount, &r.reactions, &r.named,
	}
}

// finish makes a message of what was scanned; the row may be scanned into again.
func (r *messageRow) finish() (*channel.Message, channel.Place) {
	m, place := r.message, r.place
	m.Writer.Group.ID = m.Writer.ID.Group
	m.CreatedAt, m.EditedAt, m.DeletedAt = m.CreatedAt.UTC(), utc(m.EditedAt), utc(m.DeletedAt)
	if !m.ID.Owner.IsZero() {
		place.Private = m.ID.Number
	}
	if r.root != nil {
		m.Root = ids.Message{Channel: m.ID.Channel, Owner: r.rootOwner, Number: *r.root}
	}
	for _, reaction := range r.reactions {
		m.Reactions = append(m.Reactions, channel.Reaction{Emoji: reaction.Emoji, Count: reaction.Count, ViewerReacted: reaction.Own})
	}
	for _, named := range r.named {
		home := channel.Group{ID: ids.GroupFrom(named.Group), Handle: named.Handle, Name: named.GroupName}
		m.Mentioned = append(m.Mentioned, channel.User{ID: ids.UserFrom(home.ID, named.User), Name: named.Name, Group: home})
	}
	if n := len(m.Mentioned); r.deleted && n > 0 {
		m.Deleter, m.Mentioned = &m.Mentioned[n-1], m.Mentioned[:n-1]
	}
	return &m, place
}

// messageWanted finds the message m that a row w names by its slot, channel, owner (null: everyone) and number, if the group, $3, may
// see it. OFFSET 0 has Postgres find it by its whole key, also before it has statistics: by a part of it, it reads all of a channel.
const messageWanted = `LATERAL (
		SELECT m.*, v.private_head FROM linkspan_shard.channel_side AS v JOIN linkspan_shard.message AS m ON m.slot = v.slot AND m.channel_id = v.channel_id
			AND m.owner_group_id = COALESCE(w.owner_group_id, ` + everyone + `) AND m.number = w.number AND m.owner_group_id IN (` + everyone + `, $3)
		WHERE v.slot = w.slot AND v.channel_id = w.channel_id AND v.group_id = $3 AND v.state = 'LINKED' OFFSET 0
	) AS m`

// readMessages are some messages that a group may see. Arguments: slots, those of the messages, group, user, channels, owners,
// numbers.
var readMessages = `
	SELECT owned.slot, ` + messageColumns + `
	FROM ` + shardrouter.OwnedFirstMany + ` LEFT JOIN (
		unnest($2::smallint[], $5::uuid[], $6::uuid[], $7::bigint[]) AS w (slot, channel_id, owner_group_id, number)
		JOIN ` + messageWanted + ` ON true
		` + messageJoins + `
	) ON m.slot = owned.slot`

// columnsOf are messages as columns of their slots and ids. The owner of those for everyone is null.
func columnsOf(messages []ids.Message) (slots []int16, channels, owners []pgtype.UUID, numbers []int64) {
	for _, id := range messages {
		slots = append(slots, int16(slotOfMessage(id)))
		channel, _ := id.Channel.UUIDValue() // never fails: see ids
		owner, _ := id.Owner.UUIDValue()
		channels, owners, numbers = append(channels, channel), append(owners, owner), append(numbers, id.Number)
	}
	return slots, channels, owners, numbers
}

// Messages implements [channel.Conversation].
func (s *Store) Messages(ctx context.Context, reader ids.User, messages []ids.Message) (map[ids.Message]*channel.Message, error) {
	bySlot := onSlots(slices.Values(messages), slotOfMessage)
	found := make(map[ids.Message]*channel.Message, len(messages))
	failed := readBySlot(ctx, s, bySlot, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, wanted []ids.Message) ([]shardrouter.Slot, func(), error) {
		of, channels, owners, numbers := columnsOf(wanted)
		var here []*channel.Message
		var r messageRow
		into := append([]any{nil}, r.fields()...)
		owned, err := eachOwned(ctx, conn, readMessages, []any{slots, of, reader.Group, reader, channels, owners, numbers}, func(row pgx.Rows) error {
			if err := row.Scan(into...); err != nil {
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

// messagesBetween are the messages m of the channel of a side v that its group, $3, may see and that meet a condition, in its
// order: at most $10 of those behind the place ($5, $6) and before the place ($8, $9), public ones before $7.
func messagesBetween(condition string, backward bool) string {
	order := ``
	if backward {
		order = ` DESC`
	}
	return `LATERAL (
		SELECT m.*, v.private_head FROM (
			(SELECT m.*, 0::bigint AS private FROM linkspan_shard.message AS m
			WHERE m.slot = v.slot AND m.channel_id = v.channel_id AND m.owner_group_id = ` + everyone + `
				AND m.number > $5 AND m.number < $7` + condition + `
			ORDER BY m.number` + order + ` LIMIT $10)
			UNION ALL
			(SELECT m.*, m.number AS private FROM linkspan_shard.message AS m
			WHERE m.slot = v.slot AND m.channel_id = v.channel_id AND m.owner_group_id = $3 AND m.owner_group_id <> ` + everyone + `
				AND v.private_head > 0 AND (m.follows, m.number) > ($5, $6) AND (m.follows, m.number) < ($8, $9)` + condition + `
			ORDER BY m.follows` + order + `, m.number` + order + ` LIMIT $10)
		) AS m ORDER BY m.follows` + order + `, m.private` + order + ` LIMIT $10
	) AS m`
}

// pageOfMessages is a part of a channel's messages for a group. Arguments: slot, channel, group, user, those of
// messagesBetween.
func pageOfMessages(backward bool) string {
	return `
	SELECT owned.slot, l.history, l.head + v.private_head, ` + messageColumns + `
	FROM ` + shardrouter.OwnedFirst + `
	LEFT JOIN (
		linkspan_shard.channel_side AS v JOIN linkspan_shard.channel_log AS l ON l.slot = v.slot AND l.channel_id = v.channel_id
	) ON v.slot = owned.slot AND v.channel_id = $2 AND v.group_id = $3 AND ` + mayRead + `
	LEFT JOIN ` + messagesBetween(``, backward) + ` ON true` + messageJoins + `
	ORDER BY m.follows, m.private`
}

// pageOfReplies is that part of the replies to each of some messages for a group, with the place of the message among these.
// Arguments: slots, those of the messages, group, user, those of messagesBetween, channels, owners, numbers.
func pageOfReplies(backward bool) string {
	const toRoot = ` AND m.reply_to_owner = COALESCE(w.owner_group_id, ` + everyone + `) AND m.reply_to = w.number`
	return `
	SELECT owned.slot, l.history, l.head + v.private_head, w.n, ` + messageColumns + `
	FROM ` + shardrouter.OwnedFirstMany + ` LEFT JOIN (
		unnest($2::smallint[], $11::uuid[], $12::uuid[], $13::bigint[]) WITH ORDINALITY AS w (slot, channel_id, owner_group_id, number, n)
		JOIN linkspan_shard.channel_side AS v ON v.slot = w.slot AND v.channel_id = w.channel_id AND v.group_id = $3 AND ` + mayRead + `
		JOIN linkspan_shard.channel_log AS l ON l.slot = v.slot AND l.channel_id = v.channel_id
		LEFT JOIN ` + messagesBetween(toRoot, backward) + ` ON true` + messageJoins + `
	) ON v.slot = owned.slot
	ORDER BY w.n, m.follows, m.private`
}

// The statements of pages, the first for one from the beginning, the second for one from the end.
var (
	messagePages = [2]string{pageOfMessages(false), pageOfMessages(true)}
	replyPages   = [2]string{pageOfReplies(false), pageOfReplies(true)}
)

// between are the arguments of messagesBetween, and the statement for that part among two.
func between(texts [2]string, r channel.MessageRange) (text string, args []any) {
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
	text = texts[0]
	if r.Backward {
		text = texts[1]
	}
	return text, []any{after.Public, after.Private, publicBefore, before.Public, before.Private, r.Limit + 1}
}

// messageScan scans the rows of a page, one after the other: the log's history and head, what a page has beside them, and a
// message if there is one.
type messageScan struct {
	log       channel.LogHead
	row       messageRow
	found     bool  // there is a message
	all, head []any // where the columns go; those of the message go nowhere in head
	besides   int   // how many columns come before those of the message
}

func newMessageScan(beside ...any) *messageScan {
	s := &messageScan{}
	s.all = append([]any{nil, &s.log.History, &s.log.Number}, beside...)
	s.besides = len(s.all)
	s.all = append(s.all, s.row.fields()...)
	s.head = slices.Clone(s.all)
	clear(s.head[s.besides:])
	return s
}

func (s *messageScan) scan(row pgx.Rows) error {
	if s.found = row.RawValues()[s.besides] != nil; s.found {
		return row.Scan(s.all...)
	}
	return row.Scan(s.head...)
}

// addTo adds what was scanned to a page.
func (s *messageScan) addTo(rows *channel.MessageRows) {
	if rows.Log = s.log; s.found {
		shown, place := s.row.finish()
		rows.Messages, rows.Places = append(rows.Messages, shown), append(rows.Places, place)
	}
}

// ListMessages implements [channel.Conversation].
func (s *Store) ListMessages(ctx context.Context, reader ids.User, id ids.Channel, r channel.MessageRange) (rows channel.MessageRows, err error) {
	text, args := between(messagePages, r)
	args = append([]any{id, reader.Group, reader}, args...)
	scan := newMessageScan()
	err = s.readSlot(ctx, slotOfChannel(id), text, args, func() { rows = channel.MessageRows{} }, func(row pgx.Rows) error {
		if err := scan.scan(row); err != nil {
			return err
		}
		scan.addTo(&rows)
		return nil
	})
	cut(&rows, r)
	return rows, err
}

// ListReplies implements [channel.Conversation].
func (s *Store) ListReplies(
	ctx context.Context, reader ids.User, roots []ids.Message, r channel.MessageRange,
) (map[ids.Message]channel.MessageRows, map[ids.Message]error) {
	text, args := between(replyPages, r)
	bySlot := onSlots(slices.Values(roots), slotOfMessage)
	replies := make(map[ids.Message]channel.MessageRows, len(roots))
	failed := readBySlot(ctx, s, bySlot, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, wanted []ids.Message) ([]shardrouter.Slot, func(), error) {
		of, channels, owners, numbers := columnsOf(wanted)
		here := make([]channel.MessageRows, len(wanted))
		args := append(append([]any{slots, of, reader.Group, reader}, args...), channels, owners, numbers)
		var n int
		scan := newMessageScan(&n)
		owned, err := eachOwned(ctx, conn, text, args, func(row pgx.Rows) error {
			if err := scan.scan(row); err != nil {
				return err
			}
			scan.addTo(&here[n-1])
			return nil
		})
		return owned, func() {
			for i, root := range wanted {
				if cut(&here[i], r); !here[i].Log.History.IsZero() {
					replies[root] = here[i]
				}
			}
		}, err
	})
	return replies, unreadOn(bySlot, failed)
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

// readVersions are what some messages have said that a group may see, the newest MaxVersions of each, with the place of the message
// among these. Arguments: slots, those of the messages, group, channels, owners, numbers.
const readVersions = `
	SELECT owned.slot, v.n, v.at, v.body FROM ` + shardrouter.OwnedFirstMany + ` LEFT JOIN (
		SELECT m.slot, w.n, x.at, x.body, x.version
		FROM unnest($2::smallint[], $4::uuid[], $5::uuid[], $6::bigint[]) WITH ORDINALITY AS w (slot, channel_id, owner_group_id, number, n)
		JOIN ` + messageWanted + ` ON true
		CROSS JOIN LATERAL (
			(SELECT v.at, v.body, v.version FROM linkspan_shard.message_version AS v
			WHERE v.slot = m.slot AND v.channel_id = m.channel_id AND v.owner_group_id = m.owner_group_id AND v.number = m.number
			ORDER BY v.version DESC LIMIT $7)
			UNION ALL
			SELECT COALESCE(m.edited_at, m.created_at), m.body, m.version WHERE m.body IS NOT NULL
		) AS x
	) AS v ON v.slot = owned.slot ORDER BY v.n, v.version`

// Versions implements [channel.Conversation].
func (s *Store) Versions(ctx context.Context, reader ids.User, messages []ids.Message) (map[ids.Message][]channel.MessageVersion, map[ids.Message]error) {
	bySlot := onSlots(slices.Values(messages), slotOfMessage)
	said := make(map[ids.Message][]channel.MessageVersion, len(messages))
	failed := readBySlot(ctx, s, bySlot, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, wanted []ids.Message) ([]shardrouter.Slot, func(), error) {
		of, channels, owners, numbers := columnsOf(wanted)
		here := make([][]channel.MessageVersion, len(wanted))
		args := []any{slots, of, reader.Group, channels, owners, numbers, channel.MaxVersions - 1}
		owned, err := eachOwned(ctx, conn, readVersions, args, func(row pgx.Rows) error {
			var v channel.MessageVersion
			var n int
			if err := row.Scan(nil, &n, &v.At, &v.Body); err != nil {
				return err
			}
			v.At = v.At.UTC()
			here[n-1] = append(here[n-1], v)
			return nil
		})
		return owned, func() {
			for i, message := range wanted {
				said[message] = here[i]
			}
		}, err
	})
	return said, unreadOn(bySlot, failed)
}
