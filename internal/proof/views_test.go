package proof_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// nodes says what a user is shown of lives by their ids: of each the channel and the invitation.
func (w *world) nodes(s *channel.Service, by person, lives ...life) ([]string, error) {
	var wanted []ids.ID
	for _, l := range lives {
		wanted = append(wanted, ids.ID{Kind: ids.KindChannel, Channel: l.channel},
			ids.ID{Kind: ids.KindInvitation, Invitation: l.invitation})
	}
	found, err := s.Nodes(context.Background(), w.viewer(by), wanted)
	if err != nil {
		return nil, err
	}
	parts := make([]string, len(found))
	for i, node := range found {
		if node.Err != nil {
			return nil, node.Err
		}
		switch node := node.Node.(type) {
		case nil:
			parts[i] = "nothing"
		case *channel.SharedChannel:
			parts[i] = describe(node)
		case *channel.Invitation:
			parts[i] = fmt.Sprint(node.State, node.Version)
		}
	}
	var text []string
	for pair := range slices.Chunk(parts, 2) {
		text = append(text, strings.Join(pair, ", "))
	}
	return text, nil
}

// nodes is what it should be shown.
func (m *model) nodes(number, group int) string {
	l := &m.lives[number]
	shown, invitation := l.describe(group), "nothing"
	if group == l.from || group == l.to {
		invitation = fmt.Sprint(l.shown(), l.shownVersion())
	}
	return shown + ", " + invitation
}

// describe says what a group is shown of a channel: its state, and each side with its name.
func describe(c *channel.SharedChannel) string {
	var sides []string
	for _, side := range c.Sides {
		sides = append(sides, fmt.Sprintf("%s=%q", side.Group.Name, *side.Name))
	}
	slices.Sort(sides)
	return fmt.Sprint(c.State, sides)
}

func (l *life) describe(group int) string {
	state := l.shownTo(group)
	if state == "" {
		return "nothing"
	}
	sides := []string{fmt.Sprintf("Group %d=%q", l.from, l.name)}
	if l.linkedName != "" {
		sides = append(sides, fmt.Sprintf("Group %d=%q", l.to, l.linkedName))
	}
	slices.Sort(sides)
	return fmt.Sprint(state, sides)
}

// view is what a group is shown: its three lists, and all that there is by its ids.
func (w *world) view(s *channel.Service, m *model, group int) ([]string, error) {
	ctx, v, first := context.Background(), w.viewer(person{group, "ben"}), int32(channel.MaxPageSize)
	args := channel.PageArgs{First: &first}
	var lines []string
	numberOf := make(map[ids.Invitation]int)
	nodes, err := w.nodes(s, person{group, "ben"}, m.lives...)
	if err != nil {
		return nil, err
	}
	for i, shown := range nodes {
		numberOf[m.lives[i].invitation] = i
		lines = append(lines, fmt.Sprintf("nodes of %d: %s", i, shown))
	}
	channels, err := s.SharedChannels(ctx, v, args)
	if err != nil {
		return nil, err
	}
	for _, edge := range channels.Edges {
		if edge.Err != nil {
			return nil, edge.Err
		}
		if edge.Value == nil {
			lines = append(lines, "a channel that it may not see")
			continue
		}
		lines = append(lines, "channels: "+describe(edge.Value))
		if edge.Value.State != channel.ChannelActive {
			continue
		}
		said, err := w.messages(s, edge.Value.ID, person{group, "ben"})
		if err != nil {
			return nil, err
		}
		lines = append(lines, "messages: "+said)
	}
	for _, name := range []string{"sent", "received"} {
		list := s.SentInvitations
		if name == "received" {
			list = s.ReceivedInvitations
		}
		page, err := list(ctx, v, args, nil)
		if err != nil {
			return nil, err
		}
		for _, edge := range page.Edges {
			number, ok := numberOf[edge.Value.ID]
			if !ok {
				number = -1
			}
			lines = append(lines, fmt.Sprintf("%s: %d %s %d", name, number, edge.Value.State, edge.Value.Version))
		}
	}
	slices.Sort(lines)
	return lines, nil
}

// view is what the group should be shown.
func (m *model) view(group int) []string {
	var lines []string
	for i := range m.lives {
		l := &m.lives[i]
		lines = append(lines, fmt.Sprintf("nodes of %d: %s", i, m.nodes(i, group)))
		if l.shownTo(group) != "" {
			lines = append(lines, "channels: "+l.describe(group))
		}
		if l.shownTo(group) == channel.ChannelActive {
			lines = append(lines, "messages: "+l.messages(person{group, "ben"}))
		}
		switch group {
		case l.from:
			lines = append(lines, fmt.Sprintf("sent: %d %s %d", i, l.shown(), l.shownVersion()))
		case l.to:
			lines = append(lines, fmt.Sprintf("received: %d %s %d", i, l.shown(), l.shownVersion()))
		}
	}
	slices.Sort(lines)
	return lines
}

// sees waits until the group is shown what it should be.
func (w *world) sees(t rapid.TB, s *channel.Service, m *model, group int) {
	t.Helper()
	eventually(t, func() string {
		got, err := w.view(s, m, group)
		if err != nil {
			t.Fatal(err)
		}
		return cmp.Diff(m.view(group), got)
	})
}
