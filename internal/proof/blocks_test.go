package proof_test

import (
	"context"
	"errors"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"linkspan/internal/channel"
)

// The verbs of blocks: of the group target, by an admin.
const (
	block   verb = "block"
	unblock verb = "unblock"
)

// blocks reports whether a group blocks another.
func (m *model) blocks(group, other int) bool { return m.blocking[[2]int{group, other}] }

// hides reports whether a group sees nothing of an invitation, because it blocks who asks.
func (m *model) hides(in *invitation, group int) bool {
	return group == in.to && m.blocks(group, in.from) && in.state != channel.InvitationAccepted
}

// sees reports whether a group may know of an invitation.
func (m *model) sees(in *invitation, group int) bool {
	return group == in.from || group == in.to && !in.unsent && !m.hides(in, group)
}

// says has a group block another, or do so no longer: then its inbox hears again of what can still be answered.
func (m *model) says(op operation) answer {
	group := op.by.group
	switch was, now := m.blocks(group, op.target), op.do == block; {
	case was == now:
	case now:
		p := m.policies[group]
		p.trusts = false
		m.policies[group], m.blocking[[2]int{group, op.target}] = p, true
		m.blocked = append(m.blocked, group)
	default:
		delete(m.blocking, [2]int{group, op.target})
		for i := range m.lives {
			m.lives[i].tellsAgain(group, op.target)
		}
	}
	return answer{}
}

// tellsAgain notes what a group's inbox hears once more of what another asked.
func (l *life) tellsAgain(group, from int) {
	for n := range l.invitations {
		if in := &l.invitations[n]; in.to == group && in.from == from && in.waits() && !in.unsent {
			l.told = append(l.told, telling{group, n, in.version, channel.EventInvitationReceived})
		}
	}
}

// drawBlock has a group block another no longer, or block one, mostly one that it has to do with.
func (s *story) drawBlock(t *rapid.T) operation {
	blocked := slices.SortedFunc(maps.Keys(s.model.blocking), func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	if len(blocked) > 0 && rapid.Bool().Draw(t, "no longer") {
		who := rapid.SampledFrom(blocked).Draw(t, "who")
		return operation{do: unblock, by: person{who[0], "ana"}, target: who[1]}
	}
	groups := len(s.world.groups)
	by := rapid.IntRange(0, groups-1).Draw(t, "group")
	op := operation{do: block, by: person{by, "ana"}, target: (by + rapid.IntRange(1, groups-1).Draw(t, "whom")) % groups}
	if len(s.model.lives) > 0 && rapid.IntRange(0, 3).Draw(t, "stranger") > 0 {
		l := &s.model.lives[rapid.IntRange(0, len(s.model.lives)-1).Draw(t, "life")]
		in := &l.invitations[rapid.IntRange(0, len(l.invitations)-1).Draw(t, "invitation")]
		if op.by.group, op.target = in.to, in.from; rapid.IntRange(0, 3).Draw(t, "who asked") == 0 {
			op.by.group, op.target = in.from, in.to
		}
	}
	return op
}

// blocks has a group block another, or do so no longer.
func (s *story) blocks(t *rapid.T) {
	op := s.drawBlock(t)
	s.world.delivered(t) // what is told again is what can be answered where it is read
	s.model.apply(op)
	if _, err := s.world.do(context.Background(), s.process.Service, s.model, op); err != nil {
		t.Fatal(err)
	}
	s.did[string(op.do)]++
}

// says blocks or unblocks.
func (w *world) says(ctx context.Context, s *channel.Service, op operation) error {
	v, target := w.viewer(op.by), channel.GroupSelector{Handle: &w.groups[op.target].Handle}
	var refusals []channel.UserError
	var err error
	if op.do == block {
		var p *channel.BlockGroupPayload
		if p, err = s.BlockGroup(ctx, v, channel.BlockGroupInput{Target: target}); err == nil {
			refusals = p.Errors
		}
	} else {
		var p *channel.UnblockGroupPayload
		if p, err = s.UnblockGroup(ctx, v, channel.UnblockGroupInput{Target: target}); err == nil {
			refusals = p.Errors
		}
	}
	for _, refusal := range refusals {
		err = errors.Join(err, refusal)
	}
	return err
}
