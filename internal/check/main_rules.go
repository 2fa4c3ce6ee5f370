package check

// mainRules are the invariants of the main database. Each query is one statement, and so sees one moment.
var mainRules = []rule{
	{Invariant{"channel-initiator", "A channel has one initiator: the group that made it."}, `
		SELECT 'channel ' || c.channel_id, format('initiator %s; links of initiators: %s', c.initiator_group_id,
			COALESCE((SELECT string_agg(r.group_id::text, ', ') FROM linkspan_main.shard_referential AS r
				WHERE r.channel_id = c.channel_id AND r.role = 'INITIATOR'), 'none'))
		FROM linkspan_main.channel AS c
		LEFT JOIN (
			SELECT channel_id, min(group_id::text) AS first, count(*) AS n
			FROM linkspan_main.shard_referential WHERE role = 'INITIATOR' GROUP BY channel_id
		) AS i ON i.channel_id = c.channel_id
		WHERE i.n IS DISTINCT FROM 1 OR i.first <> c.initiator_group_id::text`},
	{Invariant{"channel-state", "A channel is ACTIVE when a target is linked, PENDING while its invitation is, else CLOSED."}, `
		SELECT 'channel ' || c.channel_id, format('%s with %s linked targets and %s pending invitations', c.state, c.linked, c.pending)
		FROM (
			SELECT c.channel_id, c.state,
				COALESCE(l.n, 0) AS linked, COALESCE(i.n, 0) AS pending
			FROM linkspan_main.channel AS c
			LEFT JOIN (
				SELECT channel_id, count(*) AS n FROM linkspan_main.shard_referential
				WHERE role = 'TARGET' AND state = 'LINKED' GROUP BY channel_id
			) AS l ON l.channel_id = c.channel_id
			LEFT JOIN (
				SELECT channel_id, count(*) AS n FROM linkspan_main.invitation
				WHERE state = 'PENDING' GROUP BY channel_id
			) AS i ON i.channel_id = c.channel_id
		) AS c
		WHERE CASE c.state
			WHEN 'PENDING' THEN c.linked > 0 OR c.pending = 0
			WHEN 'ACTIVE' THEN c.linked = 0
			WHEN 'CLOSED' THEN c.linked > 0 OR c.pending > 0
			ELSE false END`},
	{Invariant{"link-channel", "A link belongs to a channel and to a registered group."}, `
		SELECT format('link of %s with %s', r.group_id, r.channel_id),
			CASE WHEN c.channel_id IS NULL THEN 'there is no such channel' ELSE 'there is no such group' END
		FROM linkspan_main.shard_referential AS r
		LEFT JOIN linkspan_main.channel AS c ON c.channel_id = r.channel_id
		LEFT JOIN linkspan_main.groups AS g ON g.group_id = r.group_id
		WHERE c.channel_id IS NULL OR g.group_id IS NULL`},
	{Invariant{"link-invitation", "A target's link follows its invitation: LINKED when ACCEPTED, INVITED while PENDING, else CLOSED."}, `
		SELECT format('link of %s with %s', r.group_id, r.channel_id), format('%s, and its invitation %s is %s', r.state, r.invitation_id,
			COALESCE(i.state, 'not there, or another channel''s or group''s'))
		FROM linkspan_main.shard_referential AS r
		LEFT JOIN linkspan_main.invitation AS i ON i.invitation_id = r.invitation_id
			AND i.channel_id = r.channel_id AND i.to_group_id = r.group_id
		WHERE r.role = 'TARGET' AND CASE i.state
			WHEN 'ACCEPTED' THEN r.state NOT IN ('LINKED', 'LEFT', 'REMOVED', 'CLOSED')
			WHEN 'PENDING' THEN r.state <> 'INVITED'
			WHEN 'REQUESTED' THEN r.state <> 'INVITED'
			WHEN 'AWAITING_APPROVAL' THEN r.state <> 'INVITED'
			ELSE i.state IS NULL OR r.state <> 'CLOSED' END`},
	{Invariant{"link-initiator", "An initiator's link is LINKED as long as its channel is not closed."}, `
		SELECT format('link of %s with %s', r.group_id, r.channel_id), format('%s, and the channel is %s', r.state, c.state)
		FROM linkspan_main.shard_referential AS r
		JOIN linkspan_main.channel AS c ON c.channel_id = r.channel_id
		WHERE r.role = 'INITIATOR' AND CASE c.state
			WHEN 'PENDING' THEN r.state <> 'LINKED'
			WHEN 'CLOSED' THEN r.state <> 'CLOSED'
			ELSE r.state NOT IN ('LINKED', 'LEFT', 'REMOVED', 'CLOSED') END`},
	{Invariant{"link-name", "Among a group's live links no name occurs twice."}, `
		SELECT 'group ' || group_id, format('%s live links have the name key %L', count(*), name_key)
		FROM linkspan_main.shard_referential WHERE state = 'LINKED'
		GROUP BY group_id, name_key HAVING count(*) > 1`},
	{Invariant{"invitation-link", "An invitation has its channel, comes from its initiator, and the invited group has a link."}, `
		SELECT 'invitation ' || i.invitation_id, CASE
			WHEN c.channel_id IS NULL THEN format('there is no channel %s', i.channel_id)
			WHEN c.initiator_group_id <> i.from_group_id THEN format('from %s, and the channel is of %s', i.from_group_id, c.initiator_group_id)
			ELSE format('group %s has no link with channel %s', i.to_group_id, i.channel_id) END
		FROM linkspan_main.invitation AS i
		LEFT JOIN linkspan_main.channel AS c ON c.channel_id = i.channel_id
		LEFT JOIN linkspan_main.shard_referential AS r
			ON r.channel_id = i.channel_id AND r.group_id = i.to_group_id AND r.role = 'TARGET'
		WHERE c.channel_id IS NULL OR c.initiator_group_id <> i.from_group_id OR r.channel_id IS NULL`},
	{Invariant{"invitation-resolved", "An invitation that is not open any more says when, and by whom unless it expired."}, `
		SELECT 'invitation ' || invitation_id, format('%s, version %s, resolved at %s by %s', state, version,
			COALESCE(resolved_at::text, 'no time'), COALESCE(resolver_id::text, 'nobody'))
		FROM linkspan_main.invitation
		WHERE CASE state
			WHEN 'PENDING' THEN resolved_at IS NOT NULL OR resolver_id IS NOT NULL
			WHEN 'EXPIRED' THEN resolved_at IS NULL OR resolver_id IS NOT NULL OR version < 2
			WHEN 'REQUESTED' THEN false
			WHEN 'AWAITING_APPROVAL' THEN false
			ELSE resolved_at IS NULL OR resolver_id IS NULL OR version < 2 END
			OR expires_at < created_at OR resolved_at > expires_at AND state = 'ACCEPTED'`},
	{Invariant{"operation-outcome", "What an operation is remembered for is there."}, `
		SELECT 'operation ' || o.op_id, format('%s: group %s, channel %s, invitation %s', o.mutation,
			CASE WHEN o.group_id IS NULL OR g.group_id IS NOT NULL THEN 'ok' ELSE 'missing' END,
			CASE WHEN o.channel_id IS NULL OR c.channel_id IS NOT NULL THEN 'ok' ELSE 'missing' END,
			CASE WHEN o.invitation_id IS NULL OR i.invitation_id IS NOT NULL THEN 'ok' ELSE 'missing' END)
		FROM linkspan_main.operation AS o
		LEFT JOIN linkspan_main.groups AS g ON g.group_id = o.group_id
		LEFT JOIN linkspan_main.channel AS c ON c.channel_id = o.channel_id
		LEFT JOIN linkspan_main.invitation AS i ON i.invitation_id = o.invitation_id
		WHERE o.group_id IS NOT NULL AND g.group_id IS NULL
			OR o.channel_id IS NOT NULL AND c.channel_id IS NULL
			OR o.invitation_id IS NOT NULL AND i.invitation_id IS NULL`},
	{Invariant{"outbox-dense", "The open steps of a stream are all those from its head to its tail."}, `
		SELECT format('stream of %s to %s %s', s.subject, lower(s.destination_kind), s.destination),
			format('head %s, tail %s, open steps: %s', s.head, s.tail, COALESCE(t.numbers, 'none'))
		FROM linkspan_main.outbox_stream AS s
		LEFT JOIN (
			SELECT subject, destination_kind, destination, count(*) AS n, min(number) AS first, max(number) AS last,
				string_agg(number::text, ', ' ORDER BY number) AS numbers
			FROM linkspan_main.outbox_step GROUP BY subject, destination_kind, destination
		) AS t USING (subject, destination_kind, destination)
		WHERE CASE WHEN s.head > s.tail THEN t.n IS NOT NULL
			ELSE t.n IS DISTINCT FROM s.tail - s.head + 1 OR t.first <> s.head OR t.last <> s.tail END`},
	{Invariant{"outbox-stream", "A step has its stream."}, `
		SELECT format('step %s of %s to %s %s', t.number, t.subject, lower(t.destination_kind), t.destination), 'there is no such stream'
		FROM linkspan_main.outbox_step AS t
		LEFT JOIN linkspan_main.outbox_stream AS s USING (subject, destination_kind, destination)
		WHERE s.subject IS NULL`},
}
