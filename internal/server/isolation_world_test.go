package server_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"linkspan/internal/ids"
	"linkspan/internal/server"
	"linkspan/internal/server/servertest"
)

// world has a channel that acme made and offered to globex, which then accepts it, and things of three other groups.
type world struct {
	s       *place
	schema  schema
	tokens  map[string]string // of the columns
	users   map[string]string // tokens of "ana", "uma", …
	known   map[string]any    // variables that are the same for all
	unknown map[string]any    // variables like them that name nothing
	log     ids.LogCursor     // of the channel, as acme reads it
	nothing ids.Channel       // there is no such channel
	made    atomic.Int64
}

// groupOf is the group of a column, "" for those who have none.
var groupOf = map[string]string{
	"other": "initech", "invited": "globex", "member": "globex", "admin": "globex", "asker": "acme", "owner": "acme",
}

func newWorld(t *testing.T, s *place) *world {
	t.Helper()
	s.group("umbrella")
	w := &world{s: s, schema: introspect(t, s)}
	w.users = map[string]string{}
	for user, role := range map[string]string{
		"Ana-of-acme": "admin", "Ben-of-acme": "member", "Gil-of-globex": "admin", "Hua-of-globex": "member",
		"Ivy-of-initech": "admin", "Uma-of-umbrella": "admin",
	} {
		sub, group, _ := strings.Cut(strings.ToLower(user), "-of-")
		claims := server.Claims{Group: group + s.suffix, Role: role, Name: user}
		claims.Subject = sub
		w.users[sub] = servertest.Sign(t, claims)
	}
	ended := server.Claims{Group: "acme" + s.suffix, Role: "admin", Name: "Ana-of-acme"}
	ended.Subject = "ana"
	expired, err := server.SignToken(servertest.Secret, ended, -time.Second)
	if err != nil {
		t.Fatal(err)
	}
	w.tokens = map[string]string{
		"nobody": "", "expired": expired, "other": w.users["ivy"], "invited": w.users["gil"], "member": w.users["hua"],
		"admin": w.users["gil"], "asker": w.users["ben"], "owner": w.users["ana"], "operator": servertest.Operator(t),
	}

	// Everybody has something of its own, so that what is empty is empty for a reason.
	for _, group := range []string{"acme", "globex", "initech"} {
		succeed(t, s, w.users["uma"], createDocument, object{"target": s.to(group), "name": "umbrella-to-" + group})
	}
	for user, name := range map[string]string{"gil": "taken-at-globex", "ivy": "taken-at-initech"} {
		succeed(t, s, w.users[user], acceptDocument, object{"invitationId": w.received(t, user), "name": name})
	}
	offer(t, s, w.users["ivy"], "umbrella", "made-by-initech")
	pending, _ := offer(t, s, w.users["ana"], "umbrella", "pending-at-acme")

	end := func(reason, document, user string) any {
		payload := succeed(t, s, w.users["ana"], createDocument, object{"target": s.to("globex"), "name": reason})
		id := servertest.Get[string](t, payload, "invitation", "id")
		succeed(t, s, w.users[user], document, object{"invitationId": id, "reason": reason})
		return id
	}
	declined, revoked := end("declined-secret-reason", declineDocument, "gil"), end("revoked-secret-reason", revokeDocument, "ana")

	// Ben's own group has not agreed that these two are sent.
	succeed(t, s, w.users["ana"], policyDocument, object{"outgoingApproval": true, "expectedVersion": 1})
	_, requested := offer(t, s, w.users["ben"], "umbrella", "requested-by-ben")
	_, unwanted := offer(t, s, w.users["ben"], "umbrella", "unwanted-by-acme")
	succeed(t, s, w.users["ana"], policyDocument, object{"outgoingApproval": nil, "expectedVersion": 2})
	for _, admin := range []string{"gil", "ivy"} { // so that the audits of all say what a policy became
		succeed(t, s, w.users[admin], policyDocument, object{"expectedVersion": 1})
	}

	payload := succeed(t, s, w.users["ana"], createDocument, object{
		"target": s.to("globex"), "name": "acme-secret-name", "topic": "acme-secret-topic", "note": "acme-secret-note",
	})
	channel, invitation := servertest.Get[string](t, payload, "sharedChannel", "id"), servertest.Get[string](t, payload, "invitation", "id")
	own := s.Must(w.users["ana"], `query($id: ID!) {
		viewer { id user { id } group { id } sharedChannels(first: 1) { edges { cursor } } receivedInvitations { edges { cursor } }
			sentInvitations(first: 1) { edges { cursor } } }
		node(id: $id) { ... on SharedChannel { viewerSide { id } shard { id } invitations { edges { cursor } } } } }`, object{"id": channel})
	get := func(path ...any) string { return servertest.Get[string](t, own, path...) }
	acme := s.group("acme")
	w.known = map[string]any{
		"Group": get("viewer", "group", "id"), "User": get("viewer", "user", "id"), "Viewer": get("viewer", "id"),
		"SharedChannel": channel, "ChannelSide": get("node", "viewerSide", "id"), "ChannelShard": get("node", "shard", "id"),
		"Invitation": invitation, "Declined": declined, "handle": "acme" + s.suffix,
		"channelsOfAcme": get("viewer", "sharedChannels", "edges", 0, "cursor"),
		"receivedByAcme": get("viewer", "receivedInvitations", "edges", 0, "cursor"),
		"sentByAcme":     get("viewer", "sentInvitations", "edges", 0, "cursor"),
		"openOfAcme":     get("node", "invitations", "edges", 0, "cursor"),
		"startOfAcme":    w.start(t, "ana"),
		"auditOfAcme":    ids.PageCursor{Kind: ids.ListAudit, Reader: acme.ID, Position: 1}.String(),
		"acceptRevoked":  object{"invitationId": revoked},
		"Requested":      requested,
		"approve":        object{"invitationId": requested}, "deny": object{"invitationId": unwanted},
		"acceptUnknown": object{"invitationId": ids.NewInvitation().String()},
		"registerTaken": object{"handle": "acme" + s.suffix, "name": "Acme again"},
	}

	// What names nothing lies on acme's slot: where it is looked for can make no difference.
	nothing, nobody := ids.NewChannel(time.Now(), s.Store.SlotOf(acme.ID)), ids.NewGroup()
	page := func(kind ids.ListKind) string {
		return ids.PageCursor{Kind: kind, Reader: nobody, Position: 1}.String()
	}
	w.unknown = map[string]any{
		"User": ids.UserOf(acme.ID, "nobody").String(), "Viewer": ids.Viewer{User: ids.UserOf(acme.ID, "nobody")}.String(),
		"SharedChannel": nothing.String(), "ChannelSide": ids.Side{Channel: nothing, Group: acme.ID}.String(),
		"ChannelShard": nothing.Shard().String(),
		"Invitation":   ids.NewInvitation().String(), "Declined": ids.NewInvitation().String(),
		"channelsOfAcme": page(ids.ListSharedChannels), "receivedByAcme": page(ids.ListReceivedInvitations),
		"sentByAcme": page(ids.ListSentInvitations), "openOfAcme": page(ids.ListChannelInvitations), "auditOfAcme": page(ids.ListAudit),
		"startOfAcme":   ids.LogCursor{Kind: ids.LogInbox, Log: nobody.InboxLog(), Reader: nobody, History: ids.NewHistory()}.String(),
		"accept":        object{"invitationId": ids.NewInvitation().String()},
		"decline":       object{"invitationId": ids.NewInvitation().String()},
		"revoke":        object{"invitationId": ids.NewInvitation().String()},
		"acceptRevoked": object{"invitationId": ids.NewInvitation().String()},
		"approve":       object{"invitationId": ids.NewInvitation().String()},
		"deny":          object{"invitationId": ids.NewInvitation().String()},
	}
	for name, more := range map[string]object{
		"leave": {}, "take": {}, "remove": {"groupId": acme.ID.String()}, "offer": {"groupId": acme.ID.String()},
		"letInvite": {"groupId": acme.ID.String(), "mayInvite": true}, "invite": {"target": s.to("umbrella")}, "inviteShared": {"target": s.to("globex")},
	} {
		w.unknown[name] = with(object{"channelId": nothing.String()}, more)
	}
	w.foresee(t, channel, pending, nothing, nobody)
	s.For(t).Audited()
	return w
}

// received waits for the one invitation that reaches a user's group and returns its id.
func (w *world) received(t *testing.T, user string) (id string) {
	t.Helper()
	servertest.Eventually(t, "the invitation is there", func() bool {
		data := w.s.For(t).Must(w.users[user], `{ viewer { receivedInvitations { nodes { id } } } }`, nil)
		nodes := servertest.Get[[]any](t, data, "viewer", "receivedInvitations", "nodes")
		if len(nodes) == 0 {
			return false
		}
		id = servertest.Get[string](t, nodes[0], "id")
		return true
	})
	return id
}

// start returns the cursor before the first event of a user's group's inbox.
func (w *world) start(t *testing.T, user string) string {
	t.Helper()
	data := w.s.For(t).Must(w.users[user], `{ viewer { inboxCursor } }`, nil)
	cursor, err := ids.ParseLogCursor(servertest.Get[string](t, data, "viewer", "inboxCursor"))
	if err != nil {
		t.Fatal(err)
	}
	cursor.Position = 0
	return cursor.String()
}

// accept links globex with the channel, in which both then talk.
func (w *world) accept(t *testing.T) {
	t.Helper()
	succeed(t, w.s, w.users["gil"], acceptDocument, object{"invitationId": w.known["Invitation"], "name": "globex-secret-name"})
	w.talk(t)
	w.changesLinks(t)
	w.s.For(t).Audited()
}

// hidden returns the texts that a column must not see.
func (w *world) hidden(column string) []string {
	var texts []string
	linked := column == "member" || column == "admin"
	for _, secret := range secrets {
		known := strings.Fields(secret.known)
		if slices.Contains(known, column) || slices.Contains(known, groupOf[column]) || linked && slices.Contains(known, "linked") {
			continue
		}
		text := secret.text
		if name, ok := strings.CutPrefix(text, "$"); ok {
			text = w.known[name].(string)
		}
		texts = append(texts, text)
	}
	return texts
}
