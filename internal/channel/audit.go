package channel

import (
	"encoding/json"
	"time"

	"linkspan/internal/ids"
)

// AuditSource is a row of main that audits are made of: what was decided or, if Refused is set, what a role or a rule refused. Rows never change, so
// the same entries can be made of it at any time.
type AuditSource struct {
	ID         ids.Transition // of a refusal its own
	At         time.Time
	Refused    bool
	Deed       Deed
	Rule       SharingRule
	Channel    ids.Channel    // zero: it is about none, or what was refused is about an invitation
	Invitation ids.Invitation // zero: it is about none
	Version    int32          // of what it moved, after it; 0 for a refusal
	State      string         // of what it moved, after it; "": that has none
	Actor      *User          // nil: nobody, time ran out
	Reason     *string
	From, To   *Group         // of the invitation
	About      *Group         // the other group, or the one whose link moved, where it is about no invitation
	Unsent     bool           // whether the invited group did not know of the invitation yet
	Policy     *AuditedPolicy // what the sharing policy said after it; nil: it is about none, or was decided before that was kept
}

// AuditedPolicy is what a sharing policy says, as an audit keeps it. It is part of what is hashed, so a new field needs a new form of entries, which
// [AuditEntry.In] takes it out of for those before: by a form that stays, an entry of the release before would be a breach.
type AuditedPolicy struct {
	SharingEnabled     bool   `json:"sharingEnabled"`
	WhoMayCreate       WhoMay `json:"whoMayCreate"`
	WhoMayAccept       WhoMay `json:"whoMayAccept"`
	OutgoingApproval   bool   `json:"outgoingApproval"`
	IncomingApproval   bool   `json:"incomingApproval"`
	InvitationTTLHours *int32 `json:"invitationTtlHours,omitempty"` // nil: as long as the installation says
	LinksInNotes       bool   `json:"linksInNotes"`
}

// Audited is what an audit keeps of the policy.
func (p *SharingPolicy) Audited() AuditedPolicy {
	return AuditedPolicy{
		SharingEnabled: p.SharingEnabled, WhoMayCreate: p.WhoMayCreate, WhoMayAccept: p.WhoMayAccept, OutgoingApproval: p.OutgoingApproval,
		IncomingApproval: p.IncomingApproval, InvitationTTLHours: p.InvitationTTLHours, LinksInNotes: p.LinksInNotes,
	}
}

// ReadAuditedPolicy reads the JSON of a row; nil: the row has none. What can't be read, as nobody has decided it, is a policy that says nothing, so that
// the audits go on, and an entry has what gives it away: see [AuditedPolicy.Unread].
func ReadAuditedPolicy(text *string) *AuditedPolicy {
	if text == nil {
		return nil
	}
	var p AuditedPolicy
	if json.Unmarshal([]byte(*text), &p) != nil {
		return new(AuditedPolicy)
	}
	return &p
}

// Unread reports whether it is what stands for one that can't be read.
func (p *AuditedPolicy) Unread() bool { return *p == AuditedPolicy{} }

// The forms of entries: those that say what a policy became have the second, all others the first, as all had once.
const (
	auditFormat         int32 = 1
	auditFormatOfPolicy int32 = 2
)

// AuditEntry is what the audit of a group has about one decision or refusal, as far as the group may know it. What is hashed is its JSON, in this
// order of the fields: see [AuditEntry.Text].
type AuditEntry struct {
	Format       int32           `json:"format"` // what is made of a row: see [AuditEntry.In]
	Group        ids.Group       `json:"group"`
	Number       int32           `json:"number"` // dense from 1 in the group's audit
	At           time.Time       `json:"at"`
	Deed         Deed            `json:"deed"`
	Refused      bool            `json:"refused"`
	Rule         *SharingRule    `json:"rule,omitempty"`  // nil: another group's
	Actor        *User           `json:"actor,omitempty"` // nil: nobody, or one whom the group need not know
	ChannelID    *ids.Channel    `json:"channel,omitempty"`
	InvitationID *ids.Invitation `json:"invitation,omitempty"`
	OtherGroup   *Group          `json:"otherGroup,omitempty"`
	Version      *int32          `json:"version,omitempty"`
	State        *string         `json:"state,omitempty"`
	Reason       *string         `json:"reason,omitempty"`
	Policy       *AuditedPolicy  `json:"policy,omitempty"` // what the group's own policy became
	Source       string          `json:"source"`           // the id of the row
	// PartnerHash is where the other group's audit stood, if it has an entry of this too; nil: it has none.
	PartnerHash *AuditHash `json:"partnerHash,omitempty"`
	// Nonce is random, so that whoever is told the hash can't guess what is in the entry, its number above all.
	Nonce AuditHash `json:"nonce"`

	Record string    `json:"-"` // the text that was hashed
	Hash   AuditHash `json:"-"`
}

// In returns the entry as a release makes it that knows no newer form than that one. While replicas of two releases run, an older one may write what
// a newer one decided.
func (e AuditEntry) In(format int32) AuditEntry {
	if format < auditFormatOfPolicy {
		e.Format, e.Policy = auditFormat, nil
	}
	return e
}

// By returns who did it; nil where nobody did, or where it is the other group's own affair who.
func (e *AuditEntry) By() Actor {
	if e.Actor == nil {
		return nil
	}
	return *e.Actor
}

// HashText is the hash as clients see it, in hex.
func (e *AuditEntry) HashText() string { return e.Hash.String() }

// PartnerHashText is the partner's hash as clients see it, in hex; nil: there is none.
func (e *AuditEntry) PartnerHashText() *string {
	if e.PartnerHash == nil {
		return nil
	}
	text := e.PartnerHash.String()
	return &text
}

// AuditOf returns what each group that a row concerns has about it in its audit, without what its place in that adds (Number, PartnerHash and
// Nonce). They are at most two; of two each is the other's partner.
//
// An invitation concerns both its groups, the invited one as far as the history is its own ([Invitation.History]). What became of a group's link with a
// channel concerns that group and the one whose user did it; what a group says about sharing, or what was refused to its user, that group alone.
// The rule is told to the group of who did it, the channel to an invited group once it is linked.
func AuditOf(s *AuditSource) []AuditEntry {
	switch {
	case s.Refused && s.Actor == nil: // there is none of nobody
		return nil
	case s.Refused && s.From != nil:
		own, other := s.From, s.To
		if s.Actor.Group.ID == s.To.ID {
			own, other = other, own
		}
		return []AuditEntry{s.entry(own, other, false)}
	case s.Refused:
		return []AuditEntry{s.entry(&s.Actor.Group, s.About, true)}
	case s.From != nil:
		entries := []AuditEntry{s.entry(s.From, s.To, true)}
		if !s.Unsent {
			entries = append(entries, s.entry(s.To, s.From, s.State == string(InvitationAccepted)))
		}
		return entries
	case s.About != nil && !s.Channel.IsZero() && (s.Actor == nil || s.Actor.Group.ID == s.About.ID):
		return []AuditEntry{s.entry(s.About, nil, true)}
	case s.Actor == nil: // nobody said something about sharing: there is no such row
		return nil
	case s.Channel.IsZero() || s.About == nil:
		return []AuditEntry{s.entry(&s.Actor.Group, s.About, true)}
	}
	return []AuditEntry{s.entry(s.About, &s.Actor.Group, true), s.entry(&s.Actor.Group, s.About, true)}
}

// entry is what a group has of it, which knows the other one.
func (s *AuditSource) entry(group, other *Group, knowsChannel bool) AuditEntry {
	e := AuditEntry{
		Format: auditFormat, Group: group.ID, At: s.At, Deed: s.Deed, Refused: s.Refused, Actor: s.Actor, OtherGroup: other, Reason: s.Reason, Source: s.ID.UUID().String(),
	}
	switch {
	case s.Actor == nil && s.Rule != RuleTime && s.To == group: // that the other group parted is its own affair
	case s.Actor == nil || s.Actor.Group.ID == group.ID:
		e.Rule = &s.Rule
	case s.From != nil && isOwnAffair(s.Deed, InvitationState(s.State)):
		e.Actor = nil
	}
	if knowsChannel && !s.Channel.IsZero() {
		e.ChannelID = &s.Channel
	}
	if !s.Invitation.IsZero() {
		e.InvitationID = &s.Invitation
	}
	if s.Version > 0 {
		e.Version = &s.Version
	}
	if s.State != "" {
		e.State = &s.State
	}
	if s.Policy != nil && s.Actor != nil && s.Actor.Group.ID == group.ID { // no other group learns what it says
		e.Format, e.Policy = auditFormatOfPolicy, s.Policy
	}
	return e
}
