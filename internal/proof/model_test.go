package proof_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// model is what an installation should hold: the contract's rules, applied to one operation after the other. What an
// operation may do is decided here; what follows from it for its channel is in life_test.go and saying_test.go.
type model struct {
	lives    []life
	kept     map[string]keptAnswer // by user, mutation, subject and key
	policies map[int]policy        // by group
	stances  map[[2]int]stance     // of the first group, towards the second
	blocked  []int                 // who has blocked another group, in turn
}

type keptAnswer struct {
	input  string
	answer answer
}

func newModel() *model {
	return &model{kept: make(map[string]keptAnswer), policies: make(map[int]policy), stances: make(map[[2]int]stance)}
}

func (m *model) clone() *model {
	c := &model{make([]life, len(m.lives)), maps.Clone(m.kept), maps.Clone(m.policies), maps.Clone(m.stances), slices.Clone(m.blocked)}
	for i := range m.lives {
		c.lives[i] = m.lives[i].clone()
	}
	return c
}

// apply does an operation and returns its answer.
func (m *model) apply(op operation) answer {
	switch op.do {
	case expire:
		if l := &m.lives[op.life]; l.invitations[op.in].open() {
			l.runsOut(op.in)
			l.sweep()
		}
		return answer{}
	case sweep:
		for i := range m.lives {
			m.lives[i].sweep()
		}
		return answer{}
	}
	scope := ""
	if op.key != "" {
		scope = fmt.Sprint(op.by, op.do, op.subject(), op.key)
		op.own = m.isOwn(op) // with the same key it is the same, said or not
		if kept, ok := m.kept[scope]; ok {
			if kept.input != op.input() {
				return answer{refused: channel.CodeIdempotencyKeyReused}
			}
			if m.answersHidden(op) {
				return answer{refused: channel.CodeInvitationNotFound}
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

// answersHidden reports whether the answer to an operation is an invitation that its group does not see any more, because it blocks who asked.
func (m *model) answersHidden(op operation) bool {
	switch op.do {
	case accept, decline, approve, deny:
		return m.hides(&m.lives[op.life].invitations[op.in], op.by.group)
	}
	return false
}

func (m *model) decide(op operation) answer {
	switch op.do {
	case create:
		return m.create(op)
	case accept, decline, revoke:
		return m.resolve(op)
	case approve, deny:
		return m.approves(op)
	case invite:
		return m.asks(op)
	case leave, remove, offer, take, grant, forbid:
		return m.changesLinks(op)
	case rename:
		return m.renames(op)
	case setPolicy:
		m.policies[op.by.group] = op.policy
		return answer{}
	case block, unblock, trust, untrust:
		return m.thinks(op)
	}
	return m.say(op)
}

func (m *model) create(op operation) answer {
	if op.target == op.by.group {
		return answer{refused: channel.CodeSelfInvitation}
	}
	own := m.policies[op.by.group]
	if m.blocks(op.by.group, op.target) {
		return answer{refused: channel.CodeNotAllowed}
	}
	if name := m.free(op.by.group, op.name); name != op.name {
		return answer{refused: channel.CodeNameTaken, suggestion: name}
	}
	l := begins(op.by, op.name)
	l.invites(op.by, op.target, op.name, !own.outgoing || m.trusts(op.by.group, op.target) || op.by.admin())
	m.lives = append(m.lives, l)
	return answer{life: len(m.lives) - 1}
}

// resolve decides on an invitation.
func (m *model) resolve(op operation) answer {
	l := &m.lives[op.life]
	in := &l.invitations[op.in]
	side, state := in.to, channel.InvitationAccepted
	switch op.do {
	case decline:
		state = channel.InvitationDeclined
	case revoke:
		side, state = in.from, channel.InvitationRevoked
	}
	may := op.by.admin() || op.do == revoke && op.by == in.sender || op.do == accept && m.policies[in.to].membersAccept
	switch may = may && op.by.group == side; {
	case !m.sees(in, op.by.group):
		return answer{refused: channel.CodeInvitationNotFound}
	case !may:
		return answer{refused: channel.CodeNotAllowed}
	case in.shown() == state:
		a := answer{life: op.life, in: op.in, by: in.resolver}
		if op.do == accept {
			a.name = l.link(in.to).name
		}
		return a
	case !in.waits():
		return answer{refused: channel.CodeInvitationNotPending, state: in.shown()}
	}
	if op.do != accept {
		l.ends(op.in, state, op.by.name)
		return answer{life: op.life, in: op.in, by: op.by.name}
	}
	return m.accepts(op)
}

// free returns the name, or the first numbered alternative, that no live channel of the group has. A name that is held by
// a channel that waits for nobody but overdue invitations becomes free by that.
func (m *model) free(group int, name string) string {
	taken := make(map[string]bool)
	for i := range m.lives {
		l := &m.lives[i]
		k := l.link(group)
		if k == nil || !k.linked() {
			continue
		}
		if l.state == channel.ChannelPending && sameName(k.name, name) {
			l.sweep()
		}
		if k.linked() {
			taken[strings.ToLower(k.name)] = true
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
		return want.refused != "" || got.invitation.IsZero()
	}
	l := &m.lives[want.life]
	if got.invitation.IsZero() {
		return want.in < 0 && l.channel == got.channel
	}
	if want.in < 0 {
		return false
	}
	in := &l.invitations[want.in]
	if l.channel.IsZero() && !m.hasChannel(got.channel) {
		l.channel = got.channel
	}
	if in.id.IsZero() && !m.hasInvitation(got.invitation) {
		in.id = got.invitation
	}
	return l.channel == got.channel && in.id == got.invitation
}

func (m *model) hasChannel(id ids.Channel) bool {
	return slices.ContainsFunc(m.lives, func(l life) bool { return l.channel == id })
}

func (m *model) hasInvitation(id ids.Invitation) bool {
	return slices.ContainsFunc(m.lives, func(l life) bool {
		return slices.ContainsFunc(l.invitations, func(in invitation) bool { return in.id == id })
	})
}
