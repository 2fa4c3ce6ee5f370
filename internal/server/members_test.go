package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

const (
	memberPayload        = ` sharedChannel { id viewerSide { visibility members { nodes { name } } } } errors { code message path } } }`
	addMemberDocument    = `mutation($input: AddChannelMemberInput!) { it: addChannelMember(input: $input) {` + memberPayload
	removeMemberDocument = `mutation($input: RemoveChannelMemberInput!) { it: removeChannelMember(input: $input) {` + memberPayload
	seenDocument         = `query($id: ID!) { node(id: $id) { ... on SharedChannel { viewerSide { visibility version members { nodes { name } } } } } }`

	huaAsMember = "hua@globex member"
	igorOf      = "igor@globex member"
)

// hides has an admin show a channel to everyone of its group again, or to members alone.
func hides(t testing.TB, s *place, admin, channel, visibility string) {
	t.Helper()
	version := servertest.Get[any](t, s.For(t).Must(admin, seenDocument, object{"id": channel}), "node", "viewerSide", "version")
	succeed(t, s, admin, sideDocument, object{"channelId": channel, "visibility": visibility, "expectedVersion": version})
}

// listing has somebody list a user of a group on its side, or no longer, and returns what came of it in short: the visibility, and who is listed.
func (c *circle) listing(who, document, user string, more ...object) string {
	c.t.Helper()
	sub, group, _ := strings.Cut(user, "@")
	input := object{"channelId": c.channel, "userId": ids.UserOf(c.s.group(group).ID, sub).String()}
	for _, other := range more {
		input = with(input, other)
	}
	payload := mutate(c.t, c.s, c.s.as(who), document, input)
	if refused := refusal(c.t, payload); refused != "" {
		return refused
	}
	return seenOf(payload["sharedChannel"])
}

// seenOf says who sees a channel, in short.
func seenOf(channel any) string {
	if channel == nil {
		return "nothing"
	}
	side := channel.(object)["viewerSide"].(object)
	var names []string
	for _, user := range side["members"].(object)["nodes"].([]any) {
		names = append(names, user.(object)["name"].(string))
	}
	return strings.TrimSpace(fmt.Sprint(side["visibility"], " ", strings.Join(names, " ")))
}

// sees is who sees the channel, as somebody reads it.
func (c *circle) sees(who string) string {
	c.t.Helper()
	return seenOf(c.s.For(c.t).Must(c.s.as(who), seenDocument, object{"id": c.channel})["node"])
}

// TestMembers has admins say who of their group sees a channel.
func TestMembers(t *testing.T) {
	circles(t, map[string]func(c *circle){
		"who sees it": func(c *circle) {
			talk := &talk{c.t, c.s, c.channel}
			talk.say(huaAsMember, "I am known now")
			c.want(c.sees(huaAsMember), "EVERYONE")
			c.want(c.listing(gilOf, addMemberDocument, "gil@globex"), "EVERYONE Gil") // prepared
			hides(c.t, c.s, c.s.as(gilOf), c.channel, "MEMBERS")
			c.want(c.sees(gilOf), "MEMBERS Gil")
			c.want(c.sees("gil@globex member"), "MEMBERS Gil")
			c.want(c.sees("greta@globex"), "MEMBERS Gil") // an admin, whoever is listed
			c.want(c.sees(huaAsMember), "nothing")
			c.want(c.listing(gilOf, addMemberDocument, "hua@globex"), "MEMBERS Hua Gil")
			c.want(c.sees(huaAsMember), "MEMBERS Hua Gil")
			talk.say(huaAsMember, "here again")
			c.want(c.listing(gilOf, removeMemberDocument, "hua@globex"), "MEMBERS Gil")
			c.want(c.sees(huaAsMember), "nothing")
			c.want(refusal(c.t, mutate(c.t, c.s, c.s.as(huaAsMember), postDocument, object{"channelId": c.channel, "body": "x"})), "CHANNEL_NOT_FOUND input.channelId")
			c.want(c.sees(benOf), "EVERYONE") // of the other group
			hides(c.t, c.s, c.s.as(gilOf), c.channel, "EVERYONE")
			c.want(c.sees(huaAsMember), "EVERYONE Gil")
		},
		"who may say so, and of whom": func(c *circle) {
			(&talk{c.t, c.s, c.channel}).say(huaAsMember, "I am known now")
			c.want(c.listing(huaAsMember, addMemberDocument, "hua@globex"), "NOT_ALLOWED input.channelId")
			c.want(c.listing(ivyOf, addMemberDocument, "ivy@initech"), "CHANNEL_NOT_FOUND input.channelId")
			for _, document := range []string{addMemberDocument, removeMemberDocument} {
				for _, user := range []string{"ana@acme", "ben@acme", "ivy@initech"} {
					c.want(c.listing(gilOf, document, user), "INVALID_INPUT input.userId")
				}
			}
			c.want(c.listing(gilOf, addMemberDocument, "nobody@globex"), "INVALID_INPUT input.userId")
			c.want(c.listing(gilOf, removeMemberDocument, "nobody@globex"), "EVERYONE") // who is not listed may be anybody
			hides(c.t, c.s, c.s.as(gilOf), c.channel, "MEMBERS")
			for _, document := range []string{addMemberDocument, removeMemberDocument} {
				c.want(c.listing(huaAsMember, document, "hua@globex"), "CHANNEL_NOT_FOUND input.channelId")
			}
			c.want(c.updates(benOf, object{"visibility": "MEMBERS"}), "NOT_ALLOWED input.channelId")
			c.does(gilOf, "leave", "")
			c.want(c.listing(gilOf, addMemberDocument, "hua@globex"), "CHANNEL_NOT_ACTIVE input.channelId")
			c.want(c.sees(huaAsMember), "nothing") // nor what it was
			c.want(c.sees(gilOf), "MEMBERS")
			c.want(c.does(anaOf, "invite", "globex"), "PENDING")
			c.want(c.answers(gilOf, "accept", "globex"), "ACCEPTED, a channel")
			c.want(c.sees(huaAsMember), "nothing") // who comes back finds its side as it was
		},
		"of a group that takes part no longer": func(c *circle) {
			talk := &talk{c.t, c.s, c.channel}
			talk.say(huaAsMember, "I am known now")
			c.want(c.listing(gilOf, addMemberDocument, "hua@globex"), "EVERYONE Hua")
			hides(c.t, c.s, c.s.as(gilOf), c.channel, "MEMBERS")
			c.does(gilOf, "leave", "")
			talk.say(benOf, "they are gone")
			c.want(c.sees(huaAsMember), "MEMBERS Hua")
			c.want(c.listing(gilOf, removeMemberDocument, "hua@globex"), "MEMBERS")
			c.want(c.sees(huaAsMember), "nothing")
			others := c.side(benOf)
			hides(c.t, c.s, c.s.as(gilOf), c.channel, "EVERYONE")
			c.want(c.sees(huaAsMember), "EVERYONE")
			c.want(c.updates(gilOf, object{"visibility": "MEMBERS", "topic": "then"}), "CHANNEL_NOT_ACTIVE input.channelId DISCONNECTED")
			c.want(c.updates(gilOf, object{"topic": "then"}), "CHANNEL_NOT_ACTIVE input.channelId DISCONNECTED")
			hides(c.t, c.s, c.s.as(gilOf), c.channel, "MEMBERS")
			c.want(c.sees(huaAsMember), "nothing")
			c.want(c.side(benOf), others)
			c.want(c.does(anaOf, "invite", "globex"), "PENDING")
			c.want(c.answers(gilOf, "accept", "globex"), "ACCEPTED, a channel")
			c.want(c.listing(gilOf, addMemberDocument, "hua@globex"), "MEMBERS Hua")
			talk.say(huaAsMember, "here again")
			for _, admin := range []string{gilOf, anaOf} {
				c.does(admin, "leave", "")
			}
			c.want(c.listing(gilOf, removeMemberDocument, "hua@globex"), "MEMBERS") // of one that is archived
			c.want(c.sees(huaAsMember), "nothing")
		},
		"of a channel that nobody else came into": func(c *circle) {
			l := &life{t: c.t, s: c.s}
			l.want(l.does(benOf, "create", nil), "PENDING")
			l.want(l.does(benOf, "revoke", nil), "REVOKED")
			alone := &circle{l, nil}
			c.want(alone.listing(anaOf, removeMemberDocument, "ben@acme"), "EVERYONE")
			c.want(alone.sees("ben@acme member"), "EVERYONE")
			hides(c.t, c.s, c.s.as(anaOf), l.channel, "MEMBERS")
			c.want(alone.sees("ben@acme member"), "nothing")
		},
		"who comes back is let in by who sees it": func(c *circle) {
			talk := &talk{c.t, c.s, c.channel}
			talk.say(huaAsMember, "I am known now")
			c.policy(gilOf, object{"whoMayAccept": "MEMBERS"})
			hides(c.t, c.s, c.s.as(gilOf), c.channel, "MEMBERS")
			c.does(gilOf, "leave", "")
			c.want(c.does(anaOf, "invite", "globex"), "PENDING")
			c.want(c.answers(huaAsMember, "accept", "globex"), "NOT_ALLOWED WHO_MAY_ACCEPT")
			c.want(c.sees(gilOf), "MEMBERS")
			c.want(c.answers(gilOf, "accept", "globex"), "ACCEPTED, a channel")
			c.want(c.listing(gilOf, addMemberDocument, "hua@globex"), "MEMBERS Hua")
			c.does(gilOf, "leave", "")
			c.want(c.does(anaOf, "invite", "globex"), "PENDING")
			c.want(c.answers(huaAsMember, "accept", "globex"), "ACCEPTED, a channel")
		},
		"whoever says so is known": func(c *circle) {
			(&talk{c.t, c.s, c.channel}).say(huaAsMember, "I am known now")
			listens := dial(c.t, c.s, bearing{payload: c.s.as(gilOf)})
			id := listens.subscribe(`subscription($id: ID!) { channelEvents(channelId: $id) { __typename actor { ... on User { name } } } }`, object{"id": c.channel})
			hears := func() string {
				answer, _ := listens.answer(id)
				event := servertest.Get[object](c.t, answer.Data, "channelEvents")
				return fmt.Sprint(event["__typename"], " ", event["actor"])
			}
			hears()                                                                          // where it is
			c.want(c.listing("gus@globex", addMemberDocument, "hua@globex"), "EVERYONE Hua") // who has done nothing else here
			c.want(hears(), "ChannelChanged map[name:Gus]")
			gus := object{"id": ids.UserOf(c.s.group("globex").ID, "gus").String()}
			c.want(fmt.Sprint(c.s.For(c.t).Must(c.s.as(benOf), `query($id: ID!) { node(id: $id) { id } }`, gus)["node"]), "<nil>") // to its own group alone
		},
		"again and again": func(c *circle) {
			(&talk{c.t, c.s, c.channel}).say(huaAsMember, "I am known now")
			version := c.version(gilOf)
			c.want(c.listing(gilOf, removeMemberDocument, "hua@globex"), "EVERYONE")
			for range 2 {
				c.want(c.listing(gilOf, addMemberDocument, "hua@globex", object{"idempotencyKey": "k"}), "EVERYONE Hua")
			}
			c.want(c.listing(gilOf, addMemberDocument, "gil@globex", object{"idempotencyKey": "k"}), "IDEMPOTENCY_KEY_REUSED input.idempotencyKey")
			c.want(c.listing(gilOf, addMemberDocument, "hua@globex"), "EVERYONE Hua")
			c.want(c.listing(gilOf, removeMemberDocument, "hua@globex"), "EVERYONE")
			c.want(fmt.Sprint(c.version(gilOf)), fmt.Sprint(version)) // others notice nothing
			c.want(c.updates(gilOf, object{"visibility": nil}), c.side(gilOf))
			c.want(fmt.Sprint(c.version(gilOf)), fmt.Sprint(version)) // nothing was written
		},
		"a key that was kept shows no more than there is": func(c *circle) {
			hides(c.t, c.s, c.s.as(gilOf), c.channel, "MEMBERS")
			input := object{"channelId": c.channel, "groupId": c.s.group("acme").ID.String(), "idempotencyKey": "k"}
			const asAdmin, asMember = "gus@globex", "gus@globex member"
			c.want(refusal(c.t, mutate(c.t, c.s, c.s.as(asAdmin), addMemberDocument, object{
				"channelId": c.channel, "userId": ids.UserOf(c.s.group("globex").ID, "gil").String(), "idempotencyKey": "k",
			})), "")
			c.want(refusal(c.t, mutate(c.t, c.s, c.s.as(asMember), addMemberDocument, object{
				"channelId": c.channel, "userId": ids.UserOf(c.s.group("globex").ID, "gil").String(), "idempotencyKey": "k",
			})), "CHANNEL_NOT_FOUND input.channelId")
			c.want(refusal(c.t, mutate(c.t, c.s, c.s.as(asMember), linkDeeds["offer"], input)), "CHANNEL_NOT_FOUND input.channelId")

			const ben = "ben@acme member" // who has made the channel
			invite := object{"channelId": c.channel, "target": c.s.to("initech"), "idempotencyKey": "k"}
			c.want(refusal(c.t, mutate(c.t, c.s, c.s.as(ben), linkDeeds["invite"], invite)), "")
			create := object{"target": c.s.to("initech"), "name": "another", "idempotencyKey": "m"}
			made := mutate(c.t, c.s, c.s.as(ben), createDocument, create)
			hides(c.t, c.s, c.s.as(anaOf), c.channel, "MEMBERS")
			hides(c.t, c.s, c.s.as(anaOf), servertest.Get[string](c.t, made, "sharedChannel", "id"), "MEMBERS")
			c.want(refusal(c.t, mutate(c.t, c.s, c.s.as(ben), linkDeeds["invite"], invite)), "CHANNEL_NOT_FOUND input.channelId")
			again := mutate(c.t, c.s, c.s.as(ben), createDocument, create)
			c.want(fmt.Sprint(again["sharedChannel"]), "<nil>")
			c.want(fmt.Sprint(again["invitation"]), fmt.Sprint(made["invitation"])) // that stays the group's
			c.want(refusal(c.t, mutate(c.t, c.s, c.s.as(anaOf), linkDeeds["invite"], with(invite, object{"idempotencyKey": "n"}))), "ALREADY_SHARED input.target")
		},
		"no more than a thousand": func(c *circle) {
			_, err := open(c.t, c.s).main.Exec(c.t.Context(), `INSERT INTO linkspan_main.side_member (channel_id, group_id, user_id, name, position)
				SELECT $1, $2, gen_random_uuid(), 'somebody', n FROM generate_series(1, $3) AS n`,
				parsed(c.t, c.channel).Channel, c.s.group("globex").ID, channel.MaxSideMembers-1)
			if err != nil {
				c.t.Fatal(err)
			}
			c.want(c.listing(gilOf, addMemberDocument, "gil@globex"), "EVERYONE Gil")
			(&talk{c.t, c.s, c.channel}).say(huaAsMember, "I am known now")
			c.want(c.listing(gilOf, addMemberDocument, "hua@globex"), "INVALID_INPUT input.userId")
			c.want(c.listing(gilOf, removeMemberDocument, "gil@globex"), "EVERYONE")
			_, err = open(c.t, c.s).main.Exec(c.t.Context(), `DELETE FROM linkspan_main.side_member WHERE channel_id = $1`, parsed(c.t, c.channel).Channel)
			if err != nil {
				c.t.Fatal(err)
			}
		},
		"the audit has it": func(c *circle) {
			(&talk{c.t, c.s, c.channel}).say(huaAsMember, "I am known now")
			c.listing(gilOf, addMemberDocument, "hua@globex")
			c.listing(gilOf, removeMemberDocument, "hua@globex")
			for written := 1; written > 0; {
				var err error
				if written, err = c.s.Service.WriteAudit(c.t.Context()); err != nil {
					c.t.Fatal(err)
				}
			}
			entries := func(who string) (all []string) {
				data := c.s.For(c.t).Must(c.s.as(who), `{ viewer { auditLog(first: 20) { nodes { deed reason } } } }`, nil)
				for _, entry := range servertest.Get[[]any](c.t, data, "viewer", "auditLog", "nodes") {
					all = append(all, fmt.Sprint(entry.(object)["deed"], " ", entry.(object)["reason"]))
				}
				return all
			}
			hua := ids.UserOf(c.s.group("globex").ID, "hua").String()
			for _, deed := range []string{"ADD_MEMBER ", "REMOVE_MEMBER "} {
				if !slices.Contains(entries(gilOf), deed+hua) || slices.Contains(entries(anaOf), deed+hua) {
					c.t.Errorf("%q: globex has %v, acme %v", deed, entries(gilOf), entries(anaOf))
				}
			}
		},
	})
}

// TestMembersPages pages through those who are listed on a side.
func TestMembersPages(t *testing.T) {
	shapes(t, servertest.Options{}, func(t *testing.T, s *place) {
		k := newTalk(t, s, "launch")
		for _, sub := range []string{"one", "two", "three"} {
			k.say(sub+"@globex member", "hello")
			succeed(t, s, s.as(gilOf), addMemberDocument, object{"channelId": k.id, "userId": ids.UserOf(s.group("globex").ID, sub).String()})
		}
		page := func(args string) string {
			side := ids.Side{Channel: parsed(t, k.id).Channel, Group: s.group("globex").ID}.String()
			data := s.For(t).Must(s.as(gilOf), `query($id: ID!) { node(id: $id) { ... on ChannelSide { members(`+args+`) {
				edges { cursor node { id name } } nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }`, object{"id": side})
			found := servertest.Get[object](t, data, "node", "members")
			var got []string
			for _, node := range found["nodes"].([]any) {
				got = append(got, node.(object)["name"].(string))
			}
			info := found["pageInfo"].(object)
			cursor, _ := info["endCursor"].(string)
			return fmt.Sprintf("%v %v %v %s", got, info["hasPreviousPage"], info["hasNextPage"], cursor)
		}
		cursor := func(page string) string { return page[strings.LastIndexByte(page, ' ')+1:] }
		first := page("first: 2")
		if want := "[Three Two] false true "; !strings.HasPrefix(first, want) {
			t.Errorf("the first page is %s, want %s", first, want)
		}
		if got, want := page(`first: 2, after: "`+cursor(first)+`"`), "[One] true false "; !strings.HasPrefix(got, want) {
			t.Errorf("the second page is %s, want %s", got, want)
		}
		if got, want := page(`last: 1, before: "`+cursor(first)+`"`), "[Three] false true "; !strings.HasPrefix(got, want) {
			t.Errorf("the page before is %s, want %s", got, want)
		}
	})
}
