package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// asJudged tells whether what two groups, of these columns, say about sharing with each other has the versions of an argument, an array, or that
// is null: it played no part. A stance of version -1 there was not looked at.
func asJudged(versions, from, to string) string {
	stance := func(n, of, other string) string {
		return `CASE WHEN (` + versions + `)[` + n + `] < 0 THEN -1 ELSE COALESCE((
			SELECT s.version FROM linkspan_main.stance AS s WHERE s.group_id = ` + of + ` AND s.other_group_id = ` + other + `), 0) END`
	}
	policy := func(of string) string {
		return `COALESCE((SELECT p.version FROM linkspan_main.sharing_policy AS p WHERE p.group_id = ` + of + `), 1)`
	}
	return `(` + versions + ` IS NULL OR ` + versions + ` = ARRAY[` + policy(from) + `, ` + policy(to) + `, ` + stance("3", from, to) + `, ` + stance("4", to, from) + `])`
}

// versionsOf is the argument of asJudged.
func versionsOf(j *channel.Judged) []int32 {
	if j == nil {
		return nil
	}
	return []int32{j.PolicyFrom, j.PolicyTo, j.StanceFrom, j.StanceTo}
}

// writeMove repeats what was judged: an invitation that is not in that version any more, or whose time has come meanwhile, or not yet, links
// of other versions, and what the groups say about sharing now leave the new row of history without a version, and so end the transaction. Arguments:
// invitation, channel, version after, state after, reason, when it was resolved, the group, id and name of who did; state of the channel after; the
// groups, versions, states, names, name keys and times of the links after; id, operation, time, deed and rule of the row of history, and the
// group, id and name of who did it; the versions of asJudged; until when, who approved, who is awaited, whether it is unsent, the name asked for.
var writeMove = `
	WITH moved AS (
		UPDATE linkspan_main.invitation
		SET version = $3, state = $4, reason = $5, resolved_at = $6, resolver_group_id = $7, resolver_id = $8, resolver_name = $9,
			expires_at = $26, approved_from = $27, approved_to = $28, awaits_from = $29, awaits_to = $30, unsent = $31, asked_name = $32
		WHERE invitation_id = $1 AND version = $3 - 1
			AND CASE WHEN state IN ` + openStates + ` THEN (expires_at > clock_timestamp()) = ($4 <> 'EXPIRED') ELSE false END
			AND ` + asJudged("$25::integer[]", "from_group_id", "to_group_id") + `
		RETURNING version
	), channel AS (
		UPDATE linkspan_main.channel SET state = $10 WHERE channel_id = $2 AND state <> $10
	), links AS (
		UPDATE linkspan_main.shard_referential AS r
		SET version = l.version, state = l.state, name = l.name, name_key = l.name_key, linked_at = l.linked_at
		FROM unnest($11::uuid[], $12::integer[], $13::text[], $14::text[], $15::text[], $16::timestamptz[])
			AS l (group_id, version, state, name, name_key, linked_at)
		WHERE r.channel_id = $2 AND r.group_id = l.group_id AND r.version = l.version - 1
		RETURNING 1
	)
	INSERT INTO linkspan_main.transition (transition_id, op_id, at, deed, rule, channel_id, invitation_id, version, state,
		actor_group_id, actor_id, actor_name, reason)
	VALUES ($17, $18, $19, $20, $21, $2, $1,
		(SELECT version FROM moved WHERE (SELECT count(*) FROM links) = cardinality($11::uuid[])), $4, $22, $23, $24, $5)`

// Write implements [channel.MainTx]. Its statement waits for the next that has an answer, or COMMIT.
func (t mainTx) Write(_ context.Context, m *channel.Move) error {
	in := m.Invitation
	n := len(m.Links)
	groups, versions, states := make([]ids.Group, n), make([]int32, n), make([]string, n)
	names, keys, times := make([]*string, n), make([]*string, n), make([]*time.Time, n)
	for i, link := range m.Links {
		groups[i], versions[i], states[i], times[i] = link.Group, link.Version, string(link.State), link.LinkedAt
		if link.Name != "" {
			key := channel.NameKey(link.Name)
			names[i], keys[i] = &link.Name, &key
		}
	}
	resolver, resolverName := stored(in.Resolver)
	by, name := stored(m.By)
	t.tx.Queue(writeMove, in.ID, in.ChannelID, in.Version, in.State, in.Reason, in.ResolvedAt, resolver.Group, resolver, resolverName, m.Channel,
		uuids(groups), versions, states, names, keys, times, ids.NewTransition(), m.Op, m.At, m.Deed, m.Rule, by.Group, by, name, versionsOf(m.Judged),
		in.ExpiresAt, in.ApprovedFrom, in.ApprovedTo, in.AwaitsFrom, in.AwaitsTo, in.Unsent, in.AskedName)
	return nil
}

// stored is a user, or NULL, as arguments.
func stored(user *channel.User) (ids.User, *string) {
	if user == nil {
		return ids.User{}, nil
	}
	return user.ID, &user.Name
}

// overtaken makes of the error of a decision that was judged by what is no longer so one that has it run again.
func overtaken(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23502" && pg.TableName == "transition" && pg.ColumnName == "version" ||
		violates(err, "shard_referential_live_name") {
		return shardrouter.Retry(channel.Unavailable(err))
	}
	return err
}

// insertChannel writes all of a new channel. Arguments: channel, initiator, name, its key, invitation, target, note, sender's id and name, state of
// the invitation, when, until when, whether an admin approved, whether it waits for one; id, operation, deed and rule of the row of history; the
// versions of asJudged, the topic, empty if there is none.
var insertChannel = `
	WITH links AS (
		INSERT INTO linkspan_main.shard_referential (channel_id, group_id, role, state, version, name, name_key, invitation_id, created_at, linked_at)
		VALUES ($1, $2, 'INITIATOR', 'LINKED', 1, $3, $4, $5, $11, $11), ($1, $6, 'TARGET', 'INVITED', 1, NULL, NULL, $5, $11, NULL)
	), made AS (
		INSERT INTO linkspan_main.channel (channel_id, initiator_group_id, state, created_at, topic) VALUES ($1, $2, 'PENDING', $11, $20)
	), invited AS (
		INSERT INTO linkspan_main.invitation (invitation_id, channel_id, from_group_id, to_group_id, state, version,
			note, sender_id, sender_name, proposed_name, created_at, expires_at, approved_from, awaits_from, unsent)
		VALUES ($5, $1, $2, $6, $10, 1, $7, $8, $9, $3, $11, $12, $13, $14, $14)
	)
	INSERT INTO linkspan_main.transition (transition_id, op_id, at, deed, rule, channel_id, invitation_id, version, state,
		actor_group_id, actor_id, actor_name)
	VALUES ($15, $16, $11, $17, $18, $1, $5, CASE WHEN ` + asJudged("$19::integer[]", "$2", "$6") + ` THEN 1 END, $10, $2, $8, $9)`

// InsertChannel implements [channel.MainTx]. Its statement waits for the next that has an answer, or COMMIT.
func (t mainTx) InsertChannel(_ context.Context, m *channel.Move) error {
	in, topic := m.Invitation, ""
	if m.Topic != nil {
		topic = *m.Topic
	}
	t.tx.Queue(insertChannel, in.ChannelID, in.FromGroup.ID, in.ProposedName, channel.NameKey(in.ProposedName), in.ID, in.ToGroup.ID,
		in.Note, in.Sender.ID, in.Sender.Name, in.State, in.CreatedAt, in.ExpiresAt, in.ApprovedFrom, in.Unsent,
		ids.NewTransition(), m.Op, m.Deed, m.Rule, versionsOf(m.Judged), topic)
	return nil
}

// TakenNames implements [channel.MainTx].
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
