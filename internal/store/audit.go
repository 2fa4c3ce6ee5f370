package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// The statements of audits. Whoever holds the scribe's row is the only one who writes, and each statement behind it sees what those did who held it
// before; without anything to write nobody locks it.
const (
	lockScribe = `
		SELECT 1 FROM linkspan_main.audit_scribe
		WHERE EXISTS (SELECT FROM linkspan_main.transition AS t WHERE NOT t.audited)
			OR EXISTS (SELECT FROM linkspan_main.refusal AS r WHERE NOT r.audited)
		FOR UPDATE SKIP LOCKED`
	// The rows without entries, in the order of main's clock, in which decisions about one channel are, and those of one group about itself.
	// Arguments: how many at most.
	readUnaudited = `
		SELECT s.refused, s.id, s.at, s.deed, s.rule, s.channel_id, s.invitation_id, s.version, s.state, s.reason,
			s.actor_id, s.actor_name, s.actor_group_id, ag.handle, ag.name, i.from_group_id, fg.handle, fg.name, i.to_group_id, tg.handle, tg.name,
			s.about_group_id, og.handle, og.name, s.policy::text,
			NOT s.refused AND COALESCE((SELECT x.state FROM linkspan_main.transition AS x
				WHERE x.invitation_id = s.invitation_id ORDER BY x.version LIMIT 1), '') = 'REQUESTED'
			AND NOT EXISTS (SELECT FROM linkspan_main.transition AS x
				WHERE x.invitation_id = s.invitation_id AND x.version <= s.version AND x.state = 'PENDING')
		FROM (
			(SELECT false AS refused, t.transition_id AS id, t.at, t.deed, t.rule, t.channel_id, t.invitation_id, t.version, COALESCE(t.state, '') AS state,
				t.reason, t.actor_id, t.actor_name, t.actor_group_id, t.about_group_id, t.policy
			FROM linkspan_main.transition AS t WHERE NOT t.audited ORDER BY t.at, t.transition_id LIMIT $1)
			UNION ALL
			(SELECT true, r.refusal_id, r.at, r.deed, r.rule, r.channel_id, r.invitation_id, 0, '', NULL, r.user_id, r.user_name, r.group_id, r.about_group_id, NULL::jsonb
			FROM linkspan_main.refusal AS r WHERE NOT r.audited ORDER BY r.at, r.refusal_id LIMIT $1)
		) AS s
		LEFT JOIN linkspan_main.groups AS ag ON ag.group_id = s.actor_group_id
		LEFT JOIN linkspan_main.groups AS og ON og.group_id = s.about_group_id
		LEFT JOIN linkspan_main.invitation AS i ON i.invitation_id = s.invitation_id
		LEFT JOIN linkspan_main.groups AS fg ON fg.group_id = i.from_group_id
		LEFT JOIN linkspan_main.groups AS tg ON tg.group_id = i.to_group_id
		ORDER BY s.at, s.id LIMIT $1`
	beginAudits = `
		INSERT INTO linkspan_main.audit_head (group_id, genesis, number, hash)
		SELECT n.group_id, n.genesis, 0, n.genesis FROM unnest($1::uuid[], $2::bytea[]) AS n (group_id, genesis)
		ON CONFLICT (group_id) DO NOTHING`
	lockHeads = `
		SELECT h.group_id, h.number, h.hash FROM linkspan_main.audit_head AS h
		WHERE h.group_id = ANY ($1) ORDER BY h.group_id FOR UPDATE`
	writeEntries = `
		INSERT INTO linkspan_main.audit_entry (group_id, number, source_id, record, hash)
		SELECT n.group_id, n.number, n.source_id, n.record, n.hash
		FROM unnest($1::uuid[], $2::integer[], $3::uuid[], $4::text[], $5::bytea[]) AS n (group_id, number, source_id, record, hash)`
	moveHeads = `
		UPDATE linkspan_main.audit_head AS h SET number = n.number, hash = n.hash
		FROM unnest($1::uuid[], $2::integer[], $3::bytea[]) AS n (group_id, number, hash) WHERE h.group_id = n.group_id`
	markTransitions = `UPDATE linkspan_main.transition SET audited = true WHERE transition_id = ANY ($1)`
	markRefusals    = `UPDATE linkspan_main.refusal SET audited = true WHERE refusal_id = ANY ($1)`
)

// WriteAudit implements [channel.AuditLog], in three round trips; in one of reading where there is nothing to do.
func (s *Store) WriteAudit(
	ctx context.Context, limit int, chain func([]channel.AuditSource, map[ids.Group]channel.AuditHead) []channel.AuditEntry,
) (taken int, err error) {
	err = s.router.Main().WritePgx(ctx, func(ctx context.Context, tx *shardrouter.Tx) error {
		sources, err := unaudited(ctx, tx, limit)
		if taken = len(sources); err != nil || taken == 0 {
			return err
		}
		heads, err := headsOf(ctx, tx, channel.AuditGroups(sources))
		if err != nil {
			return err
		}
		keep(tx, sources, chain(sources, heads), heads)
		return nil
	}, shardrouter.Repeatable())
	return taken, translate(err)
}

// unaudited takes the scribe's part and returns the rows to write about; none if another has it.
func unaudited(ctx context.Context, tx *shardrouter.Tx, limit int) (sources []channel.AuditSource, err error) {
	mine := false
	tx.Queue(lockScribe).Query(func(rows pgx.Rows) error {
		mine = rows.Next()
		rows.Close()
		return rows.Err()
	})
	tx.Queue(readUnaudited, limit).Query(func(rows pgx.Rows) (err error) {
		sources, err = pgx.CollectRows(rows, scanSource)
		return err
	})
	if err = tx.Flush(ctx); err != nil || !mine {
		return nil, err
	}
	return sources, nil
}

// scanSource reads a row of readUnaudited.
func scanSource(row pgx.CollectableRow) (s channel.AuditSource, err error) {
	var actor ids.User
	var actorName, policy *string
	var actorGroup, from, to, about maybeGroup
	fields := []any{&s.Refused, &s.ID, &s.At, &s.Deed, &s.Rule, &s.Channel, &s.Invitation, &s.Version, &s.State, &s.Reason, &actor, &actorName}
	for _, group := range []*maybeGroup{&actorGroup, &from, &to, &about} {
		fields = append(fields, group.fields()...)
	}
	if err := row.Scan(append(fields, &policy, &s.Unsent)...); err != nil {
		return s, err
	}
	s.At, s.From, s.To, s.About, s.Policy = s.At.UTC(), from.group(), to.group(), about.group(), channel.ReadAuditedPolicy(policy)
	if group := actorGroup.group(); group != nil && actorName != nil {
		by := userIn(*group, actor, *actorName)
		s.Actor = &by
	}
	return s, nil
}

// maybeGroup is a group that may be joined to a row.
type maybeGroup struct {
	id           ids.Group
	handle, name *string
}

func (g *maybeGroup) fields() []any { return []any{&g.id, &g.handle, &g.name} }

func (g *maybeGroup) group() *channel.Group {
	if g.handle == nil {
		return nil
	}
	return &channel.Group{ID: g.id, Handle: *g.handle, Name: *g.name}
}

// headsOf returns where the audits of groups end, and begins those that are not there.
func headsOf(ctx context.Context, tx *shardrouter.Tx, groups []ids.Group) (map[ids.Group]channel.AuditHead, error) {
	genesis := make([][]byte, len(groups))
	for i := range genesis {
		hash := channel.NewAuditHash()
		genesis[i] = hash[:]
	}
	heads := make(map[ids.Group]channel.AuditHead, len(groups))
	tx.Queue(beginAudits, uuids(groups), genesis)
	tx.Queue(lockHeads, uuids(groups)).Query(func(rows pgx.Rows) error {
		var group ids.Group
		var number int32
		var hash []byte
		_, err := pgx.ForEachRow(rows, []any{&group, &number, &hash}, func() error {
			heads[group] = channel.AuditHead{Number: number, Hash: channel.AuditHash(hash)}
			return nil
		})
		return err
	})
	err := tx.Flush(ctx) // sets heads
	return heads, err
}

// keep writes entries and heads, and that the rows are done. Its statements wait for COMMIT.
func keep(tx *shardrouter.Tx, sources []channel.AuditSource, entries []channel.AuditEntry, heads map[ids.Group]channel.AuditHead) {
	n := len(entries)
	groups, numbers, records, hashes := make([]ids.Group, n), make([]int32, n), make([]string, n), make([][]byte, n)
	of := make([]string, n)
	for i := range entries {
		e := &entries[i]
		groups[i], numbers[i], of[i], records[i], hashes[i] = e.Group, e.Number, e.Source, e.Record, e.Hash[:]
	}
	tx.Queue(writeEntries, uuids(groups), numbers, of, records, hashes)

	var ended []ids.Group
	var lasts []int32
	var last [][]byte
	for group, head := range heads {
		ended, lasts, last = append(ended, group), append(lasts, head.Number), append(last, head.Hash[:])
	}
	tx.Queue(moveHeads, uuids(ended), lasts, last)

	var transitions, refusals []ids.Transition
	for i := range sources {
		if sources[i].Refused {
			refusals = append(refusals, sources[i].ID)
		} else {
			transitions = append(transitions, sources[i].ID)
		}
	}
	tx.Queue(markTransitions, uuids(transitions))
	tx.Queue(markRefusals, uuids(refusals))
}

const readOldestUnaudited = `
	SELECT COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - LEAST(
		(SELECT min(t.at) FROM linkspan_main.transition AS t WHERE NOT t.audited),
		(SELECT min(r.at) FROM linkspan_main.refusal AS r WHERE NOT r.audited))), 0)::float8`

// OldestUnaudited implements [channel.AuditLog].
func (s *Store) OldestUnaudited(ctx context.Context) (time.Duration, error) {
	var seconds float64
	err := s.router.Main().ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
		return conn.QueryRow(ctx, readOldestUnaudited).Scan(&seconds)
	})
	return time.Duration(seconds * float64(time.Second)), translate(err)
}

// noteRefusal arguments: id, deed, rule, the group, id and name of the user, the invitation, the channel, the other group.
const noteRefusal = `
	INSERT INTO linkspan_main.refusal (refusal_id, at, minute, deed, rule, group_id, user_id, user_name, subject, invitation_id, channel_id, about_group_id)
	VALUES ($1, clock_timestamp(), date_trunc('minute', clock_timestamp()), $2, $3, $4, $5, $6, concat_ws(' ', COALESCE($7::uuid, $8::uuid, $4::uuid), $9::uuid), $7, $8, $9)
	ON CONFLICT (group_id, user_id, deed, subject, rule, minute) DO NOTHING`

// NoteRefusal implements [channel.AuditLog].
func (s *Store) NoteRefusal(ctx context.Context, r *channel.Refusal) error {
	return translate(s.router.Main().WritePgx(ctx, func(_ context.Context, tx *shardrouter.Tx) error {
		tx.Queue(noteRefusal, r.ID, r.Deed, r.Rule, r.By.ID.Group, r.By.ID, r.By.Name, r.Invitation, r.Channel, r.About)
		return nil
	}, shardrouter.Repeatable()))
}

// The pages of an audit, the newest entry first, from the beginning and from the end. Arguments: the group, the numbers between which they are,
// how many at most.
const (
	listAudit = `
		SELECT e.number, e.record, e.hash FROM linkspan_main.audit_entry AS e
		WHERE e.group_id = $1 AND e.number < $2::bigint AND e.number > $3::bigint`
	auditFromBeginning = listAudit + ` ORDER BY e.number DESC LIMIT $4`
	auditFromEnd       = listAudit + ` ORDER BY e.number ASC LIMIT $4`
)

// ListAudit implements [channel.AuditLog].
func (s *Store) ListAudit(ctx context.Context, group ids.Group, r channel.Range) (channel.Rows[*channel.AuditEntry], error) {
	const beyond = int64(1) << 31 // no number of an entry
	before := beyond
	if r.After > 0 {
		before = min(r.After, beyond)
	}
	query := auditFromBeginning
	if r.Backward {
		query = auditFromEnd
	}
	var found []*channel.AuditEntry
	err := s.router.Main().ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
		rows, err := conn.Query(ctx, query, group, before, min(r.Before, beyond), r.Limit+1)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, scanEntry)
		return err
	})
	if err != nil {
		return channel.Rows[*channel.AuditEntry]{}, translate(err)
	}
	return inOrder(found, r, func(e **channel.AuditEntry) int64 { return int64((*e).Number) },
		func(e **channel.AuditEntry) *channel.AuditEntry { return *e }), nil
}

// scanEntry reads an entry. Its place is the row's, whatever its text says.
func scanEntry(row pgx.CollectableRow) (*channel.AuditEntry, error) {
	var number int32
	var record string
	var hash []byte
	if err := row.Scan(&number, &record, &hash); err != nil {
		return nil, err
	}
	e, err := channel.ReadAuditEntry(record, channel.AuditHash(hash))
	if err == nil {
		e.Number = number
	}
	return e, err
}
