package server_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

const (
	blockDocument    = `mutation($input: BlockGroupInput!) { it: blockGroup(input: $input) { group { handle } errors { code message path ... on NotAllowedError { rule } } } }`
	unblockDocument  = `mutation($input: UnblockGroupInput!) { it: unblockGroup(input: $input) { group { handle } errors { code message path ... on NotAllowedError { rule } } } }`
	receivedDocument = `subscription($after: LogCursor) { invitationReceived(after: $after) { invitation { id } cursor } }`
	inboxDocument    = `subscription($after: LogCursor) { inbox(after: $after) { __typename cursor ... on InvitationReceived { invitation { id state version } }
		... on InvitationChanged { invitation { id state version } } ... on SharedChannelLinked { invitation { id state version } } } }`
)

// blocks has the group of an admin block another, or do so no longer.
func (l *life) blocks(admin, other string) { l.says(admin, blockDocument, other) }

func (l *life) unblocks(admin, other string) { l.says(admin, unblockDocument, other) }

func (l *life) says(admin, document, other string) {
	l.t.Helper()
	succeed(l.t, l.s, l.s.as(admin), document, object{"target": l.s.to(other)})
}

// stance is what an admin reads of whom its group trusts and blocks.
func (l *life) stance(admin string) string {
	l.t.Helper()
	data := l.s.For(l.t).Must(l.s.as(admin), `{ viewer { sharingPolicy { trustedGroups { handle } blockedGroups { handle } } } }`, nil)
	policy := servertest.Get[object](l.t, data, "viewer", "sharingPolicy")
	return strings.ReplaceAll(fmt.Sprint(policy["trustedGroups"], policy["blockedGroups"]), l.s.suffix, "")
}

// received are the ids in somebody's list of received invitations, the oldest first, with the states that count.
func (l *life) received(who string) string {
	l.t.Helper()
	data := l.s.For(l.t).Must(l.s.as(who), `{ viewer { receivedInvitations(last: 100) { totalCount nodes { id state } } } }`, nil)
	list := servertest.Get[object](l.t, data, "viewer", "receivedInvitations")
	nodes := list["nodes"].([]any)
	if total := list["totalCount"]; total != float64(len(nodes)) {
		l.t.Errorf("%s has %v of %v invitations", who, len(nodes), total)
	}
	var all []string
	for i := len(nodes) - 1; i >= 0; i-- {
		all = append(all, fmt.Sprint(nodes[i].(object)["id"], " ", nodes[i].(object)["state"]))
	}
	return strings.Join(all, ", ")
}

// ear follows what somebody's group receives, live or from a cursor.
type ear struct {
	socket *socket
	id     string
	field  string
}

func (l *life) listens(who, document string, after any) *ear {
	l.t.Helper()
	k := dial(l.t, l.s, bearing{payload: l.s.as(who)})
	return &ear{k, k.subscribe(document, object{"after": after}), map[string]string{receivedDocument: "invitationReceived", inboxDocument: "inbox"}[document]}
}

// hears is the next event: of which invitation, or that it is a checkpoint.
func (e *ear) hears() string {
	e.socket.t.Helper()
	event := e.socket.event(e.id)
	if invitation, ok := event["invitation"].(object); ok {
		kind, _ := event["__typename"].(string)
		return strings.TrimSpace(kind + " " + invitation["id"].(string))
	}
	return fmt.Sprint(event["__typename"])
}

// settle waits until all clusters have what was done.
func (l *life) settle() {
	l.t.Helper()
	open(l.t, l.s).settle()
}

// mark has a third group ask globex, and returns the invitation: what comes next is that, if nothing came before.
func (l *life) mark() string {
	l.t.Helper()
	_, invitation := offer(l.t, l.s, l.s.as("ivy@initech"), "globex", fmt.Sprintf("mark %d", lastPlace.Add(1)))
	return invitation
}

func TestBlocks(t *testing.T) {
	lives(t, map[string]func(l *life){
		"nothing is heard, and then what can still be answered": func(l *life) {
			begin := start(l.t, l.s, l.s.as(gilOf))
			live, all := l.listens(gilOf, receivedDocument, begin), l.listens(gilOf, inboxDocument, nil)
			l.want(all.hears(), "InboxCheckpoint")
			l.want(l.does(benOf, "create", nil), "PENDING")
			first := l.invitation
			l.want(live.hears(), first)
			l.want(all.hears(), "InvitationReceived "+first)
			l.blocks(gilOf, "acme")
			l.want(l.stance(gilOf), "[] [map[handle:acme]]")
			// At once, beside those who have just heard it, nobody hears it from the beginning.
			again := l.listens(gilOf, receivedDocument, begin)
			l.want(l.does(benOf, "create", nil), "PENDING")
			second := l.invitation
			l.settle()
			l.want(l.does(benOf, "create", nil), "PENDING")
			third := l.invitation
			l.want(l.does(benOf, "revoke", nil), "REVOKED")
			l.settle()
			mark := l.mark()
			for _, e := range []*ear{live, again} {
				l.want(e.hears(), mark)
			}
			l.want(all.hears(), "InvitationReceived "+mark)
			l.want(l.received(gilOf), mark+" PENDING")
			for _, invitation := range []string{first, second, third} {
				for _, who := range []string{gilOf, huaOf} {
					l.invitation = invitation
					l.want(l.shown(who), "nothing")
					for _, deed := range []string{"accept", "approve", "deny", "decline", "revoke"} {
						l.want(l.does(who, deed, nil), "INVITATION_NOT_FOUND")
					}
				}
			}
			l.unblocks(gilOf, "acme")
			for _, invitation := range []string{first, second} {
				l.want(live.hears(), invitation)
				l.want(again.hears(), invitation)
				l.want(all.hears(), "InvitationReceived "+invitation)
			}
			l.want(l.stance(gilOf), "[] []")
			l.want(l.received(gilOf), strings.Join([]string{first + " PENDING", second + " PENDING", third + " REVOKED", mark + " PENDING"}, ", "))
			l.invitation = first
			l.channel = servertest.Get[string](l.t, l.s.For(l.t).Must(l.s.as(benOf), `query($id: ID!) { node(id: $id) { ... on Invitation { sharedChannel { id } } } }`, object{"id": first}), "node", "sharedChannel", "id")
			l.want(l.does(gilOf, "accept", nil), "ACCEPTED, a channel")
			l.unblocks(gilOf, "acme") // nothing is told twice
			last := l.mark()
			l.want(live.hears(), last)
			l.audit()
		},
		"who may, and how often": func(l *life) {
			for range 2 {
				succeed(l.t, l.s, l.s.as(gilOf), blockDocument, object{"target": l.s.to("acme"), "idempotencyKey": "b"})
			}
			l.blocks(gilOf, "acme")
			l.want(refusal(l.t, mutate(l.t, l.s, l.s.as(gilOf), blockDocument, object{"target": l.s.to("initech"), "idempotencyKey": "b"})), "IDEMPOTENCY_KEY_REUSED input.idempotencyKey")
			for _, document := range []string{blockDocument, unblockDocument} {
				for _, who := range []string{huaOf, "operator"} {
					l.want(refusal(l.t, mutate(l.t, l.s, l.s.as(who), document, object{"target": l.s.to("acme")})), "NOT_ALLOWED")
				}
				l.want(refusal(l.t, mutate(l.t, l.s, l.s.as(gilOf), document, object{"target": l.s.to("globex")})), "SELF_INVITATION input.target")
				l.want(refusal(l.t, mutate(l.t, l.s, l.s.as(gilOf), document, object{"target": object{"handle": "nobody-has-this"}})), "GROUP_NOT_FOUND input.target")
			}
			l.unblocks(gilOf, "initech") // was never blocked
			l.want(l.stance(gilOf), "[] [map[handle:acme]]")
		},
		"trust": func(l *life) {
			l.says(gilOf, trustDocument, "acme")
			l.blocks(gilOf, "acme")
			l.want(l.stance(gilOf), "[] [map[handle:acme]]")
			payload := mutate(l.t, l.s, l.s.as(gilOf), trustDocument, object{"target": l.s.to("acme")})
			l.want(refusal(l.t, payload), "NOT_ALLOWED input.target")
			l.says(gilOf, untrustDocument, "acme")
			l.want(l.stance(gilOf), "[] [map[handle:acme]]")
			l.unblocks(gilOf, "acme")
			l.says(gilOf, trustDocument, "acme")
			l.want(l.stance(gilOf), "[map[handle:acme]] []")
		},
		"who blocks asks nothing": func(l *life) {
			l.blocks(anaOf, "globex")
			for _, who := range []string{anaOf, benOf} {
				l.want(l.does(who, "create", nil), "NOT_ALLOWED BLOCKED")
				answer := servertest.Get[object](l.t, l.s.For(l.t).Must(l.s.as(who), canShareDocument, object{"target": l.s.to("globex")}), "canShare")
				l.want(fmt.Sprint(answer["decision"], " ", answer["rule"]), "REFUSED BLOCKED")
			}
			answer := servertest.Get[object](l.t, l.s.For(l.t).Must(l.s.as(gilOf), canShareDocument, object{"target": l.s.to("acme")}), "canShare")
			l.want(fmt.Sprint(answer["decision"], " ", answer["rule"]), "ALLOWED DEFAULT")
			l.unblocks(anaOf, "globex")
			l.want(l.does(benOf, "create", nil), "PENDING")
		},
		"who asked and then blocked lets a yes wait": func(l *life) {
			l.want(l.does(benOf, "create", nil), "PENDING")
			l.blocks(anaOf, "globex")
			l.want(l.does(gilOf, "accept", nil), "AWAITING_APPROVAL of acme, Gil waits")
			l.want(l.does(gilOf, "accept", nil), "AWAITING_APPROVAL of acme, Gil waits")
			l.reads(l.shown, anaOf, "AWAITING_APPROVAL of acme")
			l.reads(l.may, anaOf, "revoke deny")
			l.want(l.does(anaOf, "approve", nil), "NOT_ALLOWED BLOCKED")
			l.unblocks(anaOf, "globex")
			l.want(l.may(anaOf), "revoke approve deny")
			l.want(l.does(anaOf, "approve", nil), "ACCEPTED, a channel")
			l.audit()
		},
		"who agreed and then blocked agrees anew": func(l *life) {
			l.policy(anaOf, object{"outgoingApproval": true})
			l.want(l.does(benOf, "create", nil), "REQUESTED of acme")
			l.blocks(anaOf, "globex")
			l.reads(l.may, anaOf, "revoke deny")
			l.want(l.does(anaOf, "approve", nil), "NOT_ALLOWED BLOCKED")
			l.unblocks(anaOf, "globex")
			l.want(l.does(anaOf, "approve", nil), "PENDING")
			l.blocks(anaOf, "globex")
			l.want(l.does(gilOf, "accept", nil), "AWAITING_APPROVAL of acme, Gil waits")
			l.want(l.does(anaOf, "approve", nil), "NOT_ALLOWED BLOCKED")
			l.unblocks(anaOf, "globex")
			l.want(l.does(anaOf, "approve", nil), "ACCEPTED, a channel")
			l.want(l.does(anaOf, "approve", nil), "ACCEPTED, a channel")
		},
		"who asked and then blocked may end it": func(l *life) {
			l.want(l.does(benOf, "create", nil), "PENDING")
			l.blocks(anaOf, "globex")
			l.want(l.does(gilOf, "accept", nil), "AWAITING_APPROVAL of acme, Gil waits")
			l.want(l.does(anaOf, "deny", nil), "DENIED")
			l.unblocks(anaOf, "globex")
			l.want(l.does(benOf, "create", nil), "PENDING")
			l.blocks(anaOf, "globex")
			l.want(l.does(benOf, "revoke", nil), "REVOKED")
		},
		"a yes before the block links nobody": func(l *life) {
			l.want(l.does(benOf, "create", nil), "PENDING")
			l.policy(anaOf, object{"outgoingApproval": true})
			l.want(l.does(gilOf, "accept", nil), "AWAITING_APPROVAL of acme, Gil waits")
			l.blocks(gilOf, "acme")
			l.want(l.does(anaOf, "approve", nil), "AWAITING_APPROVAL of globex")
			l.want(l.does(gilOf, "approve", nil), "INVITATION_NOT_FOUND")
			l.unblocks(gilOf, "acme")
			l.reads(l.shown, gilOf, "AWAITING_APPROVAL of globex, Gil waits")
			l.want(l.does(gilOf, "approve", nil), "ACCEPTED, a channel")
			l.audit()
		},
		"what is linked stays": func(l *life) {
			l.want(l.does(benOf, "create", nil), "PENDING")
			l.want(l.does(gilOf, "accept", object{"idempotencyKey": "k"}), "ACCEPTED, a channel")
			l.blocks(gilOf, "acme")
			l.want(l.received(gilOf), l.invitation+" ACCEPTED")
			l.want(l.does(gilOf, "accept", object{"idempotencyKey": "k"}), "ACCEPTED, a channel")
			l.want(l.does(gilOf, "accept", nil), "ACCEPTED, a channel")
			for _, who := range []string{gilOf, benOf, huaOf} {
				succeed(l.t, l.s, l.s.as(who), postDocument, object{"channelId": l.channel, "body": "hello"})
			}
			heard := l.listens(gilOf, inboxDocument, start(l.t, l.s, l.s.as(gilOf)))
			l.want(heard.hears(), "InvitationReceived "+l.invitation)
			l.want(heard.hears(), "SharedChannelLinked "+l.invitation)
			l.want(heard.hears(), "InboxCheckpoint")
		},
		"one more group is asked": func(l *life) {
			channel, invitation := offer(l.t, l.s, l.s.as(anaOf), "initech", "launch")
			l.settle()
			succeed(l.t, l.s, l.s.as("ivy@initech"), acceptDocument, object{"invitationId": invitation})
			asks := func() object {
				return mutate(l.t, l.s, l.s.as(anaOf), `mutation($input: InviteGroupInput!) { it: inviteGroup(input: $input) { invitation { id state }
					errors { code message path ... on NotAllowedError { rule } } } }`, object{"channelId": channel, "target": l.s.to("globex")})
			}
			l.blocks(anaOf, "globex")
			refused := asks()
			l.want(fmt.Sprint(refusal(l.t, refused), " ", servertest.Get[any](l.t, refused, "errors", 0, "rule")), "NOT_ALLOWED input.target BLOCKED")
			l.unblocks(anaOf, "globex")
			l.blocks(gilOf, "acme")
			live := l.listens(gilOf, receivedDocument, start(l.t, l.s, l.s.as(gilOf)))
			asked := asks()
			l.want(refusal(l.t, asked), "")
			l.invitation, l.channel = servertest.Get[string](l.t, asked, "invitation", "id"), channel
			l.settle()
			mark := l.mark()
			l.want(live.hears(), mark)
			l.want(refusal(l.t, asks()), "ALREADY_SHARED input.target") // as if it were silent
			l.want(l.shown(gilOf), "nothing")
			l.want(l.does(gilOf, "accept", nil), "INVITATION_NOT_FOUND")
			l.unblocks(gilOf, "acme")
			l.want(live.hears(), l.invitation)
			l.want(l.does(gilOf, "accept", nil), "ACCEPTED, a channel")
			l.audit()
		},
		"a key from before": func(l *life) {
			l.policy(gilOf, object{"whoMayAccept": "MEMBERS", "incomingApproval": true})
			l.want(l.does(benOf, "create", nil), "PENDING")
			declined := l.invitation
			l.want(l.does(gilOf, "decline", object{"idempotencyKey": "k"}), "DECLINED")
			l.want(l.does(benOf, "create", nil), "PENDING")
			awaited := l.invitation
			l.want(l.does(huaOf, "accept", object{"idempotencyKey": "k"}), "AWAITING_APPROVAL of globex, Hua waits")
			l.blocks(gilOf, "acme")
			l.want(l.does(huaOf, "accept", object{"idempotencyKey": "k"}), "INVITATION_NOT_FOUND")
			l.invitation = declined
			l.want(l.does(gilOf, "decline", object{"idempotencyKey": "k"}), "INVITATION_NOT_FOUND")
			l.unblocks(gilOf, "acme")
			l.want(l.does(gilOf, "decline", object{"idempotencyKey": "k"}), "DECLINED")
			l.invitation = awaited
			l.want(l.does(huaOf, "accept", object{"idempotencyKey": "k"}), "AWAITING_APPROVAL of globex, Hua waits")
		},
	})
}

// TestBlockedOverdue has the time of an invitation run out while its sender is blocked: it is shown again, and not received again.
func TestBlockedOverdue(t *testing.T) {
	shapes(t, servertest.Options{NoSweep: true}, func(t *testing.T, s *place) {
		l := &life{t: t, s: s.apart(t)}
		l.blocks(gilOf, "acme")
		l.want(l.does(benOf, "create", nil), "PENDING")
		overdue := l.invitation
		open(t, l.s).overdue(overdue) // settles
		live := l.listens(gilOf, inboxDocument, nil)
		l.want(live.hears(), "InboxCheckpoint")
		l.unblocks(gilOf, "acme")
		mark := l.mark()
		l.want(live.hears(), "InvitationReceived "+mark)
		l.want(l.received(gilOf), overdue+" EXPIRED, "+mark+" PENDING")
	})
}

// TestBlocksOfAnotherProcess has a group block and unblock at another process than the one where it listens.
func TestBlocksOfAnotherProcess(t *testing.T) {
	t.Parallel()
	here := servertest.New(t, servertest.Options{})
	there := servertest.New(t, servertest.Options{Config: &here.Config, NoGroups: true})
	l, listener := &life{t: t, s: newPlace(here, "")}, &life{t: t, s: newPlace(there, "")}
	begin := start(t, l.s, l.s.as(gilOf))
	live := listener.listens(gilOf, receivedDocument, begin)
	l.want(l.does(benOf, "create", nil), "PENDING")
	l.want(live.hears(), l.invitation)
	l.blocks(gilOf, "acme")
	again := listener.listens(gilOf, receivedDocument, begin)
	l.want(l.does(benOf, "create", nil), "PENDING")
	l.settle()
	mark := l.mark()
	l.want(live.hears(), mark)
	l.want(again.hears(), mark)
	second := l.invitation
	l.unblocks(gilOf, "acme")
	for _, e := range []*ear{live, again} {
		if first := e.hears(); first == second {
			t.Errorf("%s is received first", first)
		}
		l.want(e.hears(), second)
	}
}

// undelivering is an outbox whose process dies before it delivers anything.
type undelivering struct{ channel.Outbox }

func (undelivering) Drive(context.Context, []channel.Step) channel.Underway { return lost{} }

type lost struct{}

func (lost) Wait(context.Context, ...channel.Destination) error { return channel.Unavailable(io.EOF) }
func (lost) Linger(context.Context)                             {}

// TestBlockIsFinishedByARepetition has a process die between the decision and its step: what decides knows of it at once, and a repetition, with the
// key or without, answers when readers do too.
func TestBlockIsFinishedByARepetition(t *testing.T) {
	shapes(t, servertest.Options{}, func(t *testing.T, s *place) {
		for _, key := range []string{"", "k"} {
			l := &life{t: t, s: s.apart(t)}
			l.want(l.does(benOf, "create", nil), "PENDING")
			l.settle()
			dying := *s.Service
			dying.Outbox = undelivering{s.Service.Outbox}
			globex := l.s.group("globex")
			gil := &channel.Viewer{Group: globex, Role: channel.RoleAdmin, User: channel.User{ID: ids.UserOf(globex.ID, "gil"), Group: globex, Name: "Gil"}}
			acme := l.s.group("acme").Handle
			in := channel.BlockGroupInput{Target: channel.GroupSelector{Handle: &acme}}
			input := object{"target": l.s.to("acme")}
			if key != "" {
				in.IdempotencyKey, input["idempotencyKey"] = &key, key
			}
			if _, err := dying.BlockGroup(t.Context(), gil, in); err == nil {
				t.Fatal("it is done, and nothing was delivered")
			}
			l.want(l.does(gilOf, "accept", nil), "INVITATION_NOT_FOUND")
			succeed(t, l.s, l.s.as(gilOf), blockDocument, input)
			l.want(l.received(gilOf), "")
		}
	})
}
