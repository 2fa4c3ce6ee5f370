package proof_test

import (
	"context"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"linkspan/internal/channel"
)

// The verbs of what a group thinks of another, which is the target: an admin says it.
const (
	trust   verb = "trust"
	untrust verb = "trust no more"
	block   verb = "block"
	unblock verb = "unblock"
)

// stance is what a group thinks of another.
type stance struct{ trusted, blocked bool }

// trusts reports whether a group asks for no approval of its own towards another.
func (m *model) trusts(group, other int) bool { return m.stances[[2]int{group, other}].trusted }

// blocks reports whether a group blocks another.
func (m *model) blocks(group, other int) bool { return m.stances[[2]int{group, other}].blocked }

// hides reports whether a group sees nothing of an invitation, because it blocks who asks.
func (m *model) hides(in *invitation, group int) bool {
	return group == in.to && m.blocks(group, in.from) && in.state != channel.InvitationAccepted
}

// sees reports whether a group may know of an invitation.
func (m *model) sees(in *invitation, group int) bool {
	return group == in.from || group == in.to && !in.unsent && !m.hides(in, group)
}

// thinks has a group think otherwise of another. Where it blocks it no longer, its inbox hears again of what can still be answered.
func (m *model) thinks(op operation) answer {
	group, between := op.by.group, [2]int{op.by.group, op.target}
	was := m.stances[between]
	is := was
	switch op.do {
	case trust:
		if was.blocked {
			return answer{refused: channel.CodeNotAllowed}
		}
		is.trusted = true
	case untrust:
		is.trusted = false
	case block:
		is = stance{blocked: true}
		if !was.blocked {
			m.blocked = append(m.blocked, group)
		}
	case unblock:
		if is.blocked = false; was.blocked {
			for i := range m.lives {
				m.lives[i].tellsAgain(group, op.target)
			}
		}
	}
	m.stances[between] = is
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

// blockings are which group blocks which.
func (m *model) blockings() [][2]int {
	all := slices.Collect(maps.Keys(m.stances))
	all = slices.DeleteFunc(all, func(between [2]int) bool { return !m.stances[between].blocked })
	slices.SortFunc(all, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	return all
}

// drawStance has a group block another no longer, or say something else of one, mostly of one that it has to do with.
func (s *story) drawStance(t *rapid.T) operation {
	if blocked := s.model.blockings(); len(blocked) > 0 && rapid.Bool().Draw(t, "no longer") {
		who := rapid.SampledFrom(blocked).Draw(t, "who")
		return operation{do: unblock, by: person{who[0], "ana"}, target: who[1]}
	}
	groups := len(s.world.groups)
	by := rapid.IntRange(0, groups-1).Draw(t, "group")
	op := operation{do: rapid.SampledFrom([]verb{block, block, trust, untrust}).Draw(t, "stance"), by: person{by, "ana"}}
	op.target = (by + rapid.IntRange(1, groups-1).Draw(t, "whom")) % groups
	if len(s.model.lives) > 0 && rapid.IntRange(0, 3).Draw(t, "stranger") > 0 {
		l := &s.model.lives[rapid.IntRange(0, len(s.model.lives)-1).Draw(t, "life")]
		in := &l.invitations[rapid.IntRange(0, len(l.invitations)-1).Draw(t, "invitation")]
		if op.by.group, op.target = in.to, in.from; rapid.IntRange(0, 3).Draw(t, "who asked") == 0 {
			op.by.group, op.target = in.from, in.to
		}
	}
	return op
}

// thinks has a group think otherwise of another.
func (s *story) thinks(t *rapid.T) {
	op := s.drawStance(t)
	s.world.delivered(t) // what is told again is what can be answered where it is read
	want := s.model.apply(op)
	if got, err := s.world.do(context.Background(), s.process.Service, s.model, op); err != nil || got.refused != want.refused {
		t.Fatalf("%v: got %+v, want %+v: %v", op, got, want, err)
	}
	s.did[string(op.do)]++
}

// stanceMutations are those of what a group thinks of another.
var stanceMutations = map[verb]func(context.Context, *channel.Service, *channel.Viewer, channel.TrustGroupInput) ([]channel.UserError, error){
	trust: func(ctx context.Context, s *channel.Service, v *channel.Viewer, in channel.TrustGroupInput) ([]channel.UserError, error) {
		return refusals(s.TrustGroup(ctx, v, in))
	},
	untrust: func(ctx context.Context, s *channel.Service, v *channel.Viewer, in channel.TrustGroupInput) ([]channel.UserError, error) {
		p, err := s.UntrustGroup(ctx, v, channel.UntrustGroupInput(in))
		return refusals((*channel.TrustGroupPayload)(p), err)
	},
	block: func(ctx context.Context, s *channel.Service, v *channel.Viewer, in channel.TrustGroupInput) ([]channel.UserError, error) {
		p, err := s.BlockGroup(ctx, v, channel.BlockGroupInput(in))
		return refusals((*channel.TrustGroupPayload)(p), err)
	},
	unblock: func(ctx context.Context, s *channel.Service, v *channel.Viewer, in channel.TrustGroupInput) ([]channel.UserError, error) {
		p, err := s.UnblockGroup(ctx, v, channel.UnblockGroupInput(in))
		return refusals((*channel.TrustGroupPayload)(p), err)
	},
}

func refusals(p *channel.TrustGroupPayload, err error) ([]channel.UserError, error) {
	if err != nil {
		return nil, err
	}
	return p.Errors, nil
}

// thinks has a group think otherwise of another.
func (w *world) thinks(ctx context.Context, s *channel.Service, op operation) (a answer, err error) {
	target := channel.TrustGroupInput{Target: channel.GroupSelector{Handle: &w.groups[op.target].Handle}}
	refused, err := stanceMutations[op.do](ctx, s, w.viewer(op.by), target)
	if len(refused) > 0 {
		a.refused = refused[0].GetCode()
	}
	return a, err
}
