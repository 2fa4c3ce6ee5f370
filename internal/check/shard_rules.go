package check

// shardRules are the invariants of a shard. Each query is one statement, and so sees one moment.
var shardRules = []rule{
	{Invariant{"row-slot", "Rows are in slots that their cluster owns."}, `
		SELECT format('slot %s', r.slot), format('%s rows of %s; the slot is %s here', r.n, r.kind, COALESCE(o.state, 'unknown'))
		FROM (
			SELECT slot, 'inbox_log' AS kind, count(*) AS n FROM linkspan_shard.inbox_log GROUP BY slot
			UNION ALL SELECT slot, 'channel', count(*) FROM linkspan_shard.channel GROUP BY slot
			UNION ALL SELECT slot, 'group_channel', count(*) FROM linkspan_shard.group_channel GROUP BY slot
			UNION ALL SELECT slot, 'group_invitation', count(*) FROM linkspan_shard.group_invitation GROUP BY slot
			UNION ALL SELECT slot, 'message', count(*) FROM linkspan_shard.message GROUP BY slot
		) AS r
		LEFT JOIN linkspan_shard.owned_slot AS o ON o.slot = r.slot
		WHERE o.state IS NULL OR o.state NOT IN ('OWNED', 'FENCED', 'ARRIVING')`},
	{Invariant{"channel-slot", "A channel shard is in the slot that the channel's id carries."}, `
		SELECT 'channel ' || channel_id, format('in slot %s', slot) FROM linkspan_shard.channel
		WHERE slot <> ('x' || substr(replace(channel_id::text, '-', ''), 13, 4))::bit(16)::integer & 4095`},
	{Invariant{"channel-log", "A channel shard has its log and its initiator's side."}, `
		SELECT 'channel ' || c.channel_id, CASE WHEN l.channel_id IS NULL THEN 'it has no log' ELSE 'its initiator has no side' END
		FROM linkspan_shard.channel AS c
		LEFT JOIN linkspan_shard.channel_log AS l ON l.slot = c.slot AND l.channel_id = c.channel_id
		LEFT JOIN linkspan_shard.channel_side AS s
			ON s.slot = c.slot AND s.channel_id = c.channel_id AND s.group_id = c.initiator_group_id AND s.role = 'INITIATOR'
		WHERE l.channel_id IS NULL OR s.channel_id IS NULL`},
	{Invariant{"side-channel", "A side belongs to a channel shard."}, `
		SELECT format('side of %s in %s', s.group_id, s.channel_id), 'there is no such channel here'
		FROM linkspan_shard.channel_side AS s
		LEFT JOIN linkspan_shard.channel AS c ON c.slot = s.slot AND c.channel_id = s.channel_id
		WHERE c.channel_id IS NULL`},
	{Invariant{"member-side", "Whom a side lists is there with the side, and with the channel in the group's list."}, `
		SELECT format('side of %s in %s', m.group_id, m.channel_id), format('%s users are listed, and there is no such side here', count(*))
		FROM linkspan_shard.side_member AS m
		LEFT JOIN linkspan_shard.channel_side AS s ON s.slot = m.slot AND s.channel_id = m.channel_id AND s.group_id = m.group_id
		WHERE s.channel_id IS NULL GROUP BY m.slot, m.channel_id, m.group_id
		UNION ALL SELECT format('list of %s', m.group_id), format('%s users are listed for channel %s, which is not in the list here', count(*), m.channel_id)
		FROM linkspan_shard.listed_member AS m
		LEFT JOIN linkspan_shard.group_channel AS c ON c.slot = m.slot AND c.group_id = m.group_id AND c.channel_id = m.channel_id
		WHERE c.channel_id IS NULL GROUP BY m.slot, m.group_id, m.channel_id`},
	{Invariant{"channel-log-dense", "A channel's events are numbered from behind its log's floor to its head."}, `
		SELECT 'channel ' || channel_id, format('floor %s, head %s; %s events from %s to %s', COALESCE(l.floor::text, 'none'),
			COALESCE(l.head::text, 'none'), COALESCE(e.n, 0), COALESCE(e.first, 0), COALESCE(e.last, 0))
		FROM linkspan_shard.channel_log AS l
		FULL JOIN (
			SELECT slot, channel_id, count(*) AS n, min(number) AS first, max(number) AS last
			FROM linkspan_shard.channel_event GROUP BY slot, channel_id
		) AS e USING (slot, channel_id)
		WHERE l.head IS NULL OR l.head - l.floor <> COALESCE(e.n, 0) OR e.n > 0 AND (e.first <> l.floor + 1 OR e.last <> l.head)`},
	{Invariant{"channel-event-once", "A channel's log tells of each version of a side once."}, `
		SELECT 'channel ' || channel_id, format('%s events of version %s of the side of %s', count(*), side_version, about_group_id)
		FROM linkspan_shard.channel_event WHERE about_group_id IS NOT NULL
		GROUP BY slot, channel_id, about_group_id, side_version, kind HAVING count(*) > 1`},
	{Invariant{"inbox-dense", "A group's inbox events are numbered from behind its log's floor to its head."}, `
		SELECT 'inbox of ' || group_id, format('floor %s, head %s; %s events from %s to %s', COALESCE(l.floor::text, 'none'),
			COALESCE(l.head::text, 'none'), COALESCE(e.n, 0), COALESCE(e.first, 0), COALESCE(e.last, 0))
		FROM linkspan_shard.inbox_log AS l
		FULL JOIN (
			SELECT slot, group_id, count(*) AS n, min(number) AS first, max(number) AS last
			FROM linkspan_shard.inbox_event GROUP BY slot, group_id
		) AS e USING (slot, group_id)
		WHERE l.head IS NULL OR l.head - l.floor <> COALESCE(e.n, 0) OR e.n > 0 AND (e.first <> l.floor + 1 OR e.last <> l.head)`},
	{Invariant{"inbox-once", "An inbox tells of each version of an invitation once, in their order; of what a group asked that was blocked it tells again."}, `
		SELECT 'inbox of ' || group_id, format('invitation %s: version %s in event %s, behind version %s',
			invitation_id, invitation_version, number, before)
		FROM (
			SELECT slot, group_id, invitation_id, number, invitation_version, kind, about_group_id,
				lag(invitation_version) OVER (PARTITION BY slot, group_id, invitation_id ORDER BY number) AS before
			FROM linkspan_shard.inbox_event WHERE invitation_version > 0
		) AS e
		WHERE before > invitation_version OR before = invitation_version AND (kind <> 'INVITATION_RECEIVED' OR NOT EXISTS (
			SELECT FROM linkspan_shard.group_block AS b
			WHERE b.slot = e.slot AND b.group_id = e.group_id AND b.other_group_id = e.about_group_id AND b.version > 1))`},
	{Invariant{"inbox-list", "What an inbox tells of is in the group's lists, in the version that it told last."}, `
		SELECT 'inbox of ' || e.group_id, format('invitation %s: version %s in the log, %s in the list', e.invitation_id, e.version,
			COALESCE(i.version::text, 'none'))
		FROM (
			SELECT slot, group_id, invitation_id, max(invitation_version) AS version
			FROM linkspan_shard.inbox_event WHERE invitation_id IS NOT NULL GROUP BY slot, group_id, invitation_id
		) AS e
		LEFT JOIN linkspan_shard.group_invitation AS i
			ON i.slot = e.slot AND i.group_id = e.group_id AND i.invitation_id = e.invitation_id
		WHERE i.version IS NULL OR e.version > 0 AND i.version <> e.version`},
	{Invariant{"list-position", "An entry of a list stands at the event by which it came, unless that was removed."}, `
		SELECT format('list of %s', r.group_id), format('%s %s at position %s, where %s', r.kind, r.object, r.position,
			CASE WHEN e.number IS NULL THEN 'no event is' ELSE 'the event is about another' END)
		FROM (
			SELECT slot, group_id, position, 'channel' AS kind, channel_id AS object FROM linkspan_shard.group_channel
			UNION ALL SELECT slot, group_id, position, 'invitation', invitation_id FROM linkspan_shard.group_invitation
		) AS r
		LEFT JOIN linkspan_shard.inbox_event AS e ON e.slot = r.slot AND e.group_id = r.group_id AND e.number = r.position
		LEFT JOIN linkspan_shard.inbox_log AS l ON l.slot = r.slot AND l.group_id = r.group_id
		WHERE r.object IS DISTINCT FROM CASE r.kind WHEN 'channel' THEN e.channel_id ELSE e.invitation_id END
			AND r.position NOT BETWEEN 1 AND COALESCE(l.floor, 0)`},
	{Invariant{"list-inbox", "A group that has lists has an inbox log in the same slot."}, `
		SELECT 'group ' || r.group_id, format('%s entries of its lists in slot %s, and no inbox log', sum(r.n), r.slot)
		FROM (
			SELECT slot, group_id, count(*) AS n FROM linkspan_shard.group_channel GROUP BY slot, group_id
			UNION ALL SELECT slot, group_id, count(*) FROM linkspan_shard.group_invitation GROUP BY slot, group_id
			UNION ALL SELECT slot, group_id, count(*) FROM linkspan_shard.users GROUP BY slot, group_id
		) AS r
		LEFT JOIN linkspan_shard.inbox_log AS l ON l.slot = r.slot AND l.group_id = r.group_id
		WHERE l.group_id IS NULL GROUP BY r.slot, r.group_id`},
	{Invariant{"list-direction", "A group's list has what it sent as SENT, and what it received as RECEIVED."}, `
		SELECT 'list of ' || group_id, format('invitation %s from %s to %s is %s', invitation_id, from_group_id, to_group_id, direction)
		FROM linkspan_shard.group_invitation
		WHERE group_id <> CASE direction WHEN 'SENT' THEN from_group_id ELSE to_group_id END`},
}
