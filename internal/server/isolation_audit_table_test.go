package server_test

// isolationAudit is the part of the table that is about audits.
var isolationAudit = []isolated{
	{"Viewer", `query { viewer { FIELD } }`, []may{
		//                                nobody expired other invited member admin asker owner operator
		{`auditLog`, `                    U      U       V     V       0      V     0     V     -`},
		{`auditLog(after:$auditOfAcme)`, `U      U       BAD   BAD     0      BAD   0     V     -`},
	}},
	{"AuditEntryConnection", `query { viewer { auditLog { FIELD } } }`, []may{
		//                       nobody expired other invited member admin asker owner operator
		{`edges nodes pageInfo`, `U     U       V     V       -      V     -     V     -`},
	}},
	{"AuditEntryEdge", `query { viewer { auditLog { edges { FIELD } } } }`, []may{
		//              nobody expired other invited member admin asker owner operator
		{`cursor node`, `U     U       V     V       -      V     -     V     -`},
	}},
	{"AuditEntry", `query { viewer { auditLog(last: 100) { nodes { FIELD } } } }`, []may{
		//                                                     nobody expired other invited member admin asker owner operator
		{`number at deed refused rule actor otherGroup`, `     U      U       V     V       -      V     -     V     -`},
		{`channelId invitationId version state`, `             U      U       V     V       -      V     -     V     -`},
		{`partnerHash record hash`, `                          U      U       V     V       -      V     -     V     -`},
	}},
	{"AuditEntry", `query { viewer { auditLog(last: 100) { nodes { FIELD } } } }`, []may{
		//          nobody expired other invited member admin asker owner operator
		{`reason`, `U      U       0     V       -      V     -     V     -`},
		{`policy`, `U      U       V     V       -      V     -     V     -`},
	}},
	{"AuditedPolicy", `query { viewer { auditLog(last: 100) { nodes { policy { FIELD } } } } }`, []may{
		//                                                         nobody expired other invited member admin asker owner operator
		{`sharingEnabled whoMayCreate whoMayAccept linksInNotes`, `U      U       V     V       -      V     -     V     -`},
		{`outgoingApproval incomingApproval`, `                    U      U       V     V       -      V     -     V     -`},
		{`invitationTtlHours`, `                                   U      U       0     0       -      0     -     0     -`},
	}},
}

func init() { isolation = append(isolation, isolationAudit...) }
