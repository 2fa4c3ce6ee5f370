package store

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// messageRow is a message as the columns of a reading have it.
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
// see it, and the reader, who is judged as that argument. OFFSET 0 has Postgres find it by its whole key, also before it has statistics: by a part of it, it reads all of a channel.
func (r reading) messageWanted(as string) string {
	until := ``
	if r == anySide {
		until = ` AND (v.unlinked_after IS NULL OR m.owner_group_id <> ` + everyone + ` OR m.number <= v.unlinked_after)`
	}
	return `LATERAL (
		SELECT m.*, ` + r.ofSide() + ` FROM linkspan_shard.channel_side AS v JOIN linkspan_shard.message AS m ON m.slot = v.slot AND m.channel_id = v.channel_id
			AND m.owner_group_id = COALESCE(w.owner_group_id, ` + everyone + `) AND m.number = w.number AND m.owner_group_id IN (` + everyone + `, $3)
		WHERE v.slot = w.slot AND v.channel_id = w.channel_id AND v.group_id = $3 AND ` + r.mayFind(as) + until + ` OFFSET 0
	) AS m`
}

// messages are some messages that a group may see. Arguments: slots, those of the messages, group, user, channels, owners,
// numbers, as whom the reader is judged.
func (r reading) messages() string {
	return `
	SELECT owned.slot, ` + r.columns() + `
	FROM ` + shardrouter.OwnedFirstMany + ` LEFT JOIN (
		unnest($2::smallint[], $5::uuid[], $6::uuid[], $7::bigint[]) AS w (slot, channel_id, owner_group_id, number)
		JOIN ` + r.messageWanted(`$8`) + ` ON true
		` + r.joins() + `
	) ON m.slot = owned.slot`
}

var readMessages = [...]string{takingPart.messages(), anySide.messages()}

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
func (s *Store) Messages(ctx context.Context, reader channel.Reader, messages []ids.Message) (map[ids.Message]*channel.Message, error) {
	found := make(map[ids.Message]*channel.Message, len(messages))
	for _, text := range readMessages {
		missing := slices.DeleteFunc(slices.Clone(messages), func(id ids.Message) bool { return found[id] != nil })
		if len(missing) == 0 {
			break
		}
		if err := s.addMessages(ctx, reader, text, missing, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (s *Store) addMessages(ctx context.Context, reader channel.Reader, text string, messages []ids.Message, found map[ids.Message]*channel.Message) error {
	bySlot := onSlots(slices.Values(messages), slotOfMessage)
	failed := readBySlot(ctx, s, bySlot, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, wanted []ids.Message) ([]shardrouter.Slot, func(), error) {
		of, channels, owners, numbers := columnsOf(wanted)
		var here []*channel.Message
		var r messageRow
		into := append([]any{nil}, r.fields()...)
		owned, err := eachOwned(ctx, conn, text, []any{slots, of, reader.User.Group, reader.User, channels, owners, numbers, judgedAs(reader)}, func(row pgx.Rows) error {
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
		return err
	}
	return nil
}

// messagesBetween are the messages m of the channel of a side v that its group, $3, may see and that meet a condition, in its
// order: at most $10 of those behind the place ($5, $6) and before the place ($8, $9), public ones before $7.
func (r reading) messagesBetween(condition string, backward bool) string {
	order := ``
	if backward {
		order = ` DESC`
	}
	return `LATERAL (
		SELECT m.*, ` + r.ofSide() + ` FROM (
			(SELECT m.*, 0::bigint AS private FROM linkspan_shard.message AS m
			WHERE m.slot = v.slot AND m.channel_id = v.channel_id AND m.owner_group_id = ` + everyone + `
				AND m.number > $5 AND m.number < $7` + r.until(`m.number`) + condition + `
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
// messagesBetween, as whom the reader is judged.
func (r reading) pageOfMessages(backward bool) string {
	return `
	SELECT owned.slot, ` + r.head() + `, ` + r.columns() + `
	FROM ` + shardrouter.OwnedFirst + `
	LEFT JOIN (
		linkspan_shard.channel_side AS v JOIN linkspan_shard.channel_log AS l ON l.slot = v.slot AND l.channel_id = v.channel_id
	) ON v.slot = owned.slot AND v.channel_id = $2 AND v.group_id = $3 AND ` + r.mayRead(`$11`) + `
	LEFT JOIN ` + r.messagesBetween(``, backward) + ` ON true` + r.joins() + `
	ORDER BY m.follows, m.private`
}

// pageOfReplies is that part of the replies to each of some messages for a group, with the place of the message among these.
// Arguments: slots, those of the messages, group, user, those of messagesBetween, channels, owners, numbers, as whom the reader is
// judged.
func (r reading) pageOfReplies(backward bool) string {
	const toRoot = ` AND m.reply_to_owner = COALESCE(w.owner_group_id, ` + everyone + `) AND m.reply_to = w.number`
	return `
	SELECT owned.slot, ` + r.head() + `, w.n, ` + r.columns() + `
	FROM ` + shardrouter.OwnedFirstMany + ` LEFT JOIN (
		unnest($2::smallint[], $11::uuid[], $12::uuid[], $13::bigint[]) WITH ORDINALITY AS w (slot, channel_id, owner_group_id, number, n)
		JOIN linkspan_shard.channel_side AS v ON v.slot = w.slot AND v.channel_id = w.channel_id AND v.group_id = $3 AND ` + r.mayRead(`$14`) + `
		JOIN linkspan_shard.channel_log AS l ON l.slot = v.slot AND l.channel_id = v.channel_id
		LEFT JOIN ` + r.messagesBetween(toRoot, backward) + ` ON true` + r.joins() + `
	) ON v.slot = owned.slot
	ORDER BY w.n, m.follows, m.private`
}

// The statements of pages by reading, the first for one from the beginning, the second for one from the end.
var (
	messagePages = [...][2]string{
		{takingPart.pageOfMessages(false), takingPart.pageOfMessages(true)}, {anySide.pageOfMessages(false), anySide.pageOfMessages(true)},
	}
	replyPages = [...][2]string{
		{takingPart.pageOfReplies(false), takingPart.pageOfReplies(true)}, {anySide.pageOfReplies(false), anySide.pageOfReplies(true)},
	}
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
func (s *Store) ListMessages(ctx context.Context, reader channel.Reader, id ids.Channel, r channel.MessageRange) (rows channel.MessageRows, err error) {
	for _, texts := range messagePages {
		text, args := between(texts, r)
		args = append(append([]any{id, reader.User.Group, reader.User}, args...), judgedAs(reader))
		scan := newMessageScan()
		err = s.readSlot(ctx, slotOfChannel(id), text, args, func() { rows = channel.MessageRows{} }, func(row pgx.Rows) error {
			if err := scan.scan(row); err != nil {
				return err
			}
			scan.addTo(&rows)
			return nil
		})
		if err != nil || !rows.Log.History.IsZero() {
			break
		}
	}
	cut(&rows, r)
	return rows, err
}

// ListReplies implements [channel.Conversation].
func (s *Store) ListReplies(
	ctx context.Context, reader channel.Reader, roots []ids.Message, r channel.MessageRange,
) (replies map[ids.Message]channel.MessageRows, unread map[ids.Message]error) {
	replies, unread = make(map[ids.Message]channel.MessageRows, len(roots)), map[ids.Message]error{}
	for _, texts := range replyPages {
		missing := slices.DeleteFunc(slices.Clone(roots), func(root ids.Message) bool {
			_, found := replies[root]
			return found || unread[root] != nil
		})
		if len(missing) == 0 {
			break
		}
		maps.Copy(unread, s.addReplies(ctx, reader, texts, missing, r, replies))
	}
	return replies, unread
}

func (s *Store) addReplies(
	ctx context.Context, reader channel.Reader, texts [2]string, roots []ids.Message, r channel.MessageRange, replies map[ids.Message]channel.MessageRows,
) map[ids.Message]error {
	text, args := between(texts, r)
	bySlot := onSlots(slices.Values(roots), slotOfMessage)
	failed := readBySlot(ctx, s, bySlot, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, wanted []ids.Message) ([]shardrouter.Slot, func(), error) {
		of, channels, owners, numbers := columnsOf(wanted)
		here := make([]channel.MessageRows, len(wanted))
		args := append(append([]any{slots, of, reader.User.Group, reader.User}, args...), channels, owners, numbers, judgedAs(reader))
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
	return unreadOn(bySlot, failed)
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
// among these. Arguments: slots, those of the messages, group, channels, owners, numbers, the most, as whom the reader is judged.
var readVersions = `
	SELECT owned.slot, v.n, v.at, v.body FROM ` + shardrouter.OwnedFirstMany + ` LEFT JOIN (
		SELECT m.slot, w.n, x.at, x.body, x.version
		FROM unnest($2::smallint[], $4::uuid[], $5::uuid[], $6::bigint[]) WITH ORDINALITY AS w (slot, channel_id, owner_group_id, number, n)
		JOIN ` + anySide.messageWanted(`$8`) + ` ON true
		CROSS JOIN LATERAL (
			(SELECT v.at, v.body, v.version FROM linkspan_shard.message_version AS v
			WHERE v.slot = m.slot AND v.channel_id = m.channel_id AND v.owner_group_id = m.owner_group_id AND v.number = m.number
				AND (m.until IS NULL OR v.edited_number <= m.until)
			ORDER BY v.version DESC LIMIT $7 + CASE WHEN m.edited_number > m.until THEN 1 ELSE 0 END)
			UNION ALL
			SELECT COALESCE(m.edited_at, m.created_at), m.body, m.version WHERE m.body IS NOT NULL AND (m.edited_number > m.until) IS NOT TRUE
		) AS x
	) AS v ON v.slot = owned.slot ORDER BY v.n, v.version`

// Versions implements [channel.Conversation].
func (s *Store) Versions(ctx context.Context, reader channel.Reader, messages []ids.Message) (map[ids.Message][]channel.MessageVersion, map[ids.Message]error) {
	bySlot := onSlots(slices.Values(messages), slotOfMessage)
	said := make(map[ids.Message][]channel.MessageVersion, len(messages))
	failed := readBySlot(ctx, s, bySlot, func(ctx context.Context, conn shardrouter.Conn, slots []shardrouter.Slot, wanted []ids.Message) ([]shardrouter.Slot, func(), error) {
		of, channels, owners, numbers := columnsOf(wanted)
		here := make([][]channel.MessageVersion, len(wanted))
		args := []any{slots, of, reader.User.Group, channels, owners, numbers, channel.MaxVersions - 1, judgedAs(reader)}
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
