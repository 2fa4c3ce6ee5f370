package server_test

import (
	"fmt"
	"testing"

	"linkspan/internal/ids"
)

// isolatedLinks is what the table has of channels of many groups.
var isolatedLinks = []isolated{
	{"Mutation", `mutation { FIELD }`, []may{
		//                                         nobody expired other             invited           member      admin       asker       owner operator
		{`inviteGroup(input:$invite)`, `           U      U       CHANNEL_NOT_FOUND CHANNEL_NOT_FOUND NOT_ALLOWED NOT_ALLOWED V           V     CHANNEL_NOT_FOUND`},
		{`leaveSharedChannel(input:$leave)`, `     U      U       CHANNEL_NOT_FOUND CHANNEL_NOT_FOUND NOT_ALLOWED V           NOT_ALLOWED V     CHANNEL_NOT_FOUND`},
		{`removeGroup(input:$remove)`, `           U      U       CHANNEL_NOT_FOUND CHANNEL_NOT_FOUND NOT_ALLOWED NOT_ALLOWED NOT_ALLOWED V     CHANNEL_NOT_FOUND`},
		{`letGroupInvite(input:$letInvite)`, `     U      U       CHANNEL_NOT_FOUND CHANNEL_NOT_FOUND NOT_ALLOWED NOT_ALLOWED NOT_ALLOWED V     CHANNEL_NOT_FOUND`},
		{`updateChannelSide(input:$updateSide)`, ` U      U       CHANNEL_NOT_FOUND CHANNEL_NOT_FOUND NOT_ALLOWED V           NOT_ALLOWED V     CHANNEL_NOT_FOUND`},
		{`addChannelMember(input:$listMember)`, `  U      U       CHANNEL_NOT_FOUND CHANNEL_NOT_FOUND NOT_ALLOWED V           NOT_ALLOWED V     CHANNEL_NOT_FOUND`},
		{`removeChannelMember(input:$unlistMember)`, ` U   U       CHANNEL_NOT_FOUND CHANNEL_NOT_FOUND NOT_ALLOWED V           NOT_ALLOWED V     CHANNEL_NOT_FOUND`},
		{`offerInitiatorTransfer(input:$offer)`, ` U      U       CHANNEL_NOT_FOUND CHANNEL_NOT_FOUND NOT_ALLOWED NOT_ALLOWED NOT_ALLOWED V     CHANNEL_NOT_FOUND`},
		{`acceptInitiatorTransfer(input:$take)`, ` U      U       CHANNEL_NOT_FOUND CHANNEL_NOT_FOUND NOT_ALLOWED NOT_ALLOWED NOT_ALLOWED V     CHANNEL_NOT_FOUND`},
	}},
	{"SharedChannel", `query { node(id: $SharedChannel) { ... on SharedChannel { FIELD } } }`, []may{
		//                         nobody expired other invited member admin asker owner operator
		{`initiatorOfferedTo`, `   U      U       -     -       0      0     0     0     0`},
	}},
	{"ChannelSide", `query { node(id: $ChannelSide) { ... on ChannelSide { FIELD } } }`, []may{
		//                nobody expired other invited member admin asker owner operator
		{`mayInvite`, `   U      U       -     -       V      V     V     V     V`},
		{`nameVisible mutedByDefault`, ` U U      -     -       0      0     V     V     0`},
		{`retentionDays`, `              U U      -     -       0      0     V     V     0`},
		{`visibility members`, ` U   U    -     -       0      0     V     V     0`},
	}},
	{"UserConnection", `query { node(id: $SharedChannel) { ... on SharedChannel { viewerSide { members { FIELD } } } } }`, []may{
		//                        nobody expired other invited member admin asker owner operator
		{`edges nodes pageInfo`, ` U      U       -     -       V      V     V     V     FORBIDDEN`},
	}},
	{"UserEdge", `query { node(id: $SharedChannel) { ... on SharedChannel { viewerSide { members { edges { FIELD } } } } } }`, []may{
		//               nobody expired other invited member admin asker owner operator
		{`cursor node`, ` U      U       -     -       V      V     V     V     FORBIDDEN`},
	}},
	{"Invitation", `query { node(id: $Invitation) { ... on Invitation { FIELD } } }`, []may{
		//               nobody expired other invited member admin asker owner operator
		{`previous`, `   U      U       -     0       0      0     0     0     -`},
	}},
	{"ChannelChanged", `subscription { channelEvents(channelId: $SharedChannel, after: $talkStart) { __typename ... on ChannelChanged { FIELD } } }`, []may{
		//                                         nobody expired other     invited   member admin asker owner operator
		{`cursor at actor group sharedChannel`, `  U      U       NOT_FOUND NOT_FOUND V      V     V     V     FORBIDDEN`},
	}},
	{"InviteGroupPayload", `mutation { inviteGroup(input: $invite) { FIELD } }`, []may{
		//                nobody expired other invited member admin asker owner operator
		{`invitation`, `  U      U       0     0       0      0     V     V     0`},
		{`errors`, `      U      U       V     V       V      V     []    []    V`},
	}},
	{"LeaveSharedChannelPayload", `mutation { leaveSharedChannel(input: $leave) { FIELD } }`, []may{
		//                   nobody expired other invited member admin asker owner operator
		{`sharedChannel`, `  U      U       0     0       0      V     0     V     0`},
		{`errors`, `         U      U       V     V       V      []    V     []    V`},
	}},
	{"RemoveGroupPayload", `mutation { removeGroup(input: $remove) { FIELD } }`, []may{
		//                   nobody expired other invited member admin asker owner operator
		{`sharedChannel`, `  U      U       0     0       0      0     0     V     0`},
		{`errors`, `         U      U       V     V       V      V     V     []    V`},
	}},
	{"LetGroupInvitePayload", `mutation { letGroupInvite(input: $letInvite) { FIELD } }`, []may{
		//                   nobody expired other invited member admin asker owner operator
		{`sharedChannel`, `  U      U       0     0       0      0     0     V     0`},
		{`errors`, `         U      U       V     V       V      V     V     []    V`},
	}},
	{"UpdateChannelSidePayload", `mutation { updateChannelSide(input: $updateSide) { FIELD } }`, []may{
		//                   nobody expired other invited member admin asker owner operator
		{`sharedChannel`, `  U      U       0     0       0      V     0     V     0`},
		{`errors`, `         U      U       V     V       V      []    V     []    V`},
	}},
	{"AddChannelMemberPayload", `mutation { addChannelMember(input: $listMember) { FIELD } }`, []may{
		//                   nobody expired other invited member admin asker owner operator
		{`sharedChannel`, `  U      U       0     0       0      V     0     V     0`},
		{`errors`, `         U      U       V     V       V      []    V     []    V`},
	}},
	{"RemoveChannelMemberPayload", `mutation { removeChannelMember(input: $unlistMember) { FIELD } }`, []may{
		//                   nobody expired other invited member admin asker owner operator
		{`sharedChannel`, `  U      U       0     0       0      V     0     V     0`},
		{`errors`, `         U      U       V     V       V      []    V     []    V`},
	}},
	{"OfferInitiatorTransferPayload", `mutation { offerInitiatorTransfer(input: $offer) { FIELD } }`, []may{
		//                   nobody expired other invited member admin asker owner operator
		{`sharedChannel`, `  U      U       0     0       0      0     0     V     0`},
		{`errors`, `         U      U       V     V       V      V     V     []    V`},
	}},
	{"AcceptInitiatorTransferPayload", `mutation { acceptInitiatorTransfer(input: $take) { FIELD } }`, []may{
		//                   nobody expired other invited member admin asker owner operator
		{`sharedChannel`, `  U      U       0     0       0      0     0     V     0`},
		{`errors`, `         U      U       V     V       V      V     V     []    V`},
	}},
	{"AlreadySharedError", `mutation { inviteGroup(input: $inviteShared) { errors { ... on AlreadySharedError { FIELD } } } }`, []may{
		//                       nobody expired other invited member admin asker owner operator
		{`code message path`, `  U      U       -     -       -      -     V     V     -`},
	}},
}

// linked is the input of a mutation of a channel that acme shares with globex, which nobody else asks for; n is the number of the question.
func (c *cell) linked(name string, n int64) (object, bool) {
	more, ok := map[string]object{
		"leave": {}, "take": {}, "remove": {"groupId": c.w.s.group("globex").ID.String()}, "offer": {"groupId": c.w.s.group("globex").ID.String()},
		"letInvite": {"groupId": c.w.s.group("globex").ID.String(), "mayInvite": true}, "invite": {"target": c.w.s.to("umbrella")},
		"inviteShared": {"target": c.w.s.to("globex")}, "listMember": {"userId": c.colleague()}, "unlistMember": {"userId": c.colleague()}, "updateSide": {"name": fmt.Sprintf("renamed-by-%s-%d", groupOf[c.column], n), "expectedVersion": 1},
	}[name]
	if !ok {
		return nil, false
	}
	channel := c.w.known["SharedChannel"]
	if groupOf[c.column] != "" && c.column != "other" && c.column != "invited" {
		var invitation string
		channel, invitation = offer(c.t, c.w.s, c.w.users["ana"], "globex", fmt.Sprintf("fresh-secret-name-%d", n))
		succeed(c.t, c.w.s, c.w.users["gil"], acceptDocument, object{"invitationId": invitation})
	}
	if name == "updateSide" && groupOf[c.column] == "globex" { // its version: it was asked, and came in
		more["expectedVersion"] = 2
	}
	return with(object{"channelId": channel}, more), true
}

// colleague is a user of the column's group, or of acme.
func (c *cell) colleague() string {
	group, sub := groupOf[c.column], "hua"
	if group != "globex" {
		group, sub = "acme", "ben"
	}
	return ids.UserOf(c.w.s.group(group).ID, sub).String()
}

// changesLinks has acme let globex invite, and not any more, and say for how long its messages are kept; and both sides list a user.
func (w *world) changesLinks(t *testing.T) {
	t.Helper()
	for _, may := range []bool{true, false} {
		succeed(t, w.s, w.users["ana"], letInviteDocument, object{
			"channelId": w.known["SharedChannel"], "groupId": w.s.group("globex").ID.String(), "mayInvite": may,
		})
	}
	succeed(t, w.s, w.users["ana"], sideDocument, object{"channelId": w.known["SharedChannel"], "retentionDays": 36_500, "expectedVersion": 1})
	for user, group := range map[string]string{"ana": "acme", "gil": "globex"} {
		succeed(t, w.s, w.users[user], addMemberDocument, object{"channelId": w.known["SharedChannel"], "userId": ids.UserOf(w.s.group(group).ID, user).String()})
	}
}

const letInviteDocument = `mutation($input: LetGroupInviteInput!) { it: letGroupInvite(input: $input) { sharedChannel { id } errors { code message path } } }`
