package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// readInvitations reads the invitations of a table or a part of the statement, as i, with the names of their groups.
func readInvitations(from string) string {
	return `
	SELECT ` + invitationState + ` AS state, ` + invitationColumns + `,
		f.group_id AS from_group_id, f.handle AS from_handle, f.name AS from_name,
		t.group_id AS to_group_id, t.handle AS to_handle, t.name AS to_name
	FROM ` + from + ` AS i
	JOIN linkspan_main.groups AS f ON f.group_id = i.from_group_id
	JOIN linkspan_main.groups AS t ON t.group_id = i.to_group_id`
}

func (t mainTx) FindInvitation(ctx context.Context, id ids.Invitation) (channel.Invitation, error) {
	var row invitationRow
	err := t.tx.NewRaw(readInvitations("linkspan_main.invitation")+` WHERE i.invitation_id = ?`, id).Scan(ctx, &row)
	if err != nil {
		return channel.Invitation{}, oneRow(err)
	}
	return *row.invitation(), nil
}

func (t mainTx) ResolveInvitation(ctx context.Context, r channel.Resolution) (channel.Invitation, error) {
	var row invitationRow
	err := t.tx.NewRaw(`
		WITH resolved AS (
			UPDATE linkspan_main.invitation
			SET state = ?, version = version + 1, reason = ?, resolved_at = now(),
				resolver_group_id = ?, resolver_id = ?, resolver_name = ?
			WHERE invitation_id = ? AND state = 'PENDING' AND expires_at > now()
				AND from_group_id = COALESCE(?, from_group_id)
				AND to_group_id = COALESCE(?, to_group_id)
				AND sender_id = COALESCE(?, sender_id)
			RETURNING *
		)`+readInvitations("resolved"),
		r.State, r.Reason, r.By.Group.ID, r.By.ID, r.By.Name, r.Invitation, r.From, r.To, r.SentBy).Scan(ctx, &row)
	if err != nil {
		return channel.Invitation{}, oneRow(err)
	}
	return *row.invitation(), nil
}

func (t mainTx) ExpireInvitations(ctx context.Context, sentBy ids.Group, limit int) ([]channel.Invitation, error) {
	var rows []invitationRow
	err := t.tx.NewRaw(`
		WITH expired AS (
			UPDATE linkspan_main.invitation SET state = 'EXPIRED', version = version + 1, resolved_at = expires_at
			WHERE invitation_id IN (
				SELECT invitation_id FROM linkspan_main.invitation
				WHERE state = 'PENDING' AND expires_at <= now() AND from_group_id = COALESCE(?, from_group_id)
				ORDER BY expires_at LIMIT ? FOR UPDATE SKIP LOCKED)
			RETURNING *
		)`+readInvitations("expired")+` ORDER BY i.expires_at, i.invitation_id`,
		sentBy, limit).Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	expired := make([]channel.Invitation, len(rows))
	for i := range rows {
		expired[i] = *rows[i].invitation()
	}
	return expired, nil
}

func (t mainTx) InsertChannel(ctx context.Context, in *channel.Invitation, ttl time.Duration) (bool, error) {
	var times []struct {
		CreatedAt time.Time `bun:"created_at"`
		ExpiresAt time.Time `bun:"expires_at"`
	}
	err := t.tx.NewRaw(`
		WITH claimed AS (
			INSERT INTO linkspan_main.shard_referential
				(channel_id, group_id, role, state, version, name, name_key, invitation_id, linked_at)
			VALUES (?0, ?1, 'INITIATOR', 'LINKED', 1, ?2, ?3, ?4, now())
			ON CONFLICT (group_id, name_key) WHERE state = 'LINKED' DO NOTHING
			RETURNING channel_id
		), invited AS (
			INSERT INTO linkspan_main.shard_referential (channel_id, group_id, role, state, version, invitation_id)
			SELECT channel_id, ?5, 'TARGET', 'INVITED', 1, ?4 FROM claimed
		), made AS (
			INSERT INTO linkspan_main.channel (channel_id, initiator_group_id, state)
			SELECT channel_id, ?1, 'PENDING' FROM claimed
		)
		INSERT INTO linkspan_main.invitation
			(invitation_id, channel_id, from_group_id, to_group_id, state, version, note, sender_id, sender_name, proposed_name, expires_at)
		SELECT ?4, channel_id, ?1, ?5, 'PENDING', 1, ?6, ?7, ?8, ?2, now() + ?9 * interval '1 microsecond' FROM claimed
		RETURNING created_at, expires_at`,
		in.ChannelID, in.FromGroup.ID, in.ProposedName, channel.NameKey(in.ProposedName), in.ID, in.ToGroup.ID,
		in.Note, in.Sender.ID, in.Sender.Name, ttl.Microseconds()).Scan(ctx, &times)
	if err != nil || len(times) == 0 {
		return false, err
	}
	in.CreatedAt, in.ExpiresAt = times[0].CreatedAt.UTC(), times[0].ExpiresAt.UTC()
	return true, nil
}

func (t mainTx) TakenNames(ctx context.Context, group ids.Group, keys []string) (map[string]bool, error) {
	var found []string
	err := t.tx.NewRaw(`
		SELECT name_key FROM linkspan_main.shard_referential
		WHERE group_id = ? AND state = 'LINKED' AND name_key IN (?)`, group, bun.List(keys)).Scan(ctx, &found)
	taken := make(map[string]bool, len(found))
	for _, key := range found {
		taken[key] = true
	}
	return taken, err
}
