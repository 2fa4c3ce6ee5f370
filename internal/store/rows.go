package store

import (
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// groupRow is a group where it stands in another row, under a prefix.
type groupRow struct {
	ID     ids.Group `bun:"group_id"`
	Handle string    `bun:"handle"`
	Name   string    `bun:"name"`
}

func (r groupRow) group() channel.Group {
	return channel.Group{ID: r.ID, Handle: r.Handle, Name: r.Name}
}

// invitationRow is an invitation in main, where the names of its groups are joined to it, and on shards, where they
// are part of the copy.
type invitationRow struct {
	ID              ids.Invitation          `bun:"invitation_id"`
	ChannelID       ids.Channel             `bun:"channel_id"`
	State           channel.InvitationState `bun:"state"`
	Version         int32                   `bun:"version"`
	Note            *string                 `bun:"note"`
	Reason          *string                 `bun:"reason"`
	From            groupRow                `bun:"embed:from_"`
	To              groupRow                `bun:"embed:to_"`
	SenderID        ids.User                `bun:"sender_id"`
	SenderName      string                  `bun:"sender_name"`
	ResolverGroupID ids.Group               `bun:"resolver_group_id"`
	ResolverID      ids.User                `bun:"resolver_id"`
	ResolverName    *string                 `bun:"resolver_name"`
	CreatedAt       time.Time               `bun:"created_at"`
	ExpiresAt       time.Time               `bun:"expires_at"`
	ResolvedAt      *time.Time              `bun:"resolved_at"`
	ProposedName    string                  `bun:"proposed_name"`
}

// invitationState shows an overdue invitation as EXPIRED: by the clock of the database that is asked.
const invitationState = `CASE WHEN i.state = 'PENDING' AND i.expires_at <= now() THEN 'EXPIRED' ELSE i.state END`

// invitationResolvedAt is when an invitation was resolved, or expired before anybody wrote it.
const invitationResolvedAt = `CASE WHEN i.state = 'PENDING' AND i.expires_at <= now() THEN i.expires_at ELSE i.resolved_at END`

// invitationColumns are those of invitationRow but for state and the groups, of a table i.
const invitationColumns = `i.invitation_id, i.channel_id, i.version, i.note, i.reason, i.sender_id, i.sender_name,
	i.resolver_group_id, i.resolver_id, i.resolver_name, i.created_at, i.expires_at, i.proposed_name,
	` + invitationResolvedAt + ` AS resolved_at`

// fields are where the columns of prepared statements that read invitations go, in their order.
func (r *invitationRow) fields() []any {
	return []any{&r.ID, &r.ChannelID, &r.State, &r.Version, &r.Note, &r.Reason,
		&r.From.ID, &r.From.Handle, &r.From.Name, &r.To.ID, &r.To.Handle, &r.To.Name, &r.SenderID, &r.SenderName,
		&r.ResolverGroupID, &r.ResolverID, &r.ResolverName, &r.CreatedAt, &r.ExpiresAt, &r.ResolvedAt, &r.ProposedName}
}

func (r *invitationRow) invitation() *channel.Invitation {
	from, to := r.From.group(), r.To.group()
	in := &channel.Invitation{
		ID: r.ID, ChannelID: r.ChannelID, State: r.State, Version: r.Version, Note: r.Note, Reason: r.Reason,
		FromGroup: from, ToGroup: to, Sender: userIn(from, r.SenderID, r.SenderName),
		CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), ResolvedAt: utc(r.ResolvedAt), ProposedName: r.ProposedName,
	}
	if !r.ResolverGroupID.IsZero() {
		home := from
		if r.ResolverGroupID == to.ID {
			home = to
		}
		resolver := userIn(home, r.ResolverID, *r.ResolverName)
		in.Resolver = &resolver
	}
	return in
}

// userIn makes a user of a group from the part of its id that is stored.
func userIn(group channel.Group, id ids.User, name string) channel.User {
	id.Group = group.ID
	return channel.User{ID: id, Name: name, Group: group}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
