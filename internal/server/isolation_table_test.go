package server_test

// Who gets what, for every field of the schema. TestIsolation asks each field as each column, with ids that are acme's,
// and compares. A field that is missing here fails it: add a row, or the field to a row.
//
// The columns:
//
//	nobody    no token
//	expired   ana@acme, an admin, with a token that has ended
//	other     ivy@initech, an admin of a group that has nothing to do with acme and globex, and channels of its own
//	invited   gil@globex, an admin of the group that acme has invited, before it accepts
//	member    hua@globex, a member of the same group after it has accepted
//	admin     gil@globex, after
//	asker     ben@acme, a member of the group that made the channel
//	owner     ana@acme, an admin of that group, who made it
//	operator  an operator
//
// What they get:
//
//	V    something
//	0    null
//	[]   an empty list
//	-    nothing: the object that the field is of is not there for them
//	U    UNAUTHENTICATED
//	BAD  BAD_USER_INPUT
//	any other word is the code of a fault or, for a mutation, of its refusal
var columns = []string{"nobody", "expired", "other", "invited", "member", "admin", "asker", "owner", "operator"}

// isolated is how to reach the objects of a type, and who gets what of its fields. Variables are those of
// (*cell).variable; an id is called by the type of what it names.
type isolated struct {
	typ string
	ask string // FIELD stands for the fields
	may []may
}

type may struct{ fields, get string }

var isolation = []isolated{
	// ==== roots =================================================================================================

	{"Query", `query { FIELD }`, []may{
		//                                  nobody expired other invited member admin asker owner operator
		{`viewer`, `                        U      U       V     V       V      V     V     V     0`},
		{`group(handle:$handle)`, `         U      U       V     V       V      V     V     V     V`},
		{`canShare(target:$target)`, `      U      U       V     V       V      V     V     V     FORBIDDEN`},
		{`node(id:$Group)`, `               U      U       V     V       V      V     V     V     V`},
		{`node(id:$User)`, `                U      U       0     V       V      V     V     V     0`},
		{`node(id:$Viewer)`, `              U      U       0     0       0      0     0     V     0`},
		{`node(id:$SharedChannel)`, `       U      U       0     0       V      V     V     V     V`},
		{`node(id:$ChannelSide)`, `         U      U       0     0       V      V     V     V     V`},
		{`node(id:$ChannelShard)`, `        U      U       0     0       0      0     0     V     V`},
		{`node(id:$Invitation)`, `          U      U       0     V       V      V     V     V     0`},
		{`node(id:$Message)`, `             U      U       0     0       V      V     V     V     0`},
		{`node(id:$PrivateMessage)`, `      U      U       0     0       0      0     V     V     0`},
		{`nodes(ids:[$Group])`, `           U      U       V     V       V      V     V     V     V`},
		{`nodes(ids:[$User])`, `            U      U       0     V       V      V     V     V     0`},
		{`nodes(ids:[$Viewer])`, `          U      U       0     0       0      0     0     V     0`},
		{`nodes(ids:[$SharedChannel])`, `   U      U       0     0       V      V     V     V     V`},
		{`nodes(ids:[$ChannelSide])`, `     U      U       0     0       V      V     V     V     V`},
		{`nodes(ids:[$ChannelShard])`, `    U      U       0     0       0      0     0     V     V`},
		{`nodes(ids:[$Invitation])`, `      U      U       0     V       V      V     V     V     0`},
		{`nodes(ids:[$Message])`, `         U      U       0     0       V      V     V     V     0`},
		{`nodes(ids:[$PrivateMessage])`, `  U      U       0     0       0      0     V     V     0`},
	}},
	{"Mutation", `mutation { FIELD }`, []may{
		//                                      nobody expired other                invited     member      admin       asker       owner       operator
		{`registerGroup(input:$register)`, `    U      U       NOT_ALLOWED          NOT_ALLOWED NOT_ALLOWED NOT_ALLOWED NOT_ALLOWED NOT_ALLOWED V`},
		{`createSharedChannel(input:$create)`, `U      U       V                    V           V           V           V           V           NOT_ALLOWED`},
		{`acceptSharedChannel(input:$accept)`, `U      U       INVITATION_NOT_FOUND V           NOT_ALLOWED V           NOT_ALLOWED NOT_ALLOWED INVITATION_NOT_FOUND`},
		{`declineInvitation(input:$decline)`, ` U      U       INVITATION_NOT_FOUND V           NOT_ALLOWED V           NOT_ALLOWED NOT_ALLOWED INVITATION_NOT_FOUND`},
		{`revokeInvitation(input:$revoke)`, `   U      U       INVITATION_NOT_FOUND NOT_ALLOWED NOT_ALLOWED NOT_ALLOWED NOT_ALLOWED V           INVITATION_NOT_FOUND`},
	}},
	{"Mutation", `mutation { FIELD }`, []may{
		//                                      nobody expired other                invited              member               admin                asker       owner operator
		{`approveInvitation(input:$approve)`, ` U      U       INVITATION_NOT_FOUND INVITATION_NOT_FOUND INVITATION_NOT_FOUND INVITATION_NOT_FOUND NOT_ALLOWED V     INVITATION_NOT_FOUND`},
		{`denyInvitation(input:$deny)`, `       U      U       INVITATION_NOT_FOUND INVITATION_NOT_FOUND INVITATION_NOT_FOUND INVITATION_NOT_FOUND NOT_ALLOWED V     INVITATION_NOT_FOUND`},
		{`setSharingPolicy(input:$policy)`, `   U      U       V                    V                    NOT_ALLOWED          V                    NOT_ALLOWED V     NOT_ALLOWED`},
		{`trustGroup(input:$trust)`, `          U      U       V                    V                    NOT_ALLOWED          V                    NOT_ALLOWED V     NOT_ALLOWED`},
		{`untrustGroup(input:$untrust)`, `      U      U       V                    V                    NOT_ALLOWED          V                    NOT_ALLOWED V     NOT_ALLOWED`},
	}},
	{"Mutation", `mutation { FIELD }`, []may{
		//                                          nobody expired other             invited           member            admin             asker             owner             operator
		{`postMessage(input:$post)`, `              U      U       CHANNEL_NOT_FOUND CHANNEL_NOT_FOUND V                 V                 V                 V                 CHANNEL_NOT_FOUND`},
		{`postMessage(input:$postReply)`, `         U      U       CHANNEL_NOT_FOUND CHANNEL_NOT_FOUND MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND V                 V                 CHANNEL_NOT_FOUND`},
		{`editMessage(input:$edit)`, `              U      U       MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND V                 V                 V                 V                 MESSAGE_NOT_FOUND`},
		{`editMessage(input:$editOfAna)`, `         U      U       MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND NOT_ALLOWED       NOT_ALLOWED       NOT_ALLOWED       V                 MESSAGE_NOT_FOUND`},
		{`editMessage(input:$editPrivate)`, `       U      U       MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND V                 NOT_ALLOWED       MESSAGE_NOT_FOUND`},
		{`deleteMessage(input:$delete)`, `          U      U       MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND V                 V                 V                 V                 MESSAGE_NOT_FOUND`},
		{`deleteMessage(input:$deleteOfAna)`, `     U      U       MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND NOT_ALLOWED       NOT_ALLOWED       NOT_ALLOWED       V                 MESSAGE_NOT_FOUND`},
		{`deleteMessage(input:$deletePrivate)`, `   U      U       MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND V                 V                 MESSAGE_NOT_FOUND`},
		{`addReaction(input:$react)`, `             U      U       MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND V                 V                 V                 V                 MESSAGE_NOT_FOUND`},
		{`addReaction(input:$reactPrivate)`, `      U      U       MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND V                 V                 MESSAGE_NOT_FOUND`},
		{`removeReaction(input:$unreact)`, `        U      U       MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND V                 V                 V                 V                 MESSAGE_NOT_FOUND`},
		{`removeReaction(input:$unreactPrivate)`, ` U      U       MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND V                 V                 MESSAGE_NOT_FOUND`},
		{`markRead(input:$mark)`, `                 U      U       CHANNEL_NOT_FOUND CHANNEL_NOT_FOUND V                 V                 V                 V                 CHANNEL_NOT_FOUND`},
		{`markRead(input:$markPrivate)`, `          U      U       CHANNEL_NOT_FOUND CHANNEL_NOT_FOUND MESSAGE_NOT_FOUND MESSAGE_NOT_FOUND V                 V                 CHANNEL_NOT_FOUND`},
	}},
	{"Subscription", `subscription { FIELD }`, []may{
		//                                              nobody expired other invited member admin asker owner operator
		{`inbox(after:$start)`, `                       U      U       V     V       V      V     V     V     FORBIDDEN`},
		{`invitationReceived(after:$start)`, `          U      U       V     V       V      V     V     V     FORBIDDEN`},
		{`sharedChannelLinked(after:$start)`, `         U      U       V     V       V      V     V     V     FORBIDDEN`},
		{`inbox(after:$startOfAcme)`, `                 U      U       BAD   BAD     BAD    BAD   V     V     FORBIDDEN`},
		{`invitationReceived(after:$startOfAcme)`, `    U      U       BAD   BAD     BAD    BAD   V     V     FORBIDDEN`},
		{`sharedChannelLinked(after:$startOfAcme)`, `   U      U       BAD   BAD     BAD    BAD   V     V     FORBIDDEN`},
	}},
	{"Subscription", `subscription { FIELD }`, []may{
		//                                                                      nobody expired other     invited   member admin asker owner operator
		{`channelEvents(channelId:$SharedChannel)`, `                           U      U       NOT_FOUND NOT_FOUND V      V     V     V     FORBIDDEN`},
		{`channelEvents(channelId:$SharedChannel,after:$talkStart)`, `          U      U       NOT_FOUND NOT_FOUND V      V     V     V     FORBIDDEN`},
		{`channelEvents(channelId:$SharedChannel,after:$talkStartOfAcme)`, `    U      U       BAD       BAD       BAD    BAD   V     V     FORBIDDEN`},
	}},

	// ==== viewer, groups, users =================================================================================

	{"Viewer", `query { viewer { FIELD } }`, []may{
		//                                                nobody expired other invited member admin asker owner operator
		{`id user group role inboxCursor`, `              U      U       V     V       V      V     V     V     -`},
		{`sharedChannels`, `                              U      U       V     V       V      V     V     V     -`},
		{`receivedInvitations sentInvitations`, `         U      U       V     V       V      V     V     V     -`},
		{`sharedChannels(after:$channelsOfAcme)`, `       U      U       BAD   BAD     BAD    BAD   V     V     -`},
		{`receivedInvitations(after:$receivedByAcme)`, `  U      U       BAD   BAD     BAD    BAD   V     V     -`},
		{`sentInvitations(before:$sentByAcme)`, `         U      U       BAD   BAD     BAD    BAD   V     V     -`},
		{`sharingPolicy`, `                               U      U       V     V       0      V     0     V     -`},
	}},
	{"SharingPolicy", `query { viewer { sharingPolicy { FIELD } } }`, []may{
		//                                                                nobody expired other invited member admin asker owner operator
		{`version sharingEnabled whoMayCreate whoMayAccept`, `            U      U       V     V       -      V     -     V     -`},
		{`outgoingApproval incomingApproval linksInNotes`, `              U      U       V     V       -      V     -     V     -`},
		{`invitationTtlHours`, `                                          U      U       0     0       -      0     -     0     -`},
		{`trustedGroups blockedGroups`, `                                 U      U       []    []      -      []    -     []    -`},
	}},
	{"SharingAnswer", `query { canShare(target: $target) { FIELD } }`, []may{
		//                             nobody expired other invited member admin asker owner operator
		{`decision rule explanation`, `U      U       V     V       V      V     V     V     FORBIDDEN`},
	}},
	{"Group", `query { group(handle: $handle) { FIELD } }`, []may{
		//                        nobody expired other invited member admin asker owner operator
		{`id handle name`, `      U      U       V     V       V      V     V     V     V`},
	}},
	{"User", `query { node(id: $User) { ... on User { FIELD } } }`, []may{
		//                        nobody expired other invited member admin asker owner operator
		{`id name group`, `       U      U       -     V       V      V     V     V     -`},
	}},

	// ==== channels ==============================================================================================

	{"SharedChannel", `query { node(id: $SharedChannel) { ... on SharedChannel { FIELD } } }`, []may{
		//                                             nobody expired other invited member admin asker owner operator
		{`id state createdAt initiator sides`, `       U      U       -     -       V      V     V     V     V`},
		{`name viewerSide`, `                          U      U       -     -       V      V     V     V     FORBIDDEN`},
		{`topic createdBy`, `                          U      U       -     -       V      V     V     V     0`},
		{`invitations`, `                              U      U       -     -       V      V     V     V     FORBIDDEN`},
		{`invitations(after:$openOfAcme)`, `           U      U       -     -       BAD    BAD   V     V     FORBIDDEN`},
		{`search(text:"word")`, `                      U      U       -     -       V      V     V     V     FORBIDDEN`},
		{`unreadCount messages`, `                     U      U       -     -       V      V     V     V     FORBIDDEN`},
		{`messages(after:$messagesOfAcme)`, `          U      U       -     -       BAD    BAD   V     V     FORBIDDEN`},
		{`shard`, `                                    U      U       -     -       0      0     0     V     V`},
	}},
	{"ChannelSide", `query { node(id: $ChannelSide) { ... on ChannelSide { FIELD } } }`, []may{
		//                               nobody expired other invited member admin asker owner operator
		{`id group linkedAt version`, `  U      U       -     -       V      V     V     V     V`},
		{`name`, `                       U      U       -     -       V      V     V     V     0`},
	}},
	{"ChannelShard", `query { node(id: $ChannelShard) { ... on ChannelShard { FIELD } } }`, []may{
		//                     nobody expired other invited member admin asker owner operator
		{`id slot cluster`, `  U      U       -     -       -      -     -     V     V`},
	}},
	{"SharedChannelConnection", `query { viewer { sharedChannels { FIELD } } }`, []may{
		//                                    nobody expired other invited member admin asker owner operator
		{`edges nodes pageInfo logCursor`, `  U      U       V     V       V      V     V     V     -`},
	}},
	{"SharedChannelEdge", `query { viewer { sharedChannels { edges { FIELD } } } }`, []may{
		//                 nobody expired other invited member admin asker owner operator
		{`cursor node`, `  U      U       V     V       V      V     V     V     -`},
	}},
	{"PageInfo", `query { viewer { sharedChannels { pageInfo { FIELD } } } }`, []may{
		//                                                        nobody expired other invited member admin asker owner operator
		{`hasNextPage hasPreviousPage startCursor endCursor`, `   U      U       V     V       V      V     V     V     -`},
	}},

	// ==== invitations ===========================================================================================

	{"Invitation", `query { node(id: $Invitation) { ... on Invitation { FIELD } } }`, []may{
		//                                                           nobody expired other invited member admin asker owner operator
		{`id state version note fromGroup toGroup sentBy`, `         U      U       -     V       V      V     V     V     -`},
		{`createdAt expiresAt proposedName`, `                       U      U       -     V       V      V     V     V     -`},
		{`sharedChannel resolvedBy resolvedAt`, `                    U      U       -     0       V      V     V     V     -`},
		{`viewerCanAccept viewerCanDecline viewerCanRevoke`, `       U      U       -     V       V      V     V     V     -`},
		{`viewerCanApprove viewerCanDeny history`, `                 U      U       -     V       V      V     V     V     -`},
		{`awaiting waiting`, `                                       U      U       -     []      []     []    []    []    -`},
	}},
	{"InvitationTransition", `query { node(id: $Invitation) { ... on Invitation { history { FIELD } } } }`, []may{
		//                                nobody expired other invited member admin asker owner operator
		{`version state deed at actor`, ` U      U       -     V       V      V     V     V     -`},
		{`reason`, `                      U      U       -     0       0      0     0     0     -`},
	}},
	{"Invitation", `query { node(id: $Declined) { ... on Invitation { FIELD } } }`, []may{
		//           nobody expired other invited member admin asker owner operator
		{`reason`, ` U      U       -     V       V      V     V     V     -`},
	}},
	{"InvitationConnection", `query { viewer { receivedInvitations { FIELD } } }`, []may{
		//                                               nobody expired other invited member admin asker owner operator
		{`edges nodes pageInfo totalCount logCursor`, `  U      U       V     V       V      V     V     V     -`},
	}},
	{"InvitationEdge", `query { viewer { receivedInvitations { edges { FIELD } } } }`, []may{
		//                 nobody expired other invited member admin asker owner operator
		{`cursor node`, `  U      U       V     V       V      V     V     V     -`},
	}},

	// ==== the inbox =============================================================================================

	{"InvitationReceived", `subscription { inbox(after: $start) { __typename ... on InvitationReceived { FIELD } } }`, []may{
		//                          nobody expired other invited member admin asker owner operator
		{`cursor at invitation`, `  U      U       V     V       V      V     V     V     FORBIDDEN`},
	}},
	{"InvitationChanged", `subscription { inbox(after: $start) { __typename ... on InvitationChanged { FIELD } } }`, []may{
		//                          nobody expired other invited member admin asker owner operator
		{`cursor at invitation`, `  U      U       V     V       V      V     V     V     FORBIDDEN`},
	}},
	{"SharedChannelLinked", `subscription { inbox(after: $start) { __typename ... on SharedChannelLinked { FIELD } } }`, []may{
		//                                              nobody expired other invited member admin asker owner operator
		{`cursor at group sharedChannel invitation`, `  U      U       V     V       V      V     V     V     FORBIDDEN`},
	}},
	{"InboxCheckpoint", `subscription { inbox(after: $start) { __typename ... on InboxCheckpoint { FIELD } } }`, []may{
		//               nobody expired other invited member admin asker owner operator
		{`cursor at`, `  U      U       V     V       V      V     V     V     FORBIDDEN`},
	}},

	// ==== the conversation ======================================================================================

	{"Message", `query { node(id: $Message) { ... on Message { FIELD } } }`, []may{
		//                                                            nobody expired other invited member admin asker owner operator
		{`id body state audience author authorName createdAt`, `      U      U       -     -       V      V     V     V     -`},
		{`editedAt replyCount replies reactions mentions history`, `  U      U       -     -       V      V     V     V     -`},
		{`replies(after:$repliesOfAcme)`, `                           U      U       -     -       BAD    BAD   V     V     -`},
		{`deletedAt deletedBy replyTo`, `                             U      U       -     -       0      0     0     0     -`},
	}},
	{"Message", `query { node(id: $Reply) { ... on Message { FIELD } } }`, []may{
		//             nobody expired other invited member admin asker owner operator
		{`replyTo`, `  U      U       -     -       V      V     V     V     -`},
	}},
	{"Message", `query { node(id: $DeletedMessage) { ... on Message { FIELD } } }`, []may{
		//                                    nobody expired other invited member admin asker owner operator
		{`deletedAt deletedBy authorName`, `  U      U       -     -       V      V     V     V     -`},
		{`body`, `                            U      U       -     -       0      0     0     0     -`},
		{`history mentions reactions`, `      U      U       -     -       []     []    []    []    -`},
	}},
	{"Message", `query { node(id: $PrivateMessage) { ... on Message { FIELD } } }`, []may{
		//                                                            nobody expired other invited member admin asker owner operator
		{`id body state audience author authorName createdAt`, `      U      U       -     -       -      -     V     V     -`},
		{`editedAt replyCount replies reactions mentions history`, `  U      U       -     -       -      -     V     V     -`},
		{`deletedAt deletedBy replyTo`, `                             U      U       -     -       -      -     0     0     -`},
	}},
	{"Reaction", `query { node(id: $Message) { ... on Message { reactions { FIELD } } } }`, []may{
		//                               nobody expired other invited member admin asker owner operator
		{`emoji count viewerReacted`, `  U      U       -     -       V      V     V     V     -`},
	}},
	{"MessageVersion", `query { node(id: $Message) { ... on Message { history { FIELD } } } }`, []may{
		//                   nobody expired other invited member admin asker owner operator
		{`body at actor`, `  U      U       -     -       V      V     V     V     -`},
	}},
	{"MessageConnection", `query { node(id: $SharedChannel) { ... on SharedChannel { messages { FIELD } } } }`, []may{
		//                                    nobody expired other invited member admin asker owner operator
		{`edges nodes pageInfo logCursor`, `  U      U       -     -       V      V     V     V     FORBIDDEN`},
	}},
	{"MessageEdge", `query { node(id: $SharedChannel) { ... on SharedChannel { messages { edges { FIELD } } } } }`, []may{
		//                 nobody expired other invited member admin asker owner operator
		{`cursor node`, `  U      U       -     -       V      V     V     V     FORBIDDEN`},
	}},
	{"MessagePosted", `subscription { channelEvents(channelId: $SharedChannel, after: $talkStart) { __typename ... on MessagePosted { FIELD } } }`, []may{
		//                             nobody expired other     invited   member admin asker owner operator
		{`cursor at actor message`, `  U      U       NOT_FOUND NOT_FOUND V      V     V     V     FORBIDDEN`},
	}},
	{"MessageEdited", `subscription { channelEvents(channelId: $SharedChannel, after: $talkStart) { __typename ... on MessageEdited { FIELD } } }`, []may{
		//                             nobody expired other     invited   member admin asker owner operator
		{`cursor at actor message`, `  U      U       NOT_FOUND NOT_FOUND V      V     V     V     FORBIDDEN`},
	}},
	{"MessageDeleted", `subscription { channelEvents(channelId: $SharedChannel, after: $talkStart) { __typename ... on MessageDeleted { FIELD } } }`, []may{
		//                             nobody expired other     invited   member admin asker owner operator
		{`cursor at actor message`, `  U      U       NOT_FOUND NOT_FOUND V      V     V     V     FORBIDDEN`},
	}},
	{"ReactionChanged", `subscription { channelEvents(channelId: $SharedChannel, after: $talkStart) { __typename ... on ReactionChanged { FIELD } } }`, []may{
		//                                               nobody expired other     invited   member admin asker owner operator
		{`cursor at actor message emoji added count`, `  U      U       NOT_FOUND NOT_FOUND V      V     V     V     FORBIDDEN`},
	}},
	{"GroupLinked", `subscription { channelEvents(channelId: $SharedChannel, after: $talkStart) { __typename ... on GroupLinked { FIELD } } }`, []may{
		//                           nobody expired other     invited   member admin asker owner operator
		{`cursor at actor group`, `  U      U       NOT_FOUND NOT_FOUND V      V     V     V     FORBIDDEN`},
	}},
	{"GroupUnlinked", `subscription { channelEvents(channelId: $SharedChannel, after: $talkStart) { __typename ... on GroupUnlinked { FIELD } } }`, []may{
		//                           nobody expired other     invited   member admin asker owner operator
		{`cursor at actor group`, `  U      U       NOT_FOUND NOT_FOUND -      -     -     -     FORBIDDEN`},
	}},
	{"ChannelCheckpoint", `subscription { channelEvents(channelId: $SharedChannel, after: $talkStart) { __typename ... on ChannelCheckpoint { FIELD } } }`, []may{
		//               nobody expired other     invited   member admin asker owner operator
		{`cursor at`, `  U      U       NOT_FOUND NOT_FOUND V      V     V     V     FORBIDDEN`},
		{`actor`, `      U      U       NOT_FOUND NOT_FOUND 0      0     0     0     FORBIDDEN`},
	}},

	// ==== answers of mutations ==================================================================================

	{"RegisterGroupPayload", `mutation { registerGroup(input: $register) { FIELD } }`, []may{
		//            nobody expired other invited member admin asker owner operator
		{`group`, `   U      U       0     0       0      0     0     0     V`},
		{`errors`, `  U      U       V     V       V      V     V     V     []`},
	}},
	{"CreateSharedChannelPayload", `mutation { createSharedChannel(input: $create) { FIELD } }`, []may{
		//                              nobody expired other invited member admin asker owner operator
		{`sharedChannel invitation`, `  U      U       V     V       V      V     V     V     0`},
		{`errors`, `                    U      U       []    []      []     []    []    []    V`},
	}},
	{"AcceptSharedChannelPayload", `mutation { acceptSharedChannel(input: $accept) { FIELD } }`, []may{
		//                              nobody expired other invited member admin asker owner operator
		{`sharedChannel invitation`, `  U      U       0     V       0      V     0     0     0`},
		{`nameChangedFrom`, `           U      U       0     V       0      V     0     0     0`},
		{`errors`, `                    U      U       V     []      V      []    V     V     V`},
	}},
	{"DeclineInvitationPayload", `mutation { declineInvitation(input: $decline) { FIELD } }`, []may{
		//                nobody expired other invited member admin asker owner operator
		{`invitation`, `  U      U       0     V       0      V     0     0     0`},
		{`errors`, `      U      U       V     []      V      []    V     V     V`},
	}},
	{"ApproveInvitationPayload", `mutation { approveInvitation(input: $approve) { FIELD } }`, []may{
		//                   nobody expired other invited member admin asker owner operator
		{`invitation`, `     U      U       0     0       0      0     0     V     0`},
		{`sharedChannel`, `  U      U       0     0       0      0     0     0     0`},
		{`errors`, `         U      U       V     V       V      V     V     []    V`},
	}},
	{"DenyInvitationPayload", `mutation { denyInvitation(input: $deny) { FIELD } }`, []may{
		//                nobody expired other invited member admin asker owner operator
		{`invitation`, `  U      U       0     0       0      0     0     V     0`},
		{`errors`, `      U      U       V     V       V      V     V     []    V`},
	}},
	{"SetSharingPolicyPayload", `mutation { setSharingPolicy(input: $policy) { FIELD } }`, []may{
		//            nobody expired other invited member admin asker owner operator
		{`policy`, `  U      U       V     V       0      V     0     V     0`},
		{`errors`, `  U      U       []    []      V      []    V     []    V`},
	}},
	{"TrustGroupPayload", `mutation { trustGroup(input: $trust) { FIELD } }`, []may{
		//            nobody expired other invited member admin asker owner operator
		{`group`, `   U      U       V     V       0      V     0     V     0`},
		{`errors`, `  U      U       []    []      V      []    V     []    V`},
	}},
	{"UntrustGroupPayload", `mutation { untrustGroup(input: $untrust) { FIELD } }`, []may{
		//            nobody expired other invited member admin asker owner operator
		{`group`, `   U      U       V     V       0      V     0     V     0`},
		{`errors`, `  U      U       []    []      V      []    V     []    V`},
	}},
	{"RevokeInvitationPayload", `mutation { revokeInvitation(input: $revoke) { FIELD } }`, []may{
		//                nobody expired other invited member admin asker owner operator
		{`invitation`, `  U      U       0     0       0      0     0     V     0`},
		{`errors`, `      U      U       V     V       V      V     V     []    V`},
	}},
	{"PostMessagePayload", `mutation { postMessage(input: $post) { FIELD } }`, []may{
		//             nobody expired other invited member admin asker owner operator
		{`message`, `  U      U       0     0       V      V     V     V     0`},
		{`errors`, `   U      U       V     V       []     []    []    []    V`},
	}},
	{"EditMessagePayload", `mutation { editMessage(input: $edit) { FIELD } }`, []may{
		//             nobody expired other invited member admin asker owner operator
		{`message`, `  U      U       0     0       V      V     V     V     0`},
		{`errors`, `   U      U       V     V       []     []    []    []    V`},
	}},
	{"DeleteMessagePayload", `mutation { deleteMessage(input: $delete) { FIELD } }`, []may{
		//             nobody expired other invited member admin asker owner operator
		{`message`, `  U      U       0     0       V      V     V     V     0`},
		{`errors`, `   U      U       V     V       []     []    []    []    V`},
	}},
	{"AddReactionPayload", `mutation { addReaction(input: $react) { FIELD } }`, []may{
		//             nobody expired other invited member admin asker owner operator
		{`message`, `  U      U       0     0       V      V     V     V     0`},
		{`errors`, `   U      U       V     V       []     []    []    []    V`},
	}},
	{"RemoveReactionPayload", `mutation { removeReaction(input: $unreact) { FIELD } }`, []may{
		//             nobody expired other invited member admin asker owner operator
		{`message`, `  U      U       0     0       V      V     V     V     0`},
		{`errors`, `   U      U       V     V       []     []    []    []    V`},
	}},
	{"MarkReadPayload", `mutation { markRead(input: $mark) { FIELD } }`, []may{
		//                   nobody expired other invited member admin asker owner operator
		{`sharedChannel`, `  U      U       0     0       V      V     V     V     0`},
		{`errors`, `         U      U       V     V       []     []    []    []    V`},
	}},

	// ==== refusals ==============================================================================================

	{"GroupNotFoundError", `mutation { createSharedChannel(input: $createWithNobody) { errors { ... on GroupNotFoundError { FIELD } } } }`, []may{
		//                       nobody expired other invited member admin asker owner operator
		{`code message path`, `  U      U       V     V       V      V     V     V     -`},
	}},
	{"InvitationNotFoundError", `mutation { acceptSharedChannel(input: $acceptUnknown) { errors { ... on InvitationNotFoundError { FIELD } } } }`, []may{
		//                       nobody expired other invited member admin asker owner operator
		{`code message path`, `  U      U       V     V       V      V     V     V     V`},
	}},
	{"SelfInvitationError", `mutation { createSharedChannel(input: $createWithSelf) { errors { ... on SelfInvitationError { FIELD } } } }`, []may{
		//                       nobody expired other invited member admin asker owner operator
		{`code message path`, `  U      U       V     V       V      V     V     V     -`},
	}},
	{"NameTakenError", `mutation { createSharedChannel(input: $createTaken) { errors { ... on NameTakenError { FIELD } } } }`, []may{
		//                                  nobody expired other invited member admin asker owner operator
		{`code message path suggestion`, `  U      U       V     V       V      V     V     V     -`},
	}},
	{"InvitationNotPendingError", `mutation { acceptSharedChannel(input: $acceptRevoked) { errors { ... on InvitationNotPendingError { FIELD } } } }`, []may{
		//                             nobody expired other invited member admin asker owner operator
		{`code message path state`, `  U      U       -     V       -      V     -     -     -`},
	}},
	{"ChannelNotFoundError", `mutation { postMessage(input: $postUnknown) { errors { ... on ChannelNotFoundError { FIELD } } } }`, []may{
		//                       nobody expired other invited member admin asker owner operator
		{`code message path`, `  U      U       V     V       V      V     V     V     V`},
	}},
	{"MessageNotFoundError", `mutation { editMessage(input: $editUnknown) { errors { ... on MessageNotFoundError { FIELD } } } }`, []may{
		//                       nobody expired other invited member admin asker owner operator
		{`code message path`, `  U      U       V     V       V      V     V     V     V`},
	}},
	{"ChannelNotActiveError", `mutation { postMessage(input: $postPending) { errors { ... on ChannelNotActiveError { FIELD } } } }`, []may{
		//                             nobody expired other invited member admin asker owner operator
		{`code message path state`, `  U      U       -     -       -      -     V     V     -`},
	}},
	{"NotAllowedError", `mutation { registerGroup(input: $registerTaken) { errors { ... on NotAllowedError { FIELD } } } }`, []may{
		//                  nobody expired other invited member admin asker owner operator
		{`code message`, `  U      U       V     V       V      V     V     V     -`},
		{`path`, `          U      U       []    []      []     []    []    []    -`},
		{`rule`, `          U      U       0     0       0      0     0     0     -`},
	}},
	{"VersionConflictError", `mutation { setSharingPolicy(input: $policyStale) { errors { ... on VersionConflictError { FIELD } } } }`, []may{
		//                               nobody expired other invited member admin asker owner operator
		{`code message path version`, `  U      U       V     V       -      V     -     V     -`},
	}},
	{"IdempotencyKeyReusedError", `mutation {
		first: createSharedChannel(input: $create) { errors { code } }
		createSharedChannel(input: $createReusing) { errors { ... on IdempotencyKeyReusedError { FIELD } } } }`, []may{
		//                       nobody expired other invited member admin asker owner operator
		{`code message path`, `  U      U       V     V       V      V     V     V     -`},
	}},
	{"InvalidInputError", `mutation { createSharedChannel(input: $createBlank) { errors { ... on InvalidInputError { FIELD } } } }`, []may{
		//                       nobody expired other invited member admin asker owner operator
		{`code message path`, `  U      U       V     V       V      V     V     V     -`},
	}},
}

// secrets are texts that answers are searched for, with those who may see them: columns, or groups for all of their
// columns ("globex" from the invitation on, "linked" for its columns after it accepted).
var secrets = []struct{ text, known string }{
	{"acme-secret-name", "acme globex"},
	{"acme-secret-topic", "acme linked"},
	{"acme-secret-note", "acme globex"},
	{"globex-secret-name", "acme linked"},
	{"declined-secret-reason", "acme globex"},
	{"revoked-secret-reason", "acme globex"},
	{"fresh-secret-name", "acme globex"},
	{"made-by-acme", "acme"},
	{"made-by-globex", "globex"},
	{"made-by-initech", "initech"},
	{"taken-at-initech", "initech"},
	{"pending-at-acme", "acme umbrella"},
	{"acme-public-body", "acme linked"},
	{"acme-first-words", "acme linked"},
	{"globex-public-body", "acme linked"},
	{"deleted-body", ""},
	{"acme-private-body", "acme"},
	{"acme-private-reply", "acme"},
	{"acme-private-first-words", "acme"},
	{"🦊", "acme"},
	{"globex-private-body", "linked"},
	{"said-by-acme", "acme linked"},
	{"said-by-globex", "acme linked"},
	{"whispered-by-acme", "acme"},
	{"whispered-by-globex", "linked"},
	{"umbrella-to-acme", "acme"},
	{"umbrella-to-globex", "globex"},
	{"umbrella-to-initech", "initech"},
	{"Ana-of-acme", "acme globex"},
	{"Ben-of-acme", "acme"},
	{"Gil-of-globex", "acme globex"},
	{"Hua-of-globex", "globex"},
	{"Ivy-of-initech", "initech"},
	{"Uma-of-umbrella", "acme globex initech"},
	{"globex", "acme globex operator"},
	{"Globex", "acme globex operator"},
	{"$SharedChannel", "acme linked operator"},
	{"$ChannelSide", "acme linked operator"},
	{"$ChannelShard", "owner operator"},
	{"$Invitation", "acme globex"},
	{"$User", "acme globex"},
	{"$Viewer", "owner"},
	{"$Message", "acme linked"},
	{"$Reply", "acme linked"},
	{"$DeletedMessage", "acme linked"},
	{"$PrivateMessage", "acme"},
}
