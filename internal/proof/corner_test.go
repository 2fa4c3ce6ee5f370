package proof_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"linkspan/internal/channel"
)

// How many lives of the model alone are lived for TestNoCorner, and how long they are.
const (
	cornerLives = 6000
	cornerSteps = 60
)

// TestNoCorner shows that nobody is ever stuck: from each state that channels of three groups get to, under whatever policies and blocks, each group by itself
// comes to an end of all that it is in, and each member to one of what it has asked. It asks the model, which TestLives holds the program to.
func TestNoCorner(t *testing.T) {
	t.Parallel()
	states := map[string]bool{}
	for seed := range cornerLives {
		life := rapid.Custom(func(t *rapid.T) *model {
			m := newModel()
			s := &story{world: &world{groups: make([]channel.Group, 3)}, model: m, did: map[string]int{}}
			for range cornerSteps {
				op := s.draw(t)
				switch rapid.IntRange(0, 9).Draw(t, "else") {
				case 0:
					op = operation{do: setPolicy, by: person{rapid.IntRange(0, 2).Draw(t, "group"), "ana"}, policy: policy{
						outgoing: rapid.Bool().Draw(t, "outgoing"), incoming: rapid.Bool().Draw(t, "incoming"),
						membersAccept: rapid.Bool().Draw(t, "members"),
					}}
				case 1, 2:
					if len(m.lives) > 0 {
						op = s.drawApproval(t)
					}
				case 3:
					op = s.drawStance(t)
				}
				m.apply(op)
				if len(m.lives) > 0 && rapid.IntRange(0, 19).Draw(t, "late") == 0 {
					l := &m.lives[rapid.IntRange(0, len(m.lives)-1).Draw(t, "life")]
					if n := rapid.IntRange(0, len(l.invitations)-1).Draw(t, "invitation"); l.invitations[n].waits() {
						l.runsOut(n)
					}
				}
			}
			return m
		})
		m := life.Example(seed)
		for i := range m.lives {
			for group := range 3 {
				states[m.lives[i].cornerOf(group)] = true
			}
		}
		for group := range 3 {
			if stuck := m.clone().endsAll(group); stuck != "" {
				t.Fatalf("life %d, group %d is stuck: %s", seed, group, stuck)
			}
		}
		if stuck := m.clone().membersEnd(); stuck != "" {
			t.Fatalf("life %d: a member is stuck: %s", seed, stuck)
		}
	}
	const atLeast = 20
	if len(states) < atLeast {
		t.Errorf("only %d states of a group and a channel were met: %v", len(states), states)
	}
	t.Logf("%d states of a group and a channel", len(states))
}

// drawApproval makes a deed about an approval up.
func (s *story) drawApproval(t *rapid.T) operation {
	op := operation{do: rapid.SampledFrom([]verb{approve, deny}).Draw(t, "do"), by: person{0, rapid.SampledFrom([]string{"ana", "amy"}).Draw(t, "admin")}}
	op.life = rapid.IntRange(0, len(s.model.lives)-1).Draw(t, "life")
	in := rapid.IntRange(0, len(s.model.lives[op.life].invitations)-1).Draw(t, "invitation")
	op.in = in
	op.by.group = rapid.SampledFrom([]int{s.model.lives[op.life].invitations[in].from, s.model.lives[op.life].invitations[in].to}).Draw(t, "side")
	return op
}

// cornerOf is where a group is with a channel: what of it is open, and whether it takes part.
func (l *life) cornerOf(group int) string {
	sent, got := map[channel.InvitationState]bool{}, map[channel.InvitationState]bool{}
	for _, in := range l.invitations {
		if in.waits() && in.from == group {
			sent[in.state] = true
		}
		if in.waits() && in.to == group {
			got[in.state] = true
		}
	}
	return fmt.Sprint(l.shownTo(group), " sent ", sent, " got ", got, " initiator ", l.initiator == group, " offered ", l.offered == group)
}

// endsAll has an admin of a group end all that the group is in, with nobody's help and in no time, and says what it could not.
func (m *model) endsAll(group int) string {
	by := person{group, "ana"}
	for i := range m.lives {
		l := &m.lives[i]
		for n := range l.invitations {
			in := &l.invitations[n]
			if !in.waits() || in.from != group && (in.to != group || in.unsent) {
				continue
			}
			do := decline
			if in.from == group {
				do = revoke
			} else if m.hides(in, group) { // it ends the block first
				m.apply(operation{do: unblock, by: by, target: in.from})
			}
			if a := m.apply(operation{do: do, by: by, life: i, in: n}); a.refused != "" || in.waits() {
				return fmt.Sprintf("%s of invitation %d in life %d: %+v", do, n, i, a)
			}
		}
		if k := l.link(group); k == nil || !k.linked() || l.shownTo(group) == channel.ChannelClosed {
			continue
		}
		if a := m.apply(operation{do: leave, by: by, life: i}); a.refused != "" || l.link(group).linked() {
			return fmt.Sprintf("leaving life %d: %+v, and it is %s", i, a, l.shownTo(group))
		}
		// What it read it goes on reading, and the others go on or the channel is archived.
		if state := l.shownTo(group); state != channel.ChannelDisconnected && state != channel.ChannelArchived {
			return fmt.Sprintf("it has left life %d, which is %s", i, state)
		}
	}
	return ""
}

// membersEnd has each user take back what it has asked.
func (m *model) membersEnd() string {
	for i := range m.lives {
		l := &m.lives[i]
		for n := range l.invitations {
			if in := &l.invitations[n]; in.waits() {
				if a := m.apply(operation{do: revoke, by: in.sender, life: i, in: n}); a.refused != "" || in.waits() {
					return fmt.Sprintf("%v takes invitation %d in life %d back: %+v", in.sender, n, i, a)
				}
			}
		}
	}
	return ""
}
