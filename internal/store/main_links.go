package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// homeOf is the group that made a channel c: the one that sent its first invitation.
const homeOf = `(
		SELECT x.from_group_id FROM linkspan_main.invitation AS x WHERE x.channel_id = c.channel_id ORDER BY x.created_at, x.invitation_id LIMIT 1)`

// lastAsked is the last invitation to the group of a link r, if it is one to that group: that of who made the channel may be the first that it sent.
const lastAsked = `(SELECT i.invitation_id FROM linkspan_main.invitation AS i WHERE i.invitation_id = r.invitation_id AND i.to_group_id = r.group_id)`

// The statements about channels and links. Arguments: a channel, and groups, and who decides.
var (
	lockChannel = `SELECT 1 FROM linkspan_main.channel AS c WHERE c.channel_id = $1 FOR UPDATE`
	readChannel = `
		SELECT clock_timestamp(), c.state, ` + homeOf + `, c.initiator_group_id, c.offered_group_id, c.topic, x.open, x.waiting, x.until, l.linked
		FROM linkspan_main.channel AS c, LATERAL (
			SELECT count(*) AS open, count(*) FILTER (WHERE i.expires_at > clock_timestamp()) AS waiting, max(i.expires_at + interval '0') AS until FROM linkspan_main.invitation AS i
			WHERE i.channel_id = c.channel_id AND i.state IN ` + openStates + `
		) AS x, LATERAL (
			SELECT count(*) AS linked FROM linkspan_main.shard_referential AS r
			WHERE r.channel_id = c.channel_id AND r.group_id <> c.initiator_group_id AND r.state = 'LINKED'
		) AS l
		WHERE c.channel_id = $1`
	readLinks = `
		SELECT r.group_id, r.role = 'INITIATOR', r.state, r.version, COALESCE(r.name, ''), r.linked_at, r.may_invite, ` + lastAsked + `,
			r.name_visible, r.topic, r.muted_by_default, r.retention_days,
			(SELECT i.proposed_name FROM linkspan_main.invitation AS i WHERE i.invitation_id = r.invitation_id), r.members_only,
			CASE WHEN r.members_only THEN EXISTS (
				SELECT FROM linkspan_main.side_member AS m WHERE m.channel_id = r.channel_id AND m.group_id = r.group_id AND m.user_id = $3 OFFSET 0) ELSE false END
		FROM linkspan_main.shard_referential AS r
		WHERE r.channel_id = $1 AND (r.group_id = ANY ($2) OR r.role = 'INITIATOR')`

	openWith        = `i.channel_id = $1 AND (i.from_group_id = $2 OR i.to_group_id = $2) AND i.state IN ` + openStates
	factsOfOpenWith = askedFacts{factsOf(openWith) + ` ORDER BY i.created_at, i.invitation_id`, historyOf(openWith)}
)

// LockChannel implements [channel.MainTx].
func (t mainTx) LockChannel(ctx context.Context, id ids.Channel, user ids.User, groups ...ids.Group) (*channel.Links, error) {
	l := &channel.Links{Channel: &channel.ChannelFacts{ID: id}, Of: map[ids.Group]*channel.Link{}}
	c := l.Channel
	t.tx.Queue(lockChannel, id)
	var initiator ids.Group
	t.tx.Queue(readChannel, id).QueryRow(func(row pgx.Row) error {
		return oneRow(row.Scan(&l.At, &c.State, &c.Home, &initiator, &c.Offered, &c.Topic, &c.Open, &c.Waiting, &l.Until, &c.Linked))
	})
	t.tx.Queue(readLinks, id, uuids(groups), user).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			link := &channel.Link{Channel: id}
			err := rows.Scan(&link.Group, &link.Initiator, &link.State, &link.Version, &link.Name, &link.LinkedAt, &link.MayInvite, &link.Asked,
				&link.NameVisible, &link.Topic, &link.MutedByDefault, &link.RetentionDays, &link.Proposed,
				&link.MembersOnly, &link.Listed)
			if err != nil {
				return err
			}
			link.LinkedAt = utc(link.LinkedAt)
			l.Of[link.Group] = link
		}
		return rows.Err()
	})
	if err := t.tx.Flush(ctx); err != nil {
		return nil, err
	}
	l.At, l.Until = l.At.UTC(), utc(l.Until)
	if link := l.Of[initiator]; link != nil {
		c.Initiator = *link
	}
	return l, nil
}

// OpenInvitations implements [channel.MainTx].
func (t mainTx) OpenInvitations(ctx context.Context, id ids.Channel, group ids.Group) ([]*channel.Facts, error) {
	return t.facts(ctx, factsOfOpenWith, id, group)
}

// insertInvitation writes one more invitation to a channel. A row of history without a version ends the transaction, as in writeMove. Arguments:
// channel, sender's group, invited group, invitation, state, note, sender's id and name, proposed name, when, until when, whether an admin approved,
// whether it waits for one, the one before; id, operation, deed and rule of the row of history; the versions of asJudged; the version of the invited
// group's link as it was judged, 0: it had none.
var insertInvitation = `
	WITH linked AS (
		INSERT INTO linkspan_main.shard_referential AS r (channel_id, group_id, role, state, version, invitation_id, created_at)
		VALUES ($1, $3, 'TARGET', 'INVITED', 1, $4, $10)
		ON CONFLICT (channel_id, group_id) DO UPDATE SET invitation_id = excluded.invitation_id,
			state = CASE r.state WHEN 'CLOSED' THEN 'INVITED' ELSE r.state END, version = r.version + CASE r.state WHEN 'CLOSED' THEN 1 ELSE 0 END
		WHERE r.version = $20 AND r.state IN ('CLOSED', 'LEFT', 'REMOVED')
		RETURNING r.version
	), invited AS (
		INSERT INTO linkspan_main.invitation (invitation_id, channel_id, from_group_id, to_group_id, state, version,
			note, sender_id, sender_name, proposed_name, created_at, expires_at, approved_from, awaits_from, unsent, previous_id)
		VALUES ($4, $1, $2, $3, $5, 1, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14)
	)
	INSERT INTO linkspan_main.transition (transition_id, op_id, at, deed, rule, channel_id, invitation_id, version, state,
		actor_group_id, actor_id, actor_name)
	VALUES ($15, $16, $10, $17, $18, $1, $4, CASE WHEN EXISTS (SELECT FROM linked WHERE $20 > 0 OR version = 1)
		AND EXISTS (
			SELECT FROM linkspan_main.channel AS c WHERE c.channel_id = $1 AND (c.state = 'ACTIVE' OR c.state = 'PENDING' AND EXISTS (
				SELECT FROM linkspan_main.invitation AS i
				WHERE i.channel_id = $1 AND i.state IN ` + openStates + ` AND i.expires_at > clock_timestamp())))
		AND ` + asJudged("$19::integer[]", "$2", "$3") + ` THEN 1 END, $5, $2, $7, $8)`

// InsertInvitation implements [channel.MainTx]. Its statement waits for the next that has an answer, or COMMIT.
func (t mainTx) InsertInvitation(_ context.Context, m *channel.Move) error {
	in := m.Invitation
	var version int32
	if len(m.Links) > 0 {
		version = m.Links[0].Version
	}
	t.tx.Queue(insertInvitation, in.ChannelID, in.FromGroup.ID, in.ToGroup.ID, in.ID, in.State, in.Note, in.Sender.ID, in.Sender.Name, in.ProposedName,
		in.CreatedAt, in.ExpiresAt, in.ApprovedFrom, in.Unsent, in.PreviousID, ids.NewTransition(), m.Op, m.Deed, m.Rule, versionsOf(m.Judged), version)
	return nil
}

// writeLinks writes links and their channel. Who had the initiator's role and takes part no longer loses it without a new version: its side stays as
// it was. A row of history without a version ends the transaction, as in writeMove. Arguments: channel, its state,
// initiator and whom that role is offered to after it; the groups, versions, states, roles and leave to invite of the links after it; id, operation,
// time, deed and rule of the row of history, the group, id and name of who did it, the reason; names, name keys, whether those are visible, topics
// and whether they are muted of the links after it; the channel's topic, null: it is as it was; whom the row of history is about; whether the links are
// for members alone, and their retention days, after it.
const writeLinks = `
	WITH links AS (
		UPDATE linkspan_main.shard_referential AS r
		SET version = l.version, state = l.state, role = CASE WHEN l.initiator THEN 'INITIATOR' ELSE 'TARGET' END, may_invite = l.may_invite,
			name = l.name, name_key = l.name_key, name_visible = l.name_visible, topic = l.topic, muted_by_default = l.muted_by_default,
			members_only = l.members_only, retention_days = l.retention_days
		FROM unnest($5::uuid[], $6::integer[], $7::text[], $8::boolean[], $9::boolean[], $19::text[], $20::text[], $21::boolean[], $22::text[], $23::boolean[], $26::boolean[],
				$27::integer[])
			AS l (group_id, version, state, initiator, may_invite, name, name_key, name_visible, topic, muted_by_default, members_only, retention_days)
		WHERE r.channel_id = $1 AND r.group_id = l.group_id AND r.version = l.version - 1
		RETURNING r.group_id, r.version
	), channel AS (
		UPDATE linkspan_main.channel AS c
		SET state = $2, initiator_group_id = $3, offered_group_id = $4, topic = COALESCE($24, c.topic)
		WHERE c.channel_id = $1
	), was AS (
		UPDATE linkspan_main.shard_referential AS r SET role = 'TARGET'
		WHERE r.channel_id = $1 AND r.role = 'INITIATOR' AND r.group_id <> $3 AND r.group_id <> ALL ($5::uuid[])
	)
	INSERT INTO linkspan_main.transition (transition_id, op_id, at, deed, rule, channel_id, about_group_id, version, state,
		actor_group_id, actor_id, actor_name, reason)
	VALUES ($10, $11, $12, $13, $14, $1, COALESCE($25::uuid, ($5::uuid[])[1]), (
		SELECT version FROM links WHERE group_id = ($5::uuid[])[1] AND (SELECT count(*) FROM links) = cardinality($5::uuid[])
	), ($7::text[])[1], $15, $16, $17, $18)`

// WriteLinks implements [channel.MainTx]. Its statement waits for the next that has an answer, or COMMIT.
func (t mainTx) WriteLinks(_ context.Context, m *channel.LinkMove) error {
	n, c := len(m.Links), m.Channel
	groups, versions, states := make([]ids.Group, n), make([]int32, n), make([]string, n)
	initiates, invite, visible, muted, only := make([]bool, n), make([]bool, n), make([]bool, n), make([]bool, n), make([]bool, n)
	names, keys, topics, days := make([]string, n), make([]string, n), make([]*string, n), make([]*int32, n)
	for i, link := range m.Links {
		groups[i], versions[i], states[i], initiates[i], invite[i] = link.Group, link.Version, string(link.State), link.Initiator, link.MayInvite
		names[i], keys[i], visible[i], topics[i], muted[i] = link.Name, channel.NameKey(link.Name), link.NameVisible, link.Topic, link.MutedByDefault
		only[i], days[i] = link.MembersOnly, link.RetentionDays
	}
	t.tx.Queue(writeLinks, c.ID, c.State, c.Initiator.Group, c.Offered, uuids(groups), versions, states, initiates, invite,
		ids.NewTransition(), m.Op, m.At, m.Deed, m.Rule, m.By.ID.Group, m.By.ID, m.By.Name, m.Reason, names, keys, visible, topics, muted, c.Topic, m.About,
		only, days)
	return nil
}
