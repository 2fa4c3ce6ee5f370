package channel

import (
	"io"
	"slices"
	"strconv"
	"time"

	"linkspan/internal/ids"
)

// InvitationState is the state of an invitation.
type InvitationState string

// The states; contract, "Words of state".
const (
	InvitationRequested        InvitationState = "REQUESTED"
	InvitationPending          InvitationState = "PENDING"
	InvitationAwaitingApproval InvitationState = "AWAITING_APPROVAL"
	InvitationAccepted         InvitationState = "ACCEPTED"
	InvitationDeclined         InvitationState = "DECLINED"
	InvitationDenied           InvitationState = "DENIED"
	InvitationRevoked          InvitationState = "REVOKED"
	InvitationExpired          InvitationState = "EXPIRED"
)

var invitationStates = []InvitationState{
	InvitationRequested, InvitationPending, InvitationAwaitingApproval, InvitationAccepted,
	InvitationDeclined, InvitationDenied, InvitationRevoked, InvitationExpired,
}

// isOpen reports whether an invitation in that state is still to be decided on.
func (s InvitationState) isOpen() bool {
	return s == InvitationRequested || s == InvitationPending || s == InvitationAwaitingApproval
}

// UnmarshalGQL reads a state from GraphQL, to the letter: the framework takes other letters in variables.
func (s *InvitationState) UnmarshalGQL(v any) error {
	text, _ := v.(string)
	if !slices.Contains(invitationStates, InvitationState(text)) {
		return BadInput("That is not a state of an invitation.")
	}
	*s = InvitationState(text)
	return nil
}

// MarshalGQL writes the state in GraphQL.
func (s InvitationState) MarshalGQL(w io.Writer) { io.WriteString(w, strconv.Quote(string(s))) }

// Invitation is a group's request to another to share a channel. Version grows by one with each transition; copies on
// shards are replaced only by newer versions.
type Invitation struct {
	ID           ids.Invitation  `json:"id"`
	ChannelID    ids.Channel     `json:"channel"`
	State        InvitationState `json:"state"`
	Version      int32           `json:"version"`
	Note         *string         `json:"note,omitempty"`
	Reason       *string         `json:"reason,omitempty"`
	FromGroup    Group           `json:"from"`
	ToGroup      Group           `json:"to"`
	Sender       User            `json:"sender"`
	Resolver     *User           `json:"resolver,omitempty"` // nil: nobody (expired), or not yet
	CreatedAt    time.Time       `json:"createdAt"`
	ExpiresAt    time.Time       `json:"expiresAt"`
	ResolvedAt   *time.Time      `json:"resolvedAt,omitempty"`
	ProposedName string          `json:"proposedName"`
	PreviousID   ids.Invitation  `json:"previous,omitzero"` // the last of the same group to the channel before; zero: there was none
	// Whose approval it waits for, or waited for when it ended: the sender's group's, the invited group's.
	AwaitsFrom bool         `json:"awaitsFrom,omitempty"`
	AwaitsTo   bool         `json:"awaitsTo,omitempty"`
	Past       []Transition `json:"past,omitempty"` // what was decided, the oldest first; what was decided before there was history is not in it

	// What main alone knows.
	Unsent                   bool    `json:"-"` // the invited group may not know of it
	ApprovedFrom, ApprovedTo bool    `json:"-"` // whether an admin of the side agreed
	AskedName                *string `json:"-"` // what the invited group wants to call the channel

	// Policy is that of the group whose copy it is, as far as it says what the group's users may do; Blocks is whether it blocks the other one.
	Policy SharingPolicy `json:"-"`
	Blocks bool          `json:"-"`

	channels *batch[ids.Channel, *SharedChannel] // of those that are shown with it; nil for one that is shown alone
	previous *batch[ids.Invitation, *Invitation] // of those that are shown with it; nil for one that is shown alone
}

// IsNode marks the type as a Node of the schema.
func (*Invitation) IsNode() {}

// SentBy returns who sent the invitation.
func (i *Invitation) SentBy() Actor { return i.Sender }

// ResolvedBy returns who decided; nil where nobody has.
func (i *Invitation) ResolvedBy() Actor {
	if i.Resolver == nil {
		return nil
	}
	return *i.Resolver
}

// visibleTo reports whether the group may know of the invitation.
func (i *Invitation) visibleTo(group ids.Group) bool {
	return i.FromGroup.ID == group || i.ToGroup.ID == group && !i.Unsent
}

// awaits reports whether the invitation waits for the group's approval, or waited for it when it ended.
func (i *Invitation) awaits(group ids.Group) bool {
	return group == i.FromGroup.ID && i.AwaitsFrom || group == i.ToGroup.ID && i.AwaitsTo
}

// Awaiting returns the groups whose approval the invitation waits for.
func (i *Invitation) Awaiting() []Group {
	groups := []Group{}
	if i.State.isOpen() && i.AwaitsFrom {
		groups = append(groups, i.FromGroup)
	}
	if i.State.isOpen() && i.AwaitsTo {
		groups = append(groups, i.ToGroup)
	}
	return groups
}

// CanAccept reports whether the viewer may accept the invitation as it stands.
func (i *Invitation) CanAccept(v *Viewer) bool {
	if mayAccept(i, v, &i.Policy) != nil || !i.Policy.SharingEnabled {
		return false
	}
	waits := i.State == InvitationAwaitingApproval && !i.hasYesOf(v.User.ID) && (i.AwaitsTo || v.Role != RoleAdmin)
	return i.State == InvitationPending || waits
}

// CanDecline reports whether the viewer may decline the invitation as it stands.
func (i *Invitation) CanDecline(v *Viewer) bool { return i.State.isOpen() && mayDecline(i, v) == nil }

// CanRevoke reports whether the viewer may revoke the invitation as it stands.
func (i *Invitation) CanRevoke(v *Viewer) bool { return i.State.isOpen() && mayRevoke(i, v) == nil }

// CanDeny reports whether the viewer may deny the approval that the invitation waits for.
func (i *Invitation) CanDeny(v *Viewer) bool {
	return i.State.isOpen() && v.Role == RoleAdmin && i.awaits(v.Group.ID)
}

// CanApprove reports whether the viewer may give the approval that the invitation waits for.
func (i *Invitation) CanApprove(v *Viewer) bool {
	return i.CanDeny(v) && i.Policy.SharingEnabled && !i.Blocks
}

// mayAccept is the rule of who accepts: those of the invited group whom its policy names.
func mayAccept(i *Invitation, v *Viewer, policy *SharingPolicy) UserError {
	switch {
	case v.Group.ID != i.ToGroup.ID:
		return notAllowed("Only the invited group decides on an invitation.", "input", "invitationId")
	case !policy.WhoMayAccept.may(v.Role):
		return onlyAdminsAccept()
	}
	return nil
}

// onlyAdminsAccept is also the answer for who does not see that the group has a side of the channel, which would change.
func onlyAdminsAccept() UserError {
	return ruledOut(RuleWhoMayAccept, "Only admins of the invited group decide on an invitation.", "invitationId")
}

// mayDecline is the rule of who declines: admins of the invited group.
func mayDecline(i *Invitation, v *Viewer) UserError {
	switch {
	case v.Group.ID != i.ToGroup.ID:
		return notAllowed("Only the invited group decides on an invitation.", "input", "invitationId")
	case v.Role != RoleAdmin:
		return notAllowed("Only admins of the invited group decide on an invitation.", "input", "invitationId")
	}
	return nil
}

// mayRevoke is the rule of who revokes: admins of the group that sent it, and the user who did.
func mayRevoke(i *Invitation, v *Viewer) UserError {
	switch {
	case v.Group.ID != i.FromGroup.ID:
		return notAllowed("Only the group that sent an invitation takes it back.", "input", "invitationId")
	case v.Role != RoleAdmin && v.User.ID != i.Sender.ID:
		return notAllowed("Only admins, and the user who sent it, take an invitation back.", "input", "invitationId")
	}
	return nil
}

type (
	// InvitationConnection is a page of one of a group's lists of invitations.
	InvitationConnection struct {
		Page[Invitation]
		TotalCount int32 // of the whole list, if it was asked for
	}
	// InvitationEdge is an entry of such a page.
	InvitationEdge = Edge[Invitation]
)

// InvitationFilter says which of a group's invitations a list has. Empty fields do not filter.
type InvitationFilter struct {
	Sent    bool // those that the group sent; else those that it received
	Channel ids.Channel
	States  []InvitationState
}

// DeclineInvitationInput is the input of Mutation.declineInvitation.
type DeclineInvitationInput struct {
	InvitationID   ids.Invitation
	Reason         *string
	IdempotencyKey *string
}

// DeclineInvitationPayload is the answer of Mutation.declineInvitation.
type DeclineInvitationPayload struct {
	Invitation *Invitation
	Errors     []UserError
}

// RevokeInvitationInput is the input of Mutation.revokeInvitation.
type RevokeInvitationInput struct {
	InvitationID   ids.Invitation
	Reason         *string
	IdempotencyKey *string
}

// RevokeInvitationPayload is the answer of Mutation.revokeInvitation.
type RevokeInvitationPayload struct {
	Invitation *Invitation
	Errors     []UserError
}

// ApproveInvitationInput is the input of Mutation.approveInvitation.
type ApproveInvitationInput struct {
	InvitationID   ids.Invitation
	IdempotencyKey *string
}

// ApproveInvitationPayload is the answer of Mutation.approveInvitation.
type ApproveInvitationPayload struct {
	Invitation    *Invitation
	SharedChannel *SharedChannel // nil unless the invited group is linked
	Errors        []UserError
}

// DenyInvitationInput is the input of Mutation.denyInvitation.
type DenyInvitationInput DeclineInvitationInput

// DenyInvitationPayload is the answer of Mutation.denyInvitation.
type DenyInvitationPayload DeclineInvitationPayload
