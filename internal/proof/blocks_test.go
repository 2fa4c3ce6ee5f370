package proof_test

import (
	"context"
	"errors"

	"linkspan/internal/channel"
)

// The verbs of blocks: of the group target, by an admin. Between more than two groups the model does not know who blocks whom.
const (
	block   verb = "block"
	unblock verb = "unblock"
)

// hides reports whether a group sees nothing of an invitation, because it blocks who asks.
func (m *model) hides(in *invitation, group int) bool {
	return group == in.to && m.policies[group].blocks && in.state != channel.InvitationAccepted
}

// sees reports whether a group may know of an invitation.
func (m *model) sees(in *invitation, group int) bool {
	return group == in.from || group == in.to && !in.unsent && !m.hides(in, group)
}

// says has a group block the other, or do so no longer: then its inbox hears again of what can still be answered.
func (m *model) says(op operation) answer {
	group := op.by.group
	p := m.policies[group]
	was := p.blocks
	switch p.blocks = op.do == block; {
	case p.blocks == was:
		return answer{}
	case p.blocks:
		p.trusts = false
		m.blocked = append(m.blocked, group)
	default:
		for i := range m.lives {
			m.lives[i].tellsAgain(group)
		}
	}
	m.policies[group] = p
	return answer{}
}

// tellsAgain notes what a group's inbox hears once more.
func (l *life) tellsAgain(group int) {
	for n := range l.invitations {
		if in := &l.invitations[n]; in.to == group && in.waits() && !in.unsent {
			l.told = append(l.told, telling{group, n, in.version, channel.EventInvitationReceived})
		}
	}
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
