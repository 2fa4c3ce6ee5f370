package proof_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// model is what an installation should hold: the contract's rules, applied to one operation after the other.
type model struct {
	lives []life
	kept  map[string]keptAnswer // by user, mutation, subject and key
}

// life is a channel with its one invitation. It begins without ids, which the installation makes.
type life struct {
	channel    ids.Channel
	invitation ids.Invitation
	from, to   int // groups
	sender     person
	name       string // what the initiator calls it, and what it proposes
	linkedName string // what the target calls it, once it is linked
	state      channel.InvitationState
	overdue    bool // PENDING in main, and its time has run out
	resolver   string
	conversation
}

type keptAnswer struct {
	input  string
	answer answer
}

func newModel() *model { return &model{kept: make(map[string]keptAnswer)} }

func (m *model) clone() *model {
	c := &model{slices.Clone(m.lives), maps.Clone(m.kept)}
	for i := range c.lives {
		c.lives[i].conversation = c.lives[i].clone()
	}
	return c
}

// shown is the state as anybody reads it.
func (l *life) shown() channel.InvitationState {
	if l.overdue {
		return channel.InvitationExpired
	}
	return l.state
}

// version is that of the invitation as main has it, shownVersion as anybody reads it.
func (l *life) version() int {
	if l.state == channel.InvitationPending {
		return 1
	}
	return 2
}

func (l *life) shownVersion() int {
	if l.overdue {
		return 2
	}
	return l.version()
}

// open reports whether the initiator's link is live, so that it holds its name.
func (l *life) open() bool {
	return l.state == channel.InvitationPending || l.state == channel.InvitationAccepted
}

// shownTo is the channel's state for a group; "" if the group may not see it.
func (l *life) shownTo(group int) channel.SharedChannelState {
	switch {
	case group != l.from && (group != l.to || l.state != channel.InvitationAccepted):
		return ""
	case l.state == channel.InvitationAccepted:
		return channel.ChannelActive
	case l.shown() == channel.InvitationPending:
		return channel.ChannelPending
	}
	return channel.ChannelClosed
}

// apply does an operation and returns its answer.
func (m *model) apply(op operation) answer {
	switch op.do {
	case expire:
		l := &m.lives[op.life]
		if l.state == channel.InvitationPending {
			l.overdue = true
			m.sweep(l)
		}
		return answer{}
	case sweep:
		for i := range m.lives {
			m.sweep(&m.lives[i])
		}
		return answer{}
	}
	scope := ""
	if op.key != "" {
		scope = fmt.Sprint(op.by, op.do, op.subject(), op.key)
		if kept, ok := m.kept[scope]; ok {
			if kept.input != op.input() {
				return answer{refused: channel.CodeIdempotencyKeyReused}
			}
			return kept.answer
		}
	}
	a := m.decide(op)
	if scope != "" && a.refused == "" {
		m.kept[scope] = keptAnswer{op.input(), a}
	}
	return a
}

func (m *model) decide(op operation) answer {
	switch {
	case op.do == create:
		return m.create(op)
	case op.talks():
		return m.say(op)
	}
	l := &m.lives[op.life]
	side, state := l.to, channel.InvitationAccepted
	switch op.do {
	case decline:
		state = channel.InvitationDeclined
	case revoke:
		side, state = l.from, channel.InvitationRevoked
	}
	switch may := op.by.group == side && (op.by.admin() || op.do == revoke && op.by == l.sender); {
	case op.by.group != l.from && op.by.group != l.to:
		return answer{refused: channel.CodeInvitationNotFound}
	case !may:
		return answer{refused: channel.CodeNotAllowed}
	case l.shown() == state:
		a := answer{life: op.life, by: l.resolver}
		if op.do == accept {
			a.name = l.linkedName
		}
		return a
	case l.shown() != channel.InvitationPending:
		return answer{refused: channel.CodeInvitationNotPending, state: l.shown()}
	}
	l.state, l.resolver = state, op.by.name
	a := answer{life: op.life, by: l.resolver}
	if op.do == accept {
		asked := l.name
		if op.name != "" {
			asked = op.name
		}
		l.linkedName = m.free(l.to, asked)
		l.joins(op.by)
		l.happens(everyone, channel.EventGroupLinked, 0)
		a.name = l.linkedName
		if l.linkedName != asked {
			a.changedFrom = asked
		}
	}
	return a
}

func (m *model) create(op operation) answer {
	if op.target == op.by.group {
		return answer{refused: channel.CodeSelfInvitation}
	}
	if name := m.free(op.by.group, op.name); name != op.name {
		return answer{refused: channel.CodeNameTaken, suggestion: name}
	}
	m.lives = append(m.lives, life{
		from: op.by.group, to: op.target, sender: op.by, name: op.name, state: channel.InvitationPending,
	})
	l := &m.lives[len(m.lives)-1]
	l.joins(op.by)
	l.happens(everyone, channel.EventGroupLinked, 0)
	return answer{life: len(m.lives) - 1}
}

// free returns the name, or the first numbered alternative, that no live channel of the group has. A name that is held by
// a channel of the group's own whose invitation is overdue becomes free by that.
func (m *model) free(group int, name string) string {
	taken := make(map[string]bool)
	for i := range m.lives {
		l := &m.lives[i]
		if l.from == group && l.overdue && sameName(l.name, name) {
			m.sweep(l)
		}
		if l.from == group && l.open() {
			taken[strings.ToLower(l.name)] = true
		}
		if l.to == group && l.linkedName != "" {
			taken[strings.ToLower(l.linkedName)] = true
		}
	}
	for n, free := 2, name; ; n++ {
		if !taken[strings.ToLower(free)] {
			return free
		}
		free = fmt.Sprintf("%s %d", name, n)
	}
}

func sameName(a, b string) bool { return strings.EqualFold(a, b) }

func (m *model) sweep(l *life) {
	if l.overdue {
		l.state, l.overdue = channel.InvitationExpired, false
	}
}

// takes reports whether the answer that an installation gave is the one that the model gives, and learns the ids of what
// was made.
func (m *model) takes(want, got answer) bool {
	if want.refused != got.refused || want.state != got.state || want.by != got.by ||
		want.name != got.name || want.changedFrom != got.changedFrom {
		return false
	}
	if !got.message.IsZero() {
		l := &m.lives[want.life]
		if want.about < 0 || got.message.Channel != l.channel {
			return false
		}
		s := &l.said[want.about]
		return got.message.Number == s.number && got.message.Owner.IsZero() == (s.owner == everyone)
	}
	if got.channel.IsZero() {
		return want.refused != "" || got.invitation.IsZero() || m.lives[want.life].invitation == got.invitation
	}
	l := &m.lives[want.life]
	if l.channel.IsZero() {
		for i := range m.lives {
			if m.lives[i].channel == got.channel {
				return false
			}
		}
		l.channel, l.invitation = got.channel, got.invitation
	}
	return l.channel == got.channel && l.invitation == got.invitation
}
