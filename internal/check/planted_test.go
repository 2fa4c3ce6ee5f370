package check_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"linkspan/internal/check"
)

// plant is damage done by hand, by a statement on main or on all shards, and the invariant that it breaks.
type plant struct {
	invariant string
	on        string // "main" or "shards"
	damage    string
	undo      string // beside bringing all rows back
}

var plants = []plant{
	{"channel-initiator", "main", `UPDATE linkspan_main.channel SET initiator_group_id = gen_random_uuid()`, ""},
	{"channel-initiator", "main", `DELETE FROM linkspan_main.shard_referential WHERE role = 'INITIATOR'`, ""},
	{"channel-state", "main", `UPDATE linkspan_main.channel SET state = 'ACTIVE' WHERE state = 'PENDING'`, ""},
	{"channel-state", "main", `UPDATE linkspan_main.channel SET state = 'CLOSED' WHERE state = 'ACTIVE'`, ""},
	{"link-channel", "main", `DELETE FROM linkspan_main.channel`, ""},
	{"link-channel", "main", `DELETE FROM linkspan_main.groups`, ""},
	{"link-invitation", "main", `UPDATE linkspan_main.shard_referential SET state = 'INVITED' WHERE role = 'TARGET' AND state = 'LINKED'`, ""},
	{"link-invitation", "main", `DELETE FROM linkspan_main.invitation`, ""},
	{"link-initiator", "main", `UPDATE linkspan_main.shard_referential SET state = 'CLOSED' WHERE role = 'INITIATOR' AND state = 'LINKED'`, ""},
	{"member-link", "main", `INSERT INTO linkspan_main.side_member (channel_id, group_id, user_id, name, position)
		SELECT channel_id, gen_random_uuid(), gen_random_uuid(), 'somebody', 1 FROM linkspan_main.channel`, ""},
	{"member-link", "main", `INSERT INTO linkspan_main.side_member (channel_id, group_id, user_id, name, position)
		SELECT channel_id, group_id, gen_random_uuid(), 'somebody', 1 FROM linkspan_main.shard_referential WHERE name IS NULL`, ""},
	{"link-name", "main", `DROP INDEX linkspan_main.shard_referential_live_name;
		UPDATE linkspan_main.shard_referential SET name_key = 'one' WHERE state = 'LINKED'`, `
		CREATE UNIQUE INDEX shard_referential_live_name ON linkspan_main.shard_referential (group_id, name_key) WHERE state = 'LINKED'`},
	{"invitation-link", "main", `UPDATE linkspan_main.invitation SET from_group_id = gen_random_uuid()`, ""},
	{"invitation-link", "main", `DELETE FROM linkspan_main.shard_referential WHERE role = 'TARGET'`, ""},
	{"invitation-resolved", "main", `UPDATE linkspan_main.invitation SET resolved_at = NULL WHERE state = 'DECLINED'`, ""},
	{"invitation-resolved", "main", `UPDATE linkspan_main.invitation SET resolved_at = now() WHERE state = 'PENDING'`, ""},
	{"operation-outcome", "main", `UPDATE linkspan_main.operation SET channel_id = gen_random_uuid() WHERE channel_id IS NOT NULL`, ""},
	{"outbox-dense", "main", `UPDATE linkspan_main.outbox_stream SET tail = tail + 1`, ""},
	{"outbox-stream", "main", `INSERT INTO linkspan_main.outbox_step (subject, destination_kind, destination, number, op_id, kind, effect)
		VALUES (gen_random_uuid(), 'GROUP', gen_random_uuid(), 1, gen_random_uuid(), 'CREATE_CHANNEL', '{}')`, ""},
	{"name-key", "main", `UPDATE linkspan_main.shard_referential SET name_key = channel_id::text WHERE name IS NOT NULL`, ""},
	{"group-slot", "main", `UPDATE linkspan_main.groups SET slot = (slot + 1) % 4096`, ""},
	{"slot-owner", "main", `DELETE FROM linkspan_main.slot WHERE slot = 17`, ""},
	{"slot-owner", "shards", `UPDATE linkspan_shard.owned_slot SET epoch = 7 WHERE slot IN (SELECT min(slot) FROM linkspan_shard.owned_slot)`, ""},
	{"slot-owner", "shards", `DELETE FROM linkspan_shard.owned_slot WHERE slot IN (SELECT min(slot) FROM linkspan_shard.owned_slot)`, ""},
	{"step-reached", "main", `DELETE FROM linkspan_main.outbox_stream WHERE destination_kind = 'CHANNEL'`, ""},
	{"step-reached", "shards", `DELETE FROM linkspan_shard.applied_step`, ""},
	{"step-reached", "shards", `UPDATE linkspan_shard.applied_step SET number = number + 1`, ""},
	{"row-slot", "shards", `UPDATE linkspan_shard.owned_slot SET state = 'MOVED', moved_to = 'elsewhere'
		WHERE slot IN (SELECT slot FROM linkspan_shard.inbox_log)`, ""},
	{"channel-slot", "shards", `UPDATE linkspan_shard.channel SET slot = (slot + 1) % 4096`, ""},
	{"channel-log", "shards", `DELETE FROM linkspan_shard.channel_log`, ""},
	{"channel-log", "shards", `DELETE FROM linkspan_shard.channel_side WHERE role = 'INITIATOR'`, ""},
	{"side-channel", "shards", `DELETE FROM linkspan_shard.channel`, ""},
	{"member-side", "shards", `INSERT INTO linkspan_shard.side_member (slot, channel_id, group_id, user_id, name, position)
		SELECT slot, channel_id, gen_random_uuid(), gen_random_uuid(), 'somebody', 1 FROM linkspan_shard.channel`, ""},
	{"member-side", "shards", `INSERT INTO linkspan_shard.listed_member (slot, group_id, channel_id, user_id)
		SELECT slot, group_id, gen_random_uuid(), gen_random_uuid() FROM linkspan_shard.inbox_log`, ""},
	{"channel-log-dense", "shards", `UPDATE linkspan_shard.channel_log SET head = head + 1`, ""},
	{"channel-log-dense", "shards", `DELETE FROM linkspan_shard.channel_event WHERE number = 1`, ""},
	{"channel-event-once", "shards", `UPDATE linkspan_shard.channel_event SET side_version = 1,
		about_group_id = '00000000-0000-0000-0000-000000000001' WHERE kind = 'GROUP_LINKED'`, ""},
	{"inbox-dense", "shards", `DELETE FROM linkspan_shard.inbox_event WHERE number = 1`, ""},
	{"inbox-dense", "shards", `UPDATE linkspan_shard.inbox_log SET head = head - 1 WHERE head > 0`, ""},
	{"inbox-once", "shards", `UPDATE linkspan_shard.inbox_event SET invitation_version = 1`, ""},
	{"inbox-list", "shards", `DELETE FROM linkspan_shard.group_invitation`, ""},
	{"inbox-list", "shards", `UPDATE linkspan_shard.group_invitation SET version = version + 1`, ""},
	{"list-position", "shards", `UPDATE linkspan_shard.group_channel SET position = position + 1000`, ""},
	{"list-position", "shards", `UPDATE linkspan_shard.group_invitation SET position = position + 1000`, ""},
	{"list-inbox", "shards", `DELETE FROM linkspan_shard.inbox_log`, ""},
	{"list-direction", "shards", `UPDATE linkspan_shard.group_invitation
		SET direction = CASE direction WHEN 'SENT' THEN 'RECEIVED' ELSE 'SENT' END, position = -position`, ""},
	{"invitation-history", "main", `UPDATE linkspan_main.transition SET version = version + 5 WHERE version = 2`, ""},
	{"invitation-history", "main", `UPDATE linkspan_main.transition SET state = 'DENIED' WHERE version = 2`, ""},
	{"invitation-history", "main", `DELETE FROM linkspan_main.invitation`, ""},
	{"invitation-resolved", "main", `UPDATE linkspan_main.invitation SET unsent = true`, ""},
	{"group-policy", "shards", `UPDATE linkspan_shard.group_policy SET version = version + 1`, ""},
	{"group-policy", "shards", `UPDATE linkspan_shard.group_policy SET who_may_accept = 'ADMINS'`, ""},
	{"group-policy", "shards", `DELETE FROM linkspan_shard.group_policy`, ""},
	{"group-block", "shards", `UPDATE linkspan_shard.group_block SET version = version + 1 WHERE blocked`, ""},
	{"group-block", "shards", `UPDATE linkspan_shard.group_block SET blocked = NOT blocked`, ""},
	{"group-block", "shards", `DELETE FROM linkspan_shard.group_block`, ""},
	{"group-block", "main", `UPDATE linkspan_main.stance SET blocked = NOT blocked`, ""},
	{"inbox-once", "shards", `DELETE FROM linkspan_shard.group_block WHERE NOT blocked`, ""}, // what was told again has no reason
	{"group-inbox", "shards", `DELETE FROM linkspan_shard.inbox_log`, ""},
	{"channel-shard", "shards", `UPDATE linkspan_shard.channel SET state = 'ARCHIVED' WHERE state = 'ACTIVE'`, ""},
	{"channel-shard", "shards", `UPDATE linkspan_shard.channel SET pending_until = now() WHERE state = 'PENDING'`, ""},
	{"channel-shard", "shards", `DELETE FROM linkspan_shard.channel`, ""},
	{"channel-side", "shards", `UPDATE linkspan_shard.channel_side SET name = 'another name'`, ""},
	{"channel-side", "shards", `UPDATE linkspan_shard.channel_side SET version = version + 1`, ""},
	{"channel-side", "shards", `DELETE FROM linkspan_shard.channel_side WHERE role = 'TARGET'`, ""},
	{"channel-side", "shards", `INSERT INTO linkspan_shard.channel_side (slot, channel_id, group_id, handle, group_name, role, state, version, name)
		SELECT slot, channel_id, gen_random_uuid(), 'eve', 'Eve', 'TARGET', 'LINKED', 1, 'eve' FROM linkspan_shard.channel`, ""},
	{"listed-invitation", "shards", `UPDATE linkspan_shard.group_invitation SET note = 'another note'`, ""},
	{"listed-invitation", "shards", `UPDATE linkspan_shard.group_invitation SET state = 'PENDING' WHERE state = 'ACCEPTED'`, ""},
	{"listed-invitation", "shards", `DELETE FROM linkspan_shard.group_invitation`, ""},
	{"listed-channel", "shards", `DELETE FROM linkspan_shard.group_channel`, ""},
	{"listed-channel", "shards", `INSERT INTO linkspan_shard.group_channel (slot, group_id, channel_id, position)
		SELECT slot, group_id, channel_id, -row_number() OVER () FROM linkspan_shard.group_invitation AS i
		WHERE direction = 'RECEIVED' AND state = 'DECLINED'`, ""},
	{"stray", "main", `DELETE FROM linkspan_main.channel`, ""},
	{"stray", "main", `DELETE FROM linkspan_main.invitation`, ""},
	{"stray", "main", `DELETE FROM linkspan_main.groups`, ""},
	{"stray", "main", `DELETE FROM linkspan_main.shard_referential WHERE role = 'TARGET'`, ""},
}

// Every kind of breach, planted by hand, is found; without one nothing is.
func TestPlantedBreachesAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.live()
	if report := w.check(); !report.OK() || report.Channels != 6 || report.Groups != 3 || report.InFlight != 0 {
		t.Fatalf("nothing is planted, and the report is %+v", report)
	}
	keep := newKeeper(w)
	for _, p := range slices.Concat(plants, auditPlants, conversationPlants, frozenPlants, outdatedPlants) {
		w.finds(t, keep, p)
	}
	if again := w.check(); !again.OK() {
		t.Errorf("nothing is planted any more, and the report has %v", again.Breaches)
	}
}

// finds plants a breach, has it found, and brings all rows back.
func (w *world) finds(t *testing.T, keep *keeper, p plant) {
	t.Helper()
	name, _, _ := strings.Cut(strings.TrimSpace(p.damage), " WHERE")
	t.Run(p.invariant+"/"+strings.Join(strings.Fields(name)[:3], " "), func(t *testing.T) {
		keep.plant(t, p)
		report := w.check()
		keep.restore(t, p.undo)
		if !slices.ContainsFunc(report.Breaches, func(b check.Breach) bool { return b.Invariant == p.invariant }) {
			t.Errorf("not found: %s; the report has %v", p.damage, report.Breaches)
		}
		if text, _ := json.Marshal(report); strings.Contains(string(text), secretText) {
			t.Errorf("the report repeats what users wrote: %s", text)
		}
	})
}

// No invariant is without a plant that shows that it is judged.
func TestEveryInvariantHasAPlant(t *testing.T) {
	t.Parallel()
	for _, invariant := range check.Invariants() {
		if !slices.ContainsFunc(allPlants(), func(p plant) bool { return p.invariant == invariant.Name }) {
			t.Errorf("nothing shows that %s is judged", invariant.Name)
		}
	}
}
