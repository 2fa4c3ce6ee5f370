package server_test

import (
	"fmt"
	"testing"

	"linkspan/internal/ids"
	"linkspan/internal/server/servertest"
)

// A rename reaches those who follow the channel on both sides, with the channel as each has it then; also those who come later, after a cursor.
func TestRenamesAreTold(t *testing.T) {
	circles(t, map[string]func(c *circle){
		"each side's": func(c *circle) {
			const document = `subscription($id: ID!, $after: LogCursor) { channelEvents(channelId: $id, after: $after) { __typename cursor actor { ... on User { name } }
				... on ChannelChanged { group { handle } sharedChannel { name viewerSide { version } sides { name group { handle } } } } } }`
			type ear struct {
				socket *socket
				sub    string
			}
			ears, begins := map[string]ear{}, map[string]string{}
			listen := func(who string, after any) ear {
				k := dial(c.t, c.s, bearing{payload: c.s.as(who)})
				return ear{k, k.subscribe(document, object{"id": c.channel, "after": after})}
			}
			hears := func(who string, e ear) object {
				c.t.Helper()
				answer, done := e.socket.answer(e.sub)
				if done {
					c.t.Fatalf("%s: it has ended: %s", who, answer.Body)
				}
				return servertest.Get[object](c.t, answer.Data, "channelEvents")
			}
			for _, who := range []string{benOf, huaOf} {
				ears[who] = listen(who, nil)
				begins[who] = hears(who, ears[who])["cursor"].(string)
			}
			c.updates(gilOf, object{"name": "their plan"})
			c.updates(anaOf, object{"name": "our plan", "nameVisible": false})
			c.updates(gilOf, object{"name": "their plan"}) // says nothing new, and is no event
			c.updates(gilOf, object{"nameVisible": false})
			globex, acme := "globex"+c.s.suffix, "acme"+c.s.suffix
			for who, own := range map[string]string{benOf: "our plan", huaOf: "their plan"} {
				for _, e := range []ear{ears[who], listen(who, begins[who])} {
					for n, by := range []string{"Gil of " + globex, "Ana of " + acme, "Gil of " + globex} {
						event := hears(who, e)
						if event["__typename"] != "ChannelChanged" {
							c.t.Fatalf("%s hears %v", who, event)
						}
						if got := fmt.Sprint(servertest.Get[string](c.t, event, "actor", "name"), " of ", servertest.Get[string](c.t, event, "group", "handle")); got != by {
							c.t.Errorf("%s hears change %d of %s, want %s", who, n, got, by)
						}
						if n < 2 {
							continue // its channel is as it is when it is read
						}
						if got := servertest.Get[string](c.t, event, "sharedChannel", "name"); got != own {
							c.t.Errorf("%s hears that it is called %s, want %s", who, got, own)
						}
						for _, side := range servertest.Get[[]any](c.t, event, "sharedChannel", "sides") {
							side := side.(object)
							handle, name := servertest.Get[string](c.t, side, "group", "handle"), side["name"]
							if seen := (who == huaOf) == (handle == globex); seen && name != own || !seen && name != nil {
								c.t.Errorf("%s hears that %s calls it %v", who, handle, name)
							}
						}
						if _, err := ids.ParseLogCursor(event["cursor"].(string)); err != nil {
							c.t.Error(err)
						}
					}
				}
			}
		},
	})
}
