package check

// eventMissing is that a number should be that of an event of a kind about a message m, and is of none that was not removed from the log l.
func eventMissing(number, kind string) string {
	return `CASE WHEN ` + number + ` > l.floor THEN NOT EXISTS (SELECT FROM ` + events + ` WHERE e.slot = m.slot AND e.channel_id = m.channel_id
		AND e.owner = m.owner_group_id AND e.number = ` + number + ` AND e.message_number = m.number AND e.kind = '` + kind + `') ELSE false END`
}

const logOfMessage = `
		JOIN ` + logs + ` ON l.slot = m.slot AND l.channel_id = m.channel_id AND l.owner = m.owner_group_id`

// frozenRules are the invariants of what a side that parted reads by. What was written before these numbers were noted has none.
var frozenRules = []rule{
	{Invariant{"edited-number", "A message notes the event that last edited it, and that is what replaced its last version."}, `
		SELECT ` + messageOf(`m.number`, `m.owner_group_id`, `m.channel_id`) + `, format('event %s is noted, %s replaced its last version, the log has %s',
			COALESCE(m.edited_number::text, 'none'), COALESCE(v.replaced_number::text, 'none'), COALESCE(d.last::text, 'none'))
		FROM linkspan_shard.message AS m` + logOfMessage + `
		LEFT JOIN linkspan_shard.message_version AS v` + sameMessage(`v`, `m`, `owner_group_id`, `number`) + ` AND v.version = m.version - 1
		LEFT JOIN (
			SELECT slot, channel_id, owner, message_number, max(number) AS last FROM ` + events + ` WHERE kind = 'MESSAGE_EDITED'
			GROUP BY slot, channel_id, owner, message_number
		) AS d` + sameMessage(`m`, `d`, `owner`, `message_number`) + `
		WHERE ` + eventMissing(`m.edited_number`, `MESSAGE_EDITED`) + `
			OR v.replaced_number > 0 AND (m.edited_number IS DISTINCT FROM v.replaced_number OR d.last <> m.edited_number)`},
	{Invariant{"version-number", "A version of a message notes the events that wrote and replaced it, the one what replaced the version before."}, `
		SELECT ` + messageOf(`m.number`, `m.owner_group_id`, `m.channel_id`) + `, format('version %s is of events %s to %s, the one before it until %s',
			v.version, v.edited_number, v.replaced_number, COALESCE(v.before::text, 'none'))
		FROM (
			SELECT *, lag(replaced_number) OVER (PARTITION BY slot, channel_id, owner_group_id, number ORDER BY version) AS before
			FROM linkspan_shard.message_version
		) AS v
		JOIN linkspan_shard.message AS m` + sameMessage(`m`, `v`, `owner_group_id`, `number`) + logOfMessage + `
		WHERE v.replaced_number > 0 AND v.edited_number >= v.replaced_number
			OR v.edited_number > 0 AND (v.before <> v.edited_number OR v.before IS NULL OR ` + eventMissing(`v.edited_number`, `MESSAGE_EDITED`) + `)
			OR ` + eventMissing(`v.replaced_number`, `MESSAGE_EDITED`) + `
			OR v.words IS NOT NULL AND (v.replaced_number = 0 OR length(v.words) = 0 OR v.owner_group_id <> ` + nobody + `)`},
	{Invariant{"reaction-number", "A reaction notes the event that added it."}, `
		SELECT ` + messageOf(`m.number`, `m.owner_group_id`, `m.channel_id`) + `, format('a reaction of %s notes event %s, which did not add it',
			r.user_id, r.event_number)
		FROM linkspan_shard.reaction AS r
		JOIN linkspan_shard.message AS m` + sameMessage(`m`, `r`, `owner_group_id`, `number`) + logOfMessage + `
		WHERE r.event_number > l.floor AND NOT EXISTS (SELECT FROM ` + events + ` WHERE e.slot = m.slot AND e.channel_id = m.channel_id
			AND e.owner = m.owner_group_id AND e.number = r.event_number AND e.message_number = m.number AND e.kind = 'REACTION_ADDED'
			AND e.emoji = r.emoji AND e.actor_group_id = r.group_id AND e.actor_id = r.user_id)`},
	{Invariant{"public-number", "A user notes the public event since which the others know its name; names from before follow each other up to it."}, `
		SELECT format('user %s of %s in channel %s', u.user_id, u.group_id, u.channel_id),
			format('its name is known since event %s, and %s from before', u.public_number, jsonb_array_length(u.former_names))
		FROM linkspan_shard.channel_user AS u
		JOIN linkspan_shard.channel_log AS l ON l.slot = u.slot AND l.channel_id = u.channel_id
		WHERE u.public_number > 0 AND u.public_name IS NULL
			OR u.public_number > l.floor AND NOT EXISTS (
				SELECT FROM linkspan_shard.channel_event AS e WHERE e.slot = u.slot AND e.channel_id = u.channel_id
					AND e.number = u.public_number AND e.actor_group_id = u.group_id AND e.actor_id = u.user_id)
			OR EXISTS (
				SELECT FROM (
					SELECT f.since, f.until, lag(f.until, 1, 0::bigint) OVER (ORDER BY f.n) AS before
					FROM jsonb_array_elements(u.former_names) WITH ORDINALITY AS j (former, n)
					CROSS JOIN LATERAL (SELECT (j.former ->> 'since')::bigint AS since, (j.former ->> 'until')::bigint AS until, j.n) AS f
				) AS f
				WHERE f.since >= f.until OR f.since < f.before OR f.until > u.public_number)`},
	{Invariant{"side-frozen", "What a side kept of the channel is of one that parted; its link is the public event that says so."}, `
		SELECT format('side of %s in channel %s', s.group_id, s.channel_id), format('%s, unlinked %s, initiator %s; linked by event %s, which is %s',
			s.state, COALESCE(s.unlinked_at::text, 'never'), COALESCE(s.frozen_initiator_group_id::text, 'not kept'),
			COALESCE(s.linked_number::text, 'none'), COALESCE(e.kind, 'none'))
		FROM linkspan_shard.channel_side AS s
		LEFT JOIN linkspan_shard.channel_log AS l ON l.slot = s.slot AND l.channel_id = s.channel_id
		LEFT JOIN linkspan_shard.channel_event AS e ON e.slot = s.slot AND e.channel_id = s.channel_id AND e.number = s.linked_number
		WHERE (s.frozen_initiator_group_id IS NOT NULL) <> (s.unlinked_after IS NOT NULL)
			OR s.unlinked_after IS NULL AND (s.unlinked_at IS NOT NULL OR s.frozen_topic IS NOT NULL
				OR s.frozen_initiator_handle IS NOT NULL OR s.frozen_initiator_name IS NOT NULL)
			OR s.unlinked_after <= s.linked_number
			OR s.linked_number > l.floor AND (e.kind, e.about_group_id) IS DISTINCT FROM ('GROUP_LINKED', s.group_id)`},
}
