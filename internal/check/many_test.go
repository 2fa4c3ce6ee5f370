package check_test

import (
	"slices"
	"testing"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
)

// manyPlants are those of channels that many groups share, leave and come back to. Of each the comment says what it is that
// looks right where every channel has one invitation.
var manyPlants = []plant{
	// The initiator's role is held by one, by nobody else at the same time, and not by another than the channel says.
	{"channel-initiator", "main", `UPDATE linkspan_main.shard_referential SET role = 'INITIATOR' WHERE role = 'TARGET' AND state = 'LEFT'`, ""},
	{"channel-initiator", "main", `UPDATE linkspan_main.shard_referential SET role = 'TARGET' WHERE role = 'INITIATOR' AND state = 'LEFT'`, ""},
	// A channel is not on the slot of whoever has that role, or sent any of its invitations.
	{"channel-home", "main", `UPDATE linkspan_main.invitation SET from_group_id = to_group_id, to_group_id = from_group_id
		WHERE state NOT IN ('REQUESTED', 'PENDING', 'AWAITING_APPROVAL')`, ""},
	{"channel-home", "main", `DELETE FROM linkspan_main.invitation`, ""},
	{"channel-home", "main", `UPDATE linkspan_main.groups SET slot = (slot + 1) % 4096`, ""},
	// Archived while somebody is linked, or not archived while nobody is; closed while a second invitation is open; pending
	// for a third group when a second is linked; closed in the place of archived.
	{"channel-state", "main", `UPDATE linkspan_main.channel SET state = 'ARCHIVED' WHERE state = 'ACTIVE'`, ""},
	{"channel-state", "main", `UPDATE linkspan_main.channel SET state = 'ACTIVE' WHERE state = 'ARCHIVED'`, ""},
	{"channel-state", "main", `UPDATE linkspan_main.channel SET state = 'CLOSED' WHERE state = 'PENDING'`, ""},
	{"channel-state", "main", `UPDATE linkspan_main.channel SET state = 'PENDING' WHERE state = 'ACTIVE'`, ""},
	{"channel-state", "main", `UPDATE linkspan_main.channel SET state = 'CLOSED' WHERE state = 'ARCHIVED'`, ""},
	{"channel-state", "main", `UPDATE linkspan_main.shard_referential SET state = 'LINKED', name_key = channel_id::text
		WHERE state = 'LEFT'`, ""},
	{"channel-state", "main", `UPDATE linkspan_main.invitation SET state = 'AWAITING_APPROVAL' WHERE state = 'REVOKED'`, ""},
	// Closed in the place of left, when it was accepted; asked as if it had never been linked; in by an invitation that ended
	// otherwise; left, and never was in; home, known by another than its first invitation, or closed out when it is no initiator.
	{"link-invitation", "main", `UPDATE linkspan_main.shard_referential AS r SET state = 'CLOSED', linked_at = NULL FROM linkspan_main.invitation AS i
		WHERE i.invitation_id = r.invitation_id AND i.to_group_id = r.group_id AND r.role = 'TARGET' AND r.state = 'LINKED'`, ""},
	{"link-invitation", "main", `UPDATE linkspan_main.shard_referential SET state = 'INVITED' WHERE role = 'TARGET' AND state = 'LEFT'`, ""},
	{"link-invitation", "main", `UPDATE linkspan_main.invitation SET state = 'DECLINED' WHERE state = 'ACCEPTED'`, ""},
	{"link-invitation", "main", `UPDATE linkspan_main.shard_referential SET name = NULL WHERE state = 'REMOVED'`, ""},
	{"link-invitation", "main", `UPDATE linkspan_main.shard_referential AS r SET name = NULL FROM linkspan_main.invitation AS i
		WHERE i.invitation_id = r.invitation_id AND i.state = 'PENDING' AND r.state = 'LEFT'`, ""},
	{"link-invitation", "main", `UPDATE linkspan_main.shard_referential AS r SET invitation_id = i.invitation_id
		FROM linkspan_main.invitation AS i WHERE i.channel_id = r.channel_id AND i.from_group_id = r.group_id AND r.role = 'INITIATOR'
			AND i.created_at > r.created_at`, ""},
	{"link-invitation", "main", `UPDATE linkspan_main.shard_referential AS r SET state = 'CLOSED' FROM linkspan_main.invitation AS i
		WHERE i.invitation_id = r.invitation_id AND i.from_group_id = r.group_id AND r.role = 'TARGET'`, ""},
	// An initiator that is closed out of a live channel, or that somebody removed, or that is in where all are gone.
	{"link-initiator", "main", `UPDATE linkspan_main.shard_referential AS r SET state = 'CLOSED' FROM linkspan_main.channel AS c
		WHERE c.channel_id = r.channel_id AND r.role = 'INITIATOR' AND c.state = 'ACTIVE'`, ""},
	{"link-initiator", "main", `UPDATE linkspan_main.shard_referential AS r SET state = 'REMOVED' FROM linkspan_main.channel AS c
		WHERE c.channel_id = r.channel_id AND r.role = 'INITIATOR' AND c.state = 'ACTIVE'`, ""},
	{"link-initiator", "main", `UPDATE linkspan_main.shard_referential AS r SET state = 'LINKED', name_key = r.channel_id::text
		FROM linkspan_main.channel AS c WHERE c.channel_id = r.channel_id AND r.role = 'INITIATOR' AND c.state = 'ARCHIVED'`, ""},
	// Let invite, or offered the role, that has it, is gone, or is not known here.
	{"link-leave", "main", `UPDATE linkspan_main.shard_referential SET may_invite = true WHERE role = 'INITIATOR'`, ""},
	{"link-leave", "main", `UPDATE linkspan_main.shard_referential SET may_invite = true WHERE state = 'LEFT'`, ""},
	{"link-leave", "main", `UPDATE linkspan_main.channel SET offered_group_id = initiator_group_id`, ""},
	{"link-leave", "main", `UPDATE linkspan_main.channel SET offered_group_id = gen_random_uuid()`, ""},
	{"channel-shard", "shards", `UPDATE linkspan_shard.channel SET home_group_id = gen_random_uuid()`, ""},
	{"channel-shard", "shards", `UPDATE linkspan_shard.channel SET offered_group_id = gen_random_uuid()`, ""},
	{"channel-side", "shards", `UPDATE linkspan_shard.channel_side SET may_invite = true WHERE role = 'TARGET'`, ""},
	// Sent by a group that was never in; open, though who sent it is gone; open, and the group that is asked knows another.
	{"invitation-link", "main", `UPDATE linkspan_main.shard_referential SET name = NULL
		WHERE state = 'LEFT' AND group_id IN (SELECT from_group_id FROM linkspan_main.invitation)`, ""},
	{"invitation-link", "main", `UPDATE linkspan_main.shard_referential AS r SET state = 'LEFT' FROM linkspan_main.invitation AS i
		WHERE i.channel_id = r.channel_id AND i.from_group_id = r.group_id AND i.state = 'PENDING'`, ""},
	{"invitation-link", "main", `UPDATE linkspan_main.shard_referential AS r SET invitation_id = o.invitation_id
		FROM linkspan_main.invitation AS i, linkspan_main.invitation AS o
		WHERE r.invitation_id = i.invitation_id AND i.state = 'PENDING' AND o.channel_id = r.channel_id AND o.to_group_id = r.group_id
			AND o.state <> 'PENDING'`, ""},
	// A group is asked twice at a time, which an index is against.
	{"invitation-once", "main", `DROP INDEX linkspan_main.invitation_open; UPDATE linkspan_main.invitation AS i SET state = 'AWAITING_APPROVAL', resolved_at = NULL, resolver_id = NULL
		FROM linkspan_main.invitation AS o WHERE o.channel_id = i.channel_id AND o.to_group_id = i.to_group_id
			AND o.state = 'PENDING' AND i.state <> 'PENDING'`,
		`CREATE UNIQUE INDEX invitation_open ON linkspan_main.invitation (channel_id, to_group_id)
			WHERE state IN ('REQUESTED', 'PENDING', 'AWAITING_APPROVAL')`},
	// One that waits is decided on; one waits before anybody has said yes.
	{"invitation-resolved", "main", `UPDATE linkspan_main.invitation SET resolver_id = gen_random_uuid() WHERE state = 'AWAITING_APPROVAL'`, ""},
	{"invitation-resolved", "main", `UPDATE linkspan_main.invitation SET resolved_at = now() WHERE state = 'AWAITING_APPROVAL'`, ""},
	{"invitation-resolved", "main", `UPDATE linkspan_main.invitation SET state = 'REQUESTED', resolved_at = now() WHERE state = 'PENDING'`, ""},
	{"invitation-resolved", "main", `UPDATE linkspan_main.invitation SET version = 1 WHERE state = 'AWAITING_APPROVAL'`, ""},
	// An older invitation's copy differs or is gone, at home and at a group that sent it without being home.
	{"listed-invitation", "shards", `UPDATE linkspan_shard.group_invitation SET note = 'another note' WHERE state = 'EXPIRED'`, ""},
	{"listed-invitation", "shards", `DELETE FROM linkspan_shard.group_invitation WHERE state = 'EXPIRED' AND direction = 'SENT'`, ""},
	{"listed-invitation", "shards", `UPDATE linkspan_shard.group_invitation SET state = 'PENDING' WHERE from_handle = 'globex' AND direction = 'SENT'`, ""},
	// What a group says about its side, and the initiator about the channel, is copied.
	{"channel-side", "shards", `UPDATE linkspan_shard.channel_side SET name_visible = NOT name_visible`, ""},
	{"channel-side", "shards", `UPDATE linkspan_shard.channel_side SET topic = 'another topic'`, ""},
	{"channel-side", "shards", `UPDATE linkspan_shard.channel_side SET muted_by_default = NOT muted_by_default`, ""},
	{"channel-shard", "shards", `UPDATE linkspan_shard.channel SET topic = 'another topic'`, ""},
	// And who of it sees the channel, there and in its list.
	{"channel-side", "shards", `UPDATE linkspan_shard.channel_side SET members_only = NOT members_only`, ""},
	{"channel-side", "shards", `INSERT INTO linkspan_shard.side_member (slot, channel_id, group_id, user_id, name, position)
		SELECT slot, channel_id, group_id, gen_random_uuid(), 'somebody', 1 FROM linkspan_shard.channel_side LIMIT 1`, ""},
	{"listed-channel", "shards", `UPDATE linkspan_shard.group_channel SET members_only = NOT members_only`, ""},
	{"listed-channel", "shards", `INSERT INTO linkspan_shard.listed_member (slot, group_id, channel_id, user_id)
		SELECT slot, group_id, channel_id, gen_random_uuid() FROM linkspan_shard.group_channel LIMIT 1`, ""},
	{"channel-side", "main", `INSERT INTO linkspan_main.side_member (channel_id, group_id, user_id, name, position)
		SELECT channel_id, group_id, gen_random_uuid(), 'somebody', 1 FROM linkspan_main.shard_referential WHERE state = 'LINKED' LIMIT 1`, ""},
	// Who was in has the channel in its list for good; who was not has not.
	{"listed-channel", "shards", `DELETE FROM linkspan_shard.group_channel AS l USING linkspan_shard.group_invitation AS i
		WHERE i.slot = l.slot AND i.group_id = l.group_id AND i.channel_id = l.channel_id AND i.to_handle = 'hooli'
			AND i.direction = 'RECEIVED'`, ""},
	{"listed-channel", "shards", `INSERT INTO linkspan_shard.group_channel (slot, group_id, channel_id, position)
		SELECT slot, group_id, channel_id, position FROM linkspan_shard.group_invitation WHERE to_handle = 'umbrella' AND direction = 'RECEIVED'`, ""},
	// The side of who is gone, and the roles; how long a channel waits that waits for two.
	{"channel-side", "shards", `DELETE FROM linkspan_shard.channel_side WHERE state = 'REMOVED'`, ""},
	{"channel-side", "shards", `UPDATE linkspan_shard.channel_side SET state = 'REMOVED' WHERE state = 'LEFT'`, ""},
	{"channel-side", "shards", `UPDATE linkspan_shard.channel_side SET role = 'TARGET' WHERE role = 'INITIATOR'`, ""},
	{"channel-shard", "shards", `UPDATE linkspan_shard.channel SET pending_until = pending_until - interval '12 hours' WHERE state = 'PENDING'`, ""},
	{"channel-shard", "shards", `UPDATE linkspan_shard.channel SET state = 'ACTIVE' WHERE state = 'ARCHIVED'`, ""},
	// A group is asked, and nothing will ever tell it.
	{"step-reached", "main", `WITH asked AS (
			INSERT INTO linkspan_main.invitation (invitation_id, channel_id, from_group_id, to_group_id, state, version, sender_id, sender_name,
				proposed_name, expires_at)
			SELECT gen_random_uuid(), c.channel_id, c.initiator_group_id, g.group_id, 'PENDING', 1, gen_random_uuid(), 'somebody', 'a name', now() + interval '1 day'
			FROM linkspan_main.channel AS c JOIN linkspan_main.groups AS g ON g.handle = 'stark'
			WHERE c.state = 'ACTIVE' ORDER BY c.channel_id LIMIT 1 RETURNING *
		) INSERT INTO linkspan_main.shard_referential (channel_id, group_id, role, state, version, invitation_id)
		SELECT channel_id, to_group_id, 'TARGET', 'INVITED', 1, invitation_id FROM asked`, ""},
}

// Three groups and more ask, come, go and come back, and hand the initiator's role on: whatever they do, nothing is wrong.
// What then is done wrong by hand is found.
func TestManyGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, handle := range []string{"hooli", "umbrella", "stark"} {
		group := w.Register(handle)
		w.admins[handle] = &channel.Viewer{Group: group, User: channel.User{ID: ids.UserOf(group.ID, "ana"), Group: group, Name: secretText}}
	}
	right := func(what string) {
		t.Helper()
		w.Settled()
		if report := w.check(); !report.OK() || report.InFlight != 0 {
			t.Fatalf("%s, and the report has %v, %d in flight", what, report.Breaches, report.InFlight)
		}
	}

	s, _ := w.share("acme", "globex", true)
	third := s.invite("acme", "initech")
	right("a third group is asked")
	s.end(third, "acme", "initech", "DECLINED", "initech")
	right("it declines")
	third = s.invite("globex", "initech")
	right("it is asked again, by the group that came second")
	s.move(third, "AWAITING_APPROVAL", "")
	s.tell("globex", "INVITATION_CHANGED", third)
	s.tell("initech", "INVITATION_CHANGED", third)
	right("it said yes, and somebody has to approve")
	s.link(third, "globex", "initech")
	right("it comes in")
	fourth := s.invite("acme", "hooli")
	s.link(fourth, "acme", "hooli")
	right("a fourth comes in")
	s.part("initech", "LEFT")
	right("the third leaves")
	third = s.invite("acme", "initech")
	right("it is asked back")
	s.end(third, "acme", "initech", "EXPIRED", "")
	right("nobody answered")
	third = s.invite("acme", "initech")
	s.link(third, "acme", "initech")
	right("asked once more it comes back")
	s.part("hooli", "REMOVED")
	right("the fourth is removed")
	s.part("initech", "LEFT")
	s.invite("acme", "initech")
	right("the third has left again, and is asked")

	gone, _ := w.share("acme", "globex", true)
	gone.take("acme", "globex")
	right("home gives the initiator's role away")
	gone.part("acme", "LEFT")
	right("home leaves")
	back := gone.invite("globex", "acme")
	right("home is asked back")
	gone.link(back, "globex", "acme")
	right("home comes back")
	gone.part("globex", "LEFT")
	right("the initiator leaves")
	last := gone.invite("acme", "hooli")
	gone.end(last, "acme", "hooli", "REVOKED", "acme")
	gone.part("acme", "LEFT")
	right("the last one leaves")

	taken, _ := w.share("initech", "globex", true)
	taken.take("initech", "globex")
	asked := taken.invite("globex", "acme")
	taken.move(asked, "AWAITING_APPROVAL", "")
	taken.tell("globex", "INVITATION_CHANGED", asked)
	taken.tell("acme", "INVITATION_CHANGED", asked)
	right("another is initiator than home, and an approval is open")

	waits, _ := w.share("globex", "acme", false)
	second := waits.invite("globex", "initech")
	right("two are asked first")
	waits.end(second, "globex", "initech", "EXPIRED", "")
	right("one does not answer: the channel waits for the other")
	waits.invite("globex", "umbrella")
	right("two are asked again")

	closed, only := w.share("globex", "acme", false)
	second = closed.invite("globex", "initech")
	closed.end(second, "globex", "initech", "DECLINED", "initech")
	if err := w.decline(t.Context(), only); err != nil {
		t.Fatal(err)
	}
	right("the last that was asked declines")

	keep := newKeeper(w)
	for _, p := range manyPlants {
		w.finds(t, keep, p)
	}
	right("nothing is planted any more")
}

// allPlants are those of all tests.
func allPlants() []plant {
	return slices.Concat(plants, auditPlants, conversationPlants, frozenPlants, outdatedPlants, manyPlants)
}
