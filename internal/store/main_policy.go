package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/shardrouter"
)

// policyOf are the columns of a policy p that may not be there, which stands for the default; policyFields take them.
func policyOf(p string) string {
	return `COALESCE(` + p + `.version, 1), COALESCE(` + p + `.sharing_enabled, true), COALESCE(` + p + `.who_may_create, 'MEMBERS'),
		COALESCE(` + p + `.who_may_accept, 'ADMINS'), COALESCE(` + p + `.outgoing_approval, false), COALESCE(` + p + `.incoming_approval, false),
		` + p + `.invitation_ttl_hours, COALESCE(` + p + `.links_in_notes, true)`
}

func policyFields(p *channel.SharingPolicy) []any {
	return []any{&p.Version, &p.SharingEnabled, &p.WhoMayCreate, &p.WhoMayAccept, &p.OutgoingApproval, &p.IncomingApproval, &p.InvitationTTLHours, &p.LinksInNotes}
}

// stanceOf are the columns of a stance s that may not be there; stanceFields take them.
func stanceOf(s string) string {
	return `COALESCE(` + s + `.version, 0), COALESCE(` + s + `.trusted, false), COALESCE(` + s + `.blocked, false)`
}

func stanceFields(s *channel.Stance) []any { return []any{&s.Version, &s.Trusted, &s.Blocked} }

// The statements of policies. Arguments: a group, and another.
var (
	readPolicy = `
		SELECT clock_timestamp(), ` + policyOf("p") + ` FROM (SELECT) AS one
		LEFT JOIN linkspan_main.sharing_policy AS p ON p.group_id = $1`
	readStance = `
		SELECT clock_timestamp(), ` + stanceOf("s") + ` FROM (SELECT) AS one
		LEFT JOIN linkspan_main.stance AS s ON s.group_id = $1 AND s.other_group_id = $2`
	// Nothing of what the second thinks of the first: by it nobody finds out who blocks whom.
	readParties = `
		SELECT clock_timestamp(), ` + policyOf("p") + `, ` + stanceOf("s") + `, ` + policyOf("q") + ` FROM (SELECT) AS one
		LEFT JOIN linkspan_main.sharing_policy AS p ON p.group_id = $1
		LEFT JOIN linkspan_main.stance AS s ON s.group_id = $1 AND s.other_group_id = $2
		LEFT JOIN linkspan_main.sharing_policy AS q ON q.group_id = $2`
	// Groups with a stance of the group, by handle.
	readStances = `
		SELECT s.trusted, s.blocked, g.group_id, g.handle, g.name FROM linkspan_main.stance AS s
		JOIN linkspan_main.groups AS g ON g.group_id = s.other_group_id
		WHERE s.group_id = $1 AND (s.trusted OR s.blocked) ORDER BY g.handle`
)

// parties are where a row of readParties goes.
type parties struct {
	at         time.Time
	own, other channel.Party
}

func newParties(from, to ids.Group) *parties {
	return &parties{own: channel.Party{Policy: channel.SharingPolicy{Group: from}}, other: channel.Party{Policy: channel.SharingPolicy{Group: to}}}
}

func (p *parties) fields() []any {
	fields := append([]any{&p.at}, policyFields(&p.own.Policy)...)
	fields = append(fields, stanceFields(&p.own.Stance)...)
	return append(fields, policyFields(&p.other.Policy)...)
}

// Parties implements [channel.MainTx].
func (t mainTx) Parties(ctx context.Context, from, to ids.Group) (time.Time, *channel.Party, *channel.Party, error) {
	found := newParties(from, to)
	err := t.tx.QueryRow(ctx, readParties, []any{from, to}, found.fields()...)
	return found.at.UTC(), &found.own, &found.other, err
}

// Parties implements [channel.Main].
func (s *Store) Parties(ctx context.Context, from, to ids.Group) (*channel.Party, *channel.Party, error) {
	found := newParties(from, to)
	err := s.router.Main().ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
		return conn.QueryRow(ctx, readParties, from, to).Scan(found.fields()...)
	})
	return &found.own, &found.other, translate(err)
}

// Sharing implements [channel.Main].
func (s *Store) Sharing(ctx context.Context, group ids.Group) (*channel.Sharing, error) {
	var found *channel.Sharing
	err := s.router.Main().ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
		found = &channel.Sharing{SharingPolicy: channel.SharingPolicy{Group: group}, TrustedGroups: []channel.Group{}, BlockedGroups: []channel.Group{}}
		var at time.Time
		if err := conn.QueryRow(ctx, readPolicy, group).Scan(append([]any{&at}, policyFields(&found.SharingPolicy)...)...); err != nil {
			return err
		}
		rows, err := conn.Query(ctx, readStances, group)
		if err != nil {
			return err
		}
		var stance channel.Stance
		var other channel.Group
		_, err = pgx.ForEachRow(rows, []any{&stance.Trusted, &stance.Blocked, &other.ID, &other.Handle, &other.Name}, func() error {
			if stance.Trusted {
				found.TrustedGroups = append(found.TrustedGroups, other)
			}
			if stance.Blocked {
				found.BlockedGroups = append(found.BlockedGroups, other)
			}
			return nil
		})
		return err
	})
	return found, translate(err)
}

// Policy implements [channel.MainTx].
func (t mainTx) Policy(ctx context.Context, group ids.Group) (at time.Time, p channel.SharingPolicy, err error) {
	p.Group = group
	err = t.tx.QueryRow(ctx, readPolicy, []any{group}, append([]any{&at}, policyFields(&p)...)...)
	return at.UTC(), p, err
}

// Stance implements [channel.MainTx].
func (t mainTx) Stance(ctx context.Context, group, other ids.Group) (at time.Time, s channel.Stance, err error) {
	err = t.tx.QueryRow(ctx, readStance, []any{group, other}, append([]any{&at}, stanceFields(&s)...)...)
	return at.UTC(), s, err
}

// What a group says is written over the version before, or where it never said, and leaves the row of history without a version elsewhere, as
// writeMove does. Arguments: group, version after, those of the row of history, and the statement's own.
var (
	savePolicy = `
		WITH saved AS (
			INSERT INTO linkspan_main.sharing_policy AS p (group_id, version, sharing_enabled, who_may_create, who_may_accept,
				outgoing_approval, incoming_approval, invitation_ttl_hours, links_in_notes)
			SELECT $1, $2, $10, $11, $12, $13, $14, $15, $16
			WHERE $2 = 2 OR EXISTS (SELECT FROM linkspan_main.sharing_policy AS x WHERE x.group_id = $1)
			ON CONFLICT (group_id) DO UPDATE SET version = excluded.version, sharing_enabled = excluded.sharing_enabled,
				who_may_create = excluded.who_may_create, who_may_accept = excluded.who_may_accept,
				outgoing_approval = excluded.outgoing_approval, incoming_approval = excluded.incoming_approval,
				invitation_ttl_hours = excluded.invitation_ttl_hours, links_in_notes = excluded.links_in_notes
			WHERE p.version = excluded.version - 1
			RETURNING version
		)` + noteOwn("$17::jsonb")
	saveStance = `
		WITH saved AS (
			INSERT INTO linkspan_main.stance AS s (group_id, other_group_id, version, trusted, blocked)
			SELECT $1, $9, $2, $10, $11
			WHERE $2 = 1 OR EXISTS (SELECT FROM linkspan_main.stance AS x WHERE x.group_id = $1 AND x.other_group_id = $9)
			ON CONFLICT (group_id, other_group_id) DO UPDATE
			SET version = excluded.version, trusted = excluded.trusted, blocked = excluded.blocked
			WHERE s.version = excluded.version - 1
			RETURNING version
		)` + noteOwn("NULL")
)

// noteOwn is the row of history behind a statement named saved, with what the policy says after it.
func noteOwn(policy string) string {
	return `
		INSERT INTO linkspan_main.transition (transition_id, op_id, at, deed, rule, version, actor_group_id, actor_id, actor_name, about_group_id, policy)
		VALUES ($3, $4, $5, $6, 'ROLE', (SELECT version FROM saved), $1, $7, $8, $9, ` + policy + `)`
}

// noted are the arguments of noteOwn.
func noted(by channel.Decision, version int32, other ids.Group) []any {
	return []any{by.By.ID.Group, version, ids.NewTransition(), by.Op, by.At, by.Deed, by.By.ID, by.By.Name, other}
}

// SavePolicy implements [channel.MainTx].
func (t mainTx) SavePolicy(_ context.Context, by channel.Decision, p channel.SharingPolicy) error {
	kept, err := json.Marshal(p.Audited())
	if err != nil {
		return err
	}
	t.tx.Queue(savePolicy, append(noted(by, p.Version, ids.Group{}), p.SharingEnabled, p.WhoMayCreate, p.WhoMayAccept, p.OutgoingApproval,
		p.IncomingApproval, p.InvitationTTLHours, p.LinksInNotes, string(kept))...)
	return nil
}

// SaveStance implements [channel.MainTx].
func (t mainTx) SaveStance(_ context.Context, by channel.Decision, other ids.Group, s channel.Stance) error {
	t.tx.Queue(saveStance, append(noted(by, s.Version, other), s.Trusted, s.Blocked)...)
	return nil
}
