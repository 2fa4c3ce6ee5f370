package audit

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
)

// readPolicy reads what a group's sharing policy says, as audits keep it, its version, and whether it is a newer one
// that somebody decided. Arguments: the group, the version.
const readPolicy = `
	SELECT p.sharing_enabled, p.who_may_create, p.who_may_accept, p.outgoing_approval, p.incoming_approval, p.invitation_ttl_hours, p.links_in_notes,
		p.version, p.version > $2 AND EXISTS (SELECT FROM linkspan_main.transition AS t
			WHERE t.actor_group_id = p.group_id AND t.deed = 'SET_POLICY' AND t.version = p.version)
	FROM linkspan_main.sharing_policy AS p WHERE p.group_id = $1`

// foundPolicy is a row of readPolicy.
type foundPolicy struct {
	says    channel.AuditedPolicy
	version int32
	newer   bool // it was decided behind the version that was asked for
}

func scanPolicy(row pgx.CollectableRow) (f foundPolicy, err error) {
	p := &f.says
	return f, row.Scan(&p.SharingEnabled, &p.WhoMayCreate, &p.WhoMayAccept, &p.OutgoingApproval, &p.IncomingApproval, &p.InvitationTTLHours, &p.LinksInNotes,
		&f.version, &f.newer)
}

// policy compares a group's policy with the last entry that says what it became; nil: there is none. One that was decided since then has a newer
// version, and its entry is on its way.
func (v *verifier) policy(ctx context.Context, g *standing, last *channel.AuditEntry) error {
	if last == nil || last.Version == nil {
		return nil
	}
	breach := func(format string, args ...any) { v.report.breach(g.handle, last.Number, format, args...) }
	found, err := query(ctx, v.router, readPolicy, scanPolicy, g.id, *last.Version)
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		breach("the policy of the group is not there any more, and nobody can take it away")
		return nil
	case found[0].newer:
		return nil
	case found[0].version != *last.Version:
		breach("the policy of the group has version %d now, and nobody has decided that: this was %d", found[0].version, *last.Version)
		return nil
	}
	now, err := json.Marshal(found[0].says)
	if err != nil {
		return err
	}
	then, err := json.Marshal(last.Policy)
	if err == nil && string(now) != string(then) {
		breach("the policy of the group is another now, and nobody has decided that: in %s", differing(string(then), string(now)))
	}
	return err
}
