package server_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"linkspan/internal/check"
	"linkspan/internal/server/servertest"
)

const (
	policyDocument = `mutation($input: SetSharingPolicyInput!) { it: setSharingPolicy(input: $input) { policy { version sharingEnabled
		whoMayCreate whoMayAccept outgoingApproval incomingApproval invitationTtlHours linksInNotes trustedGroups { handle } blockedGroups { handle } }
		errors { code message path ... on VersionConflictError { version } } } }`
	trustDocument      = `mutation($input: TrustGroupInput!) { it: trustGroup(input: $input) { group { handle } errors { code message path } } }`
	untrustDocument    = `mutation($input: UntrustGroupInput!) { it: untrustGroup(input: $input) { group { handle } errors { code message path } } }`
	canShareDocument   = `query($target: GroupSelector!) { canShare(target: $target) { decision rule explanation } }`
	moved              = movedFields + invitationFragment
	movedFields        = `invitation { ...I } errors { code message path ... on NotAllowedError { rule } ... on InvitationNotPendingError { state } } } }`
	invitationFragment = `
		fragment I on Invitation { id sharedChannel { id } state version expiresAt resolvedBy { ... on User { name } } awaiting { handle } waiting { ... on User { name } }
			viewerCanAccept viewerCanDecline viewerCanRevoke viewerCanApprove viewerCanDeny
			history { version state deed actor { ... on User { name } } reason } }`
)

// deeds are what is done about an invitation, by name.
var deeds = map[string]string{
	"create":  `mutation($input: CreateSharedChannelInput!) { it: createSharedChannel(input: $input) { sharedChannel { id } ` + moved,
	"accept":  `mutation($input: AcceptSharedChannelInput!) { it: acceptSharedChannel(input: $input) { sharedChannel { id name } ` + moved,
	"approve": `mutation($input: ApproveInvitationInput!) { it: approveInvitation(input: $input) { sharedChannel { id name } ` + moved,
	"deny":    `mutation($input: DenyInvitationInput!) { it: denyInvitation(input: $input) { ` + moved,
	"decline": `mutation($input: DeclineInvitationInput!) { it: declineInvitation(input: $input) { ` + moved,
	"revoke":  `mutation($input: RevokeInvitationInput!) { it: revokeInvitation(input: $input) { ` + moved,
}

// life is an invitation from acme to globex, of a place's own.
type life struct {
	t          *testing.T
	s          *place
	invitation string
	channel    string
}

// does has somebody do something about the invitation, and returns what came of it in short: its state, whose approval it waits for, and whether
// there is a channel; or why it was refused.
func (l *life) does(who, deed string, input object) string {
	l.t.Helper()
	if deed == "create" {
		input = with(object{"target": l.s.to("globex"), "name": fmt.Sprintf("launch %d", lastPlace.Add(1))}, input)
	} else {
		input = with(object{"invitationId": l.invitation}, input)
	}
	payload := mutate(l.t, l.s, l.s.as(who), deeds[deed], input)
	if list := servertest.Get[[]any](l.t, payload, "errors"); len(list) > 0 {
		said := servertest.Get[string](l.t, list[0], "code")
		refused := list[0].(object)
		for _, more := range []string{"rule", "state"} {
			if refused[more] != nil {
				said += " " + refused[more].(string)
			}
		}
		if payload["invitation"] != nil || payload["sharedChannel"] != nil {
			l.t.Errorf("%s of %s is refused, with %v", deed, who, payload)
		}
		return said
	}
	if deed == "create" {
		l.invitation = servertest.Get[string](l.t, payload, "invitation", "id")
		l.channel = servertest.Get[string](l.t, payload, "sharedChannel", "id")
	}
	said := l.short(payload["invitation"])
	if channel, ok := payload["sharedChannel"].(object); ok && deed != "create" {
		if channel["id"] != l.channel {
			l.t.Errorf("%s of %s gives channel %v", deed, who, channel)
		}
		said += ", a channel"
	}
	if read := l.read(who); !reflect.DeepEqual(read, payload["invitation"]) {
		l.t.Errorf("%s of %s answers %v, and then %v is read", deed, who, payload["invitation"], read)
	}
	return said
}

// short is an invitation in a few words: with what its reader may do, and its history.
func (l *life) short(in any) string {
	if in == nil {
		return "nothing"
	}
	names := func(path string, key string) string {
		var all []string
		for _, one := range servertest.Get[[]any](l.t, in, path) {
			all = append(all, strings.TrimSuffix(one.(object)[key].(string), l.s.suffix))
		}
		return strings.Join(all, " ")
	}
	said := servertest.Get[string](l.t, in, "state")
	if awaiting := names("awaiting", "handle"); awaiting != "" {
		said += " of " + awaiting
	}
	if waiting := names("waiting", "name"); waiting != "" {
		said += ", " + waiting + " waits"
	}
	return said
}

// shown reads the invitation as somebody.
func (l *life) shown(who string) string {
	l.t.Helper()
	return l.short(l.read(who))
}

func (l *life) read(who string) any {
	l.t.Helper()
	return l.s.For(l.t).Must(l.s.as(who), `query($id: ID!) { node(id: $id) { ...I } }`+invitationFragment, object{"id": l.invitation})["node"]
}

// may is what somebody may do about the invitation, as it says.
func (l *life) may(who string) string {
	l.t.Helper()
	in, _ := l.read(who).(object)
	var all []string
	for _, deed := range []string{"Accept", "Decline", "Revoke", "Approve", "Deny"} {
		if in["viewerCan"+deed] == true {
			all = append(all, strings.ToLower(deed))
		}
	}
	return strings.Join(all, " ")
}

// history is what somebody reads of the invitation's life.
func (l *life) history(who string) string {
	l.t.Helper()
	var all []string
	for _, one := range servertest.Get[[]any](l.t, l.read(who), "history") {
		step := one.(object)
		name := "-"
		if actor, ok := step["actor"].(object); ok {
			name = actor["name"].(string)
		}
		all = append(all, fmt.Sprintf("%v %v %v by %s", step["version"], step["deed"], step["state"], name))
	}
	return strings.Join(all, "; ")
}

// policy changes the policy of the group of an admin.
func (l *life) policy(admin string, changes object) {
	l.t.Helper()
	version := servertest.Get[any](l.t, l.s.For(l.t).Must(l.s.as(admin), `{ viewer { sharingPolicy { version } } }`, nil), "viewer", "sharingPolicy", "version")
	succeed(l.t, l.s, l.s.as(admin), policyDocument, with(changes, object{"expectedVersion": version}))
}

// reads waits until somebody reads that: what the other side has done comes by the outbox.
func (l *life) reads(read func(who string) string, who, want string) {
	l.t.Helper()
	servertest.Eventually(l.t, fmt.Sprintf("%s reads %q", who, want), func() bool { return read(who) == want })
}

// audit judges all invariants.
func (l *life) audit() {
	l.t.Helper()
	report, err := check.Run(l.t.Context(), l.s.Router, nil)
	if err != nil || !report.OK() {
		l.t.Errorf("%v %+v", err, report)
	}
}

func (l *life) want(got, want string) {
	l.t.Helper()
	if got != want {
		l.t.Errorf("got  %s\nwant %s", got, want)
	}
}

// lives runs tests on both shapes, each with groups of its own: ana and ben are acme's, gil and hua globex's, the first of each an admin.
func lives(t *testing.T, tests map[string]func(l *life)) {
	shapes(t, servertest.Options{}, func(t *testing.T, s *place) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(&life{t: t, s: s.apart(t)})
			})
		}
	})
}

const (
	anaOf, benOf, gilOf, huaOf, yanOf = "ana@acme", "ben@acme member", "gil@globex", "hua@globex member", "yan@globex member"
)

func TestApprovals(t *testing.T) {
	lives(t, map[string]func(l *life){
		"both sides approve": func(l *life) {
			l.policy(anaOf, object{"outgoingApproval": true})
			l.policy(gilOf, object{"whoMayAccept": "MEMBERS", "incomingApproval": true})
			l.want(l.does(benOf, "create", nil), "REQUESTED of acme")
			for _, who := range []string{gilOf, huaOf} {
				l.reads(l.shown, who, "nothing")
				l.want(l.does(who, "accept", nil), "INVITATION_NOT_FOUND")
				l.want(l.does(who, "approve", nil), "INVITATION_NOT_FOUND")
				l.want(l.does(who, "decline", nil), "INVITATION_NOT_FOUND")
			}
			l.reads(l.may, anaOf, "revoke approve deny")
			l.reads(l.may, benOf, "revoke")
			l.want(l.does(benOf, "approve", nil), "NOT_ALLOWED")
			l.want(l.does(anaOf, "approve", object{"idempotencyKey": "k"}), "PENDING")
			l.want(l.does(anaOf, "approve", object{"idempotencyKey": "k"}), "PENDING")
			l.want(l.does(anaOf, "approve", nil), "PENDING")
			l.reads(l.may, gilOf, "accept decline")
			l.reads(l.may, huaOf, "accept")
			l.want(l.does(gilOf, "approve", nil), "NOT_ALLOWED")
			l.want(l.does(huaOf, "accept", object{"name": "kickoff"}), "AWAITING_APPROVAL of globex, Hua waits")
			l.want(l.does(yanOf, "accept", nil), "AWAITING_APPROVAL of globex, Hua Yan waits")
			l.want(l.does(huaOf, "accept", nil), "AWAITING_APPROVAL of globex, Hua Yan waits")
			l.reads(l.shown, anaOf, "AWAITING_APPROVAL of globex")
			l.reads(l.may, gilOf, "accept decline approve deny")
			l.reads(l.may, huaOf, "")
			l.reads(l.may, anaOf, "revoke")
			l.want(l.does(anaOf, "approve", nil), "AWAITING_APPROVAL of globex") // it has given its own
			l.want(l.does(anaOf, "deny", nil), "NOT_ALLOWED")
			l.want(l.does(gilOf, "approve", nil), "ACCEPTED, a channel")
			l.want(l.does(gilOf, "approve", nil), "ACCEPTED, a channel")
			l.want(l.does(yanOf, "accept", nil), "ACCEPTED, a channel") // a late yes
			l.want(l.does(gilOf, "deny", nil), "INVITATION_NOT_PENDING ACCEPTED")
			l.reads(l.history, anaOf, "1 CREATE REQUESTED by Ben; 2 APPROVE PENDING by Ana; 3 ACCEPT AWAITING_APPROVAL by -; 4 ACCEPT AWAITING_APPROVAL by -; 5 APPROVE ACCEPTED by Gil")
			l.reads(l.history, huaOf, "2 APPROVE PENDING by -; 3 ACCEPT AWAITING_APPROVAL by Hua; 4 ACCEPT AWAITING_APPROVAL by Yan; 5 APPROVE ACCEPTED by Gil")
			name := servertest.Get[string](l.t, l.s.For(l.t).Must(l.s.as(huaOf), `query($id: ID!) { node(id: $id) { ... on SharedChannel { name } } }`, object{"id": l.channel}), "node", "name")
			l.want(name, "kickoff")
		},
		"an admin needs no approval": func(l *life) {
			l.policy(anaOf, object{"outgoingApproval": true})
			l.policy(gilOf, object{"whoMayAccept": "MEMBERS", "incomingApproval": true})
			l.want(l.does(anaOf, "create", nil), "PENDING")
			l.want(l.does(gilOf, "accept", nil), "ACCEPTED, a channel")
			l.reads(l.history, benOf, "1 CREATE PENDING by Ana; 2 ACCEPT ACCEPTED by Gil")
		},
		"trust needs none": func(l *life) {
			l.policy(anaOf, object{"outgoingApproval": true})
			l.policy(gilOf, object{"whoMayAccept": "MEMBERS", "incomingApproval": true})
			succeed(l.t, l.s, l.s.as(anaOf), trustDocument, object{"target": l.s.to("globex")})
			l.want(l.does(benOf, "create", nil), "PENDING")
			l.want(l.does(huaOf, "accept", nil), "AWAITING_APPROVAL of globex, Hua waits") // acme's trust is acme's alone
			succeed(l.t, l.s, l.s.as(gilOf), trustDocument, object{"target": l.s.to("acme")})
			l.want(l.does(huaOf, "accept", nil), "ACCEPTED, a channel")
			succeed(l.t, l.s, l.s.as(anaOf), untrustDocument, object{"target": l.s.to("globex")})
			l.want(l.does(benOf, "create", nil), "REQUESTED of acme")
		},
		"denied before it was sent": func(l *life) {
			l.policy(anaOf, object{"outgoingApproval": true})
			l.want(l.does(benOf, "create", nil), "REQUESTED of acme")
			l.want(l.does(anaOf, "deny", object{"reason": "not now"}), "DENIED")
			l.want(l.does(anaOf, "deny", nil), "DENIED")
			l.want(l.does(anaOf, "approve", nil), "INVITATION_NOT_PENDING DENIED")
			l.want(l.does(benOf, "revoke", nil), "INVITATION_NOT_PENDING DENIED")
			l.reads(l.shown, gilOf, "nothing")
			l.want(l.does(gilOf, "accept", nil), "INVITATION_NOT_FOUND")
		},
		"denied after a yes": func(l *life) {
			l.policy(gilOf, object{"whoMayAccept": "MEMBERS", "incomingApproval": true})
			l.want(l.does(benOf, "create", nil), "PENDING")
			l.want(l.does(huaOf, "accept", nil), "AWAITING_APPROVAL of globex, Hua waits")
			l.want(l.does(gilOf, "deny", nil), "DENIED")
			l.reads(l.shown, anaOf, "DENIED")
			l.reads(l.history, anaOf, "1 CREATE PENDING by Ben; 2 ACCEPT AWAITING_APPROVAL by -; 3 DENY DENIED by -")
			l.reads(l.history, huaOf, "1 CREATE PENDING by Ben; 2 ACCEPT AWAITING_APPROVAL by Hua; 3 DENY DENIED by Gil")
			l.want(l.does(huaOf, "accept", nil), "INVITATION_NOT_PENDING DENIED")
			l.want(l.does(gilOf, "approve", nil), "INVITATION_NOT_PENDING DENIED")
		},
		"taken back while an approval is awaited": func(l *life) {
			l.policy(gilOf, object{"whoMayAccept": "MEMBERS", "incomingApproval": true})
			l.want(l.does(benOf, "create", nil), "PENDING")
			l.want(l.does(huaOf, "accept", nil), "AWAITING_APPROVAL of globex, Hua waits")
			l.want(l.does(benOf, "revoke", nil), "REVOKED")
			l.want(l.does(gilOf, "approve", nil), "INVITATION_NOT_PENDING REVOKED")
		},
		"a policy comes between a yes and its approval": func(l *life) {
			l.policy(gilOf, object{"whoMayAccept": "MEMBERS", "incomingApproval": true})
			l.want(l.does(benOf, "create", nil), "PENDING")
			l.want(l.does(huaOf, "accept", nil), "AWAITING_APPROVAL of globex, Hua waits")
			l.policy(anaOf, object{"outgoingApproval": true}) // what ben sent has no admin's word
			l.want(l.does(gilOf, "approve", nil), "AWAITING_APPROVAL of acme, Hua waits")
			l.reads(l.may, anaOf, "revoke approve deny")
			l.want(l.does(anaOf, "approve", nil), "ACCEPTED, a channel")
			l.reads(l.history, huaOf, "1 CREATE PENDING by Ben; 2 ACCEPT AWAITING_APPROVAL by Hua; 3 APPROVE AWAITING_APPROVAL by Gil; 4 APPROVE ACCEPTED by Ana")
		},
		"another approval is asked for than before": func(l *life) {
			l.policy(gilOf, object{"whoMayAccept": "MEMBERS", "incomingApproval": true})
			l.want(l.does(benOf, "create", nil), "PENDING")
			l.want(l.does(huaOf, "accept", nil), "AWAITING_APPROVAL of globex, Hua waits")
			l.policy(gilOf, object{"incomingApproval": false})
			l.policy(anaOf, object{"outgoingApproval": true})
			l.want(l.does(huaOf, "accept", nil), "AWAITING_APPROVAL of acme, Hua waits")
			l.want(l.does(anaOf, "approve", nil), "ACCEPTED, a channel")
		},
		"the approval is no longer asked for": func(l *life) {
			l.policy(gilOf, object{"whoMayAccept": "MEMBERS", "incomingApproval": true})
			l.want(l.does(benOf, "create", nil), "PENDING")
			l.want(l.does(huaOf, "accept", nil), "AWAITING_APPROVAL of globex, Hua waits")
			l.policy(gilOf, object{"incomingApproval": false})
			l.want(l.does(huaOf, "accept", nil), "ACCEPTED, a channel")
		},
	})
}

func TestSharingPolicy(t *testing.T) {
	lives(t, map[string]func(l *life){
		"versions": func(l *life) {
			input := object{"whoMayCreate": "ADMINS", "expectedVersion": 1, "idempotencyKey": "p"}
			for range 2 { // the second repeats it
				payload := succeed(l.t, l.s, l.s.as(anaOf), policyDocument, input)
				l.want(fmt.Sprint(servertest.Get[any](l.t, payload, "policy", "version"), " ", servertest.Get[any](l.t, payload, "policy", "whoMayCreate")), "2 ADMINS")
			}
			stale := mutate(l.t, l.s, l.s.as(anaOf), policyDocument, object{"sharingEnabled": false, "expectedVersion": 1})
			l.want(fmt.Sprint(servertest.Get[any](l.t, stale, "errors", 0, "code"), " ", servertest.Get[any](l.t, stale, "errors", 0, "version")), "VERSION_CONFLICT 2")
			other := mutate(l.t, l.s, l.s.as(anaOf), policyDocument, with(input, object{"whoMayCreate": "MEMBERS"}))
			l.want(refusal(l.t, other), "IDEMPOTENCY_KEY_REUSED input.idempotencyKey")
			l.want(refusal(l.t, mutate(l.t, l.s, l.s.as(benOf), policyDocument, input)), "NOT_ALLOWED")
			l.want(refusal(l.t, mutate(l.t, l.s, l.s.as("operator"), policyDocument, input)), "NOT_ALLOWED")
			l.want(refusal(l.t, mutate(l.t, l.s, l.s.as(anaOf), policyDocument, object{"invitationTtlHours": 0, "expectedVersion": 2})), "INVALID_INPUT input.invitationTtlHours")
		},
		"absent is unchanged and null the default": func(l *life) {
			l.policy(anaOf, object{"whoMayCreate": "ADMINS", "outgoingApproval": true, "invitationTtlHours": 2, "linksInNotes": false})
			l.policy(anaOf, object{"whoMayCreate": nil, "invitationTtlHours": nil})
			policy := servertest.Get[object](l.t, l.s.For(l.t).Must(l.s.as(anaOf), `{ viewer { sharingPolicy {
				version sharingEnabled whoMayCreate whoMayAccept outgoingApproval incomingApproval invitationTtlHours linksInNotes } } }`, nil), "viewer", "sharingPolicy")
			l.want(fmt.Sprint(policy), "map[incomingApproval:false invitationTtlHours:<nil> linksInNotes:false outgoingApproval:true sharingEnabled:true version:3 whoMayAccept:ADMINS whoMayCreate:MEMBERS]")
		},
		"who shares, and how": func(l *life) {
			l.policy(anaOf, object{"whoMayCreate": "ADMINS"})
			l.want(l.does(benOf, "create", nil), "NOT_ALLOWED WHO_MAY_CREATE")
			l.want(l.does(anaOf, "create", nil), "PENDING")
			l.policy(anaOf, object{"sharingEnabled": false})
			l.want(l.does(anaOf, "create", nil), "NOT_ALLOWED SHARING_OFF")
			l.want(l.does(gilOf, "accept", nil), "NOT_ALLOWED SHARING_OFF_THERE")
			l.policy(anaOf, object{"sharingEnabled": true})
			l.policy(gilOf, object{"sharingEnabled": false, "linksInNotes": false})
			l.reads(l.may, gilOf, "decline")
			l.want(l.does(anaOf, "create", nil), "NOT_ALLOWED SHARING_OFF_THERE")
			l.want(l.does(gilOf, "decline", nil), "DECLINED")
			l.policy(gilOf, object{"sharingEnabled": true})
			l.want(l.does(anaOf, "create", object{"note": "see https://example.com"}), "NOT_ALLOWED LINKS_IN_NOTES")
			l.want(l.does(anaOf, "create", object{"note": "see you there. Ana"}), "PENDING")
			l.policy(anaOf, object{"whoMayCreate": "MEMBERS", "outgoingApproval": true})
			l.policy(gilOf, object{"linksInNotes": true})
			l.want(l.does(benOf, "create", object{"note": "see https://example.com"}), "REQUESTED of acme")
			l.policy(gilOf, object{"linksInNotes": false})
			l.want(l.does(anaOf, "approve", nil), "NOT_ALLOWED LINKS_IN_NOTES")
			l.want(l.does(anaOf, "deny", nil), "DENIED")
		},
		"a shorter time to live when it is sent": func(l *life) {
			l.policy(anaOf, object{"outgoingApproval": true})
			l.want(l.does(benOf, "create", nil), "REQUESTED of acme")
			l.policy(anaOf, object{"invitationTtlHours": 1})
			l.want(l.does(anaOf, "approve", nil), "PENDING")
			l.audit()
		},
		"time to live": func(l *life) {
			l.policy(anaOf, object{"invitationTtlHours": 3, "outgoingApproval": true})
			l.want(l.does(anaOf, "create", nil), "PENDING")
			data := l.s.For(l.t).Must(l.s.as(anaOf), `query($id: ID!) { node(id: $id) { ... on Invitation { createdAt expiresAt } } }`, object{"id": l.invitation})
			var times [2]time.Time
			for i, field := range []string{"createdAt", "expiresAt"} {
				var err error
				if times[i], err = time.Parse(time.RFC3339Nano, servertest.Get[string](l.t, data, "node", field)); err != nil {
					l.t.Fatal(err)
				}
			}
			l.want(times[1].Sub(times[0]).String(), "3h0m0s")
		},
		"trust": func(l *life) {
			for range 2 {
				succeed(l.t, l.s, l.s.as(anaOf), trustDocument, object{"target": l.s.to("globex")})
			}
			read := func() string {
				policy := servertest.Get[object](l.t, l.s.For(l.t).Must(l.s.as(anaOf), `{ viewer { sharingPolicy { trustedGroups { handle } blockedGroups { handle } } } }`, nil), "viewer", "sharingPolicy")
				return strings.ReplaceAll(fmt.Sprint(policy), l.s.suffix, "")
			}
			l.want(read(), "map[blockedGroups:[] trustedGroups:[map[handle:globex]]]")
			succeed(l.t, l.s, l.s.as(anaOf), untrustDocument, object{"target": l.s.to("globex")})
			l.want(read(), "map[blockedGroups:[] trustedGroups:[]]")
			for who, want := range map[string]string{benOf: "NOT_ALLOWED", "operator": "NOT_ALLOWED"} {
				l.want(refusal(l.t, mutate(l.t, l.s, l.s.as(who), trustDocument, object{"target": l.s.to("globex")})), want)
			}
			l.want(refusal(l.t, mutate(l.t, l.s, l.s.as(anaOf), trustDocument, object{"target": l.s.to("acme")})), "SELF_INVITATION input.target")
			l.want(refusal(l.t, mutate(l.t, l.s, l.s.as(anaOf), trustDocument, object{"target": object{"handle": "nobody-has-this"}})), "GROUP_NOT_FOUND input.target")
		},
		"canShare says what create then does": func(l *life) {
			for _, policy := range []object{
				{}, {"sharingEnabled": false}, {"sharingEnabled": nil, "whoMayCreate": "ADMINS"}, {"whoMayCreate": nil, "outgoingApproval": true},
			} {
				l.policy(anaOf, policy)
				for _, who := range []string{anaOf, benOf} {
					answer := servertest.Get[object](l.t, l.s.For(l.t).Must(l.s.as(who), canShareDocument, object{"target": l.s.to("globex")}), "canShare")
					want := map[string]string{"PENDING": "ALLOWED", "REQUESTED of acme": "NEEDS_APPROVAL"}[l.does(who, "create", nil)]
					if want == "" {
						want = "REFUSED"
					}
					if answer["decision"] != want || answer["explanation"] == "" {
						l.t.Errorf("%s under %v: %v, want %s", who, policy, answer, want)
					}
				}
			}
			for handle, rule := range map[string]string{"acme" + l.s.suffix: "SELF", "nobody-has-this": "UNKNOWN_GROUP"} {
				answer := l.s.For(l.t).Must(l.s.as(anaOf), canShareDocument, object{"target": object{"handle": handle}})
				l.want(fmt.Sprint(servertest.Get[any](l.t, answer, "canShare", "decision"), servertest.Get[any](l.t, answer, "canShare", "rule")), "REFUSED"+rule)
			}
		},
	})
}

// All that becomes of an invitation is told to both sides, as far as they may know of it.
func TestApprovalsAreTold(t *testing.T) {
	lives(t, map[string]func(l *life){
		"each step": func(l *life) {
			l.policy(anaOf, object{"outgoingApproval": true})
			l.policy(gilOf, object{"whoMayAccept": "MEMBERS", "incomingApproval": true})
			l.does(benOf, "create", nil)
			l.does(anaOf, "approve", nil)
			l.does(huaOf, "accept", nil)
			l.does(gilOf, "approve", nil)
			for who, want := range map[string][]string{
				benOf: {"InvitationChanged", "InvitationChanged", "InvitationChanged", "SharedChannelLinked"},
				huaOf: {"InvitationReceived", "InvitationChanged", "SharedChannelLinked"},
			} {
				c := dial(l.t, l.s, bearing{payload: l.s.as(who)})
				id := c.subscribe(`subscription($after: LogCursor) { inbox(after: $after) { __typename } }`, object{"after": start(l.t, l.s, l.s.as(who))})
				var heard []string
				for {
					answer, done := c.answer(id)
					if done || kindOf(answer) == "InboxCheckpoint" {
						break
					}
					heard = append(heard, kindOf(answer))
				}
				if !slices.Equal(heard, want) {
					l.t.Errorf("%s hears %v, want %v", who, heard, want)
				}
			}
		},
	})
}
