package channel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"linkspan/internal/ids"
)

// auditID makes an id of one byte.
func auditID(n byte) [16]byte {
	return uuid.UUID{6: 0x70, 8: 0x80, 15: n}
}

// auditScene are two groups that share something, a third, and a user of each.
type auditScene struct {
	acme, globex, initech Group
	ana, gil, ivy         User
	channel               ids.Channel
	invitation            ids.Invitation
	source                ids.Transition
	at                    time.Time
}

func newAuditScene(t testing.TB) *auditScene {
	t.Helper()
	s := &auditScene{at: time.Date(2026, 11, 26, 12, 0, 0, 123456000, time.UTC), channel: ids.ChannelFrom(auditID(9))}
	for i, group := range []*Group{&s.acme, &s.globex, &s.initech} {
		handle := []string{"acme", "globex", "initech"}[i]
		*group = Group{ID: ids.GroupFrom(auditID(byte(1 + i))), Handle: handle, Name: strings.ToUpper(handle)}
	}
	for i, user := range []*User{&s.ana, &s.gil, &s.ivy} {
		group := []Group{s.acme, s.globex, s.initech}[i]
		*user = User{ID: ids.UserFrom(group.ID, auditID(byte(11+i))), Name: []string{"Ana", "Gil", "Ivy"}[i], Group: group}
	}
	invitation, source := auditID(8), auditID(7)
	if err := s.invitation.Scan(invitation[:]); err != nil {
		t.Fatal(err)
	}
	if err := s.source.Scan(source[:]); err != nil {
		t.Fatal(err)
	}
	return s
}

// said is what an entry says, in words.
func (s *auditScene) said(e *AuditEntry) string {
	names := map[ids.Group]string{s.acme.ID: "acme", s.globex.ID: "globex", s.initech.ID: "initech"}
	words := []string{names[e.Group] + ":"}
	add := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	if e.Refused {
		add("refused")
	}
	add("%s", e.Deed)
	if e.Rule != nil {
		add("by %s", *e.Rule)
	}
	if e.Actor != nil {
		add("of %s", e.Actor.Name)
	}
	if e.OtherGroup != nil {
		add("with %s", e.OtherGroup.Handle)
	}
	if e.ChannelID != nil {
		add("channel")
	}
	if e.InvitationID != nil {
		add("invitation")
	}
	if e.State != nil {
		add("%s", *e.State)
	}
	if e.Version != nil {
		add("%d", *e.Version)
	}
	if e.Reason != nil {
		add("%q", *e.Reason)
	}
	if e.Policy != nil {
		add("what it says")
	}
	return strings.Join(words, " ")
}

// Who hears what in its audit.
func TestAuditOf(t *testing.T) {
	t.Parallel()
	s := newAuditScene(t)
	why := "because"
	of := func(deed Deed, rule SharingRule, by *User, state InvitationState, version int32, change ...func(*AuditSource)) *AuditSource {
		source := &AuditSource{
			ID: s.source, At: s.at, Deed: deed, Rule: rule, Channel: s.channel, Invitation: s.invitation, Version: version, State: string(state),
			Actor: by, From: &s.acme, To: &s.globex,
		}
		for _, change := range change {
			change(source)
		}
		return source
	}
	unsent := func(source *AuditSource) { source.Unsent = true }
	reason := func(source *AuditSource) { source.Reason = &why }
	policy := func(source *AuditSource) { source.Policy = &AuditedPolicy{SharingEnabled: true} }
	refused := func(source *AuditSource) { source.Refused, source.Channel = true, ids.Channel{} }
	about := func(group *Group, channel bool) func(*AuditSource) {
		return func(source *AuditSource) {
			source.From, source.To, source.Invitation, source.About = nil, nil, ids.Invitation{}, group
			if !channel {
				source.Channel = ids.Channel{}
			}
		}
	}
	for name, c := range map[string]struct {
		source *AuditSource
		want   []string
	}{
		"it is asked": {of(DeedCreate, RuleDefault, &s.ana, InvitationPending, 1), []string{
			"acme: CREATE by DEFAULT of Ana with globex channel invitation PENDING 1", "globex: CREATE of Ana with acme invitation PENDING 1"}},
		"an own admin is to agree": {of(DeedCreate, RuleOutgoingApproval, &s.ana, InvitationRequested, 1, unsent), []string{
			"acme: CREATE by OUTGOING_APPROVAL of Ana with globex channel invitation REQUESTED 1"}},
		"an own admin lets it be sent": {of(DeedApprove, RuleOutgoingApproval, &s.ana, InvitationPending, 2), []string{
			"acme: APPROVE by OUTGOING_APPROVAL of Ana with globex channel invitation PENDING 2", "globex: APPROVE with acme invitation PENDING 2"}},
		"an own admin does not": {of(DeedDeny, RuleRole, &s.ana, InvitationDenied, 2, unsent, reason), []string{
			`acme: DENY by ROLE of Ana with globex channel invitation DENIED 2 "because"`}},
		"it is taken back before it is sent": {of(DeedRevoke, RuleRole, &s.ana, InvitationRevoked, 2, unsent), []string{
			"acme: REVOKE by ROLE of Ana with globex channel invitation REVOKED 2"}},
		"it runs out before it is sent": {of(DeedExpire, RuleTime, nil, InvitationExpired, 2, unsent), []string{
			"acme: EXPIRE by TIME with globex channel invitation EXPIRED 2"}},
		"it runs out": {of(DeedExpire, RuleTime, nil, InvitationExpired, 2), []string{
			"acme: EXPIRE by TIME with globex channel invitation EXPIRED 2", "globex: EXPIRE by TIME with acme invitation EXPIRED 2"}},
		"it is taken back, for its group has parted": {of(DeedRevoke, RuleParted, nil, InvitationRevoked, 2), []string{
			"acme: REVOKE by PARTED with globex channel invitation REVOKED 2", "globex: REVOKE with acme invitation REVOKED 2"}},
		"yes, and an approval is awaited": {of(DeedAccept, RuleIncomingApproval, &s.gil, InvitationAwaitingApproval, 2), []string{
			"acme: ACCEPT with globex channel invitation AWAITING_APPROVAL 2",
			"globex: ACCEPT by INCOMING_APPROVAL of Gil with acme invitation AWAITING_APPROVAL 2"}},
		"one of two approvals": {of(DeedApprove, RuleOutgoingApproval, &s.ana, InvitationAwaitingApproval, 3), []string{
			"acme: APPROVE by OUTGOING_APPROVAL of Ana with globex channel invitation AWAITING_APPROVAL 3",
			"globex: APPROVE with acme invitation AWAITING_APPROVAL 3"}},
		"the approval that links": {of(DeedApprove, RuleIncomingApproval, &s.gil, InvitationAccepted, 3), []string{
			"acme: APPROVE of Gil with globex channel invitation ACCEPTED 3",
			"globex: APPROVE by INCOMING_APPROVAL of Gil with acme channel invitation ACCEPTED 3"}},
		"denied behind a yes": {of(DeedDeny, RuleRole, &s.gil, InvitationDenied, 3, reason), []string{
			`acme: DENY with globex channel invitation DENIED 3 "because"`, `globex: DENY by ROLE of Gil with acme invitation DENIED 3 "because"`}},
		"declined": {of(DeedDecline, RuleRole, &s.gil, InvitationDeclined, 2, reason), []string{
			`acme: DECLINE of Gil with globex channel invitation DECLINED 2 "because"`, `globex: DECLINE by ROLE of Gil with acme invitation DECLINED 2 "because"`}},
		"a policy":                      {of(DeedSetPolicy, RuleRole, &s.ana, "", 2, about(nil, false)), []string{"acme: SET_POLICY by ROLE of Ana 2"}},
		"a policy, with what it became": {of(DeedSetPolicy, RuleRole, &s.ana, "", 2, about(nil, false), policy), []string{"acme: SET_POLICY by ROLE of Ana 2 what it says"}},
		"a policy that were about another group": {of(DeedSetPolicy, RuleRole, &s.ana, "", 2, about(&s.globex, true), policy), []string{
			"globex: SET_POLICY of Ana with acme channel 2", "acme: SET_POLICY by ROLE of Ana with globex channel 2 what it says"}},
		"trust": {of(DeedTrust, RuleRole, &s.ana, "", 1, about(&s.globex, false)), []string{"acme: TRUST by ROLE of Ana with globex 1"}},
		"a group leaves": {of(DeedLeave, RuleRole, &s.gil, "LEFT", 3, about(&s.globex, true)), []string{
			"globex: LEAVE by ROLE of Gil channel LEFT 3"}},
		"a group is removed": {of(DeedRemove, RuleRole, &s.ana, "REMOVED", 3, about(&s.globex, true), reason), []string{
			`globex: REMOVE of Ana with acme channel REMOVED 3 "because"`, `acme: REMOVE by ROLE of Ana with globex channel REMOVED 3 "because"`}},
		"a link ends by itself": {of(DeedRemove, RuleTime, nil, "REMOVED", 3, about(&s.globex, true)), []string{
			"globex: REMOVE by TIME channel REMOVED 3"}},
		"an invited member must not accept": {of(DeedAccept, RuleWhoMayAccept, &s.gil, "", 0, refused), []string{
			"globex: refused ACCEPT by WHO_MAY_ACCEPT of Gil with acme invitation"}},
		"who asks must not accept": {of(DeedAccept, RuleRole, &s.ana, "", 0, refused), []string{
			"acme: refused ACCEPT by ROLE of Ana with globex invitation"}},
		"a member must not ask": {of(DeedCreate, RuleWhoMayCreate, &s.ana, "", 0, refused, about(&s.globex, false)), []string{
			"acme: refused CREATE by WHO_MAY_CREATE of Ana with globex"}},
		"a member must not remove a group": {of(DeedRemove, RuleRole, &s.ana, "", 0, about(&s.globex, true), func(s *AuditSource) { s.Refused = true }), []string{
			"acme: refused REMOVE by ROLE of Ana with globex channel"}},
		"a member must not have its group leave": {of(DeedLeave, RuleRole, &s.ana, "", 0, about(nil, true), func(s *AuditSource) { s.Refused = true }), []string{
			"acme: refused LEAVE by ROLE of Ana channel"}},
		"a member must not set the policy": {of(DeedSetPolicy, RuleRole, &s.ana, "", 0, refused, about(nil, false)), []string{
			"acme: refused SET_POLICY by ROLE of Ana"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, e := range AuditOf(c.source) {
				got = append(got, s.said(&e))
				if e.Source != s.source.UUID().String() || !e.At.Equal(s.at) || e.Number != 0 || e.PartnerHash != nil {
					t.Errorf("the entry is %+v", e)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAuditAgreesWithHistory has each group's audit say of an invitation what its history says to that group.
func TestAuditAgreesWithHistory(t *testing.T) {
	t.Parallel()
	s := newAuditScene(t)
	past := []Transition{
		{1, InvitationRequested, s.at, DeedCreate, &s.ana, nil}, {2, InvitationPending, s.at, DeedApprove, &s.ana, nil},
		{3, InvitationAwaitingApproval, s.at, DeedAccept, &s.gil, nil}, {4, InvitationAwaitingApproval, s.at, DeedApprove, &s.ana, nil},
		{5, InvitationAccepted, s.at, DeedApprove, &s.gil, nil},
	}
	for _, group := range []Group{s.acme, s.globex} {
		shown := (&Invitation{FromGroup: s.acme, ToGroup: s.globex, State: InvitationAccepted, Past: past}).shownTo(group.ID)
		var audited []Transition
		for i, step := range past {
			for _, e := range AuditOf(&AuditSource{
				ID: s.source, At: step.At, Deed: step.Deed, Invitation: s.invitation, Version: step.Version, State: string(step.State),
				Actor: step.Actor, From: &s.acme, To: &s.globex, Unsent: i == 0,
			}) {
				if e.Group == group.ID {
					audited = append(audited, Transition{*e.Version, InvitationState(*e.State), e.At, e.Deed, e.Actor, e.Reason})
				}
			}
		}
		if diff := cmp.Diff(shown.Past, audited, cmp.Comparer(func(a, b ids.User) bool { return a == b }), cmp.Comparer(func(a, b ids.Group) bool { return a == b })); diff != "" {
			t.Errorf("%s (-history +audit):\n%s", group.Handle, diff)
		}
	}
}

// TestGoldenAuditText holds the bytes that are hashed: what was exported must be right for good.
func TestGoldenAuditText(t *testing.T) {
	t.Parallel()
	s := newAuditScene(t)
	why := "<no> & \"never\" \u2028 é 🦊"
	entries := AuditOf(&AuditSource{
		ID: s.source, At: s.at, Deed: DeedDecline, Rule: RuleRole, Channel: s.channel, Invitation: s.invitation, Version: 2,
		State: string(InvitationDeclined), Actor: &s.gil, Reason: &why, From: &s.acme, To: &s.globex,
	})
	e, partner := &entries[1], AuditHash{1, 2, 3}
	e.Number, e.PartnerHash, e.Nonce = 7, &partner, AuditHash{31: 0xff}
	const want = `{"format":1,"group":"grp_0000000001r010000000000008","number":7,"at":"2026-11-26T12:00:00.123456Z","deed":"DECLINE","refused":false,"rule":"ROLE",` +
		`"actor":{"id":"usr_0000000001r01000000000000800000000070040000000000060","name":"Gil","group":{"id":"grp_0000000001r010000000000008","handle":"globex","name":"GLOBEX"}},` +
		`"invitation":"inv_0000000001r010000000000010","otherGroup":{"id":"grp_0000000001r010000000000004","handle":"acme","name":"ACME"},` +
		`"version":2,"state":"DECLINED","reason":"<no> & \"never\" \u2028 é 🦊","source":"00000000-0000-7000-8000-000000000007",` +
		`"partnerHash":"0102030000000000000000000000000000000000000000000000000000000000","nonce":"00000000000000000000000000000000000000000000000000000000000000ff"}`
	if got := e.Text(); got != want {
		t.Errorf("the text is\n%s\nwant\n%s", got, want)
	}
	const wantHash = "2d9790983fc80d8b8720cfc90cf2425f8b8504241f790b9ac8a4bfdaab33f2ab"
	if got := (AuditHash{0xaa}).Next(want).String(); got != wantHash {
		t.Errorf("the hash is %s, want %s", got, wantHash)
	}
	read, err := ReadAuditEntry(want, AuditHash{})
	if err != nil || read.Text() != want {
		t.Errorf("it is read as %+v: %v", read, err)
	}
	minimal := AuditOf(&AuditSource{ID: s.source, At: s.at.Truncate(time.Second), Deed: DeedSetPolicy, Rule: RuleRole, Actor: &s.ana, Refused: true})
	const wantMinimal = `{"format":1,"group":"grp_0000000001r010000000000004","number":0,"at":"2026-11-26T12:00:00Z","deed":"SET_POLICY","refused":true,"rule":"ROLE",` +
		`"actor":{"id":"usr_0000000001r0100000000000040000000007004000000000005g","name":"Ana","group":{"id":"grp_0000000001r010000000000004","handle":"acme","name":"ACME"}},` +
		`"source":"00000000-0000-7000-8000-000000000007","nonce":"0000000000000000000000000000000000000000000000000000000000000000"}`
	if got := minimal[0].Text(); got != wantMinimal {
		t.Errorf("the text is\n%s\nwant\n%s", got, wantMinimal)
	}
}

// TestGoldenAuditTextOfAPolicy holds the bytes of an entry that says what a policy became, and of how an older release writes the same.
func TestGoldenAuditTextOfAPolicy(t *testing.T) {
	t.Parallel()
	s := newAuditScene(t)
	hours, standard := int32(48), DefaultPolicy(s.acme.ID)
	changed := standard
	changed.WhoMayAccept, changed.IncomingApproval, changed.InvitationTTLHours = MembersMay, true, &hours
	const (
		begin = `"group":"grp_0000000001r010000000000004","number":3,"at":"2026-11-26T12:00:00.123456Z","deed":"SET_POLICY","refused":false,"rule":"ROLE",` +
			`"actor":{"id":"usr_0000000001r0100000000000040000000007004000000000005g","name":"Ana","group":{"id":"grp_0000000001r010000000000004","handle":"acme","name":"ACME"}},` +
			`"version":2,`
		end = `"source":"00000000-0000-7000-8000-000000000007","nonce":"0000000000000000000000000000000000000000000000000000000000000000"}`
	)
	for _, c := range []struct {
		policy SharingPolicy
		want   string
	}{
		{standard, `"policy":{"sharingEnabled":true,"whoMayCreate":"MEMBERS","whoMayAccept":"ADMINS","outgoingApproval":false,"incomingApproval":false,"linksInNotes":true},`},
		{changed, `"policy":{"sharingEnabled":true,"whoMayCreate":"MEMBERS","whoMayAccept":"MEMBERS","outgoingApproval":false,"incomingApproval":true,"invitationTtlHours":48,"linksInNotes":true},`},
	} {
		policy := c.policy.Audited()
		e := AuditOf(&AuditSource{ID: s.source, At: s.at, Deed: DeedSetPolicy, Rule: RuleRole, Version: 2, Actor: &s.ana, Policy: &policy})[0]
		e.Number = 3
		want := `{"format":2,` + begin + c.want + end
		if got := e.Text(); got != want {
			t.Errorf("the text is\n%s\nwant\n%s", got, want)
		}
		if read, err := ReadAuditEntry(want, AuditHash{}); err != nil || read.Text() != want {
			t.Errorf("it is read as %+v: %v", read, err)
		}
		for format, want := range map[int32]string{0: `{"format":1,` + begin + end, 1: `{"format":1,` + begin + end, 2: want, 3: want} {
			if older := e.In(format); older.Text() != want {
				t.Errorf("in form %d the text is\n%s\nwant\n%s", format, older.Text(), want)
			}
		}
	}
}

// TestChain has entries follow each other in each group's chain, and hold the other's head from before.
func TestChain(t *testing.T) {
	t.Parallel()
	s := newAuditScene(t)
	source := func(state InvitationState, unsent bool) AuditSource {
		return AuditSource{ID: ids.NewTransition(), At: s.at, Deed: DeedCreate, Actor: &s.ana, State: string(state), From: &s.acme, To: &s.globex, Unsent: unsent}
	}
	sources := []AuditSource{source(InvitationPending, false), source(InvitationRequested, true), source(InvitationPending, false)}
	if groups := AuditGroups(sources); len(groups) != 2 {
		t.Fatalf("they concern %v", groups)
	}
	begin := map[ids.Group]AuditHead{s.acme.ID: {41, NewAuditHash()}, s.globex.ID: {0, NewAuditHash()}}
	heads := map[ids.Group]AuditHead{s.acme.ID: begin[s.acme.ID], s.globex.ID: begin[s.globex.ID]}
	entries := chain(sources, heads)
	if len(entries) != 5 || heads[s.acme.ID].Number != 44 || heads[s.globex.ID].Number != 2 {
		t.Fatalf("%d entries, heads %v", len(entries), heads)
	}
	if *entries[0].PartnerHash != begin[s.globex.ID].Hash || *entries[1].PartnerHash != begin[s.acme.ID].Hash {
		t.Errorf("the first entries do not hold the heads from before them")
	}
	at := begin
	for i := range entries {
		e := &entries[i]
		if before := at[e.Group]; e.Number != before.Number+1 || e.Hash != before.Hash.Next(e.Record) || e.Record != e.Text() {
			t.Errorf("entry %d of %v does not follow %v", i, e, before)
		}
		at[e.Group] = AuditHead{e.Number, e.Hash}
	}
	if entries[2].PartnerHash != nil {
		t.Errorf("what only one side knows of tells where the other's audit stands")
	}
	globex := []*AuditEntry{&entries[1], &entries[4]}
	if *globex[1].PartnerHash != entries[2].Hash || *entries[3].PartnerHash != globex[0].Hash {
		t.Errorf("the entries of one decision do not hold the heads from before it")
	}
}
