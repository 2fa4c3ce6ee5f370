package check

// outdatedRules are the invariants of what groups keep no longer.
var outdatedRules = []rule{
	{Invariant{"side-cleared", "The messages of a group are deleted up to where its side notes that they are."}, `
		SELECT ` + messageOf(`m.number`, `m.owner_group_id`, `m.channel_id`) + `, format('it is there; of %s all are deleted up to %s, and for itself up to %s',
			s.group_id, COALESCE(s.cleared_number, 0), COALESCE(s.cleared_private, 0))
		FROM linkspan_shard.message AS m
		JOIN linkspan_shard.channel_side AS s ON s.slot = m.slot AND s.channel_id = m.channel_id AND s.group_id = m.author_group_id
		WHERE m.state <> 'DELETED' AND m.number <= CASE m.owner_group_id WHEN ` + nobody + ` THEN s.cleared_number ELSE s.cleared_private END`},
	{Invariant{"side-retention", "Where a group keeps its messages for some days they are looked for no later than a minute after the first is due, or within a minute."}, `
		SELECT format('side of %s in channel %s', s.group_id, s.channel_id),
			format('messages are kept for %s days, and older ones looked for at %s', s.retention_days, s.retention_due_at)
		FROM linkspan_shard.channel_side AS s
		WHERE s.retention_due_at > now() + interval '1 minute' AND EXISTS (
			SELECT FROM linkspan_shard.message AS m WHERE m.slot = s.slot AND m.channel_id = s.channel_id AND m.author_group_id = s.group_id
				AND m.state <> 'DELETED' AND m.created_at + s.retention_days * interval '24 hours' + interval '1 minute' < s.retention_due_at)`},
}
