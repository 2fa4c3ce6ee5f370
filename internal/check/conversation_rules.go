package check

// nobody stands for the owner of what is for everyone in a channel.
const nobody = `'00000000-0000-0000-0000-000000000000'::uuid`

// The logs l and events e of a channel, public and private ones alike: the public log's owner is nobody.
const (
	logs = `(
		SELECT slot, channel_id, ` + nobody + ` AS owner, head, floor FROM linkspan_shard.channel_log
		UNION ALL SELECT slot, channel_id, group_id, private_head, private_floor FROM linkspan_shard.channel_side) AS l`
	events = `(
		SELECT slot, channel_id, ` + nobody + ` AS owner, number, number AS follows, at, kind, actor_group_id, actor_id, message_number, emoji
		FROM linkspan_shard.channel_event WHERE message_number IS NOT NULL
		UNION ALL SELECT slot, channel_id, group_id, number, follows, at, kind, actor_group_id, actor_id, message_number, emoji
		FROM linkspan_shard.private_event WHERE message_number IS NOT NULL) AS e`
)

// messageOf names a message.
func messageOf(number, owner, channel string) string {
	return `format('message %s of %s in channel %s', ` + number + `, CASE ` + owner + ` WHEN ` + nobody + ` THEN 'everyone' ELSE ` +
		owner + `::text END, ` + channel + `)`
}

// sameMessage joins a message to what has its slot, channel, owner and number.
func sameMessage(m, other, owner, number string) string {
	return ` ON ` + m + `.slot = ` + other + `.slot AND ` + m + `.channel_id = ` + other + `.channel_id AND ` +
		m + `.owner_group_id = ` + other + `.` + owner + ` AND ` + m + `.number = ` + other + `.` + number
}

// ofMessage counts events of a kind by the message that they are about.
func ofMessage(kind string) string {
	return `(SELECT slot, channel_id, owner, message_number, count(*) AS n, max(at) AS at, (array_agg(actor_id))[1] AS actor_id FROM ` + events + `
		WHERE kind = '` + kind + `' GROUP BY slot, channel_id, owner, message_number)`
}

// conversationRules are the invariants of what is said in the channels of a shard. What events tell is judged of messages
// whose own event is left: behind it nothing was removed.
var conversationRules = []rule{
	{Invariant{"private-log-dense", "A side's private events are numbered from behind its floor to its head."}, `
		SELECT format('private log of %s in channel %s', group_id, channel_id), format('floor %s, head %s; %s events from %s to %s',
			COALESCE(s.private_floor::text, 'none'), COALESCE(s.private_head::text, 'none'),
			COALESCE(e.n, 0), COALESCE(e.first, 0), COALESCE(e.last, 0))
		FROM linkspan_shard.channel_side AS s
		FULL JOIN (
			SELECT slot, channel_id, group_id, count(*) AS n, min(number) AS first, max(number) AS last
			FROM linkspan_shard.private_event GROUP BY slot, channel_id, group_id
		) AS e USING (slot, channel_id, group_id)
		WHERE s.private_head IS NULL OR s.private_head - s.private_floor <> COALESCE(e.n, 0)
			OR e.n > 0 AND (e.first <> s.private_floor + 1 OR e.last <> s.private_head)`},
	{Invariant{"private-order", "A private event has the place behind the public event that it follows, which is there, and not before its forerunner's."}, `
		SELECT format('event %s of the private log of %s in channel %s', p.number, p.group_id, p.channel_id),
			format('at %s; it follows %s, the one before it %s; the public log has %s to %s',
				p.position, p.follows, COALESCE(p.before::text, 'none'), l.floor, l.head)
		FROM (
			SELECT slot, channel_id, group_id, number, follows, position,
				lag(follows) OVER (PARTITION BY slot, channel_id, group_id ORDER BY number) AS before
			FROM linkspan_shard.private_event
		) AS p
		LEFT JOIN linkspan_shard.channel_log AS l ON l.slot = p.slot AND l.channel_id = p.channel_id
		WHERE p.position <> p.follows + p.number OR p.before > p.follows OR l.head IS NULL OR p.follows NOT BETWEEN l.floor AND l.head`},
	{Invariant{"side-unlinked", "The part of a side that left or was removed ends with the public event that says so, unless that was removed."}, `
		SELECT format('side of %s in channel %s', s.group_id, s.channel_id), format('%s after %s; that event is %s of %s, the head %s',
			s.state, s.unlinked_after, COALESCE(e.kind, 'none'), COALESCE(e.about_group_id::text, 'nobody'), l.head)
		FROM linkspan_shard.channel_side AS s
		LEFT JOIN linkspan_shard.channel_log AS l ON l.slot = s.slot AND l.channel_id = s.channel_id
		LEFT JOIN linkspan_shard.channel_event AS e ON e.slot = s.slot AND e.channel_id = s.channel_id AND e.number = s.unlinked_after
		WHERE s.unlinked_after IS NOT NULL AND (l.head IS NULL OR s.unlinked_after > l.head OR s.unlinked_after > l.floor
			AND (e.kind, e.about_group_id) IS DISTINCT FROM ('GROUP_UNLINKED', s.group_id))`},
	{Invariant{"message-posted", "A message has the event that posted it, unless that was removed, and such an event its message."}, `
		SELECT ` + messageOf(`COALESCE(m.number, e.number)`, `COALESCE(m.owner_group_id, e.owner)`, `COALESCE(m.channel_id, e.channel_id)`) + `,
			CASE WHEN l.head IS NULL THEN 'it is in no log' WHEN m.number IS NULL THEN 'an event, and no message' ELSE 'no event has posted it' END
		FROM linkspan_shard.message AS m
		FULL JOIN (SELECT * FROM ` + events + ` WHERE kind = 'MESSAGE_POSTED') AS e` + sameMessage(`m`, `e`, `owner`, `number`) + `
		LEFT JOIN ` + logs + ` ON l.slot = COALESCE(m.slot, e.slot) AND l.channel_id = COALESCE(m.channel_id, e.channel_id)
			AND l.owner = COALESCE(m.owner_group_id, e.owner)
		WHERE l.head IS NULL OR m.number IS NULL OR e.number IS NULL AND m.number > l.floor`},
	{Invariant{"message-event", "A message is as its event says: number, author, time, and the public event that it follows."}, `
		SELECT ` + messageOf(`m.number`, `m.owner_group_id`, `m.channel_id`) + `,
			format('it follows %s; its event is of number %s, and follows %s', m.follows, COALESCE(e.message_number::text, 'none'),
				COALESCE(e.follows::text, 'none'))
		FROM linkspan_shard.message AS m
		LEFT JOIN (SELECT * FROM ` + events + ` WHERE kind = 'MESSAGE_POSTED') AS e` + sameMessage(`m`, `e`, `owner`, `number`) + `
		WHERE e.message_number <> m.number OR e.follows <> m.follows OR e.at <> m.created_at
			OR e.number IS NOT NULL AND (e.actor_group_id, e.actor_id) IS DISTINCT FROM (m.author_group_id, m.author_id)
			OR m.owner_group_id = ` + nobody + ` AND m.follows <> m.number
			OR m.owner_group_id <> ` + nobody + ` AND m.author_group_id <> m.owner_group_id`},
	{Invariant{"event-message", "An event is about a message of its log from before it; its author edits, its author's group deletes, or nobody."}, `
		SELECT format('event %s of %s in channel %s', e.number, e.owner, e.channel_id),
			format('%s of message %s', e.kind, e.message_number) || CASE WHEN m.number IS NULL THEN ', which is not there' ELSE '' END
		FROM ` + events + `
		LEFT JOIN linkspan_shard.message AS m` + sameMessage(`m`, `e`, `owner`, `message_number`) + `
		WHERE e.kind <> 'MESSAGE_POSTED' AND (m.number IS NULL OR m.number >= e.number
			OR (e.kind IN ('REACTION_ADDED', 'REACTION_REMOVED')) <> (e.emoji IS NOT NULL)
			OR e.kind = 'MESSAGE_EDITED' AND (e.actor_group_id, e.actor_id) IS DISTINCT FROM (m.author_group_id, m.author_id)
			OR e.kind = 'MESSAGE_DELETED' AND (e.actor_id IS NULL) <> (e.actor_group_id IS NULL)
			OR e.kind = 'MESSAGE_DELETED' AND e.actor_group_id <> m.author_group_id)`},
	{Invariant{"message-tombstone", "A deleted message has no body, versions and mentions, but one event that deleted it, as no other has."}, `
		SELECT ` + messageOf(`m.number`, `m.owner_group_id`, `m.channel_id`) + `, format('%s, with %s events that deleted it', m.state, COALESCE(d.n, 0))
		FROM linkspan_shard.message AS m
		LEFT JOIN ` + ofMessage(`MESSAGE_DELETED`) + ` AS d` + sameMessage(`m`, `d`, `owner`, `message_number`) + `
		LEFT JOIN ` + logs + ` ON l.slot = m.slot AND l.channel_id = m.channel_id AND l.owner = m.owner_group_id
		WHERE d.n > 1 OR (m.state = 'DELETED') <> (m.deleted_at IS NOT NULL)
			OR m.state <> 'DELETED' AND m.deleter_id IS NOT NULL OR (m.state = 'DELETED') <> (m.body IS NULL)
			OR m.state = 'DELETED' AND m.deleter_id IS DISTINCT FROM d.actor_id AND d.n IS NOT NULL
			OR m.state <> 'DELETED' AND d.n > 0
			OR m.state = 'DELETED' AND (d.n IS NULL AND m.number > l.floor OR d.at <> m.deleted_at OR cardinality(m.mention_ids) > 0
				OR EXISTS (SELECT FROM linkspan_shard.message_version AS v WHERE v.slot = m.slot AND v.channel_id = m.channel_id
					AND v.owner_group_id = m.owner_group_id AND v.number = m.number))`},
	{Invariant{"message-words", "A message that is not deleted has the words that a search finds it by, in its place of the order, and no other has."}, `
		SELECT ` + messageOf(`COALESCE(m.number, w.number)`, `COALESCE(m.owner_group_id, w.owner_group_id)`, `COALESCE(m.channel_id, w.channel_id)`) + `,
			CASE WHEN w.number IS NULL THEN 'no search can find it' WHEN m.number IS NULL THEN 'its words are there, and it is not'
				WHEN m.state = 'DELETED' THEN 'it is deleted, and its words are there' ELSE format('%s words, behind public event %s', length(w.words), w.follows) END
		FROM linkspan_shard.message AS m
		FULL JOIN linkspan_shard.message_words AS w` + sameMessage(`m`, `w`, `owner_group_id`, `number`) + `
		WHERE (w.number IS NOT NULL) <> (m.number IS NOT NULL AND m.state <> 'DELETED') OR w.follows <> m.follows OR length(w.words) = 0`},
	{Invariant{"message-version", "A message's version counts its edits, each with what it said before, until it is deleted."}, `
		SELECT ` + messageOf(`COALESCE(m.number, v.number)`, `COALESCE(m.owner_group_id, v.owner_group_id)`, `COALESCE(m.channel_id, v.channel_id)`) + `,
			format('version %s, with %s events that edited it and %s versions before', COALESCE(m.version::text, 'none'), COALESCE(d.n, 0), COALESCE(v.n, 0))
		FROM linkspan_shard.message AS m
		FULL JOIN (
			SELECT slot, channel_id, owner_group_id, number, count(*) AS n, max(version) AS last
			FROM linkspan_shard.message_version GROUP BY slot, channel_id, owner_group_id, number
		) AS v` + sameMessage(`m`, `v`, `owner_group_id`, `number`) + `
		LEFT JOIN ` + ofMessage(`MESSAGE_EDITED`) + ` AS d` + sameMessage(`m`, `d`, `owner`, `message_number`) + `
		LEFT JOIN ` + logs + ` ON l.slot = m.slot AND l.channel_id = m.channel_id AND l.owner = m.owner_group_id
		WHERE m.number IS NULL OR (m.version > 1) <> (m.edited_at IS NOT NULL)
			OR m.state = 'POSTED' AND m.version > 1 OR m.state = 'EDITED' AND m.version = 1
			OR m.state <> 'DELETED' AND (m.version <> 1 + COALESCE(v.n, 0) OR v.last <> v.n)
			OR m.number > l.floor AND m.version <> 1 + COALESCE(d.n, 0)`},
	{Invariant{"reaction-message", "A reaction is to a message that is there, and not deleted."}, `
		SELECT ` + messageOf(`r.number`, `r.owner_group_id`, `r.channel_id`) + `, format('a reaction of %s, and it is %s', r.user_id,
			CASE WHEN m.number IS NULL THEN 'not there' ELSE 'deleted' END)
		FROM linkspan_shard.reaction AS r
		LEFT JOIN linkspan_shard.message AS m` + sameMessage(`m`, `r`, `owner_group_id`, `number`) + `
		WHERE m.number IS NULL OR m.state = 'DELETED' OR r.owner_group_id <> ` + nobody + ` AND r.group_id <> r.owner_group_id`},
	{Invariant{"reaction-count", "A message's count of reactions is how many there are."}, `
		SELECT ` + messageOf(`m.number`, `m.owner_group_id`, `m.channel_id`) + `, format('%s reactions are noted, and %s are there',
			m.reaction_count, COALESCE(r.n, 0))
		FROM linkspan_shard.message AS m
		LEFT JOIN (
			SELECT slot, channel_id, owner_group_id, number, count(*) AS n FROM linkspan_shard.reaction
			GROUP BY slot, channel_id, owner_group_id, number
		) AS r` + sameMessage(`m`, `r`, `owner_group_id`, `number`) + `
		WHERE m.reaction_count <> COALESCE(r.n, 0)`},
	{Invariant{"reaction-event", "The reactions to a message are those that its events have added and not removed."}, `
		SELECT ` + messageOf(`m.number`, `m.owner_group_id`, `m.channel_id`) + `, format('a reaction of %s is %s, and its events leave %s',
			COALESCE(r.user_id, e.actor_id), CASE WHEN r.number IS NULL THEN 'not there' ELSE 'there' END, COALESCE(e.n, 0))
		FROM linkspan_shard.reaction AS r
		FULL JOIN (
			SELECT slot, channel_id, owner, message_number, emoji, actor_group_id, actor_id,
				sum(CASE kind WHEN 'REACTION_ADDED' THEN 1 ELSE -1 END) AS n
			FROM ` + events + ` WHERE kind IN ('REACTION_ADDED', 'REACTION_REMOVED')
			GROUP BY slot, channel_id, owner, message_number, emoji, actor_group_id, actor_id
		) AS e ON e.slot = r.slot AND e.channel_id = r.channel_id AND e.owner = r.owner_group_id AND e.message_number = r.number
			AND e.emoji = r.emoji AND e.actor_group_id = r.group_id AND e.actor_id = r.user_id
		JOIN linkspan_shard.message AS m ON m.slot = COALESCE(r.slot, e.slot) AND m.channel_id = COALESCE(r.channel_id, e.channel_id)
			AND m.owner_group_id = COALESCE(r.owner_group_id, e.owner) AND m.number = COALESCE(r.number, e.message_number)
		JOIN ` + logs + ` ON l.slot = m.slot AND l.channel_id = m.channel_id AND l.owner = m.owner_group_id
		WHERE m.state <> 'DELETED' AND m.number > l.floor AND COALESCE(e.n, 0) <> CASE WHEN r.number IS NULL THEN 0 ELSE 1 END`},
	{Invariant{"reply-root", "A reply is to a message from before it that is no reply, and that all may see who may see the reply."}, `
		SELECT ` + messageOf(`m.number`, `m.owner_group_id`, `m.channel_id`) + `, format('a reply to %s of %s', m.reply_to, m.reply_to_owner) ||
			CASE WHEN root.number IS NULL THEN ', which is not there' WHEN root.reply_to IS NOT NULL THEN ', a reply itself' ELSE '' END
		FROM linkspan_shard.message AS m
		LEFT JOIN linkspan_shard.message AS root` + sameMessage(`root`, `m`, `reply_to_owner`, `reply_to`) + `
		WHERE m.reply_to IS NOT NULL AND (root.number IS NULL OR root.reply_to IS NOT NULL
			OR m.reply_to_owner NOT IN (` + nobody + `, m.owner_group_id)
			OR CASE root.owner_group_id WHEN m.owner_group_id THEN root.number >= m.number ELSE root.number > m.follows END)`},
	{Invariant{"reply-count", "A message's counts of replies, those of each side for itself apart, are how many there are."}, `
		SELECT ` + messageOf(`number`, `root_owner`, `channel_id`) + `, format('%s replies of %s are noted, and %s are there',
			COALESCE(noted.n, 0), owner, COALESCE(found.n, 0))
		FROM (
			SELECT slot, channel_id, reply_to_owner AS root_owner, reply_to AS number, owner_group_id AS owner, count(*) AS n
			FROM linkspan_shard.message WHERE reply_to IS NOT NULL
			GROUP BY slot, channel_id, reply_to_owner, reply_to, owner_group_id
		) AS found
		FULL JOIN (
			SELECT slot, channel_id, owner_group_id AS root_owner, number, owner_group_id AS owner, reply_count AS n
			FROM linkspan_shard.message WHERE reply_count > 0
			UNION ALL SELECT slot, channel_id, ` + nobody + `, number, group_id, reply_count FROM linkspan_shard.private_replies
		) AS noted USING (slot, channel_id, root_owner, number, owner)
		WHERE found.n IS DISTINCT FROM noted.n`},
	{Invariant{"conversation-user", "Who wrote, edited, deleted, reacted or is named took part in the channel, and its group has a side."}, `
		SELECT format('user %s of %s in channel %s', r.user_id, r.group_id, r.channel_id), r.role ||
			CASE WHEN u.user_id IS NULL THEN ', and it took no part' ELSE ', and its group has no side' END
		FROM (
			SELECT slot, channel_id, author_group_id AS group_id, author_id AS user_id, 'an author' AS role FROM linkspan_shard.message
			UNION SELECT slot, channel_id, deleter_group_id, deleter_id, 'a deleter' FROM linkspan_shard.message WHERE deleter_id IS NOT NULL
			UNION SELECT m.slot, m.channel_id, w.group_id, w.user_id, 'named' FROM linkspan_shard.message AS m
				CROSS JOIN LATERAL unnest(m.mention_group_ids, m.mention_ids) AS w (group_id, user_id)
			UNION SELECT slot, channel_id, group_id, user_id, 'a reader' FROM linkspan_shard.reaction
			UNION SELECT slot, channel_id, actor_group_id, actor_id, 'an actor' FROM ` + events + ` WHERE actor_id IS NOT NULL
			UNION SELECT slot, channel_id, group_id, user_id, 'a participant' FROM linkspan_shard.channel_user
		) AS r
		LEFT JOIN linkspan_shard.channel_user AS u
			ON u.slot = r.slot AND u.channel_id = r.channel_id AND u.group_id = r.group_id AND u.user_id = r.user_id
		LEFT JOIN linkspan_shard.channel_side AS s ON s.slot = r.slot AND s.channel_id = r.channel_id AND s.group_id = r.group_id
		WHERE u.user_id IS NULL OR s.group_id IS NULL`},
	{Invariant{"public-user", "Who did something for everyone, or is named to everyone, has a name that everyone in the channel knows."}, `
		SELECT format('user %s of %s in channel %s', r.user_id, r.group_id, r.channel_id), r.role || ', and others know no name of it'
		FROM (
			SELECT slot, channel_id, actor_group_id AS group_id, actor_id AS user_id, 'an actor' AS role
			FROM linkspan_shard.channel_event WHERE actor_id IS NOT NULL
			UNION SELECT slot, channel_id, author_group_id, author_id, 'an author' FROM linkspan_shard.message WHERE owner_group_id = ` + nobody + `
			UNION SELECT m.slot, m.channel_id, w.group_id, w.user_id, 'named' FROM linkspan_shard.message AS m
				CROSS JOIN LATERAL unnest(m.mention_group_ids, m.mention_ids) AS w (group_id, user_id) WHERE m.owner_group_id = ` + nobody + `
		) AS r
		JOIN linkspan_shard.channel_user AS u
			ON u.slot = r.slot AND u.channel_id = r.channel_id AND u.group_id = r.group_id AND u.user_id = r.user_id
		WHERE u.public_name IS NULL`},
	{Invariant{"read-position", "A user has read up to a message that is there and that it may see."}, `
		SELECT format('user %s of %s in channel %s', u.user_id, u.group_id, u.channel_id),
			format('it has read up to %s, and %s of its group behind that', u.read_follows, u.read_number)
		FROM linkspan_shard.channel_user AS u
		LEFT JOIN linkspan_shard.message AS m ON m.slot = u.slot AND m.channel_id = u.channel_id
			AND m.owner_group_id = CASE u.read_number WHEN 0 THEN ` + nobody + ` ELSE u.group_id END
			AND m.number = CASE u.read_number WHEN 0 THEN u.read_follows ELSE u.read_number END AND m.follows = u.read_follows
		WHERE m.number IS NULL AND (u.read_follows, u.read_number) <> (0, 0)`},
	{Invariant{"conversation-operation", "What is kept for a repetition names a message that is there."}, `
		SELECT format('operation %s in channel %s', o.op_id, o.channel_id), format('%s of message %s of %s', o.mutation, o.number, o.owner_group_id)
		FROM linkspan_shard.channel_operation AS o
		LEFT JOIN linkspan_shard.message AS m` + sameMessage(`m`, `o`, `owner_group_id`, `number`) + `
		WHERE m.number IS NULL`},
}
