package server_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"linkspan/internal/server/servertest"
)

const (
	sideDocument = `mutation($input: UpdateChannelSideInput!) { it: updateChannelSide(input: $input) { sharedChannel { ...C }
		errors { code message path ... on NameTakenError { suggestion } ... on VersionConflictError { version } ... on ChannelNotActiveError { state } } } }` +
		sideFragment
	sideFragment = ` fragment C on SharedChannel { name topic viewerSide { ...S } sides { group { handle } ...S } }
		fragment S on ChannelSide { name nameVisible mutedByDefault version }`
)

// version is that of the side of somebody's group.
func (c *circle) version(who string) any {
	c.t.Helper()
	read := c.s.For(c.t).Must(c.s.as(who), `query($id: ID!) { node(id: $id) { ... on SharedChannel { viewerSide { version } } } }`, object{"id": c.channel})
	if read["node"] == nil {
		return 1
	}
	return servertest.Get[any](c.t, read, "node", "viewerSide", "version")
}

// updates has somebody change the side of its group, of the version that it has, and returns what came of it in short.
func (c *circle) updates(who string, changes object) string {
	c.t.Helper()
	input := with(object{"channelId": c.channel, "expectedVersion": c.version(who)}, changes)
	payload := mutate(c.t, c.s, c.s.as(who), sideDocument, input)
	if refused := refusal(c.t, payload); refused != "" {
		for _, more := range []string{"suggestion", "version", "state"} {
			if value := servertest.Get[object](c.t, payload, "errors", 0)[more]; value != nil {
				refused += fmt.Sprint(" ", value)
			}
		}
		return refused
	}
	if read := c.side(who); read != c.shortSide(payload["sharedChannel"]) {
		c.t.Errorf("%s of %v is answered with %s, and then %s is read", who, changes, c.shortSide(payload["sharedChannel"]), read)
	}
	return c.shortSide(payload["sharedChannel"])
}

// side is the channel as somebody's group has it.
func (c *circle) side(who string) string {
	c.t.Helper()
	return c.shortSide(c.s.For(c.t).Must(c.s.as(who), `query($id: ID!) { node(id: $id) { ...C } }`+sideFragment, object{"id": c.channel})["node"])
}

// shortSide is its name, topic and own settings, and what the others call it.
func (c *circle) shortSide(in any) string {
	c.t.Helper()
	if in == nil {
		return "nothing"
	}
	one := in.(object)
	own := one["viewerSide"].(object)
	said := fmt.Sprintf("%v (%v) visible %v muted %v:", one["name"], one["topic"], own["nameVisible"], own["mutedByDefault"])
	for _, side := range servertest.Get[[]any](c.t, in, "sides") {
		side := side.(object)
		said += fmt.Sprintf(" %s=%v", strings.TrimSuffix(servertest.Get[string](c.t, side, "group", "handle"), c.s.suffix), side["name"])
		if own := side["name"] == one["name"] && side["nameVisible"] != nil; !own && (side["nameVisible"] != nil || side["mutedByDefault"] != nil) {
			c.t.Errorf("another side's settings show: %v", side)
		}
	}
	return said
}

// TestSides has groups change their own sides of a channel.
func TestSides(t *testing.T) {
	circles(t, map[string]func(c *circle){
		"names": func(c *circle) {
			made := strings.SplitN(c.side(anaOf), " (", 2)[0]
			c.want(c.updates(gilOf, object{"name": "  their plan "}), "their plan (<nil>) visible true muted false: acme="+made+" globex=their plan")
			c.want(c.side(benOf), made+" (<nil>) visible true muted false: acme="+made+" globex=their plan")
			c.want(c.updates(gilOf, object{"name": "Their Plan"}), "Their Plan (<nil>) visible true muted false: acme="+made+" globex=Their Plan")
			c.want(c.updates(gilOf, object{"nameVisible": false}), "Their Plan (<nil>) visible false muted false: acme="+made+" globex=Their Plan")
			c.want(c.side(anaOf), made+" (<nil>) visible true muted false: acme="+made+" globex=<nil>")
			c.want(c.updates(gilOf, object{"name": nil, "nameVisible": nil}), made+" (<nil>) visible true muted false: acme="+made+" globex="+made)
			c.want(c.updates(anaOf, object{"name": "ours"}), "ours (<nil>) visible true muted false: acme=ours globex="+made)
			c.want(c.updates(anaOf, object{"name": nil}), made+" (<nil>) visible true muted false: acme="+made+" globex="+made)
			c.want(c.updates(anaOf, object{"name": " "}), "INVALID_INPUT input.name")
		},
		"names that are taken": func(c *circle) {
			first, made := c.channel, strings.SplitN(c.side(anaOf), " (", 2)[0]
			c.want(c.life.does(benOf, "create", object{"name": "second"}), "PENDING")
			c.want(c.updates(anaOf, object{"name": strings.ToUpper(made)}), "NAME_TAKEN input.name "+strings.ToUpper(made)+" 2")
			c.want(c.updates(anaOf, object{"name": "third"}), "third (<nil>) visible true muted false: acme=third")
			c.want(c.updates(anaOf, object{"name": nil}), "second (<nil>) visible true muted false: acme=second")
			c.channel = first
			c.want(c.updates(anaOf, object{"name": "Second"}), "NAME_TAKEN input.name Second 2")
			c.want(c.updates(gilOf, object{"name": "Second"}), "Second (<nil>) visible true muted false: acme="+made+" globex=Second")
			c.want(c.life.does(anaOf, "revoke", nil), "REVOKED")
			c.want(c.updates(anaOf, object{"name": "Second"}), "Second (<nil>) visible true muted false: acme=Second globex=Second")
		},
		"topics": func(c *circle) {
			topic := func(who, want string) {
				c.t.Helper()
				c.want(fmt.Sprint(servertest.Get[object](c.t, c.s.For(c.t).Must(c.s.as(who),
					`query($id: ID!) { node(id: $id) { ... on SharedChannel { topic } } }`, object{"id": c.channel}), "node")["topic"]), want)
			}
			c.updates(anaOf, object{"topic": "for all"})
			topic(huaOf, "for all")
			c.updates(gilOf, object{"topic": "among us"})
			topic(huaOf, "among us")
			topic(benOf, "for all")
			c.updates(anaOf, object{"topic": "for all of you"})
			topic(huaOf, "among us")
			c.does(anaOf, "invite", "initech")
			c.answers(ivyOf, "accept", "initech")
			topic(ivyOf, "for all of you")
			c.does(anaOf, "offer", "globex")
			c.does(gilOf, "take", "")
			topic(benOf, "for all of you") // who takes the role keeps its own to itself
			topic(huaOf, "among us")
			c.updates(anaOf, object{"topic": "acme's"})
			topic(benOf, "acme's")
			topic(ivyOf, "for all of you")
			c.updates(gilOf, object{"topic": "the new one"})
			topic(huaOf, "the new one")
			topic(ivyOf, "the new one")
			topic(benOf, "acme's")
			c.does(anaOf, "leave", "")
			c.does(ivyOf, "leave", "")
			c.updates(gilOf, object{"topic": nil})
			topic(huaOf, "<nil>")
			topic(benOf, "acme's")
			topic(ivyOf, "the new one")
			c.want(c.updates(gilOf, object{"topic": strings.Repeat("x", 561)}), "INVALID_INPUT input.topic")
		},
		"a topic that it was made with": func(c *circle) {
			c.want(c.life.does(benOf, "create", object{"name": "made with one", "topic": "of old"}), "PENDING")
			c.want(c.updates(anaOf, object{"topic": "of old"}), "made with one (of old) visible true muted false: acme=made with one")
			c.want(fmt.Sprint(c.version(anaOf)), "1")
			c.want(c.updates(anaOf, object{"topic": nil, "mutedByDefault": true}), "made with one (<nil>) visible true muted true: acme=made with one")
			c.want(c.life.does(gilOf, "accept", nil), "ACCEPTED, a channel")
			c.reads(func(who string) string { return c.side(who) }, gilOf, "made with one (<nil>) visible true muted false: acme=made with one globex=made with one")
			c.want(c.updates(gilOf, object{"topic": ""}), "made with one (<nil>) visible true muted false: acme=made with one globex=made with one")
			c.want(fmt.Sprint(c.version(gilOf)), "2")
		},
		"who may, and when": func(c *circle) {
			c.want(c.updates(benOf, object{"name": "mine"}), "NOT_ALLOWED input.channelId")
			c.want(c.updates(ivyOf, object{"name": "mine"}), "CHANNEL_NOT_FOUND input.channelId")
			c.does(anaOf, "invite", "initech")
			c.want(c.updates(ivyOf, object{"name": "mine"}), "CHANNEL_NOT_FOUND input.channelId")
			c.does(gilOf, "leave", "")
			c.want(c.updates(huaOf, object{"name": "mine"}), "NOT_ALLOWED input.channelId")
			c.want(c.updates(gilOf, object{"name": "mine"}), "CHANNEL_NOT_ACTIVE input.channelId DISCONNECTED")
			c.does(anaOf, "leave", "")
			c.want(c.updates(anaOf, object{"name": "mine"}), "CHANNEL_NOT_ACTIVE input.channelId ARCHIVED")
			c.want(c.life.does(benOf, "create", nil), "PENDING")
			c.want(c.life.does(benOf, "revoke", nil), "REVOKED")
			c.want(c.updates(anaOf, object{"name": "mine"}), "CHANNEL_NOT_ACTIVE input.channelId CLOSED")
			c.want(c.updates(gilOf, object{"name": "mine"}), "CHANNEL_NOT_FOUND input.channelId")
		},
		"who left and comes back has its side as it was": func(c *circle) {
			c.updates(gilOf, object{"nameVisible": false, "mutedByDefault": true, "topic": "among us"})
			c.does(gilOf, "leave", "")
			c.want(c.does(anaOf, "invite", "globex"), "PENDING")
			c.want(c.answers(gilOf, "accept", "globex"), "ACCEPTED, a channel")
			made := strings.SplitN(c.side(anaOf), " (", 2)[0]
			c.want(c.side(huaOf), made+" (among us) visible false muted true: acme="+made+" globex="+made)
			c.want(c.side(anaOf), made+" (<nil>) visible true muted false: acme="+made+" globex=<nil>")
		},
		"versions and keys": func(c *circle) {
			c.want(c.updates(gilOf, object{"name": "one", "expectedVersion": 1}), "VERSION_CONFLICT input.expectedVersion 2")
			c.updates(gilOf, object{"name": "one", "expectedVersion": 2, "idempotencyKey": "k"})
			c.want(fmt.Sprint(c.version(gilOf)), "3")
			c.updates(gilOf, object{"name": " one", "expectedVersion": 2, "idempotencyKey": "k"})
			c.want(c.updates(gilOf, object{"name": "one", "topic": nil, "expectedVersion": 2, "idempotencyKey": "k"}), "IDEMPOTENCY_KEY_REUSED input.idempotencyKey")
			c.updates(gilOf, object{"name": "one", "topic": nil, "nameVisible": true, "mutedByDefault": nil})
			c.updates(gilOf, object{})
			c.want(fmt.Sprint(c.version(gilOf)), "3") // nothing was written
			c.want(c.updates(gilOf, object{"expectedVersion": 2}), "VERSION_CONFLICT input.expectedVersion 3")
		},
		"two who want each other's name": func(c *circle) {
			first := c.channel
			c.want(c.life.does(benOf, "create", object{"name": "name two"}), "PENDING")
			second := c.channel
			c.channel = first
			c.updates(anaOf, object{"name": "name one"})
			inputs := []object{
				{"channelId": first, "name": "name two", "expectedVersion": 2}, {"channelId": second, "name": "name one", "expectedVersion": 1},
			}
			var racing sync.WaitGroup
			for _, input := range inputs {
				racing.Go(func() {
					c.want(refusal(c.t, mutate(c.t, c.s, c.s.as(anaOf), sideDocument, input)), "NAME_TAKEN input.name")
				})
			}
			racing.Wait()
		},
	})
}
