package check

// stillOpen are the states in which an invitation may still be decided on.
const stillOpen = `('REQUESTED', 'PENDING', 'AWAITING_APPROVAL')`

// firstInvitations are the first invitation of each channel. The group that sent it made the channel, and is its home for
// good, whoever is the initiator now.
const firstInvitations = `(
	SELECT DISTINCT ON (channel_id) channel_id, invitation_id, from_group_id
	FROM linkspan_main.invitation ORDER BY channel_id, created_at, invitation_id)`

// wasLinked is the condition on a link that its group is or was linked: then it has a name for the channel.
func wasLinked(link string) string { return `(` + link + `.name IS NOT NULL)` }

// mainRules are the invariants of the main database. Each query is one statement, and so sees one moment.
var mainRules = []rule{
	{Invariant{"channel-initiator", "A channel has one initiator: the group that it names."}, `
		SELECT 'channel ' || c.channel_id, format('initiator %s; links of initiators: %s', c.initiator_group_id,
			COALESCE((SELECT string_agg(r.group_id::text, ', ') FROM linkspan_main.shard_referential AS r
				WHERE r.channel_id = c.channel_id AND r.role = 'INITIATOR'), 'none'))
		FROM linkspan_main.channel AS c
		LEFT JOIN (
			SELECT channel_id, min(group_id::text) AS first, count(*) AS n
			FROM linkspan_main.shard_referential WHERE role = 'INITIATOR' GROUP BY channel_id
		) AS i ON i.channel_id = c.channel_id
		WHERE i.n IS DISTINCT FROM 1 OR i.first <> c.initiator_group_id::text`},
	{Invariant{"channel-home", "A channel's id carries the slot of the group that made it, which sent its first invitation."}, `
		SELECT 'channel ' || c.channel_id, CASE WHEN h.channel_id IS NULL THEN 'nobody was ever asked to share it'
			ELSE format('group %s sent its first invitation, and has slot %s', h.from_group_id, COALESCE(g.slot::text, 'none')) END
		FROM linkspan_main.channel AS c
		LEFT JOIN ` + firstInvitations + ` AS h ON h.channel_id = c.channel_id
		LEFT JOIN linkspan_main.groups AS g ON g.group_id = h.from_group_id
		WHERE g.slot IS DISTINCT FROM ('x' || substr(replace(c.channel_id::text, '-', ''), 13, 4))::bit(16)::integer & 4095`},
	{Invariant{"channel-state", "A channel that only one group was ever linked with is PENDING while another is asked, and then CLOSED; others are ACTIVE while a group is linked, and then ARCHIVED."}, `
		SELECT 'channel ' || channel_id, format('%s; %s groups were linked, %s are, and %s invitations are open', state, ever, linked, asked)
		FROM (
			SELECT c.channel_id, c.state, COALESCE(l.ever, 0) AS ever, COALESCE(l.linked, 0) AS linked, COALESCE(i.n, 0) AS asked
			FROM linkspan_main.channel AS c
			LEFT JOIN (
				SELECT channel_id, count(*) FILTER (WHERE ` + wasLinked("r") + `) AS ever, count(*) FILTER (WHERE state = 'LINKED') AS linked
				FROM linkspan_main.shard_referential AS r GROUP BY channel_id
			) AS l ON l.channel_id = c.channel_id
			LEFT JOIN (
				SELECT channel_id, count(*) AS n FROM linkspan_main.invitation WHERE state IN ` + stillOpen + ` GROUP BY channel_id
			) AS i ON i.channel_id = c.channel_id
		) AS c
		WHERE state <> CASE WHEN ever > 1 THEN CASE WHEN linked > 0 THEN 'ACTIVE' ELSE 'ARCHIVED' END
				WHEN asked > 0 THEN 'PENDING' ELSE 'CLOSED' END
			OR state IN ('CLOSED', 'ARCHIVED') AND (linked > 0 OR asked > 0)`},
	{Invariant{"link-channel", "A link belongs to a channel and to a registered group."}, `
		SELECT format('link of %s with %s', r.group_id, r.channel_id),
			CASE WHEN c.channel_id IS NULL THEN 'there is no such channel' ELSE 'there is no such group' END
		FROM linkspan_main.shard_referential AS r
		LEFT JOIN linkspan_main.channel AS c ON c.channel_id = r.channel_id
		LEFT JOIN linkspan_main.groups AS g ON g.group_id = r.group_id
		WHERE c.channel_id IS NULL OR g.group_id IS NULL`},
	{Invariant{"link-invitation", "A link follows its invitation: INVITED while that is open, LINKED when it is ACCEPTED, else CLOSED; LEFT or REMOVED if the group was linked and is not. It is the one to its group; home's own may be the channel's first."}, `
		SELECT format('link of %s with %s', r.group_id, r.channel_id), format('%s%s, and its invitation %s is %s', r.state,
			CASE WHEN ` + wasLinked("r") + ` THEN '' ELSE ', never linked' END, r.invitation_id,
			COALESCE(i.state, 'not there, or another channel''s or group''s'))
		FROM linkspan_main.shard_referential AS r
		LEFT JOIN ` + firstInvitations + ` AS h ON h.channel_id = r.channel_id
		LEFT JOIN linkspan_main.invitation AS i ON i.invitation_id = r.invitation_id AND i.channel_id = r.channel_id
			AND (i.to_group_id = r.group_id OR i.from_group_id = r.group_id AND i.invitation_id = h.invitation_id)
		WHERE CASE
			WHEN i.state IS NULL THEN true
			WHEN i.from_group_id = r.group_id THEN NOT ` + wasLinked("r") + ` OR r.role = 'TARGET' AND r.state NOT IN ('LINKED', 'LEFT', 'REMOVED')
			WHEN i.state = 'ACCEPTED' THEN NOT ` + wasLinked("r") + ` OR r.state NOT IN ('LINKED', 'LEFT', 'REMOVED')
			WHEN ` + wasLinked("r") + ` THEN r.state NOT IN ('LEFT', 'REMOVED')
			WHEN i.state IN ` + stillOpen + ` THEN r.state <> 'INVITED'
			ELSE r.state <> 'CLOSED' END`},
	{Invariant{"link-initiator", "An initiator's link is LINKED until its channel is closed, or until it has left a channel that was shared."}, `
		SELECT format('link of %s with %s', r.group_id, r.channel_id), format('%s, and the channel is %s', r.state, c.state)
		FROM linkspan_main.shard_referential AS r
		JOIN linkspan_main.channel AS c ON c.channel_id = r.channel_id
		WHERE r.role = 'INITIATOR' AND CASE c.state
			WHEN 'PENDING' THEN r.state <> 'LINKED'
			WHEN 'ACTIVE' THEN r.state NOT IN ('LINKED', 'LEFT')
			WHEN 'CLOSED' THEN r.state <> 'CLOSED'
			ELSE r.state <> 'LEFT' END`},
	{Invariant{"link-leave", "Only a group that takes part and has not the initiator's role may be let invite others, or be offered that role."}, `
		SELECT format('link of %s with %s', r.group_id, r.channel_id), format('%s %s, may invite: %s, offered: %s', r.role, r.state, r.may_invite,
			COALESCE(c.offered_group_id = r.group_id, false))
		FROM linkspan_main.shard_referential AS r JOIN linkspan_main.channel AS c ON c.channel_id = r.channel_id
		WHERE (r.may_invite OR c.offered_group_id = r.group_id) AND (r.role = 'INITIATOR' OR r.state <> 'LINKED')
		UNION ALL SELECT 'channel ' || c.channel_id, format('the role is offered to %s, which has no link', c.offered_group_id)
		FROM linkspan_main.channel AS c WHERE c.offered_group_id IS NOT NULL AND NOT EXISTS (
			SELECT FROM linkspan_main.shard_referential AS r WHERE r.channel_id = c.channel_id AND r.group_id = c.offered_group_id)`},
	{Invariant{"member-link", "Whom a side lists is there with the link of a group that is or was linked."}, `
		SELECT format('link of %s with %s', m.group_id, m.channel_id), format('%s users are listed, and it %s', count(*),
			CASE WHEN r.channel_id IS NULL THEN 'is not there' ELSE 'was never linked' END)
		FROM linkspan_main.side_member AS m
		LEFT JOIN linkspan_main.shard_referential AS r ON r.channel_id = m.channel_id AND r.group_id = m.group_id
		WHERE r.channel_id IS NULL OR NOT ` + wasLinked("r") + ` GROUP BY m.channel_id, m.group_id, r.channel_id`},
	{Invariant{"link-name", "Among a group's live links no name occurs twice."}, `
		SELECT 'group ' || group_id, format('%s live links have the name key %L', count(*), name_key)
		FROM linkspan_main.shard_referential WHERE state = 'LINKED'
		GROUP BY group_id, name_key HAVING count(*) > 1`},
	{Invariant{"invitation-link", "An invitation has its channel, comes from a group that was linked with it, and the invited group has a link. While it is open that is linked still, and this names it."}, `
		SELECT 'invitation ' || i.invitation_id, CASE
			WHEN c.channel_id IS NULL THEN format('there is no channel %s', i.channel_id)
			WHEN f.channel_id IS NULL THEN format('from %s, which was never linked with channel %s', i.from_group_id, i.channel_id)
			WHEN t.channel_id IS NULL THEN format('group %s has no link with channel %s', i.to_group_id, i.channel_id)
			ELSE format('%s; %s, which sent it, is %s, and the link of %s names invitation %s', i.state, i.from_group_id, f.state,
				i.to_group_id, t.invitation_id) END
		FROM linkspan_main.invitation AS i
		LEFT JOIN linkspan_main.channel AS c ON c.channel_id = i.channel_id
		LEFT JOIN linkspan_main.shard_referential AS f
			ON f.channel_id = i.channel_id AND f.group_id = i.from_group_id AND ` + wasLinked("f") + `
		LEFT JOIN linkspan_main.shard_referential AS t ON t.channel_id = i.channel_id AND t.group_id = i.to_group_id
		WHERE c.channel_id IS NULL OR f.channel_id IS NULL OR t.channel_id IS NULL
			OR i.state IN ` + stillOpen + ` AND (f.state <> 'LINKED' OR t.invitation_id <> i.invitation_id)`},
	{Invariant{"invitation-once", "No group has two open invitations to one channel."}, `
		SELECT format('invitations of %s to %s', to_group_id, channel_id), format('%s are open', count(*))
		FROM linkspan_main.invitation WHERE state IN ` + stillOpen + `
		GROUP BY channel_id, to_group_id HAVING count(*) > 1`},
	{Invariant{"invitation-resolved", "An invitation that is not open any more says when, and by whom unless it expired or who asked was removed; one that waits for approval was changed before, and says whose; one that is asked for by its own group is not sent."}, `
		SELECT 'invitation ' || invitation_id, format('%s, version %s, resolved at %s by %s', state, version,
			COALESCE(resolved_at::text, 'no time'), COALESCE(resolver_id::text, 'nobody'))
		FROM linkspan_main.invitation
		WHERE CASE
			WHEN state IN ` + stillOpen + ` THEN resolved_at IS NOT NULL OR resolver_id IS NOT NULL OR state = 'AWAITING_APPROVAL' AND version < 2
			WHEN state = 'EXPIRED' THEN resolved_at IS NULL OR resolver_id IS NOT NULL OR version < 2
			WHEN state = 'REVOKED' AND resolver_id IS NULL THEN resolved_at IS NULL OR NOT EXISTS (
				SELECT FROM linkspan_main.transition AS t
				WHERE t.invitation_id = invitation.invitation_id AND t.version = invitation.version AND t.rule = 'PARTED')
			ELSE resolved_at IS NULL OR resolver_id IS NULL OR version < 2 END
			OR CASE state WHEN 'REQUESTED' THEN NOT unsent OR NOT awaits_from OR awaits_to
				WHEN 'AWAITING_APPROVAL' THEN NOT awaits_from AND NOT awaits_to OR unsent
				ELSE unsent AND state NOT IN ('DENIED', 'REVOKED', 'EXPIRED') END
			OR expires_at < created_at OR resolved_at > expires_at AND state = 'ACCEPTED'`},
	// What a replica of the release before history ends has no row.
	{Invariant{"invitation-history", "The history of an invitation has a row for each version from its first on, and ends with the state that it has."}, `
		SELECT 'invitation ' || h.invitation_id, format('%s rows of versions %s to %s, the last %s; it is %s, version %s', h.n, h.first, h.last, h.state,
			COALESCE(i.state, 'not there'), COALESCE(i.version, 0))
		FROM (
			SELECT invitation_id, min(version) AS first, max(version) AS last, count(*) AS n, (array_agg(state ORDER BY version DESC))[1] AS state
			FROM linkspan_main.transition WHERE invitation_id IS NOT NULL GROUP BY invitation_id
		) AS h
		LEFT JOIN linkspan_main.invitation AS i ON i.invitation_id = h.invitation_id
		WHERE i.invitation_id IS NULL OR h.n <> h.last - h.first + 1
			OR NOT (i.version = h.last AND i.state = h.state OR i.version = h.last + 1 AND h.state = 'PENDING'
				AND i.state IN ('ACCEPTED', 'DECLINED', 'REVOKED', 'EXPIRED'))`},
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
