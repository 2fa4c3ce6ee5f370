package check_test

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
	"linkspan/internal/localpg/localpgtest"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// shared is a channel of many groups whose life is written by hand, on all clusters: a deed is what main would decide, and
// what its steps would do, each in one piece. Every deed fails the test where the tables don't take it.
type shared struct {
	w      *world
	id     ids.Channel
	home   string // the group that made it, which hears by the channel's own steps
	number int    // of names
}

// share makes a channel as the product does, for a group to be asked; accepted says whether it has come in.
func (w *world) share(from, to string, accepted bool) (*shared, *channel.Invitation) {
	w.t.Helper()
	in, err := w.create(w.t.Context(), from, to)
	if err == nil && accepted {
		err = w.accept(w.t.Context(), in)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.Settled()
	s := &shared{w: w, id: in.ChannelID, home: from}
	s.write("main", `DELETE FROM linkspan_main.transition WHERE channel_id = $1`, in.ChannelID) // as if it were from before there was history
	return s, in
}

func (s *shared) group(handle string) ids.Group { return s.w.admins[handle].Group.ID }

// write runs a statement on a cluster.
func (s *shared) write(cluster, text string, args ...any) {
	s.w.t.Helper()
	if _, err := s.w.exec(cluster, text, args...); err != nil {
		s.w.t.Fatal(err)
	}
}

// row reads a row of main as JSON, which a shard makes a copy of.
func (s *shared) row(text string, args ...any) (row string) {
	s.w.t.Helper()
	pool := localpgtest.Pool(s.w.t, storetest.DSN(s.w.Config, "main"))
	if err := pool.QueryRow(s.w.t.Context(), text, args...).Scan(&row); err != nil {
		s.w.t.Fatal(err)
	}
	return row
}

// place is a slot and its cluster.
func (s *shared) place(slot shardrouter.Slot) (cluster string, number int16) {
	return s.w.Router.ClusterOf(slot), int16(slot)
}

func (s *shared) channelPlace() (string, int16) { return s.place(shardrouter.Slot(s.id.Slot())) }

func (s *shared) groupPlace(handle string) (string, int16) {
	return s.place(shardrouter.SlotOf(s.group(handle).Bytes()))
}

// step counts a step to a group, or to the channel where the group is home, that has taken effect.
func (s *shared) step(handle string) {
	s.w.t.Helper()
	kind, to := "GROUP", s.group(handle).UUID()
	cluster, slot := s.groupPlace(handle)
	if handle == s.home {
		kind, to = "CHANNEL", s.id.UUID()
		cluster, slot = s.channelPlace()
	}
	s.write("main", `
		INSERT INTO linkspan_main.outbox_stream AS s (subject, destination_kind, destination, head, tail, due_at) VALUES ($1, $2, $3, 2, 1, now())
		ON CONFLICT (subject, destination_kind, destination) DO UPDATE SET head = s.head + 1, tail = s.tail + 1`, s.id, kind, to)
	s.write(cluster, `
		INSERT INTO linkspan_shard.applied_step AS a (slot, subject, destination, number, op_id) VALUES ($1, $2, $3, 1, gen_random_uuid())
		ON CONFLICT (slot, subject, destination) DO UPDATE SET number = a.number + 1`, slot, s.id, to)
}

// tell brings an invitation into a group's list, with an event of its inbox.
func (s *shared) tell(handle, kind string, invitation uuid.UUID) {
	s.w.t.Helper()
	s.step(handle)
	cluster, slot := s.groupPlace(handle)
	copied := s.row(`
		SELECT to_jsonb(i) || jsonb_build_object('from_handle', f.handle, 'from_name', f.name, 'to_handle', t.handle, 'to_name', t.name)
		FROM linkspan_main.invitation AS i
		JOIN linkspan_main.groups AS f ON f.group_id = i.from_group_id JOIN linkspan_main.groups AS t ON t.group_id = i.to_group_id
		WHERE i.invitation_id = $1`, invitation)
	s.write(cluster, `
		WITH log AS (
			UPDATE linkspan_shard.inbox_log SET head = head + 1 WHERE slot = $1 AND group_id = $2 RETURNING head
		), list AS (
			INSERT INTO linkspan_shard.group_invitation AS l (slot, group_id, position, direction, `+invitationColumns+`)
			SELECT $1, $2, log.head, CASE i.from_group_id WHEN $2 THEN 'SENT' ELSE 'RECEIVED' END, `+of("i", invitationColumns)+`
			FROM log, jsonb_populate_record(NULL::linkspan_shard.group_invitation, $4) AS i
			ON CONFLICT (slot, group_id, invitation_id) DO UPDATE SET state = excluded.state, version = excluded.version,
				expires_at = excluded.expires_at, resolved_at = excluded.resolved_at, resolver_group_id = excluded.resolver_group_id,
				resolver_id = excluded.resolver_id, resolver_name = excluded.resolver_name, awaits_from = excluded.awaits_from, awaits_to = excluded.awaits_to
		)
		INSERT INTO linkspan_shard.inbox_event (slot, group_id, number, kind, invitation_id, invitation_version, channel_id,
			about_group_id, about_handle, about_name)
		SELECT $1, $2, log.head, $3, i.invitation_id, i.version, i.channel_id, i.to_group_id, i.to_handle, i.to_name
		FROM log, jsonb_populate_record(NULL::linkspan_shard.group_invitation, $4) AS i`,
		slot, s.group(handle), kind, copied)
}

const invitationColumns = `invitation_id, channel_id, state, version, note, reason, from_group_id, from_handle, from_name, to_group_id, to_handle,
	to_name, sender_id, sender_name, resolver_group_id, resolver_id, resolver_name, created_at, expires_at, resolved_at, proposed_name, awaits_from, awaits_to`

// of are columns of a table.
func of(table, columns string) string {
	names := strings.FieldsFunc(columns, func(r rune) bool { return strings.ContainsRune(", \n\t", r) })
	return table + "." + strings.Join(names, ", "+table+".")
}

// show brings the channel as main has it to its shard; of a group also its side, with an event of the log.
func (s *shared) show(handle, event string) {
	s.w.t.Helper()
	s.step(s.home)
	cluster, slot := s.channelPlace()
	s.write(cluster, `
		UPDATE linkspan_shard.channel AS c
		SET state = m.state, initiator_group_id = m.initiator_group_id, pending_until = m.pending_until, home_group_id = $4
		FROM jsonb_populate_record(NULL::linkspan_shard.channel, $3) AS m WHERE c.slot = $1 AND c.channel_id = $2`,
		slot, s.id, s.row(`
			SELECT to_jsonb(c) || jsonb_build_object('pending_until', (
				SELECT max(i.expires_at) FROM linkspan_main.invitation AS i
				WHERE i.channel_id = c.channel_id AND c.state = 'PENDING' AND i.state IN ('REQUESTED', 'PENDING', 'AWAITING_APPROVAL')))
			FROM linkspan_main.channel AS c WHERE c.channel_id = $1`, s.id), s.group(s.home))
	if handle == "" {
		return
	}
	link := s.row(`SELECT to_jsonb(r) FROM linkspan_main.shard_referential AS r WHERE r.channel_id = $1 AND r.group_id = $2`, s.id, s.group(handle))
	s.write(cluster, `
		WITH log AS (
			UPDATE linkspan_shard.channel_log SET head = head + CASE $3 WHEN '' THEN 0 ELSE 1 END
			WHERE slot = $1 AND channel_id = $2 RETURNING head
		), side AS (
			INSERT INTO linkspan_shard.channel_side AS s
				(slot, channel_id, group_id, handle, group_name, role, state, version, name, linked_at, unlinked_after, frozen_initiator_group_id, linked_number)
			SELECT $1, r.channel_id, r.group_id, $5, $5, r.role, r.state, r.version, r.name, r.linked_at,
				CASE WHEN r.state IN ('LEFT', 'REMOVED') THEN log.head END, CASE WHEN r.state IN ('LEFT', 'REMOVED') THEN r.group_id END,
				CASE r.state WHEN 'LINKED' THEN log.head END
			FROM log, jsonb_populate_record(NULL::linkspan_shard.channel_side, $4) AS r
			ON CONFLICT (slot, channel_id, group_id) DO UPDATE SET role = excluded.role, state = excluded.state, version = excluded.version,
				name = excluded.name, linked_at = excluded.linked_at,
				unlinked_after = CASE $3 WHEN '' THEN s.unlinked_after ELSE excluded.unlinked_after END,
				frozen_initiator_group_id = CASE $3 WHEN '' THEN s.frozen_initiator_group_id ELSE excluded.frozen_initiator_group_id END,
				linked_number = CASE $3 WHEN 'GROUP_LINKED' THEN excluded.linked_number ELSE s.linked_number END
		)
		INSERT INTO linkspan_shard.channel_event (slot, channel_id, number, kind, about_group_id, side_version)
		SELECT $1, r.channel_id, log.head, $3, r.group_id, r.version
		FROM log, jsonb_populate_record(NULL::linkspan_shard.channel_side, $4) AS r WHERE $3 <> ''`,
		slot, s.id, event, link, handle)
}

// invite asks a group.
func (s *shared) invite(from, to string) uuid.UUID {
	s.w.t.Helper()
	id := ids.NewInvitation().UUID()
	s.write("main", `
		WITH sent AS (
			INSERT INTO linkspan_main.invitation (invitation_id, channel_id, from_group_id, to_group_id, state, version, note,
				sender_id, sender_name, proposed_name, expires_at)
			VALUES ($1, $2, $3, $4, 'PENDING', 1, $5, gen_random_uuid(), $5, $5, now() + interval '1 day')
		)
		INSERT INTO linkspan_main.shard_referential AS r (channel_id, group_id, role, state, version, invitation_id)
		VALUES ($2, $4, 'TARGET', 'INVITED', 1, $1)
		ON CONFLICT (channel_id, group_id) DO UPDATE SET invitation_id = $1,
			state = CASE r.state WHEN 'CLOSED' THEN 'INVITED' ELSE r.state END,
			version = CASE r.state WHEN 'CLOSED' THEN r.version + 1 ELSE r.version END`,
		id, s.id, s.group(from), s.group(to), secretText)
	s.show("", "")
	s.tell(from, "INVITATION_CHANGED", id)
	s.tell(to, "INVITATION_RECEIVED", id)
	return id
}

// move brings an invitation between two groups into a state; resolver is the group of who decided, "" for nobody or nobody yet.
func (s *shared) move(invitation uuid.UUID, state, resolver string) {
	s.w.t.Helper()
	var by any
	if resolver != "" {
		by = s.group(resolver)
	}
	s.write("main", `
		UPDATE linkspan_main.invitation SET state = $2, version = version + 1, resolver_group_id = $3,
			resolver_id = CASE WHEN $3::uuid IS NOT NULL THEN gen_random_uuid() END,
			resolver_name = CASE WHEN $3::uuid IS NOT NULL THEN 'somebody' END,
			awaits_to = $2 = 'AWAITING_APPROVAL',
			resolved_at = CASE WHEN $2 = 'EXPIRED' THEN expires_at WHEN $2 <> 'AWAITING_APPROVAL' THEN now() END
		WHERE invitation_id = $1`, invitation, state, by)
}

// end ends an invitation without a link.
func (s *shared) end(invitation uuid.UUID, from, to, state, resolver string) {
	s.w.t.Helper()
	s.move(invitation, state, resolver)
	s.write("main", `
		UPDATE linkspan_main.shard_referential SET state = 'CLOSED', version = version + 1
		WHERE channel_id = $1 AND group_id = $2 AND state = 'INVITED'`, s.id, s.group(to))
	s.show("", "")
	s.tell(from, "INVITATION_CHANGED", invitation)
	s.tell(to, "INVITATION_CHANGED", invitation)
}

// link links the group that an invitation asks.
func (s *shared) link(invitation uuid.UUID, from, to string) {
	s.w.t.Helper()
	s.number++
	name := fmt.Sprintf("%s of %s by hand %d", secretText, s.id.UUID(), s.number)
	s.move(invitation, "ACCEPTED", to)
	s.write("main", `UPDATE linkspan_main.channel SET state = 'ACTIVE' WHERE channel_id = $1 AND state = 'PENDING'`, s.id)
	s.write("main", `
		UPDATE linkspan_main.shard_referential SET state = 'LINKED', version = version + 1, name = $3, name_key = $4, linked_at = now()
		WHERE channel_id = $1 AND group_id = $2`, s.id, s.group(to), name, channel.NameKey(name))
	s.show(to, "GROUP_LINKED")
	s.tell(from, "SHARED_CHANNEL_LINKED", invitation)
	s.tell(to, "SHARED_CHANNEL_LINKED", invitation)
	cluster, slot := s.groupPlace(to)
	s.write(cluster, `
		INSERT INTO linkspan_shard.group_channel AS c (slot, group_id, channel_id, position)
		SELECT slot, group_id, $3::uuid, head FROM linkspan_shard.inbox_log WHERE slot = $1 AND group_id = $2
		ON CONFLICT (slot, group_id, channel_id) DO UPDATE SET position = excluded.position`, slot, s.group(to), s.id)
}

// part ends a group's part, as LEFT or REMOVED. The last one archives the channel.
func (s *shared) part(handle, state string) {
	s.w.t.Helper()
	s.write("main", `
		UPDATE linkspan_main.shard_referential SET state = $3, version = version + 1 WHERE channel_id = $1 AND group_id = $2`,
		s.id, s.group(handle), state)
	s.write("main", `
		UPDATE linkspan_main.channel AS c SET state = 'ARCHIVED' WHERE c.channel_id = $1 AND NOT EXISTS (
			SELECT FROM linkspan_main.shard_referential AS r WHERE r.channel_id = c.channel_id AND r.state = 'LINKED')`, s.id)
	s.show(handle, "GROUP_UNLINKED")
}

// take hands the initiator's role on.
func (s *shared) take(from, to string) {
	s.w.t.Helper()
	s.write("main", `UPDATE linkspan_main.channel SET initiator_group_id = $2 WHERE channel_id = $1`, s.id, s.group(to))
	s.write("main", `
		UPDATE linkspan_main.shard_referential SET role = CASE group_id WHEN $2 THEN 'INITIATOR' ELSE 'TARGET' END, version = version + 1
		WHERE channel_id = $1 AND group_id IN ($2, $3)`, s.id, s.group(to), s.group(from))
	s.show(from, "")
	s.show(to, "")
}
