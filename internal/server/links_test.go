package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

const changedChannel = ` sharedChannel { ...C } errors { code message path ... on NotAllowedError { rule } ... on ChannelNotActiveError { state } } } }
	fragment C on SharedChannel { id state name initiator { handle } initiatorOfferedTo { handle } createdBy { ... on User { name } }
		viewerSide { version mayInvite } sides { group { handle } mayInvite } }`

// linkDeeds are what is done about the links of a channel, by name.
var linkDeeds = map[string]string{
	"invite": `mutation($input: InviteGroupInput!) { it: inviteGroup(input: $input) { ` + moved,
	"leave":  `mutation($input: LeaveSharedChannelInput!) { it: leaveSharedChannel(input: $input) {` + changedChannel,
	"remove": `mutation($input: RemoveGroupInput!) { it: removeGroup(input: $input) {` + changedChannel,
	"let":    `mutation($input: LetGroupInviteInput!) { it: letGroupInvite(input: $input) {` + changedChannel,
	"offer":  `mutation($input: OfferInitiatorTransferInput!) { it: offerInitiatorTransfer(input: $input) {` + changedChannel,
	"take":   `mutation($input: AcceptInitiatorTransferInput!) { it: acceptInitiatorTransfer(input: $input) {` + changedChannel,
}

// circle is a channel of acme that many groups share.
type circle struct {
	*life
	invitations map[string]string // the last one to each group
}

// circles runs tests on both shapes, each with groups of its own; ana, gil, ivy and uma are admins of acme, globex, initech and umbrella, hua is a
// member of globex. Acme has made the channel and globex has come in.
func circles(t *testing.T, tests map[string]func(c *circle)) {
	shapes(t, servertest.Options{MaxGroups: 4, NoSweep: true}, func(t *testing.T, s *place) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := &circle{&life{t: t, s: s.apart(t)}, map[string]string{}}
				for _, handle := range []string{"umbrella", "hooli"} {
					c.s.group(handle)
				}
				c.want(c.life.does(benOf, "create", nil), "PENDING")
				c.want(c.life.does(gilOf, "accept", nil), "ACCEPTED, a channel")
				test(c)
			})
		}
	})
}

const ivyOf, umaOf = "ivy@initech", "uma@umbrella"

// does has somebody do something about the channel, and about a group, and returns what came of it in short.
func (c *circle) does(who, deed, group string, more ...object) string {
	c.t.Helper()
	input := object{"channelId": c.channel}
	switch deed {
	case "invite":
		input["target"] = c.s.to(group)
	case "remove", "offer":
		input["groupId"] = c.s.group(group).ID.String()
	case "let":
		input["groupId"], input["mayInvite"] = c.s.group(group).ID.String(), true
	}
	for _, one := range more {
		input = with(input, one)
	}
	payload := mutate(c.t, c.s, c.s.as(who), linkDeeds[deed], input)
	if refused := refusal(c.t, payload); refused != "" {
		said := strings.Fields(refused)[0]
		for _, extra := range []string{"rule", "state"} {
			if value, ok := servertest.Get[object](c.t, payload, "errors", 0)[extra].(string); ok {
				said += " " + value
			}
		}
		return said
	}
	if deed == "invite" {
		c.invitations[group] = servertest.Get[string](c.t, payload, "invitation", "id")
		return c.short(payload["invitation"])
	}
	if read := c.readChannel(who); fmt.Sprint(read) != fmt.Sprint(payload["sharedChannel"]) {
		c.t.Errorf("%s of %s answers %v, and then %v is read", deed, who, payload["sharedChannel"], read)
	}
	return c.shortChannel(payload["sharedChannel"])
}

// answers has somebody decide on the last invitation to a group.
func (c *circle) answers(who, deed, group string) string {
	c.t.Helper()
	servertest.Eventually(c.t, "the invitation is there", func() bool {
		return c.s.For(c.t).Must(c.s.as(who), `query($id: ID!) { node(id: $id) { id } }`, object{"id": c.invitations[group]})["node"] != nil
	})
	c.invitation = c.invitations[group]
	return c.life.does(who, deed, nil)
}

func (c *circle) readChannel(who string) any {
	c.t.Helper()
	_, fragment, _ := strings.Cut(changedChannel, "fragment C")
	return c.s.For(c.t).Must(c.s.as(who), `query($id: ID!) { node(id: $id) { ...C } } fragment C`+fragment, object{"id": c.channel})["node"]
}

// shortChannel is a channel in a few words: its state, the initiator, and who takes part.
func (c *circle) shortChannel(in any) string {
	if in == nil {
		return "nothing"
	}
	handle := func(in any) string { return strings.TrimSuffix(servertest.Get[string](c.t, in, "handle"), c.s.suffix) }
	said := fmt.Sprintf("%v of %s", in.(object)["state"], handle(in.(object)["initiator"]))
	if offered := in.(object)["initiatorOfferedTo"]; offered != nil {
		said += ", offered to " + handle(offered)
	}
	var sides []string
	for _, side := range servertest.Get[[]any](c.t, in, "sides") {
		name := handle(side.(object)["group"])
		if side.(object)["mayInvite"] == true {
			name += "+"
		}
		sides = append(sides, name)
	}
	slices.Sort(sides)
	return said + ": " + strings.Join(sides, " ")
}

func (c *circle) seen(who string) string {
	c.t.Helper()
	return c.shortChannel(c.readChannel(who))
}

func TestManyGroups(t *testing.T) {
	circles(t, map[string]func(c *circle){
		"a third group comes in, and a fourth by its invitation": func(c *circle) {
			c.want(c.does(huaOf, "invite", "initech"), "NOT_ALLOWED INITIATOR")
			c.want(c.does(benOf, "invite", "initech", object{"idempotencyKey": "k"}), "PENDING")
			first := c.invitations["initech"]
			c.want(c.does(benOf, "invite", "initech", object{"idempotencyKey": "k"}), "PENDING")
			c.want(c.invitations["initech"], first)
			c.want(c.does(benOf, "invite", "umbrella", object{"idempotencyKey": "k"}), "IDEMPOTENCY_KEY_REUSED")
			c.want(c.does(anaOf, "invite", "initech"), "ALREADY_SHARED") // it is asked
			c.want(c.does(anaOf, "invite", "globex"), "ALREADY_SHARED")
			c.want(c.does(anaOf, "invite", "acme"), "SELF_INVITATION")
			c.want(c.does(anaOf, "invite", "", object{"target": object{"handle": "nobody-has-this"}}), "GROUP_NOT_FOUND")
			c.want(c.seen(ivyOf), "nothing")
			c.want(c.does(ivyOf, "invite", "umbrella"), "CHANNEL_NOT_FOUND")
			c.want(c.seen(anaOf), "ACTIVE of acme: acme globex")
			c.want(c.answers(ivyOf, "accept", "initech"), "ACCEPTED, a channel")
			c.want(c.seen(gilOf), "ACTIVE of acme: acme globex initech")
			c.want(c.does(ivyOf, "invite", "umbrella"), "NOT_ALLOWED INITIATOR")
			c.want(c.does(ivyOf, "let", "initech"), "NOT_ALLOWED INITIATOR")
			c.want(c.does(benOf, "let", "initech"), "NOT_ALLOWED")
			c.want(c.does(anaOf, "let", "acme"), "NOT_ALLOWED")
			c.want(c.does(anaOf, "let", "umbrella"), "GROUP_NOT_FOUND")
			c.want(c.does(anaOf, "let", "initech"), "ACTIVE of acme: acme globex initech+")
			c.want(c.does(anaOf, "let", "initech"), "ACTIVE of acme: acme globex initech+")
			c.want(c.does(ivyOf, "invite", "umbrella"), "PENDING")
			c.want(c.does(anaOf, "invite", "hooli"), "NOT_ALLOWED GROUP_LIMIT") // four at most here
			c.want(c.does(anaOf, "invite", "umbrella"), "ALREADY_SHARED")
			c.want(c.does(anaOf, "let", "initech", object{"mayInvite": false}), "ACTIVE of acme: acme globex initech")
			c.want(c.answers(umaOf, "accept", "umbrella"), "ACCEPTED, a channel")
			c.want(c.seen(huaOf), "ACTIVE of acme: acme globex initech umbrella")
		},
		"who came late sees all that was said to everyone": func(c *circle) {
			succeed(c.t, c.s, c.s.as(benOf), postDocument, object{"channelId": c.channel, "body": "from before"})
			succeed(c.t, c.s, c.s.as(benOf), postDocument, object{"channelId": c.channel, "body": "among us", "audience": "OWN_GROUP"})
			c.does(anaOf, "invite", "initech")
			c.answers(ivyOf, "accept", "initech")
			said := fmt.Sprint(c.s.For(c.t).Must(c.s.as(ivyOf), messagesDocument, object{"id": c.channel}))
			if !strings.Contains(said, "from before") || strings.Contains(said, "among us") {
				c.t.Errorf("it reads %s", said)
			}
		},
		"leaving, and coming back": func(c *circle) {
			c.does(anaOf, "invite", "initech")
			c.answers(ivyOf, "accept", "initech")
			c.want(c.does(huaOf, "leave", ""), "NOT_ALLOWED")
			c.want(c.does(gilOf, "leave", "", object{"idempotencyKey": "k", "reason": "enough"}), "DISCONNECTED of acme: globex")
			c.want(c.does(gilOf, "leave", "", object{"idempotencyKey": "k", "reason": "enough"}), "DISCONNECTED of acme: globex")
			c.want(c.does(gilOf, "leave", ""), "DISCONNECTED of acme: globex")
			c.want(c.seen(anaOf), "ACTIVE of acme: acme initech")
			c.want(c.does(gilOf, "invite", "umbrella"), "NOT_ALLOWED INITIATOR")
			c.want(refusal(c.t, mutate(c.t, c.s, c.s.as(huaOf), postDocument, object{"channelId": c.channel, "body": "psst"})), "CHANNEL_NOT_ACTIVE input.channelId")
			c.want(c.does(anaOf, "let", "initech"), "ACTIVE of acme: acme initech+")
			c.want(c.does(ivyOf, "invite", "globex"), "NOT_ALLOWED INITIATOR") // it has left: only the initiator asks it back
			succeed(c.t, c.s, c.s.as(benOf), postDocument, object{"channelId": c.channel, "body": "meanwhile"})
			c.want(c.does(anaOf, "invite", "globex"), "PENDING")
			c.want(c.seen(gilOf), "DISCONNECTED of acme: globex")
			c.want(c.answers(gilOf, "decline", "globex"), "DECLINED")
			c.want(c.does(anaOf, "invite", "globex"), "PENDING")
			data := c.s.For(c.t).Must(c.s.as(anaOf), `query($id: ID!) { node(id: $id) { ... on Invitation { previous { state previous { state previous { id } } } } } }`,
				object{"id": c.invitations["globex"]})
			c.want(fmt.Sprint(data["node"]), "map[previous:map[previous:map[previous:<nil> state:ACCEPTED] state:DECLINED]]")
			c.want(c.answers(gilOf, "accept", "globex"), "ACCEPTED, a channel")
			c.want(c.seen(huaOf), "ACTIVE of acme: acme globex initech+")
			said := fmt.Sprint(c.s.For(c.t).Must(c.s.as(huaOf), messagesDocument, object{"id": c.channel}))
			if !strings.Contains(said, "meanwhile") {
				c.t.Errorf("back it reads %s", said)
			}
			first := c.s.For(c.t).Must(c.s.as(huaOf), `{ viewer { sharedChannels(first: 5) { nodes { id } } } }`, nil)
			c.want(fmt.Sprint(servertest.Get[[]any](c.t, first, "viewer", "sharedChannels", "nodes")), "[map[id:"+c.channel+"]]") // once
		},
		"removing": func(c *circle) {
			c.does(anaOf, "let", "globex")
			c.want(c.does(gilOf, "invite", "umbrella"), "PENDING")
			c.want(c.does(gilOf, "remove", "acme"), "NOT_ALLOWED INITIATOR")
			c.want(c.does(benOf, "remove", "globex"), "NOT_ALLOWED")
			c.want(c.does(anaOf, "remove", "acme"), "NOT_ALLOWED")
			c.want(c.does(anaOf, "remove", "initech"), "GROUP_NOT_FOUND")
			c.want(c.does(anaOf, "remove", "umbrella"), "GROUP_NOT_FOUND") // asked, and not in
			c.want(c.does(ivyOf, "remove", "globex"), "CHANNEL_NOT_FOUND")
			c.want(c.does(anaOf, "remove", "globex"), "ACTIVE of acme: acme")
			c.want(c.does(anaOf, "remove", "globex"), "ACTIVE of acme: acme")
			c.want(c.does(gilOf, "leave", ""), "DISCONNECTED of acme: globex") // it is out already
			c.invitation = c.invitations["umbrella"]
			c.reads(c.shown, gilOf, "REVOKED")
			c.reads(c.history, umaOf, "1 CREATE PENDING by Gil; 2 REVOKE REVOKED by -")
			c.want(c.life.does(umaOf, "accept", nil), "INVITATION_NOT_PENDING REVOKED")
		},
		"the role is offered and taken": func(c *circle) {
			c.does(anaOf, "invite", "initech")
			c.answers(ivyOf, "accept", "initech")
			c.want(c.does(benOf, "offer", "globex"), "NOT_ALLOWED")
			c.want(c.does(gilOf, "offer", "initech"), "NOT_ALLOWED INITIATOR")
			c.want(c.does(anaOf, "offer", "umbrella"), "GROUP_NOT_FOUND")
			c.want(c.does(anaOf, "offer", "globex"), "ACTIVE of acme, offered to globex: acme globex initech")
			c.want(c.does(ivyOf, "take", ""), "NOT_ALLOWED INITIATOR")
			c.want(c.does(anaOf, "offer", "initech"), "ACTIVE of acme, offered to initech: acme globex initech")
			c.want(c.does(gilOf, "take", ""), "NOT_ALLOWED INITIATOR")
			c.want(c.does(anaOf, "offer", "acme"), "ACTIVE of acme: acme globex initech") // taken back
			c.want(c.does(anaOf, "offer", "globex"), "ACTIVE of acme, offered to globex: acme globex initech")
			c.want(c.does(huaOf, "take", ""), "NOT_ALLOWED")
			c.want(c.does(gilOf, "take", ""), "ACTIVE of globex: acme globex initech")
			c.want(c.does(gilOf, "take", ""), "ACTIVE of globex: acme globex initech")
			c.want(c.does(anaOf, "remove", "initech"), "NOT_ALLOWED INITIATOR")
			c.want(servertest.Get[string](c.t, c.readChannel(ivyOf), "createdBy", "name"), "Ben") // whoever has the role
			c.want(c.does(gilOf, "remove", "acme"), "ACTIVE of globex: globex initech")
			c.want(c.seen(anaOf), "DISCONNECTED of globex: acme")
			c.want(c.does(gilOf, "invite", "acme"), "PENDING") // home comes back
			c.want(c.answers(anaOf, "accept", "acme"), "ACCEPTED, a channel")
			c.want(c.seen(benOf), "ACTIVE of globex: acme globex initech")
		},
		"the initiator leaves, and the role is there for those who stay": func(c *circle) {
			c.does(anaOf, "invite", "initech")
			c.answers(ivyOf, "accept", "initech")
			c.want(c.does(anaOf, "leave", ""), "DISCONNECTED of acme: acme")
			c.want(c.does(anaOf, "remove", "globex"), "CHANNEL_NOT_ACTIVE DISCONNECTED")
			c.want(c.does(anaOf, "offer", "initech"), "DISCONNECTED of acme, offered to initech: acme")
			c.want(c.does(gilOf, "take", ""), "NOT_ALLOWED INITIATOR")
			c.want(c.does(ivyOf, "leave", ""), "DISCONNECTED of acme: initech") // and with it goes the offer
			known := fmt.Sprint(c.readChannel(anaOf))
			c.want(c.does(gilOf, "take", ""), "ACTIVE of globex: globex")
			c.want(fmt.Sprint(c.readChannel(anaOf)), known) // acme is gone: what the others do shows in nothing
			c.want(c.does(gilOf, "leave", ""), "ARCHIVED of globex: globex")
			c.want(refusal(c.t, mutate(c.t, c.s, c.s.as(gilOf), postDocument, object{"channelId": c.channel, "body": "psst"})), "CHANNEL_NOT_ACTIVE input.channelId")
			for who, want := range map[string]string{anaOf: "ARCHIVED of acme: acme", ivyOf: "ARCHIVED of acme: initech"} {
				c.want(c.seen(who), want)
			}
			c.want(c.does(gilOf, "invite", "acme"), "CHANNEL_NOT_ACTIVE")
			c.want(c.does(gilOf, "offer", "acme"), "CHANNEL_NOT_ACTIVE ARCHIVED")
			c.want(c.does(anaOf, "take", ""), "CHANNEL_NOT_ACTIVE ARCHIVED")
		},
		"back by nobody's word but that of who has the role now": func(c *circle) {
			c.does(anaOf, "invite", "initech")
			c.answers(ivyOf, "accept", "initech")
			c.does(ivyOf, "leave", "")
			c.want(c.does(anaOf, "invite", "initech"), "PENDING")
			c.does(anaOf, "offer", "globex")
			c.want(c.does(gilOf, "take", ""), "ACTIVE of globex: acme globex")
			c.want(c.answers(ivyOf, "accept", "initech"), "NOT_ALLOWED INITIATOR")
			c.want(c.does(gilOf, "remove", "initech"), "ACTIVE of globex: acme globex") // it is out
			c.want(c.answers(anaOf, "revoke", "initech"), "REVOKED")
			c.want(c.does(gilOf, "invite", "initech"), "PENDING")
			c.want(c.answers(ivyOf, "accept", "initech"), "ACCEPTED, a channel")
		},
		"what a member asks is sent while its group may ask": func(c *circle) {
			c.policy(gilOf, object{"outgoingApproval": true})
			c.does(anaOf, "let", "globex")
			c.want(c.does(huaOf, "invite", "initech"), "REQUESTED of globex")
			c.does(anaOf, "let", "globex", object{"mayInvite": false})
			c.invitation = c.invitations["initech"]
			c.reads(c.shown, gilOf, "REQUESTED of globex")
			c.want(c.life.does(gilOf, "approve", nil), "NOT_ALLOWED INITIATOR")
			c.want(c.life.does(huaOf, "revoke", nil), "REVOKED")
		},
		"asked again when time ran out, before anybody has swept": func(c *circle) {
			c.want(c.does(anaOf, "invite", "initech"), "PENDING")
			first := parsed(c.t, c.invitations["initech"]).Invitation.UUID()
			c.s.Settled()
			open(c.t, c.s).exec(`UPDATE linkspan_shard.group_invitation SET expires_at = now() WHERE invitation_id = $1`, first)
			open(c.t, c.s).exec(`UPDATE linkspan_main.invitation SET expires_at = now() WHERE invitation_id = $1`, first)
			c.want(c.does(anaOf, "invite", "initech"), "PENDING")
			c.want(c.answers(ivyOf, "accept", "initech"), "ACCEPTED, a channel")
		},
		"approvals of a group that asks": func(c *circle) {
			c.policy(anaOf, object{"outgoingApproval": true})
			c.want(c.does(benOf, "invite", "initech"), "REQUESTED of acme")
			c.want(c.does(anaOf, "invite", "initech"), "ALREADY_SHARED")
			c.invitation = c.invitations["initech"]
			c.reads(c.shown, ivyOf, "nothing")
			c.want(c.life.does(anaOf, "approve", nil), "PENDING")
			c.want(c.answers(ivyOf, "accept", "initech"), "ACCEPTED, a channel")
			c.want(c.seen(ivyOf), "ACTIVE of acme: acme globex initech")
		},
	})
}

// What becomes of a channel is told to those who take part, up to the event that ends their part.
func TestLinksAreTold(t *testing.T) {
	circles(t, map[string]func(c *circle){
		"each step": func(c *circle) {
			c.does(anaOf, "invite", "initech")
			c.answers(ivyOf, "accept", "initech")
			c.does(anaOf, "let", "globex")
			c.does(anaOf, "offer", "globex")
			c.does(gilOf, "take", "")
			c.does(gilOf, "remove", "initech")
			c.does(anaOf, "leave", "")
			const all = "GroupLinked GroupLinked GroupLinked ChannelChanged ChannelChanged ChannelChanged GroupUnlinked"
			for who, want := range map[string]string{
				anaOf: all + " GroupUnlinked ChannelCheckpoint, complete", gilOf: all + " GroupUnlinked ChannelCheckpoint", ivyOf: all + " ChannelCheckpoint, complete",
			} {
				k := dial(c.t, c.s, bearing{payload: c.s.as(who)})
				id, err := ids.Parse(c.channel)
				if err != nil {
					c.t.Fatal(err)
				}
				log, group := id.Channel.Log(), c.s.group(strings.Split(strings.Fields(who)[0], "@")[1]).ID
				data := c.s.For(c.t).Must(c.s.as(who), messagesDocument, object{"id": c.channel})
				now, err := ids.ParseLogCursor(servertest.Get[string](c.t, data, "node", "messages", "logCursor"))
				if err != nil {
					c.t.Fatal(err)
				}
				start := ids.LogCursor{Kind: ids.LogChannel, Log: log, Reader: group, History: now.History}
				sub := k.subscribe(`subscription($id: ID!, $after: LogCursor) { channelEvents(channelId: $id, after: $after) { __typename
					... on ChannelChanged { group { handle } sharedChannel { id state } } } }`, object{"id": c.channel, "after": start.String()})
				var heard []string
				ended := ""
				for {
					answer, done := k.answer(sub)
					if done {
						ended = ", complete"
						break
					}
					heard = append(heard, kindOf(answer))
					if kindOf(answer) == "ChannelCheckpoint" && who == gilOf { // its log goes on
						break
					}
				}
				if got := strings.Join(heard, " ") + ended; got != want {
					c.t.Errorf("%s hears %s, want %s", who, got, want)
				}
			}
		},
	})
}
