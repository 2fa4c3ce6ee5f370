package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

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
	AwaitsFrom      bool                    `bun:"awaits_from"`
	AwaitsTo        bool                    `bun:"awaits_to"`
}

// copyRow is a copy of an invitation on a shard, with what the policy of the group says about it, and whether that blocks the other one.
type copyRow struct {
	invitationRow
	Past           *string        `bun:"past"`
	PreviousID     ids.Invitation `bun:"previous_id"`
	SharingEnabled bool           `bun:"sharing_enabled"`
	WhoMayAccept   channel.WhoMay `bun:"who_may_accept"`
	Blocks         bool           `bun:"blocks"`
}

func (r *copyRow) fields() []any {
	return append(r.invitationRow.fields(), &r.Past, &r.PreviousID, &r.SharingEnabled, &r.WhoMayAccept, &r.Blocks)
}

func (r *copyRow) invitation() (*channel.Invitation, error) {
	in := r.invitationRow.invitation()
	in.PreviousID = r.PreviousID
	in.Policy.SharingEnabled, in.Policy.WhoMayAccept, in.Blocks = r.SharingEnabled, r.WhoMayAccept, r.Blocks
	if r.Past == nil {
		return in, nil
	}
	if err := json.Unmarshal([]byte(*r.Past), &in.Past); err != nil {
		return nil, fmt.Errorf("store: the history of invitation %v: %w", r.ID.UUID(), err)
	}
	return in, nil
}

// An overdue invitation is shown as the sweep will write it, by the clock of the database that is asked.
const (
	invitationOverdue    = `i.state IN ` + openStates + ` AND i.expires_at <= now()`
	invitationState      = `CASE WHEN ` + invitationOverdue + ` THEN 'EXPIRED' ELSE i.state END`
	invitationVersion    = `CASE WHEN ` + invitationOverdue + ` THEN i.version + 1 ELSE i.version END`
	invitationResolvedAt = `CASE WHEN ` + invitationOverdue + ` THEN i.expires_at ELSE i.resolved_at END`
)

// The columns of invitationRow, in the order of its fields: of a table i in main as it is written, with its groups as fg and tg, and of a
// copy i on a shard as it is shown, which has the names of its groups in itself.
const (
	invitationInMain = `i.invitation_id, i.channel_id, i.state, i.version, i.note, i.reason,
		fg.group_id AS from_group_id, fg.handle AS from_handle, fg.name AS from_name,
		tg.group_id AS to_group_id, tg.handle AS to_handle, tg.name AS to_name,` + invitationPeople + `
		i.created_at, i.expires_at, i.resolved_at, i.proposed_name, i.awaits_from, i.awaits_to`
	invitationCopy = `i.invitation_id, i.channel_id, ` + invitationState + ` AS state, ` + invitationVersion + ` AS version, i.note, i.reason,
		i.from_group_id, i.from_handle, i.from_name, i.to_group_id, i.to_handle, i.to_name,` + invitationPeople + `
		i.created_at, i.expires_at, ` + invitationResolvedAt + ` AS resolved_at, i.proposed_name, i.awaits_from, i.awaits_to,
		i.past::text AS past, i.previous_id, COALESCE(gp.sharing_enabled, true) AS sharing_enabled, COALESCE(gp.who_may_accept, 'ADMINS') AS who_may_accept,
		i.direction = 'SENT' AND ` + copyBlocks + ` AS blocks`
	// What copies i are joined with.
	withPolicy = `
		LEFT JOIN linkspan_shard.group_policy AS gp ON gp.slot = i.slot AND gp.group_id = i.group_id`

	invitationPeople = `
		i.sender_id, i.sender_name, i.resolver_group_id, i.resolver_id, i.resolver_name,`
)

// fields are where those columns go, for statements that do not go through bun.
func (r *invitationRow) fields() []any {
	return []any{&r.ID, &r.ChannelID, &r.State, &r.Version, &r.Note, &r.Reason,
		&r.From.ID, &r.From.Handle, &r.From.Name, &r.To.ID, &r.To.Handle, &r.To.Name, &r.SenderID, &r.SenderName,
		&r.ResolverGroupID, &r.ResolverID, &r.ResolverName, &r.CreatedAt, &r.ExpiresAt, &r.ResolvedAt, &r.ProposedName, &r.AwaitsFrom, &r.AwaitsTo}
}

func (r *invitationRow) invitation() *channel.Invitation {
	from, to := r.From.group(), r.To.group()
	in := &channel.Invitation{
		ID: r.ID, ChannelID: r.ChannelID, State: r.State, Version: r.Version, Note: r.Note, Reason: r.Reason,
		FromGroup: from, ToGroup: to, Sender: userIn(from, r.SenderID, r.SenderName),
		CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), ResolvedAt: utc(r.ResolvedAt), ProposedName: r.ProposedName,
		AwaitsFrom: r.AwaitsFrom, AwaitsTo: r.AwaitsTo,
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

// uuids is an array argument of ids: where a statement is not prepared, pgx knows no type for a slice of ours.
func uuids[ID pgtype.UUIDValuer](all []ID) []pgtype.UUID {
	values := make([]pgtype.UUID, len(all))
	for i, id := range all {
		values[i], _ = id.UUIDValue() // never fails: see ids
	}
	return values
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
