package store

import (
	"context"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// listedMembers are whether a user is listed on a side, and how many are. Arguments: channel, group, user.
const listedMembers = `
	SELECT EXISTS (
		SELECT FROM linkspan_main.side_member AS m WHERE m.channel_id = $1 AND m.group_id = $2 AND m.user_id = $3), (
		SELECT count(*) FROM linkspan_main.side_member AS m WHERE m.channel_id = $1 AND m.group_id = $2)`

// ListedMembers implements [channel.MainTx].
func (t mainTx) ListedMembers(ctx context.Context, id ids.Channel, group ids.Group, user ids.User) (listed channel.ListedMembers, err error) {
	err = t.tx.QueryRow(ctx, listedMembers, []any{id, group, user}, &listed.Has, &listed.Count)
	return listed, err
}

// writeMember lists a user on a side, or lists it no longer. A row of history without a version ends the transaction, as in writeMove. Arguments:
// channel, group, user, its name and position, both null: it is listed no longer; the link's version; id, operation, time, deed and rule of the row
// of history, the link's state, the id and name of who did it, the reason.
const writeMember = `
	WITH listed AS (
		INSERT INTO linkspan_main.side_member (channel_id, group_id, user_id, name, position)
		SELECT $1, $2, $3, $4::text, $5::bigint WHERE $5::bigint IS NOT NULL
	), unlisted AS (
		DELETE FROM linkspan_main.side_member AS m WHERE $5::bigint IS NULL AND m.channel_id = $1 AND m.group_id = $2 AND m.user_id = $3
	)
	INSERT INTO linkspan_main.transition (transition_id, op_id, at, deed, rule, channel_id, about_group_id, version, state,
		actor_group_id, actor_id, actor_name, reason)
	VALUES ($7, $8, $9, $10, $11, $1, $2, (
		SELECT r.version FROM linkspan_main.shard_referential AS r WHERE r.channel_id = $1 AND r.group_id = $2 AND r.version = $6
	), $12, $2, $13, $14, $15)`

// WriteMember implements [channel.MainTx]. Its statement waits for the next that has an answer, or COMMIT.
func (t mainTx) WriteMember(_ context.Context, m *channel.LinkMove, move channel.MemberMove) error {
	link, user := m.Links[0], move.Removed
	var name *string
	var position *int64
	if added := move.Added; added != nil {
		user, name, position = added.User, &added.Name, &added.Position
	}
	t.tx.Queue(writeMember, link.Channel, link.Group, user, name, position, link.Version, ids.NewTransition(), m.Op, m.At, m.Deed, m.Rule,
		link.State, m.By.ID, m.By.Name, m.Reason)
	return nil
}
