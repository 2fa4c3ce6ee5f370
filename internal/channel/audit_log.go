package channel

import (
	"context"
	"errors"
	"time"

	"linkspan/internal/ids"
)

// AuditLog is where the audits of groups are.
type AuditLog interface {
	// WriteAudit takes at most limit rows of which nobody has made entries, the oldest first, has them chained behind the heads of all groups that they
	// concern ([AuditGroups]; a group's first head is random), and keeps the entries, the heads as they are after it, and that the rows are
	// done, all in one transaction. It returns how many rows it took; none while another process is at it. It may call chain more than once.
	WriteAudit(ctx context.Context, limit int, chain func([]AuditSource, map[ids.Group]AuditHead) []AuditEntry) (int, error)
	// OldestUnaudited returns how old the oldest row is of which nobody has made entries, by main's clock; 0: there is none.
	OldestUnaudited(ctx context.Context) (time.Duration, error)
	// ListAudit reads a part of a group's audit; positions are the entries' numbers.
	ListAudit(ctx context.Context, group ids.Group, r Range) (Rows[*AuditEntry], error)
	// NoteRefusal keeps a refusal for the audit, if the same was not refused to the user in this minute by main's clock.
	NoteRefusal(ctx context.Context, refusal *Refusal) error
}

// Refusal is what a role or a rule refused to a user.
type Refusal struct {
	ID         ids.Transition
	Deed       Deed
	Rule       SharingRule
	By         User
	Invitation ids.Invitation // zero: it was about none
	Channel    ids.Channel    // zero: it was about none, or about an invitation
	About      ids.Group      // the other group that it was about; zero: none, or it was about an invitation
}

// AuditEntryConnection is a page of a group's audit, the newest entry first.
type AuditEntryConnection struct{ Page[AuditEntry] }

// AuditEntryEdge is an entry of such a page.
type AuditEntryEdge = Edge[AuditEntry]

// Nodes returns the entries of the page.
func (c *AuditEntryConnection) Nodes() []*AuditEntry {
	nodes := make([]*AuditEntry, len(c.Edges))
	for i, edge := range c.Edges {
		nodes[i] = edge.Value
	}
	return nodes
}

// AuditLog returns a page of the audit of the viewer's group; nil for those who are no admins of it.
func (s *Service) AuditLog(ctx context.Context, v *Viewer, args PageArgs) (*AuditEntryConnection, error) {
	if v.Operator || v.Role != RoleAdmin {
		return nil, nil
	}
	list := List{Kind: ids.ListAudit, Reader: v.Group.ID}
	r, err := args.check(list)
	if err != nil {
		return nil, err
	}
	rows, err := s.Main.ListAudit(ctx, v.Group.ID, r)
	if err != nil {
		return nil, err
	}
	return &AuditEntryConnection{*page(rows, list, func(e *AuditEntry) (*AuditEntry, error) { return e, nil })}, nil
}

// auditBatch is how many rows one transaction makes entries of: it takes some milliseconds, and decisions never wait for it.
const auditBatch = 200

// WriteAudit writes what was decided and refused into the audits of the groups that it concerns, and returns of how many rows: as many as a batch has
// means that there may be more. Any number of processes may call it at once: one of them works. Nothing is lost when it dies: what has no
// entries yet is found by the next.
func (s *Service) WriteAudit(ctx context.Context) (int, error) {
	return s.Main.WriteAudit(ctx, auditBatch, chain)
}

// attempt is what a viewer asked for about sharing.
type attempt struct {
	deed       Deed
	invitation ids.Invitation
	channel    ids.Channel
	target     *GroupSelector
}

// deedOfLinks are what mutations of groups' links with a channel are in the audit.
var deedOfLinks = map[string]Deed{
	"leaveSharedChannel": DeedLeave, "removeGroup": DeedRemove, "offerInitiatorTransfer": DeedOffer, "acceptInitiatorTransfer": DeedTake, "letGroupInvite": DeedGrant,
	"updateChannelSide": DeedUpdateSide, "addChannelMember": DeedAddMember, "removeChannelMember": DeedRemoveMember,
}

// attemptOn is what a viewer asked for about links with a channel, its own or those of other groups.
func attemptOn(mutation string, channel ids.Channel, of []ids.Group) attempt {
	asked := attempt{deed: deedOfLinks[mutation], channel: channel}
	if len(of) > 0 {
		asked.target = &GroupSelector{ID: &of[0]}
	}
	return asked
}

// noteWithin is how long an answer waits for its refusal to be noted.
const noteWithin = time.Second

// refusedTo is refused for what belongs in the audit of the viewer's group, if a role or a rule has refused it. What the viewer may not see is refused
// as what is not there, and is no part of that. The answer stands, whatever becomes of the note.
func (s *Service) refusedTo(ctx context.Context, v *Viewer, asked attempt, err error) ([]UserError, error) {
	var refusal NotAllowedError
	if errors.As(err, &refusal) && !v.Operator {
		// Whoever hangs up is noted all the same, and nobody waits long for it.
		noting, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteWithin)
		defer cancel()
		if err := s.noteRefusal(noting, v, asked, refusal); err != nil {
			s.Logger.WarnContext(ctx, "a refusal is missing in the audit", "deed", asked.deed, "err", err)
		}
	}
	return s.refused(err)
}

func (s *Service) noteRefusal(ctx context.Context, v *Viewer, asked attempt, refusal NotAllowedError) error {
	note := Refusal{ID: ids.NewTransition(), Deed: asked.deed, Rule: RuleRole, By: v.User, Invitation: asked.invitation, Channel: asked.channel}
	if refusal.Rule != nil {
		note.Rule = *refusal.Rule
	}
	if asked.target != nil {
		target, err := s.Main.FindGroup(ctx, *asked.target)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if target.ID != v.Group.ID {
			note.About = target.ID
		}
	}
	return s.Main.NoteRefusal(ctx, &note)
}
