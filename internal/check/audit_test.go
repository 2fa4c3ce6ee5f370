package check_test

// auditPlants are those of audits. While there is no row for the scribe nobody writes.
var auditPlants = []plant{
	{"audit-dense", "main", `UPDATE linkspan_main.audit_head SET number = number + 1`, ""},
	{"audit-dense", "main", `UPDATE linkspan_main.audit_head SET hash = genesis`, ""},
	{"audit-dense", "main", `DELETE FROM linkspan_main.audit_head`, ""},
	{"audit-dense", "main", `DELETE FROM linkspan_main.audit_entry WHERE number = 1`, ""},
	{"audit-told", "main", `DELETE FROM linkspan_main.audit_entry`, ""},
	{"audit-told", "main", `DELETE FROM linkspan_main.audit_scribe; UPDATE linkspan_main.transition SET audited = false`, ""},
	{"audit-told", "main", `DELETE FROM linkspan_main.audit_scribe;
		INSERT INTO linkspan_main.transition (transition_id, op_id, at, deed, rule, version)
		SELECT gen_random_uuid(), gen_random_uuid(), min(at) - interval '1 hour', 'SET_POLICY', 'ROLE', 1 FROM linkspan_main.transition`, ""},
	{"audit-told", "main", `DELETE FROM linkspan_main.audit_scribe;
		INSERT INTO linkspan_main.refusal (refusal_id, at, minute, deed, rule, group_id, user_id, user_name, subject)
		SELECT gen_random_uuid(), min(at) - interval '1 hour', now(), 'SET_POLICY', 'ROLE', gen_random_uuid(), gen_random_uuid(), 'eve', gen_random_uuid()
		FROM linkspan_main.transition`, ""},
}
