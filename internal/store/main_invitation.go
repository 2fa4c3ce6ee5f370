package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// readInvitations reads the invitations of a table or a part of the statement, as i, with the names of their groups;
// scanInvitation takes its rows.
func readInvitations(from string) string {
	return `
	SELECT ` + invitationInMain + `
	FROM ` + from + ` AS i
	JOIN linkspan_main.groups AS f ON f.group_id = i.from_group_id
	JOIN linkspan_main.groups AS t ON t.group_id = i.to_group_id`
}

func scanInvitation(row pgx.CollectableRow) (channel.Invitation, error) {
	var r invitationRow
	err := row.Scan(r.fields()...)
	if err != nil {
		return channel.Invitation{}, err
	}
	return *r.invitation(), nil
}

// invitations runs a query of readInvitations.
func (t mainTx) invitations(ctx context.Context, query string, args ...any) (found []channel.Invitation, err error) {
	t.tx.Queue(query, args...).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, scanInvitation)
		return err
	})
	err = t.tx.Flush(ctx) // sets found
	return found, err
}

// oneInvitation returns the only row of a query of readInvitations; ErrNotFound.
func (t mainTx) oneInvitation(ctx context.Context, query string, args ...any) (channel.Invitation, error) {
	found, err := t.invitations(ctx, query, args...)
	if err != nil {
		return channel.Invitation{}, err
	}
	if len(found) == 0 {
		return channel.Invitation{}, channel.ErrNotFound
	}
	return found[0], nil
}

// resolveInvitation has its CASE because an index for what is overdue has the same conditions: while the table has no
// statistics Postgres would rather walk through that than use the key.
var (
	findInvitation    = readInvitations("linkspan_main.invitation") + ` WHERE i.invitation_id = $1`
	resolveInvitation = `
		WITH resolved AS (
			UPDATE linkspan_main.invitation
			SET state = $2, version = version + 1, reason = $3, resolved_at = now(),
				resolver_group_id = $4, resolver_id = $5, resolver_name = $6
			WHERE invitation_id = $1 AND CASE WHEN state = 'PENDING' THEN expires_at > now() ELSE false END
				AND from_group_id = COALESCE($7, from_group_id)
				AND to_group_id = COALESCE($8, to_group_id)
				AND sender_id = COALESCE($9, sender_id)
			RETURNING *
		)` + readInvitations("resolved")
	expireInvitations = `
		WITH expired AS (
			UPDATE linkspan_main.invitation SET state = 'EXPIRED', version = version + 1, resolved_at = expires_at
			WHERE invitation_id IN (
				SELECT invitation_id FROM linkspan_main.invitation
				WHERE state = 'PENDING' AND expires_at <= now()
				ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
			RETURNING *
		)` + readInvitations("expired") + ` ORDER BY i.expires_at, i.invitation_id`
	expireNameHolder = `
		WITH expired AS (
			UPDATE linkspan_main.invitation SET state = 'EXPIRED', version = version + 1, resolved_at = expires_at
			WHERE invitation_id = (
				SELECT invitation_id FROM linkspan_main.shard_referential
				WHERE group_id = $1 AND name_key = $2 AND state = 'LINKED' AND role = 'INITIATOR')
				AND CASE WHEN state = 'PENDING' THEN expires_at <= now() ELSE false END
			RETURNING *
		)` + readInvitations("expired")
)

func (t mainTx) FindInvitation(ctx context.Context, id ids.Invitation) (channel.Invitation, error) {
	return t.oneInvitation(ctx, findInvitation, id)
}

func (t mainTx) ResolveInvitation(ctx context.Context, r channel.Resolution) (channel.Invitation, error) {
	return t.oneInvitation(ctx, resolveInvitation,
		r.Invitation, r.State, r.Reason, r.By.Group.ID, r.By.ID, r.By.Name, r.From, r.To, r.SentBy)
}

func (t mainTx) ExpireInvitations(ctx context.Context, limit int) ([]channel.Invitation, error) {
	return t.invitations(ctx, expireInvitations, limit)
}

func (t mainTx) ExpireNameHolder(ctx context.Context, group ids.Group, nameKey string) ([]channel.Invitation, error) {
	return t.invitations(ctx, expireNameHolder, group, nameKey)
}

func (t mainTx) InsertChannel(ctx context.Context, in *channel.Invitation, ttl time.Duration) (bool, error) {
	err := t.tx.QueryRow(ctx, `
		WITH claimed AS (
			INSERT INTO linkspan_main.shard_referential
				(channel_id, group_id, role, state, version, name, name_key, invitation_id, linked_at)
			VALUES ($1, $2, 'INITIATOR', 'LINKED', 1, $3, $4, $5, now())
			ON CONFLICT (group_id, name_key) WHERE state = 'LINKED' DO NOTHING
			RETURNING channel_id
		), invited AS (
			INSERT INTO linkspan_main.shard_referential (channel_id, group_id, role, state, version, invitation_id)
			SELECT channel_id, $6, 'TARGET', 'INVITED', 1, $5 FROM claimed
		), made AS (
			INSERT INTO linkspan_main.channel (channel_id, initiator_group_id, state)
			SELECT channel_id, $2, 'PENDING' FROM claimed
		)
		INSERT INTO linkspan_main.invitation (invitation_id, channel_id, from_group_id, to_group_id, state, version,
			note, sender_id, sender_name, proposed_name, expires_at)
		SELECT $5, channel_id, $2, $6, 'PENDING', 1, $7, $8, $9, $3, now() + $10 * interval '1 microsecond' FROM claimed
		RETURNING created_at, expires_at`,
		[]any{in.ChannelID, in.FromGroup.ID, in.ProposedName, channel.NameKey(in.ProposedName), in.ID, in.ToGroup.ID,
			in.Note, in.Sender.ID, in.Sender.Name, ttl.Microseconds()}, &in.CreatedAt, &in.ExpiresAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	in.CreatedAt, in.ExpiresAt = in.CreatedAt.UTC(), in.ExpiresAt.UTC()
	return err == nil, err
}

func (t mainTx) TakenNames(ctx context.Context, group ids.Group, keys []string) (map[string]bool, error) {
	var found []string
	t.tx.Queue(`
		SELECT name_key FROM linkspan_main.shard_referential
		WHERE group_id = $1 AND state = 'LINKED' AND name_key = ANY ($2)`, group, keys,
	).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err := t.tx.Flush(ctx); err != nil {
		return nil, err
	}
	taken := make(map[string]bool, len(found))
	for _, key := range found {
		taken[key] = true
	}
	return taken, nil
}
