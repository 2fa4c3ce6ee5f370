package channel

import (
	"io"
	"slices"
	"strconv"
	"time"

	"linkspan/internal/ids"
)

// WhoMay says which users of a group may do something.
type WhoMay string

// Who may.
const (
	MembersMay WhoMay = "MEMBERS" // all users of the group
	AdminsMay  WhoMay = "ADMINS"
)

// UnmarshalGQL reads it from GraphQL, to the letter.
func (w *WhoMay) UnmarshalGQL(v any) error {
	text, _ := v.(string)
	if !slices.Contains([]WhoMay{MembersMay, AdminsMay}, WhoMay(text)) {
		return BadInput("Who may do that is MEMBERS or ADMINS.")
	}
	*w = WhoMay(text)
	return nil
}

// MarshalGQL writes it in GraphQL.
func (w WhoMay) MarshalGQL(out io.Writer) { io.WriteString(out, strconv.Quote(string(w))) }

// SharingPolicy says what a group's users may share, and what an admin of it has to approve. Version grows by one with each change; a group that
// never set one has [DefaultPolicy].
type SharingPolicy struct {
	Group              ids.Group `json:"-"`
	Version            int32     `json:"version"`
	SharingEnabled     bool      `json:"sharingEnabled"`
	WhoMayCreate       WhoMay    `json:"whoMayCreate"`
	WhoMayAccept       WhoMay    `json:"whoMayAccept"`
	OutgoingApproval   bool      `json:"outgoingApproval"` // of what members ask others
	IncomingApproval   bool      `json:"incomingApproval"` // of what members accept
	InvitationTTLHours *int32    `json:"invitationTtlHours"`
	LinksInNotes       bool      `json:"linksInNotes"` // of invitations to the group
}

// DefaultPolicy is that of a group that never set one.
func DefaultPolicy(group ids.Group) SharingPolicy {
	return SharingPolicy{Group: group, Version: 1, SharingEnabled: true, WhoMayCreate: MembersMay, WhoMayAccept: AdminsMay, LinksInNotes: true}
}

// MaxInvitationTTLHours is the longest time to live of invitations that a policy may set: a year.
const MaxInvitationTTLHours = 366 * 24

// Stance is what a group thinks of another. Version grows by one with each change; 0: it never said.
type Stance struct {
	Version          int32
	Trusted, Blocked bool
}

// Party is one of the two groups of an invitation, with what it says about sharing with the other.
type Party struct {
	Policy SharingPolicy
	Stance Stance
}

// may reports whether a role is among those.
func (w WhoMay) may(role Role) bool { return w == MembersMay || role == RoleAdmin }

// needsApproval reports whether an admin of the party has yet to agree, where the party asks for that: approved, one has; by a
// stance of trust none is asked. One that blocks the other has to agree whatever it said before.
func needsApproval(asks bool, p *Party, approved bool) bool {
	return p.Stance.Blocked || asks && !p.Stance.Trusted && !approved
}

// ofCopies is the policy as far as copies of invitations have it.
func (p *SharingPolicy) ofCopies() SharingPolicy {
	return SharingPolicy{SharingEnabled: p.SharingEnabled, WhoMayAccept: p.WhoMayAccept}
}

// timeToLive is that of invitations that the group sends, where the installation's is another.
func (p *SharingPolicy) timeToLive(installation time.Duration) time.Duration {
	if p.InvitationTTLHours == nil {
		return installation
	}
	return time.Duration(*p.InvitationTTLHours) * time.Hour
}

// Sharing is a group's policy as its admins see it, with whom it trusts and whom it blocks.
type Sharing struct {
	SharingPolicy
	TrustedGroups, BlockedGroups []Group
}
