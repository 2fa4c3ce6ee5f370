package store

import (
	"strconv"

	"github.com/jackc/pgx/v5/pgtype"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// reading is for which sides v a statement reads. Nearly all readers' sides take part: what is read all the time is asked for these
// alone, by a statement that knows of nothing else, and of any side only where that finds none that may read.
//
// A side that parted reads the channel as it stood at the event that ended its part, v.unlinked_after, but for what was deleted since
// (docs/decisions/0023-a-parted-side-reads-what-it-knew.md). Of its own private log it reads all: nobody has said anything there since.
type reading int

const (
	takingPart reading = iota
	anySide
)

// sees is that a reader sees a channel by the side v of its group: the side shows it to everyone, or the reader, who is judged as the argument
// ([judgedAs]), is an admin or listed. A side that shows it to everyone costs no look into another table. OFFSET 0 has Postgres look up the one row.
func sees(v, as string) string {
	return `(NOT ` + v + `.members_only OR ` + v + `.group_id = ` + as + `::uuid OR EXISTS (
		SELECT FROM linkspan_shard.side_member AS sm WHERE sm.slot = ` + v + `.slot AND sm.channel_id = ` + v + `.channel_id
			AND sm.group_id = ` + v + `.group_id AND sm.user_id = ` + as + ` OFFSET 0))`
}

// judgedAs is the argument as whom a reader is judged: its group if it is an admin, else the user. Null is somebody to whom nothing is shown that
// is kept to some.
func judgedAs(r channel.Reader) pgtype.UUID {
	id := uuids([]ids.User{r.As})
	if r.Admin {
		id = uuids([]ids.Group{r.User.Group})
	}
	return id[0]
}

// mayRead is of a side v whose group may read the channel: it takes part, or the channel was closed before anybody else did, and so is
// as empty as ever; or it parted; and the reader sees it.
func (r reading) mayRead(as string) string {
	states := `'LINKED', 'CLOSED'`
	if r != takingPart {
		states += `, 'LEFT', 'REMOVED'`
	}
	return `v.state IN (` + states + `) AND ` + sees(`v`, as)
}

// mayFind is mayRead where there is something to be found.
func (r reading) mayFind(as string) string {
	states := `v.state = 'LINKED'`
	if r != takingPart {
		states = `v.state IN ('LINKED', 'LEFT', 'REMOVED')`
	}
	return states + ` AND ` + sees(`v`, as)
}

// head is where the order of the side v of a channel with the log l stands.
func (r reading) head() string {
	if r == takingPart {
		return `l.history, l.head + v.private_head`
	}
	return `l.history, ` + sideEnd
}

// until is that an object with the number of a public event is there for the side v.
func (r reading) until(number string) string {
	if r == takingPart {
		return ``
	}
	return ` AND ` + number + ` <= COALESCE(v.unlinked_after, ` + strconv.Itoa(lastNumber) + `)`
}

// lastNumber is behind that of every event.
const lastNumber = 1<<63 - 1

// ofSide is what the columns of a message m need of the side v: until is the last event of the message's log that the side knows, null
// where it knows all.
func (r reading) ofSide() string {
	if r == takingPart {
		return `v.private_head`
	}
	return `v.private_head, v.unlinked_after, CASE WHEN m.owner_group_id = ` + everyone + ` THEN v.unlinked_after END AS until`
}

// nameOf is the name of a channel_user as a group, $3, knows it: to others a user is called what it was called when it last did
// something for everyone, so that what it does for its own group alone shows in no name.
func nameOf(user string) string {
	return `CASE WHEN ` + user + `.group_id = $3 THEN ` + user + `.name ELSE ` + user + `.public_name END`
}

// nameUntil is nameOf as a side knows it whose part ended with an event; null: it does not know the user.
func nameUntil(user, unlinkedAfter string) string {
	return `CASE WHEN ` + user + `.group_id = $3 THEN ` + user + `.name WHEN ` + user + `.public_number > ` + unlinkedAfter + ` THEN
		jsonb_path_query_first(` + user + `.former_names, '$[*] ? (@.since <= $end && @.until > $end).name', jsonb_build_object('end', ` + unlinkedAfter + `)) #>> '{}'
		ELSE ` + user + `.public_name END`
}

// name is the name of a channel_user as the reader of a message m knows it.
func (r reading) name(user string) string {
	if r == takingPart {
		return nameOf(user)
	}
	return nameUntil(user, `m.unlinked_after`)
}

// columns are those of a message m as a user sees it, whose group is $3 and id $4 (null: nobody in particular), with what
// joins adds: its author as of now, replies for the reader's group alone if it has any private message, reactions, and the
// users whom it names, with who deleted it in the end. What most messages have none of is looked for where the row says that there
// is some: a CASE that is false costs nothing. A tombstone does not tell a side that parted when the message was edited last: that may
// have been since.
func (r reading) columns() string {
	state, body, edited, groups, users := `m.state`, `m.body`, `m.edited_at`, `m.mention_group_ids`, `m.mention_ids`
	replies, known, named := `m.reply_count`, ``, `true`
	if r == anySide {
		state = `CASE WHEN was.version > 1 THEN 'EDITED' WHEN was.version = 1 THEN 'POSTED' ELSE m.state END`
		body, groups, users = wasOr(`body`), wasOr(`mention_group_ids`), wasOr(`mention_ids`)
		edited = `CASE WHEN was.version > 1 THEN was.at WHEN was.version = 1 OR m.until IS NOT NULL AND m.state = 'DELETED' THEN NULL ELSE m.edited_at END`
		replies = `CASE WHEN m.until IS NOT NULL AND m.reply_count > 0 THEN (
		SELECT count(*)::integer FROM linkspan_shard.message AS a
		WHERE a.slot = m.slot AND a.channel_id = m.channel_id AND a.reply_to_owner = m.owner_group_id AND a.reply_to = m.number
			AND a.owner_group_id = m.owner_group_id AND a.number <= m.until) ELSE m.reply_count END`
		known, named = ` AND (m.until IS NULL OR r.event_number <= m.until)`, `x.name IS NOT NULL`
	}
	return `m.channel_id, m.owner_group_id, m.number, m.follows, ` + state + `, ` + body + `,
	m.author_group_id, m.author_id, m.author_name, COALESCE(` + r.name(`u`) + `, m.author_name), h.handle, h.group_name,
	m.created_at, ` + edited + `, m.deleted_at, m.deleter_id IS NOT NULL, m.reply_to_owner, m.reply_to,
	` + replies + ` + CASE WHEN m.private_head > 0 AND m.owner_group_id = ` + everyone + ` THEN COALESCE((
		SELECT p.reply_count FROM linkspan_shard.private_replies AS p
		WHERE p.slot = m.slot AND p.channel_id = m.channel_id AND p.number = m.number AND p.group_id = $3), 0) ELSE 0 END,
	CASE WHEN m.reaction_count > 0 THEN to_json(ARRAY(SELECT e FROM (
		SELECT r.emoji, count(*) AS count, bool_or(r.group_id = $3 AND r.user_id IS NOT DISTINCT FROM $4) AS own
		FROM linkspan_shard.reaction AS r
		WHERE r.slot = m.slot AND r.channel_id = m.channel_id AND r.owner_group_id = m.owner_group_id AND r.number = m.number` + known + `
		GROUP BY r.emoji ORDER BY min(r.at), r.emoji
	) AS e)) END,
	CASE WHEN cardinality(` + users + `) > 0 OR m.deleter_id IS NOT NULL THEN to_json(ARRAY(SELECT w FROM (
		SELECT named.group_id, named.user_id, x.name, x.handle, x.group_name
		FROM unnest(` + groups + ` || m.deleter_group_id, ` + users + ` || m.deleter_id) WITH ORDINALITY AS named (group_id, user_id, n)
		JOIN LATERAL (
			SELECT ` + r.name(`x`) + ` AS name, s.handle, s.group_name FROM linkspan_shard.channel_user AS x
			JOIN linkspan_shard.channel_side AS s ON s.slot = x.slot AND s.channel_id = x.channel_id AND s.group_id = x.group_id
			WHERE x.slot = m.slot AND x.channel_id = m.channel_id AND x.group_id = named.group_id AND x.user_id = named.user_id OFFSET 0
		) AS x ON ` + named + ` ORDER BY named.n
	) AS w)) END`
}

func wasOr(column string) string {
	return `CASE WHEN was.version IS NULL THEN m.` + column + ` ELSE was.` + column + ` END`
}

// joins are the author of a message m and its group, and what it said to a side that parted, if it was edited since: was.
func (r reading) joins() string {
	const author = `
	LEFT JOIN linkspan_shard.channel_user AS u ON u.slot = m.slot AND u.channel_id = m.channel_id
		AND u.group_id = m.author_group_id AND u.user_id = m.author_id
	LEFT JOIN linkspan_shard.channel_side AS h ON h.slot = m.slot AND h.channel_id = m.channel_id AND h.group_id = m.author_group_id`
	if r == takingPart {
		return author
	}
	return author + `
	LEFT JOIN LATERAL (
		SELECT b.version, b.body, b.at, b.mention_group_ids, b.mention_ids FROM linkspan_shard.message_version AS b
		WHERE m.edited_number > m.until AND b.slot = m.slot AND b.channel_id = m.channel_id AND b.owner_group_id = m.owner_group_id
			AND b.number = m.number AND b.edited_number <= m.until AND b.replaced_number > m.until OFFSET 0
	) AS was ON true`
}
