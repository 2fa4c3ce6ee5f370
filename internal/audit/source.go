package audit

import (
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// decisions and refusals are the rows of main that audits tell of, under the names that sourceColumns know them by. The statements are not those by
// which entries are made (docs/decisions/0011-check-has-its-own-sql.md).
const (
	decisions = `
		SELECT false AS refused, transition_id AS id, at, deed, rule, channel_id, invitation_id, version, state, reason,
			actor_group_id, actor_id, actor_name, about_group_id, audited, policy FROM linkspan_main.transition`
	refusals = `
		SELECT true AS refused, refusal_id AS id, at, deed, rule, channel_id, invitation_id, 0 AS version, NULL::text AS state, NULL::text AS reason,
			group_id AS actor_group_id, user_id AS actor_id, user_name AS actor_name, about_group_id, audited, NULL::jsonb AS policy FROM linkspan_main.refusal`
)

// sourceColumns are those of a row s of either, joined by withGroups; sourceRow takes them. An invited group knows of an invitation from its first
// version on that was sent: when it was PENDING, or else began as anything but REQUESTED.
const (
	sourceColumns = `s.refused, s.id, s.at, s.deed, s.rule, s.channel_id, s.invitation_id, s.version, s.state, s.reason, s.actor_id, s.actor_name, s.audited, s.policy::text,
		a.group_id, a.handle, a.name, f.group_id, f.handle, f.name, t.group_id, t.handle, t.name, o.group_id, o.handle, o.name,
		NOT s.refused AND s.version < (
			SELECT COALESCE(min(x.version) FILTER (WHERE x.state = 'PENDING'), 2147483647) FROM linkspan_main.transition AS x
			WHERE x.invitation_id = s.invitation_id
			HAVING (array_agg(x.state ORDER BY x.version))[1] = 'REQUESTED')`
	withGroups = `
		LEFT JOIN linkspan_main.invitation AS i ON i.invitation_id = s.invitation_id
		LEFT JOIN linkspan_main.groups AS f ON f.group_id = i.from_group_id
		LEFT JOIN linkspan_main.groups AS t ON t.group_id = i.to_group_id
		LEFT JOIN linkspan_main.groups AS a ON a.group_id = s.actor_group_id
		LEFT JOIN linkspan_main.groups AS o ON o.group_id = s.about_group_id`
)

// sourceRow is where sourceColumns go. All are null where the row is not there.
type sourceRow struct {
	refused, audited, unsent *bool
	id                       ids.Transition
	at                       *time.Time
	deed, rule               *string
	channel                  ids.Channel
	invitation               ids.Invitation
	version                  *int32
	state, reason, name      *string
	user                     ids.User
	policy                   *string
	actor, from, to, other   groupRow
}

type groupRow struct {
	id           ids.Group
	handle, name *string
}

func (g *groupRow) group() *channel.Group {
	if g.handle == nil {
		return nil
	}
	return &channel.Group{ID: g.id, Handle: *g.handle, Name: *g.name}
}

func (r *sourceRow) fields() []any {
	fields := []any{&r.refused, &r.id, &r.at, &r.deed, &r.rule, &r.channel, &r.invitation, &r.version, &r.state, &r.reason, &r.user, &r.name, &r.audited, &r.policy}
	for _, g := range []*groupRow{&r.actor, &r.from, &r.to, &r.other} {
		fields = append(fields, &g.id, &g.handle, &g.name)
	}
	return append(fields, &r.unsent)
}

// source returns the row; nil if it is not there.
func (r *sourceRow) source() *channel.AuditSource {
	if r.deed == nil {
		return nil
	}
	s := &channel.AuditSource{
		ID: r.id, At: r.at.UTC(), Refused: *r.refused, Deed: channel.Deed(*r.deed), Rule: channel.SharingRule(*r.rule), Channel: r.channel,
		Invitation: r.invitation, Version: *r.version, Reason: r.reason, From: r.from.group(), To: r.to.group(), About: r.other.group(),
		Unsent: r.unsent != nil && *r.unsent, Policy: channel.ReadAuditedPolicy(r.policy),
	}
	if r.state != nil {
		s.State = *r.state
	}
	if group := r.actor.group(); group != nil && r.name != nil {
		user := r.user
		user.Group = group.ID
		s.Actor = &channel.User{ID: user, Name: *r.name, Group: *group}
	}
	return s
}
