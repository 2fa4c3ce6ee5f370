package channel

import (
	"io"
	"strconv"
)

// Deed is what somebody decides about an invitation, or about sharing as a whole, or time.
type Deed string

// The deeds.
const (
	DeedCreate    Deed = "CREATE"
	DeedAccept    Deed = "ACCEPT"
	DeedApprove   Deed = "APPROVE"
	DeedDeny      Deed = "DENY"
	DeedDecline   Deed = "DECLINE"
	DeedRevoke    Deed = "REVOKE"
	DeedExpire    Deed = "EXPIRE"
	DeedSetPolicy Deed = "SET_POLICY"
	DeedTrust     Deed = "TRUST"
	DeedUntrust   Deed = "UNTRUST"
	DeedLeave     Deed = "LEAVE"
	DeedRemove    Deed = "REMOVE"
	DeedGrant     Deed = "GRANT"
	DeedOffer     Deed = "OFFER"
	DeedTake      Deed = "TAKE"
	DeedForbid    Deed = "FORBID"
	DeedWithdraw  Deed = "WITHDRAW"
	DeedBlock     Deed = "BLOCK"
	DeedUnblock   Deed = "UNBLOCK"

	DeedUpdateSide   Deed = "UPDATE_SIDE"
	DeedAddMember    Deed = "ADD_MEMBER"
	DeedRemoveMember Deed = "REMOVE_MEMBER"
)

// MarshalGQL writes the deed in GraphQL.
func (d Deed) MarshalGQL(w io.Writer) { io.WriteString(w, strconv.Quote(string(d))) }

// UnmarshalGQL is asked for by the framework; no argument is a deed.
func (d *Deed) UnmarshalGQL(any) error { return BadInput("A deed is never an argument.") }

// verdict is what becomes of an invitation by a deed, and which rule says so.
type verdict struct {
	next  InvitationState
	rule  SharingRule
	again bool // it had come to that before: nothing is to be done

	// Which sides have an admin who agreed, and whose the invitation waits for.
	approvedFrom, approvedTo, awaitsFrom, awaitsTo bool
}

// judgeCreate says what becomes of a request of a viewer to share a channel. What the target says about the viewer's group plays no part.
func judgeCreate(v *Viewer, note *string, own, target *Party) (verdict, UserError) {
	switch {
	case !own.Policy.SharingEnabled:
		return verdict{}, ruledOut(RuleSharingOff, "Your group does not share channels.", "target")
	case !own.Policy.WhoMayCreate.may(v.Role):
		return verdict{}, ruledOut(RuleWhoMayCreate, "In your group only admins share channels.", "target")
	case own.Stance.Blocked:
		return verdict{}, unblockFirst("target")
	case !target.Policy.SharingEnabled:
		return verdict{}, ruledOut(RuleSharingOffThere, "That group does not share channels.", "target")
	case target.Policy.refusesNote(note):
		return verdict{}, linkInNote("note")
	}
	admin := v.Role == RoleAdmin
	allowed := verdict{next: InvitationPending, rule: RuleDefault, approvedFrom: admin}
	switch {
	case needsApproval(own.Policy.OutgoingApproval, own, admin):
		allowed.next, allowed.rule = InvitationRequested, RuleOutgoingApproval
	case own.Policy.OutgoingApproval && admin:
		allowed.rule = RuleAdmin
	case own.Policy.OutgoingApproval:
		allowed.rule = RuleTrusted
	}
	return allowed, nil
}

// judge says what becomes of an invitation by a deed of a viewer, or why nothing does: what the viewer may not see first, then what it may not
// do by its role, then what a policy forbids, then the state.
func judge(deed Deed, v *Viewer, f *Facts) (verdict, UserError) {
	if v.Operator || !f.Invitation.visibleTo(v.Group.ID) || f.isHidden(v.Group.ID) {
		return verdict{}, invitationNotFound()
	}
	switch deed {
	case DeedAccept:
		return f.judgeAccept(v)
	case DeedApprove:
		return f.judgeApprove(v)
	case DeedDeny:
		return f.judgeDeny(v)
	case DeedRevoke:
		return f.judgeEnd(mayRevoke, v, InvitationRevoked)
	}
	return f.judgeEnd(mayDecline, v, InvitationDeclined)
}

// judgeEnd is judge for what one side may do at any time until the invitation is decided.
func (f *Facts) judgeEnd(may func(*Invitation, *Viewer) UserError, v *Viewer, next InvitationState) (verdict, UserError) {
	if refusal := may(f.Invitation, v); refusal != nil {
		return verdict{}, refusal
	}
	return f.unless(verdict{next: next, rule: RuleRole}, f.state() == next)
}

// unless returns a verdict about an open invitation, or that it had come to that before.
func (f *Facts) unless(allowed verdict, happened bool) (verdict, UserError) {
	switch {
	case happened:
		allowed.again = true
	case !f.state().isOpen():
		return verdict{}, invitationNotPending(f.state())
	}
	return allowed, nil
}

func (f *Facts) judgeAccept(v *Viewer) (verdict, UserError) {
	in, state := f.Invitation, f.state()
	if refusal := mayAccept(in, v, &f.To.Policy); refusal != nil {
		return verdict{}, refusal
	}
	if f.Link.hiddenFrom(v) {
		return verdict{}, onlyAdminsAccept()
	}
	switch {
	case state == InvitationAccepted:
		return verdict{again: true}, nil
	case !state.isOpen():
		return verdict{}, invitationNotPending(state)
	}
	if refusal := f.mayLink(v); refusal != nil {
		return verdict{}, refusal
	}
	admin := v.Role == RoleAdmin
	rule := RuleWhoMayAccept
	switch {
	case admin:
		rule = RuleRole
	case f.To.Policy.IncomingApproval && f.To.Stance.Trusted:
		rule = RuleTrusted
	}
	allowed := f.agreed(rule, in.ApprovedFrom, in.ApprovedTo || admin)
	same := allowed.approvedTo == in.ApprovedTo && allowed.awaitsFrom == in.AwaitsFrom && allowed.awaitsTo == in.AwaitsTo
	allowed.again = state == allowed.next && same && (admin || in.hasYesOf(v.User.ID))
	return allowed, nil
}

func (f *Facts) judgeApprove(v *Viewer) (verdict, UserError) {
	in, state, own := f.Invitation, f.state(), v.Group.ID == f.Invitation.FromGroup.ID
	awaited, approved := in.awaits(v.Group.ID), in.approvedBy(v.Group.ID)
	switch {
	case v.Role != RoleAdmin:
		return verdict{}, onlyAdminsApprove()
	case approved && !awaited && (state.isOpen() || state == InvitationAccepted):
		return verdict{again: true}, nil
	case !state.isOpen():
		return verdict{}, invitationNotPending(state)
	case !awaited:
		return verdict{}, approvalNotAsked()
	}
	if own && f.From.Stance.Blocked {
		return verdict{}, unblockFirst("invitationId")
	}
	if refusal := f.mayLink(v); refusal != nil {
		return verdict{}, refusal
	}
	if state == InvitationRequested {
		if !f.Asks.Initiates && !f.Asks.MayInvite {
			return verdict{}, ruledOut(RuleInitiator, "The group that has the initiator's role does not let yours ask others any more.", "invitationId")
		}
		if f.To.Policy.refusesNote(in.Note) {
			return verdict{}, linkInNote("invitationId")
		}
		return verdict{next: InvitationPending, rule: RuleOutgoingApproval, approvedFrom: true}, nil
	}
	rule := RuleIncomingApproval
	if own {
		rule = RuleOutgoingApproval
	}
	return f.agreed(rule, in.ApprovedFrom || own, in.ApprovedTo || !own), nil
}

func (f *Facts) judgeDeny(v *Viewer) (verdict, UserError) {
	in, state := f.Invitation, f.state()
	denied := state == InvitationDenied && in.Resolver != nil && in.Resolver.Group.ID == v.Group.ID
	switch {
	case v.Role != RoleAdmin:
		return verdict{}, onlyAdminsApprove()
	case state.isOpen() && !in.awaits(v.Group.ID):
		return verdict{}, approvalNotAsked()
	}
	return f.unless(verdict{next: InvitationDenied, rule: RuleRole}, denied)
}

// agreed says what becomes of an invitation that the target has said yes to, with the approvals that there are then: it is accepted, or waits for
// those that a side asks for. A side that blocks the other has to agree once it blocks it no longer, whatever it said before: until then the
// other sees a yes that nobody approves.
func (f *Facts) agreed(rule SharingRule, approvedFrom, approvedTo bool) verdict {
	allowed := verdict{
		next: InvitationAccepted, rule: rule, approvedFrom: approvedFrom, approvedTo: approvedTo,
		awaitsFrom: needsApproval(f.From.Policy.OutgoingApproval, &f.From, approvedFrom),
		awaitsTo:   needsApproval(f.To.Policy.IncomingApproval, &f.To, approvedTo),
	}
	if allowed.awaitsFrom || allowed.awaitsTo {
		allowed.next = InvitationAwaitingApproval // never by a block: the rule is told to the group of who did it
		if allowed.rule = RuleIncomingApproval; !allowed.awaitsTo {
			allowed.rule = RuleOutgoingApproval
		}
	}
	return allowed
}

// mayLink refuses where the groups may not be linked now, whoever agreed.
func (f *Facts) mayLink(v *Viewer) UserError {
	if refusal := f.bothShare(v); refusal != nil {
		return refusal
	}
	return f.mayComeIn()
}

// bothShare refuses where one of the groups does not share channels now.
func (f *Facts) bothShare(v *Viewer) UserError {
	own, other := &f.To, &f.From
	if v.Group.ID == f.Invitation.FromGroup.ID {
		own, other = other, own
	}
	switch {
	case !own.Policy.SharingEnabled:
		return ruledOut(RuleSharingOff, "Your group does not share channels.", "invitationId")
	case !other.Policy.SharingEnabled:
		return ruledOut(RuleSharingOffThere, "That group does not share channels.", "invitationId")
	}
	return nil
}

// mayComeIn refuses where a group that took part comes back by another's word than that of the group that has the initiator's role now, or its own.
func (f *Facts) mayComeIn() UserError {
	if f.Link.parted() && !f.Asks.Initiates && f.Channel.Initiator.Group != f.Invitation.ToGroup.ID {
		return ruledOut(RuleInitiator, "Only the group that has the initiator's role now asks one back that took part before.", "invitationId")
	}
	return nil
}

// refusesNote reports whether the group takes no such note.
func (p *SharingPolicy) refusesNote(note *string) bool {
	return note != nil && !p.LinksInNotes && hasLink(*note)
}
