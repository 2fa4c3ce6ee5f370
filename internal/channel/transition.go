package channel

import (
	"slices"
	"time"

	"linkspan/internal/ids"
)

// Transition is a step in the life of an invitation: who decided what, and when. Version and State are those of the invitation after it.
type Transition struct {
	Version int32           `json:"version"`
	State   InvitationState `json:"state"`
	At      time.Time       `json:"at"`
	Deed    Deed            `json:"deed"`
	Actor   *User           `json:"actor,omitempty"` // nil: nobody, or one whom the other group need not know
	Reason  *string         `json:"reason,omitempty"`
}

// By returns who decided; nil where nobody did, or where it is the other group's own affair who.
func (t Transition) By() Actor {
	if t.Actor == nil {
		return nil
	}
	return *t.Actor
}

// History returns what became of the invitation, the oldest first. What is not written, because it was decided before there was history, or because
// time has just run out, is made of the invitation itself.
func (i *Invitation) History() []Transition {
	all := make([]Transition, 0, len(i.Past)+2)
	if len(i.Past) == 0 || i.Past[0].State != InvitationRequested && i.Past[0].State != InvitationPending {
		all = append(all, Transition{Version: 1, State: InvitationPending, At: i.CreatedAt, Deed: DeedCreate, Actor: &i.Sender})
	}
	all = append(all, i.Past...)
	if last := all[len(all)-1]; last.Version < i.Version && i.ResolvedAt != nil {
		all = append(all, Transition{
			Version: i.Version, State: i.State, At: *i.ResolvedAt, Deed: deedTo[i.State], Actor: i.Resolver, Reason: i.Reason,
		})
	}
	return all
}

// deedTo are the deeds that end an invitation in a state.
var deedTo = map[InvitationState]Deed{
	InvitationAccepted: DeedAccept, InvitationDeclined: DeedDecline, InvitationRevoked: DeedRevoke, InvitationExpired: DeedExpire, InvitationDenied: DeedDeny,
}

// Waiting returns the users of the group who said yes and wait for an approval.
func (i *Invitation) Waiting(group ids.Group) []Actor {
	users := []Actor{}
	if i.State != InvitationAwaitingApproval {
		return users
	}
	said := map[ids.User]bool{}
	for _, t := range i.Past {
		if t.Deed == DeedAccept && t.Actor != nil && t.Actor.Group.ID == group && !said[t.Actor.ID] {
			said[t.Actor.ID] = true
			users = append(users, *t.Actor)
		}
	}
	return users
}

// hasYesOf reports whether the user has said yes.
func (i *Invitation) hasYesOf(user ids.User) bool {
	return i.was(DeedAccept, func(by *User) bool { return by.ID == user })
}

// was reports whether somebody of those did that about the invitation.
func (i *Invitation) was(deed Deed, by func(*User) bool) bool {
	return slices.ContainsFunc(i.Past, func(t Transition) bool { return t.Deed == deed && t.Actor != nil && by(t.Actor) })
}

// approvedBy reports whether an admin of the group has given an approval that was asked for.
func (i *Invitation) approvedBy(group ids.Group) bool {
	return group == i.ToGroup.ID && i.ApprovedTo || i.was(DeedApprove, func(by *User) bool { return by.Group.ID == group })
}

// shownTo returns the invitation as the group may know it: the invited group knows nothing of what was before it was asked, and neither knows who
// of the other one approved, denied, or waits for an approval. Who linked a channel is told to both.
func (i *Invitation) shownTo(group ids.Group) *Invitation {
	shown := *i
	shown.Unsent, shown.ApprovedFrom, shown.ApprovedTo, shown.AskedName = false, false, false, nil
	if shown.Past = nil; i.State == InvitationDenied && i.Resolver != nil && i.Resolver.Group.ID != group {
		shown.Resolver = nil
	}
	knows := group != i.ToGroup.ID || len(i.Past) > 0 && i.Past[0].State != InvitationRequested
	for _, t := range i.Past {
		if knows = knows || t.State == InvitationPending; !knows {
			continue
		}
		if isOwnAffair(t.Deed, t.State) && t.Actor != nil && t.Actor.Group.ID != group {
			t.Actor = nil
		}
		shown.Past = append(shown.Past, t)
	}
	return &shown
}

// isOwnAffair reports whether who brought an invitation to that state is for the own group alone to know.
func isOwnAffair(deed Deed, state InvitationState) bool {
	return state == InvitationAwaitingApproval || deed == DeedDeny || deed == DeedApprove && state == InvitationPending
}

// lastActor returns who decided last, if that is to be known. Steps of the release before have no history.
func (i *Invitation) lastActor() *User {
	switch {
	case len(i.Past) > 0:
		return i.Past[len(i.Past)-1].Actor
	case i.State == InvitationPending:
		return &i.Sender
	}
	return i.Resolver
}
