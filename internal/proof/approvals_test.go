package proof_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"linkspan/internal/channel"
)

// The verbs of approvals, and of what a group says about sharing.
const (
	approve   verb = "approve"
	deny      verb = "deny"
	setPolicy verb = "set policy"
)

// policy is what a group says about sharing with whomever. All of it is the default where it is zero.
type policy struct {
	outgoing, incoming bool // whether an admin has to agree with what members ask, and accept
	membersAccept      bool
}

func (p policy) String() string {
	outgoing, incoming, members := "", "", ""
	if p.outgoing {
		outgoing = "outgoing"
	}
	if p.incoming {
		incoming = "incoming"
	}
	if p.membersAccept {
		members = "members-accept"
	}
	return words(outgoing, incoming, members)
}

// approval is what an invitation waits for, and what was done about it.
type approval struct {
	unsent                                         bool
	approvedFrom, approvedTo, awaitsFrom, awaitsTo bool
	yes                                            []person
	approvers                                      []int  // groups whose approval was asked for and given
	denier                                         int    // the group that denied it
	asked                                          string // the name that a yes asks for
	history                                        []string
}

func (a approval) clone() approval {
	a.yes, a.approvers, a.history = slices.Clone(a.yes), slices.Clone(a.approvers), slices.Clone(a.history)
	return a
}

// awaited says whose approval it waits for, or did when it ended.
func (a approval) awaited() string {
	var all []string
	if a.awaitsFrom {
		all = append(all, "awaits-from")
	}
	if a.awaitsTo {
		all = append(all, "awaits-to")
	}
	return strings.Join(all, " ")
}

// words are those that are there, with spaces between them.
func words(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(word string) bool { return word == "" }), " ")
}

// awaits reports whether it waits for a group, or did when it ended.
func (in *invitation) awaits(group int) bool {
	return group == in.from && in.awaitsFrom || group == in.to && in.awaitsTo
}

// resolverFor is who decided, as a group may know it.
func (in *invitation) resolverFor(group int) string {
	if in.state == channel.InvitationDenied && in.denier != group {
		return ""
	}
	return in.resolver
}

// endings are the deeds that end an invitation in a state.
var endings = map[channel.InvitationState]channel.Deed{
	channel.InvitationDeclined: channel.DeedDecline, channel.InvitationRevoked: channel.DeedRevoke,
	channel.InvitationDenied: channel.DeedDeny, channel.InvitationExpired: channel.DeedExpire,
}

// notes is a row of an invitation's history.
func (l *life) notes(number int, deed channel.Deed) {
	in := &l.invitations[number]
	in.history = append(in.history, fmt.Sprint(deed, " ", in.state))
}

// accepts is a yes of who may say it.
func (m *model) accepts(op operation) answer {
	l := &m.lives[op.life]
	in := &l.invitations[op.in]
	if l.strange(in) {
		return answer{refused: channel.CodeNotAllowed}
	}
	from, to := m.open(in, in.approvedFrom, in.approvedTo || op.by.admin())
	same := from == in.awaitsFrom && to == in.awaitsTo && (in.approvedTo || !op.by.admin())
	if in.state == channel.InvitationAwaitingApproval && (from || to) && same && (op.by.admin() || slices.Contains(in.yes, op.by)) {
		return answer{life: op.life, in: op.in}
	}
	if op.name != "" {
		in.asked = op.name
	}
	in.approvedTo = in.approvedTo || op.by.admin()
	in.yes = append(in.yes, op.by)
	return m.agrees(op, channel.DeedAccept)
}

// open says which approvals of an invitation that was said yes to are still to be given.
func (m *model) open(in *invitation, approvedFrom, approvedTo bool) (from, to bool) {
	sender, invited := m.policies[in.from], m.policies[in.to]
	return m.blocks(in.from, in.to) || sender.outgoing && !m.trusts(in.from, in.to) && !approvedFrom,
		m.blocks(in.to, in.from) || invited.incoming && !m.trusts(in.to, in.from) && !approvedTo
}

// agrees links the groups of an invitation, or has it wait for who has yet to agree.
func (m *model) agrees(op operation, deed channel.Deed) answer {
	l := &m.lives[op.life]
	in := &l.invitations[op.in]
	in.awaitsFrom, in.awaitsTo = m.open(in, in.approvedFrom, in.approvedTo)
	if in.awaitsFrom || in.awaitsTo {
		in.state = channel.InvitationAwaitingApproval
		in.version++
		l.notes(op.in, deed)
		l.tells(op.in, channel.EventInvitationChanged, channel.EventInvitationChanged)
		return answer{life: op.life, in: op.in}
	}
	asked := in.name
	if in.asked != "" {
		asked = in.asked
	}
	a := answer{life: op.life, in: op.in, by: op.by.name}
	name := m.free(in.to, asked)
	if name != asked && op.do == accept {
		a.changedFrom = asked
	}
	l.accepts(op.in, deed, op.by, name)
	a.name = l.link(op.by.group).name
	return a
}

// strange reports whether a group that took part would come back by another's word than the initiator's or its own.
func (l *life) strange(in *invitation) bool {
	k := l.link(in.to)
	return k.wasLinked() && !k.linked() && in.from != l.initiator && in.to != l.initiator
}

// approves gives an approval, or denies it.
func (m *model) approves(op operation) answer {
	l := &m.lives[op.life]
	in := &l.invitations[op.in]
	group := op.by.group
	given := slices.Contains(in.approvers, group) || group == in.to && in.approvedTo
	denied := in.state == channel.InvitationDenied && in.denier == group
	same := answer{life: op.life, in: op.in, by: in.resolverFor(group)}
	switch {
	case !m.sees(in, group):
		return answer{refused: channel.CodeInvitationNotFound}
	case !op.by.admin():
		return answer{refused: channel.CodeNotAllowed}
	case op.do == deny && denied:
		return same
	case op.do == approve && given && !in.awaits(group) && (in.waits() || in.state == channel.InvitationAccepted):
		if in.state == channel.InvitationAccepted {
			same.name = l.link(group).name
		}
		return same
	case !in.waits():
		return answer{refused: channel.CodeInvitationNotPending, state: in.shown()}
	case !in.awaits(group), op.do == approve && group == in.from && m.blocks(group, in.to), op.do == approve && l.strange(in),
		op.do == approve && in.state == channel.InvitationRequested && in.from != l.initiator && !l.link(in.from).mayInvite:
		return answer{refused: channel.CodeNotAllowed}
	}
	if op.do == deny {
		in.denier = group
		l.ends(op.in, channel.InvitationDenied, op.by.name)
		return answer{life: op.life, in: op.in, by: op.by.name}
	}
	in.approvers = append(in.approvers, group)
	in.approvedFrom, in.approvedTo = in.approvedFrom || group == in.from, in.approvedTo || group == in.to
	if in.state != channel.InvitationRequested {
		return m.agrees(op, channel.DeedApprove)
	}
	in.state, in.unsent, in.awaitsFrom = channel.InvitationPending, false, false
	in.version++
	l.notes(op.in, channel.DeedApprove)
	l.tells(op.in, channel.EventInvitationChanged, channel.EventInvitationReceived)
	return answer{life: op.life, in: op.in}
}

// errOvertaken says that somebody else set the policy first, again and again.
var errOvertaken = errors.New("the policy is set by others all the time")

// setPolicy sets all of a group's policy, whatever it is.
func (w *world) setPolicy(ctx context.Context, s *channel.Service, op operation) error {
	v := w.viewer(op.by)
	who := channel.AdminsMay
	if op.policy.membersAccept {
		who = channel.MembersMay
	}
	for range 20 {
		now, err := s.SharingPolicy(ctx, v)
		if err != nil {
			return err
		}
		set, err := s.SetSharingPolicy(ctx, v, channel.SetSharingPolicyInput{
			ExpectedVersion: now.Version, OutgoingApproval: &op.policy.outgoing, IncomingApproval: &op.policy.incoming, WhoMayAccept: &who,
			Given: map[string]bool{"outgoingApproval": true, "incomingApproval": true, "whoMayAccept": true},
		})
		switch {
		case err != nil:
			return err
		case len(set.Errors) == 0:
			return nil
		case set.Errors[0].GetCode() != channel.CodeVersionConflict:
			return set.Errors[0]
		}
	}
	return errOvertaken
}
