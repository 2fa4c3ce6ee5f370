package audit

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"linkspan/internal/channel"
)

// readPolicy reads what a group's sharing policy says, as audits keep it, if it has that version. Arguments: the group, the version.
const readPolicy = `
	SELECT p.sharing_enabled, p.who_may_create, p.who_may_accept, p.outgoing_approval, p.incoming_approval, p.invitation_ttl_hours, p.links_in_notes
	FROM linkspan_main.sharing_policy AS p WHERE p.group_id = $1 AND p.version = $2`

// policy compares a group's policy with the last entry that says what it became; nil: there is none. One that was changed since then has another
// version, and its entry is on its way.
func (v *verifier) policy(ctx context.Context, g *standing, last *channel.AuditEntry) error {
	if last == nil || last.Version == nil {
		return nil
	}
	found, err := query(ctx, v.router, readPolicy, func(row pgx.CollectableRow) (p channel.AuditedPolicy, err error) {
		return p, row.Scan(&p.SharingEnabled, &p.WhoMayCreate, &p.WhoMayAccept, &p.OutgoingApproval, &p.IncomingApproval, &p.InvitationTTLHours, &p.LinksInNotes)
	}, g.id, *last.Version)
	if err != nil || len(found) == 0 {
		return err
	}
	now, err := json.Marshal(found[0])
	if err != nil {
		return err
	}
	then, err := json.Marshal(last.Policy)
	if err == nil && string(now) != string(then) {
		v.report.breach(g.handle, last.Number, "the policy of the group is another now, and nobody has decided that: in %s", differing(string(then), string(now)))
	}
	return err
}
