package demo

// What the tour sends. The operations are those of clients/operations.graphql, with the fields that it looks at.
const (
	tourHome = `query TourHome { viewer { sharedChannels(last: 100) { nodes { initiator { handle } shard { slot cluster } } } } }`

	tourInbox = `subscription TourInbox {
  inbox {
    __typename
    ... on InvitationReceived { invitation { id note proposedName viewerCanAccept sentBy { name } fromGroup { handle } toGroup { handle } } }
    ... on SharedChannelLinked { group { handle } sharedChannel { id state name } }
  }
}`

	tourCreate = `mutation TourCreate($input: CreateSharedChannelInput!) {
  createSharedChannel(input: $input) {
    sharedChannel { id state name shard { slot cluster } }
    invitation { id }
    errors { code message }
  }
}`

	tourAccept = `mutation TourAccept($input: AcceptSharedChannelInput!) {
  acceptSharedChannel(input: $input) { sharedChannel { id state name } invitation { state } errors { code message } }
}`

	tourApprove = `mutation TourApprove($input: ApproveInvitationInput!) {
  approveInvitation(input: $input) { sharedChannel { id state name } invitation { state } errors { code message } }
}`

	tourReadPolicy = `query TourReadPolicy { viewer { sharingPolicy { version whoMayAccept incomingApproval } } }`

	tourSetPolicy = `mutation TourSetPolicy($input: SetSharingPolicyInput!) {
  setSharingPolicy(input: $input) { policy { version whoMayAccept incomingApproval } errors { code message } }
}`

	tourRevoke = `mutation TourRevoke($input: RevokeInvitationInput!) {
  revokeInvitation(input: $input) { invitation { state } errors { code message } }
}`

	tourNode = `query TourNode($id: ID!) {
  node(id: $id) { __typename id ... on SharedChannel { state name sides { group { handle } name } } }
}`

	tourFollow = `subscription TourFollow($channelId: ID!) {
  channelEvents(channelId: $channelId) {
    __typename
    ... on MessagePosted { message { id body audience author { name } replyTo { id } } }
    ... on GroupLinked { group { handle } }
    ... on GroupUnlinked { group { handle } }
  }
}`

	tourPost = `mutation TourPost($input: PostMessageInput!) {
  postMessage(input: $input) { message { id } errors { code message } }
}`

	tourInvite = `mutation TourInvite($input: InviteGroupInput!) {
  inviteGroup(input: $input) { invitation { id } errors { code message } }
}`

	tourLeave = `mutation TourLeave($input: LeaveSharedChannelInput!) {
  leaveSharedChannel(input: $input) { sharedChannel { id state name } errors { code message } }
}`

	tourRead = `query TourRead($id: ID!) {
  node(id: $id) { __typename id ... on SharedChannel { messages(last: 20) { nodes { id body audience author { name } replyTo { id } } } } }
}`
)

// The data of these, in part.
type (
	tourHandle struct{ Handle string }

	tourChannel struct {
		ID, State, Name string
		Initiator       tourHandle
		Shard           *place
		Sides           []tourSide
	}

	tourSide struct {
		Group tourHandle
		Name  string
	}

	tourEvent struct {
		Typename   string `json:"__typename"`
		Group      tourHandle
		Invitation struct {
			ID, Note, ProposedName string
			ViewerCanAccept        bool
			SentBy                 struct{ Name string }
			FromGroup, ToGroup     tourHandle
		}
		SharedChannel *tourChannel
		Message       tourMessage
	}

	tourMessage struct {
		ID, Body, Audience string
		Author             struct{ Name string }
		ReplyTo            *struct{ ID string }
	}

	tourPolicy struct {
		Version          int32
		WhoMayAccept     string
		IncomingApproval bool
	}

	tourRefusals []struct{ Code, Message string }
)
