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

// nodes says what a user is shown of lives by their ids: of each the channel and its invitations.
func (w *world) nodes(s *channel.Service, by person, lives ...life) ([]string, error) {
	var wanted []ids.ID
	for _, l := range lives {
		wanted = append(wanted, ids.ID{Kind: ids.KindChannel, Channel: l.channel})
		for _, in := range l.invitations {
			wanted = append(wanted, ids.ID{Kind: ids.KindInvitation, Invitation: in.id})
		}
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
	for _, l := range lives {
		n := 1 + len(l.invitations)
		text = append(text, strings.Join(parts[:n], ", "))
		parts = parts[n:]
	}
	return text, nil
}

// nodes is what it should be shown.
func (m *model) nodes(number, group int) string {
	l := &m.lives[number]
	parts := []string{l.describe(group)}
	for _, in := range l.invitations {
		shown := "nothing"
		if m.sees(&in, group) {
			shown = fmt.Sprint(in.shown(), in.shownVersion())
		}
		parts = append(parts, shown)
	}
	return strings.Join(parts, ", ")
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

// view is what a group is shown: its three lists, and all that there is by its ids.
func (w *world) view(s *channel.Service, m *model, group int) ([]string, error) {
	ctx, v, first := context.Background(), w.viewer(person{group, "ben"}), int32(channel.MaxPageSize)
	args := channel.PageArgs{First: &first}
	var lines []string
	numberOf := make(map[ids.Invitation]string)
	nodes, err := w.nodes(s, person{group, "ben"}, m.lives...)
	if err != nil {
		return nil, err
	}
	for i, shown := range nodes {
		for n, in := range m.lives[i].invitations {
			numberOf[in.id] = fmt.Sprintf("%d.%d", i, n)
		}
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
			lines = append(lines, fmt.Sprintf("%s: %q %s %d", name, numberOf[edge.Value.ID], edge.Value.State, edge.Value.Version))
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
		for n, in := range l.invitations {
			list := map[int]string{in.from: "sent", in.to: "received"}[group]
			if list != "" && m.sees(&in, group) {
				lines = append(lines, fmt.Sprintf("%s: %q %s %d", list, fmt.Sprintf("%d.%d", i, n), in.shown(), in.shownVersion()))
			}
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
