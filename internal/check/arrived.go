package check

import (
	"context"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// arrived is what there is at a destination: the last step that took effect, and what the steps have made.
type arrived struct {
	reached int64
	facts   facts
}

// arrivedRow is a row of any of the queries below.
type arrivedRow struct {
	Subject uuid.UUID `bun:"subject"`
	To      uuid.UUID `bun:"destination"`
	Number  int64     `bun:"number"`
	Key     string    `bun:"key"`
	Fields  string    `bun:"fields"`
}

// at are the destinations in question: k (slot, subject, destination, list).
const at = `(SELECT slot::smallint AS slot, subject::uuid AS subject, destination::uuid AS destination, list::uuid AS list
	FROM (VALUES ?) AS v (slot, subject, destination, list)) AS k`

// arrivedFacts are the queries for what steps have made.
var arrivedFacts = []struct {
	kind *kind
	text string
}{
	{shardKind, `
		SELECT k.subject, k.destination, c.channel_id::text AS key, jsonb_build_object('initiator', c.initiator_group_id,
			'state', c.state, 'offered', c.offered_group_id, 'home', COALESCE(c.home_group_id, c.initiator_group_id), 'pending_until', extract(epoch FROM c.pending_until),
			'topic', c.topic)::text AS fields
		FROM ` + at + ` JOIN linkspan_shard.channel AS c ON c.slot = k.slot AND c.channel_id = k.destination`},
	{sideKind, `
		SELECT k.subject, k.destination, s.group_id::text AS key, jsonb_build_object('role', s.role, 'state', s.state,
			'version', s.version, 'name', s.name, 'linked', extract(epoch FROM s.linked_at), 'may_invite', s.may_invite,
			'name_visible', s.name_visible, 'topic', s.topic, 'muted', s.muted_by_default, 'retention_days', s.retention_days,
			'members_only', s.members_only, 'members', ` + membersOf(sideMember, `linkspan_shard.side_member AS m
			WHERE m.slot = s.slot AND m.channel_id = s.channel_id AND m.group_id = s.group_id`) + `)::text AS fields
		FROM ` + at + ` JOIN linkspan_shard.channel_side AS s ON s.slot = k.slot AND s.channel_id = k.destination`},
	{invitationKind, `
		SELECT k.subject, k.destination, i.group_id || ' ' || i.invitation_id AS key, ` + invitationFields + ` AS fields
		FROM ` + at + ` JOIN linkspan_shard.group_invitation AS i
			ON i.slot = k.slot AND i.group_id = k.list AND i.channel_id = k.subject`},
	{listKind, `
		SELECT k.subject, k.destination, l.group_id::text AS key, jsonb_build_object('members_only', l.members_only, 'members', ` +
		membersOf(`m.user_id`, `linkspan_shard.listed_member AS m
			WHERE m.slot = l.slot AND m.group_id = l.group_id AND m.channel_id = l.channel_id`) + `)::text AS fields
		FROM ` + at + ` JOIN linkspan_shard.group_channel AS l
			ON l.slot = k.slot AND l.group_id = k.list AND l.channel_id = k.subject`},
	{policyKind, `
		SELECT k.subject, k.destination, p.group_id::text AS key, ` + policyFields + ` AS fields
		FROM ` + at + ` JOIN linkspan_shard.group_policy AS p
			ON p.slot = k.slot AND p.group_id = k.destination AND k.subject = k.destination`},
	{blockKind, `
		SELECT k.subject, k.destination, b.group_id || ' ' || b.other_group_id AS key, ` + blockFields + ` AS fields
		FROM ` + at + ` JOIN linkspan_shard.group_block AS b
			ON b.slot = k.slot AND b.group_id = k.destination AND k.subject = k.destination AND b.blocked`},
	{inboxKind, `
		SELECT k.subject, k.destination, l.group_id::text AS key, '{}' AS fields
		FROM ` + at + ` JOIN linkspan_shard.inbox_log AS l
			ON l.slot = k.slot AND l.group_id = k.destination AND k.subject = k.destination`},
}

const reached = `
	SELECT k.subject, k.destination, a.number
	FROM ` + at + ` JOIN linkspan_shard.applied_step AS a
		ON a.slot = k.slot AND a.subject = k.subject AND a.destination = k.destination`

// readArrived reads what there is at destinations of one cluster, in a snapshot of it.
func readArrived(ctx context.Context, tx bun.Tx, batch []*destination) (map[*destination]*arrived, error) {
	values := make([]bun.TupleValues, len(batch))
	found := make(map[*destination]*arrived, len(batch))
	for i, d := range batch {
		values[i] = bun.Tuple([]any{int16(d.slot), d.stream.Subject, d.stream.Destination, d.list})
		found[d] = &arrived{facts: make(facts)}
	}
	where := wantedBy(batch)
	rows, err := query[arrivedRow](ctx, tx, reached, bun.List(values))
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		found[where.at(row.Subject, row.To)].reached = row.Number
	}
	for _, of := range arrivedFacts {
		rows, err := query[arrivedRow](ctx, tx, of.text, bun.List(values))
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			found[where.at(row.Subject, row.To)].facts.add(of.kind, row.Key, row.Fields)
		}
	}
	return found, nil
}
