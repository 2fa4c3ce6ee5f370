package channel

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"linkspan/internal/ids"
)

// circle is a channel of acme (the initiator) with globex, which may ask others, initech, hooli, which has left, and stark, which is asked.
type circle struct {
	*judged
	groups map[string]Group
	links  *Links
}

func newCircle(state string) *circle {
	c := &circle{newJudged(), map[string]Group{}, nil}
	at, later := c.facts.At, c.facts.At.Add(time.Hour)
	c.links = &Links{At: at, Until: &later, Of: map[ids.Group]*Link{}, Channel: &ChannelFacts{State: ChannelActive, Linked: 2, Open: 1}}
	add := func(name string, group Group, link Link) *Link {
		link.Group, link.Version = group.ID, 1
		c.groups[name], c.links.Of[group.ID] = group, &link
		return &link
	}
	acme := add("acme", c.acme, Link{State: LinkLinked, Name: "launch", Initiator: true})
	globex := add("globex", c.globex, Link{State: LinkLinked, Name: "launch", MayInvite: true})
	initech := add("initech", c.initech, Link{State: LinkLinked, Name: "launch"})
	add("hooli", Group{ID: ids.NewGroup()}, Link{State: LinkLeft, Name: "launch"})
	add("stark", Group{ID: ids.NewGroup()}, Link{State: LinkInvited})
	c.groups["umbrella"] = Group{ID: ids.NewGroup()}
	switch state {
	case "PENDING", "CLOSED":
		c.links.Channel.State, c.links.Channel.Linked = ChannelPending, 0
		globex.State, globex.Name, initech.State, initech.Name = LinkInvited, "", LinkInvited, ""
		if state == "CLOSED" { // nobody has swept
			c.links.Until = &at
		}
	case "ACTIVE, the role is offered to initech":
		c.links.Channel.Offered = c.initech.ID
	case "ACTIVE, the initiator has left":
		acme.State = LinkLeft
	case "ACTIVE, the initiator has left, the role is offered to initech":
		acme.State, c.links.Channel.Offered = LinkLeft, c.initech.ID
	case "ARCHIVED":
		acme.State, globex.State, initech.State = LinkLeft, LinkRemoved, LinkLeft
		c.links.Channel.State, c.links.Channel.Linked, c.links.Channel.Open = ChannelArchived, 0, 0
	}
	c.links.Channel.Initiator = *acme
	return c
}

// TestJudgeLinks writes down what becomes of each deed about the groups of a channel, of each who may try it, in each state: see TestJudge.
func TestJudgeLinks(t *testing.T) {
	t.Parallel()
	deeds := []struct {
		name string
		of   func(c *circle, v *Viewer) (SharingRule, error)
	}{
		{"ask umbrella", func(c *circle, v *Viewer) (SharingRule, error) { return c.asks(v, "umbrella", false, 250) }},
		{"ask umbrella, at the limit", func(c *circle, v *Viewer) (SharingRule, error) { return c.asks(v, "umbrella", false, 1) }},
		{"ask hooli back", func(c *circle, v *Viewer) (SharingRule, error) { return c.asks(v, "hooli", false, 250) }},
		{"ask stark again", func(c *circle, v *Viewer) (SharingRule, error) { return c.asks(v, "stark", true, 250) }},
		{"leave", func(c *circle, v *Viewer) (SharingRule, error) {
			return judgePart(v, c.links, parting{deed: DeedLeave, group: v.Group.ID})
		}},
		{"remove globex", func(c *circle, v *Viewer) (SharingRule, error) { return c.removes(v, "globex") }},
		{"remove hooli", func(c *circle, v *Viewer) (SharingRule, error) { return c.removes(v, "hooli") }},
		{"remove stark", func(c *circle, v *Viewer) (SharingRule, error) { return c.removes(v, "stark") }},
		{"let initech invite", func(c *circle, v *Viewer) (SharingRule, error) {
			return "", judgeGrant(v, c.links, LetGroupInviteInput{GroupID: c.initech.ID, MayInvite: true})
		}},
		{"offer to globex", func(c *circle, v *Viewer) (SharingRule, error) { return "", judgeOffer(v, c.links, c.globex.ID) }},
		{"take the offer back", func(c *circle, v *Viewer) (SharingRule, error) { return "", judgeOffer(v, c.links, v.Group.ID) }},
		{"change the own side", func(c *circle, v *Viewer) (SharingRule, error) {
			return "", judgeSide(v, c.links, &UpdateChannelSideInput{ExpectedVersion: 1})
		}},
		{"change the own side, of another version", func(c *circle, v *Viewer) (SharingRule, error) {
			return "", judgeSide(v, c.links, &UpdateChannelSideInput{ExpectedVersion: 2})
		}},
		{"say who sees the own side", func(c *circle, v *Viewer) (SharingRule, error) {
			return "", judgeSide(v, c.links, &UpdateChannelSideInput{ExpectedVersion: 1, Given: map[string]bool{"visibility": true}})
		}},
		{"say who sees the own side, and more", func(c *circle, v *Viewer) (SharingRule, error) {
			return "", judgeSide(v, c.links, &UpdateChannelSideInput{ExpectedVersion: 1, Given: map[string]bool{"visibility": true, "topic": true}})
		}},
		{"list a user", func(c *circle, v *Viewer) (SharingRule, error) { return "", judgeMembers(v, c.links, false) }},
		{"list a user no longer", func(c *circle, v *Viewer) (SharingRule, error) { return "", judgeMembers(v, c.links, true) }},
		{"take the role", func(c *circle, v *Viewer) (SharingRule, error) { return judgeTake(v, c.links) }},
	}
	var b strings.Builder
	for _, state := range []string{
		"PENDING", "ACTIVE", "ACTIVE, the role is offered to initech", "ACTIVE, the initiator has left",
		"ACTIVE, the initiator has left, the role is offered to initech", "CLOSED", "ARCHIVED",
	} {
		for _, deed := range deeds {
			fmt.Fprintf(&b, "%s; %s\n", deed.name, state)
			for _, group := range []string{"acme", "globex", "initech", "hooli", "stark", "umbrella"} {
				for _, role := range []Role{RoleAdmin, RoleMember} {
					c := newCircle(state)
					v := c.viewer(c.groups[group], "ana", role)
					rule, err := deed.of(c, v)
					fmt.Fprintf(&b, "  %-9s %-7s %s\n", group, role, spokenOfLinks(rule, err))
				}
			}
			c := newCircle(state)
			rule, err := deed.of(c, &Viewer{Operator: true})
			fmt.Fprintf(&b, "  %-9s %-7s %s\n\n", "operator", "", spokenOfLinks(rule, err))
		}
	}
	golden(t, "testdata/links.golden", b.String())
}

// asks judges as inviteGroup does.
func (c *circle) asks(v *Viewer, group string, waits bool, atMost int) (SharingRule, error) {
	if v.Operator || c.links.stateFor(v) == "" {
		return "", channelNotFound()
	}
	own, other := &Party{Policy: DefaultPolicy(v.Group.ID)}, &Party{Policy: DefaultPolicy(c.groups[group].ID)}
	allowed, refusal := c.links.judgeInvite(v, nil, own, other, c.groups[group].ID, waits, atMost)
	if refusal != nil {
		return "", refusal
	}
	return allowed.rule, nil
}

func (c *circle) removes(v *Viewer, group string) (SharingRule, error) {
	return judgePart(v, c.links, parting{deed: DeedRemove, group: c.groups[group].ID})
}

func spokenOfLinks(rule SharingRule, err error) string {
	var refusal UserError
	switch {
	case errors.Is(err, errAgain):
		return "had happened"
	case errors.As(err, &refusal):
		said := spoken(verdict{}, refusal)
		if state, ok := refusal.(ChannelNotActiveError); ok {
			said += fmt.Sprintf(" (%s)", state.State)
		}
		return said
	case err != nil:
		return err.Error()
	case rule == "":
		return "done"
	}
	return "done, by " + string(rule)
}

// golden compares a text with a file, which it writes anew where that is asked for: see updateRules.
func golden(t *testing.T, file, text string) {
	t.Helper()
	if updateRules {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(text, "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(got) || got[i] != line {
			t.Fatalf("%s:%d: want\n%s\ngot\n%s", file, i+1, line, got[min(i, len(got)-1)])
		}
	}
}
