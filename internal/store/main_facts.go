package store

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// openStates are those of an invitation that is still to be decided on.
const openStates = `('REQUESTED', 'PENDING', 'AWAITING_APPROVAL')`

// What a decision is judged by is read behind the lock of the channel's row, in a statement of its own, so that it sees what those did whom it
// waited for (docs/decisions/0024-decisions-behind-one-lock.md). factsOf takes the condition on an invitation i; its rows go to factsRow. Of all
// invitations of a channel, open or not, each has a link of its group.
func factsOf(which string) string {
	return `
	SELECT clock_timestamp(), ` + invitationInMain + `, i.unsent, i.approved_from, i.approved_to, i.asked_name,
		` + policyOf("fp") + `, ` + stanceOf("fs") + `, ` + policyOf("tp") + `, ` + stanceOf("ts") + `, t.state, t.version, COALESCE(t.name, ''), t.linked_at, t.members_only,
		s.role = 'INITIATOR', s.may_invite,
		c.state, ` + homeOf + `, c.offered_group_id, o.group_id, o.state, o.version, COALESCE(o.name, ''), o.linked_at,
		i.previous_id,
		(SELECT count(*) FROM linkspan_main.invitation AS x WHERE x.channel_id = c.channel_id AND x.state IN ` + openStates + `),
		(SELECT count(*) FROM linkspan_main.shard_referential AS x
			WHERE x.channel_id = c.channel_id AND x.group_id <> c.initiator_group_id AND x.state = 'LINKED'),
		(SELECT max(x.expires_at + interval '0') FROM linkspan_main.invitation AS x
			WHERE x.channel_id = c.channel_id AND x.invitation_id <> i.invitation_id AND x.state IN ` + openStates + `)
	FROM linkspan_main.invitation AS i
	JOIN linkspan_main.groups AS fg ON fg.group_id = i.from_group_id
	JOIN linkspan_main.groups AS tg ON tg.group_id = i.to_group_id
	JOIN linkspan_main.channel AS c ON c.channel_id = i.channel_id
	JOIN linkspan_main.shard_referential AS o ON o.channel_id = c.channel_id AND o.group_id = c.initiator_group_id
	JOIN linkspan_main.shard_referential AS t ON t.channel_id = c.channel_id AND t.group_id = i.to_group_id
	JOIN linkspan_main.shard_referential AS s ON s.channel_id = c.channel_id AND s.group_id = i.from_group_id
	LEFT JOIN linkspan_main.sharing_policy AS fp ON fp.group_id = i.from_group_id
	LEFT JOIN linkspan_main.sharing_policy AS tp ON tp.group_id = i.to_group_id
	LEFT JOIN linkspan_main.stance AS fs ON fs.group_id = i.from_group_id AND fs.other_group_id = i.to_group_id
	LEFT JOIN linkspan_main.stance AS ts ON ts.group_id = i.to_group_id AND ts.other_group_id = i.from_group_id
	WHERE ` + which
}

// historyOf are the rows of history of invitations i.
func historyOf(which string) string {
	return `
	SELECT x.invitation_id, x.version, x.state, x.at, x.deed, x.actor_group_id, x.actor_id, x.actor_name, x.reason
	FROM linkspan_main.invitation AS i JOIN linkspan_main.transition AS x ON x.invitation_id = i.invitation_id
	WHERE ` + which + ` ORDER BY x.version`
}

// The statements that lock channels, each with that of the facts. isDue has its CASE because an index for what is due has the same
// conditions: while the table has no statistics Postgres would rather walk through that than use the key.
var (
	channelOfInvitation = `
		SELECT c.channel_id, ` + homeOf + ` FROM (SELECT i.channel_id FROM linkspan_main.invitation AS i WHERE i.invitation_id = $1) AS c`
	lockInvitation = `
		SELECT 1 FROM linkspan_main.channel AS c
		WHERE c.channel_id = (SELECT i.channel_id FROM linkspan_main.invitation AS i WHERE i.invitation_id = $1) FOR UPDATE`
	factsOfInvitation = askedFacts{factsOf(`i.invitation_id = $1`), historyOf(`i.invitation_id = $1`)}

	channelOfName = `
		SELECT r.channel_id FROM linkspan_main.shard_referential AS r
		WHERE r.group_id = $1 AND r.name_key = $2 AND r.state = 'LINKED' AND r.role = 'INITIATOR'`
	lockNameHolder    = `SELECT 1 FROM linkspan_main.channel AS c WHERE c.channel_id = (` + channelOfName + `) FOR UPDATE`
	factsOfNameHolder = dueOf(`i.channel_id = (` + channelOfName + `)`)

	dueNameHolder = `
		SELECT c.channel_id FROM linkspan_main.channel AS c
		WHERE c.channel_id = (` + channelOfName + `) AND c.state = 'PENDING' AND NOT EXISTS (
			SELECT FROM linkspan_main.invitation AS i
			WHERE i.channel_id = c.channel_id AND i.state IN ` + openStates + ` AND i.expires_at + interval '0' > clock_timestamp())`
	lockDueNameHolder = dueNameHolder + ` FOR UPDATE OF c SKIP LOCKED`

	lockOverdue = `
		SELECT c.channel_id FROM linkspan_main.channel AS c WHERE c.channel_id IN (
			SELECT i.channel_id FROM linkspan_main.invitation AS i
			WHERE i.state IN ` + openStates + ` AND i.expires_at <= now() ORDER BY i.expires_at LIMIT $1)
		ORDER BY c.channel_id FOR UPDATE SKIP LOCKED`
	factsOfOverdue = dueOf(`i.channel_id = ANY ($1)`)
)

// askedFacts are the statement of the facts about some invitations, and that of their history.
type askedFacts struct{ facts, history string }

// dueOf are the statements about those of some invitations that are overdue, the oldest first.
func dueOf(which string) askedFacts {
	which += ` AND ` + isDue
	return askedFacts{factsOf(which) + oldestFirst, historyOf(which)}
}

const (
	isDue       = `CASE WHEN i.state IN ` + openStates + ` THEN i.expires_at <= clock_timestamp() ELSE false END`
	oldestFirst = ` ORDER BY i.expires_at, i.invitation_id`
)

// ChannelOf implements [channel.MainTx].
func (t mainTx) ChannelOf(ctx context.Context, id ids.Invitation) (found ids.Channel, from ids.Group, err error) {
	err = oneRow(t.tx.QueryRow(ctx, channelOfInvitation, []any{id}, &found, &from))
	return found, from, err
}

// LockInvitation implements [channel.MainTx].
func (t mainTx) LockInvitation(ctx context.Context, id ids.Invitation) (*channel.Facts, error) {
	t.tx.Queue(lockInvitation, id)
	found, err := t.facts(ctx, factsOfInvitation, id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, channel.ErrNotFound
	}
	return found[0], nil
}

// LockNameHolder implements [channel.MainTx].
func (t mainTx) LockNameHolder(ctx context.Context, group ids.Group, nameKey string) ([]*channel.Facts, error) {
	t.tx.Queue(lockNameHolder, group, nameKey)
	return t.facts(ctx, factsOfNameHolder, group, nameKey)
}

// LockOverdue implements [channel.MainTx].
func (t mainTx) LockOverdue(ctx context.Context, channels int) ([]*channel.Facts, error) {
	locked := t.channels(lockOverdue, channels)
	if err := t.tx.Flush(ctx); err != nil || len(*locked) == 0 {
		return nil, err
	}
	return t.facts(ctx, factsOfOverdue, uuids(*locked))
}

// LockDueNameHolder implements [channel.MainTx].
func (t mainTx) LockDueNameHolder(ctx context.Context, group ids.Group, nameKey string) ([]*channel.Facts, error) {
	due, locked := t.channels(dueNameHolder, group, nameKey), t.channels(lockDueNameHolder, group, nameKey)
	if err := t.tx.Flush(ctx); err != nil || len(*due) == 0 {
		return nil, err
	}
	if len(*locked) == 0 {
		return nil, shardrouter.Retry(channel.Unavailable(errHolderBusy))
	}
	return t.facts(ctx, factsOfOverdue, uuids(*locked))
}

// errHolderBusy is why a name can't be had just now.
var errHolderBusy = errors.New("store: somebody decides about the channel that holds the name")

// channels asks for channels, which are there after the next Flush.
func (t mainTx) channels(query string, args ...any) *[]ids.Channel {
	found := new([]ids.Channel)
	t.tx.Queue(query, args...).Query(func(rows pgx.Rows) (err error) {
		*found, err = pgx.CollectRows(rows, pgx.RowTo[ids.Channel])
		return err
	})
	return found
}

// facts asks for facts. What is known of one channel is one for all its invitations.
func (t mainTx) facts(ctx context.Context, asked askedFacts, args ...any) (found []*channel.Facts, err error) {
	t.tx.Queue(asked.facts, args...).Query(func(rows pgx.Rows) (err error) {
		channels := map[ids.Channel]*channel.ChannelFacts{}
		found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*channel.Facts, error) { return scanFacts(row, channels) })
		return err
	})
	t.tx.Queue(asked.history, args...).Query(func(rows pgx.Rows) error {
		invitations := map[ids.Invitation]*channel.Invitation{}
		for _, f := range found {
			invitations[f.Invitation.ID] = f.Invitation
		}
		for rows.Next() {
			if err := scanTransition(rows, invitations); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	err = t.tx.Flush(ctx) // sets found
	return found, err
}

// scanTransition adds a row of history to its invitation. One that has come to be overdue since the facts were read is none of them.
func scanTransition(row pgx.Rows, invitations map[ids.Invitation]*channel.Invitation) error {
	var id ids.Invitation
	var t channel.Transition
	var group ids.Group
	var user ids.User
	var name *string
	if err := row.Scan(&id, &t.Version, &t.State, &t.At, &t.Deed, &group, &user, &name, &t.Reason); err != nil {
		return err
	}
	in := invitations[id]
	if in == nil {
		return nil
	}
	if name != nil {
		home := in.FromGroup
		if group == in.ToGroup.ID {
			home = in.ToGroup
		}
		by := userIn(home, user, *name)
		t.Actor = &by
	}
	t.At = t.At.UTC()
	in.Past = append(in.Past, t)
	return nil
}

func scanFacts(row pgx.CollectableRow, channels map[ids.Channel]*channel.ChannelFacts) (*channel.Facts, error) {
	var in invitationRow
	var f channel.Facts
	var c channel.ChannelFacts
	var known channel.Invitation
	fields := append([]any{&f.At}, in.fields()...)
	fields = append(fields, &known.Unsent, &known.ApprovedFrom, &known.ApprovedTo, &known.AskedName)
	fields = slices.Concat(fields, policyFields(&f.From.Policy), stanceFields(&f.From.Stance), policyFields(&f.To.Policy), stanceFields(&f.To.Stance))
	fields = append(fields, &f.Link.State, &f.Link.Version, &f.Link.Name, &f.Link.LinkedAt, &f.Link.MembersOnly,
		&f.Asks.Initiates, &f.Asks.MayInvite,
		&c.State, &c.Home, &c.Offered, &c.Initiator.Group, &c.Initiator.State, &c.Initiator.Version, &c.Initiator.Name, &c.Initiator.LinkedAt,
		&known.PreviousID, &c.Open, &c.Linked, &f.Others)
	if err := row.Scan(fields...); err != nil {
		return nil, err
	}
	f.At, f.Invitation, f.Channel = f.At.UTC(), in.invitation(), channels[in.ChannelID]
	f.Invitation.Unsent, f.Invitation.AskedName, f.Invitation.PreviousID = known.Unsent, known.AskedName, known.PreviousID
	f.Invitation.ApprovedFrom, f.Invitation.ApprovedTo = known.ApprovedFrom, known.ApprovedTo
	f.From.Policy.Group, f.To.Policy.Group = in.From.ID, in.To.ID
	f.Others = utc(f.Others)
	f.Link.Channel, f.Link.Group, f.Link.LinkedAt = in.ChannelID, in.To.ID, utc(f.Link.LinkedAt)
	if f.Channel == nil {
		c.ID, c.Initiator.Channel, c.Initiator.LinkedAt = in.ChannelID, in.ChannelID, utc(c.Initiator.LinkedAt)
		channels[c.ID], f.Channel = &c, &c
	}
	return &f, nil
}
