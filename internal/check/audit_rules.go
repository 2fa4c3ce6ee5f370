package check

// auditRules are the invariants of audits. That nobody changed them is for `linkspan audit verify` to say.
var auditRules = []rule{
	{Invariant{"audit-dense", "The audit of a group has every number from 1 to its head, which has the hash of the last entry."}, `
		SELECT 'audit of ' || COALESCE(h.group_id, e.group_id), CASE WHEN h.group_id IS NULL THEN format('%s entries, and no head', e.n)
			ELSE format('head %s%s; %s entries up to %s', h.number,
				CASE WHEN h.hash = CASE h.number WHEN 0 THEN h.genesis ELSE l.hash END THEN '' ELSE ' with another hash' END,
				COALESCE(e.n, 0), COALESCE(e.last, 0)) END
		FROM linkspan_main.audit_head AS h
		FULL JOIN (SELECT group_id, count(*) AS n, max(number) AS last FROM linkspan_main.audit_entry GROUP BY group_id) AS e ON e.group_id = h.group_id
		LEFT JOIN linkspan_main.audit_entry AS l ON l.group_id = h.group_id AND l.number = h.number
		WHERE h.group_id IS NULL OR COALESCE(e.n, 0) <> h.number OR COALESCE(e.last, 0) <> h.number
			OR h.hash IS DISTINCT FROM CASE h.number WHEN 0 THEN h.genesis ELSE l.hash END`},
	// Entries are made in the order of time. Who took long to commit, or whose clock was behind before a failover, comes late.
	{Invariant{"audit-told", "What was decided or refused is in an audit once it is marked so, and not before; nothing waits for that while what came ten minutes later is in one."}, `
		SELECT s.kind || s.id, CASE WHEN s.audited AND e.source_id IS NULL THEN 'marked as being in an audit, and in none'
			WHEN e.source_id IS NOT NULL THEN 'in an audit, and not marked so' ELSE 'passed over: it is in no audit' END
		FROM (
			SELECT 'transition ' AS kind, transition_id AS id, at, audited FROM linkspan_main.transition
			UNION ALL SELECT 'refusal ', refusal_id, at, audited FROM linkspan_main.refusal
		) AS s
		LEFT JOIN (SELECT DISTINCT source_id FROM linkspan_main.audit_entry) AS e ON e.source_id = s.id
		WHERE s.audited <> (e.source_id IS NOT NULL)
			OR NOT s.audited AND s.at < (SELECT max(t.at) - interval '10 minutes' FROM linkspan_main.transition AS t WHERE t.audited)`},
}
