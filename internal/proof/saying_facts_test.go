package proof_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkspan/internal/channel"
)

// conversationFacts are the lines of the tables of a conversation.
const conversationFacts = `
	UNION ALL SELECT concat_ws(' ', 'private log', e.channel_id, e.group_id, e.number, e.follows, e.kind, e.message_number)
	FROM linkspan_shard.private_event AS e JOIN linkspan_shard.channel AS c USING (slot, channel_id) WHERE c.initiator_group_id = ANY ($1)
	UNION ALL SELECT concat_ws(' ', 'message', m.channel_id, m.owner_group_id, m.number, m.follows, m.state, m.version,
		quote_literal(m.body), m.author_group_id, m.author_name, m.reply_to, m.reply_count,
		'deleted by ' || d.name)
	FROM linkspan_shard.message AS m JOIN linkspan_shard.channel AS c USING (slot, channel_id)
	LEFT JOIN linkspan_shard.channel_user AS d
		ON d.slot = m.slot AND d.channel_id = m.channel_id AND d.group_id = m.deleter_group_id AND d.user_id = m.deleter_id WHERE c.initiator_group_id = ANY ($1)
	UNION ALL SELECT concat_ws(' ', 'replies apart', r.channel_id, r.number, r.group_id, r.reply_count)
	FROM linkspan_shard.private_replies AS r JOIN linkspan_shard.channel AS c USING (slot, channel_id) WHERE c.initiator_group_id = ANY ($1)
	UNION ALL SELECT concat_ws(' ', 'took part', u.channel_id, u.group_id, u.name, u.read_follows, u.read_number)
	FROM linkspan_shard.channel_user AS u JOIN linkspan_shard.channel AS c USING (slot, channel_id) WHERE c.initiator_group_id = ANY ($1)`

// ownerWord is how an owner stands in the tables.
func ownerWord(owner int) string {
	if owner == everyone {
		return "00000000-0000-0000-0000-000000000000"
	}
	return fmt.Sprintf("group-%d", owner)
}

// conversationFacts is what the tables of a conversation should hold.
func (l *life) conversationFacts(i int, say func(format string, args ...any)) {
	for _, h := range l.happened {
		switch {
		case h.message == 0:
			say("channel log channel-%d %d %s group-%d", i, h.number, h.kind, h.about)
		case h.owner == everyone:
			say("channel log channel-%d %d %s %d", i, h.number, h.kind, h.message)
		default:
			say("private log channel-%d group-%d %d %d %s %d", i, h.owner, h.number, h.follows, h.kind, h.message)
		}
	}
	for n := range l.said {
		s := &l.said[n]
		body, root, deleted := "", "", ""
		if s.state != channel.Deleted {
			body = "'" + s.body + "' "
		}
		if s.root >= 0 {
			root = fmt.Sprintf("%d ", l.said[s.root].number)
		}
		if s.deletedBy != "" {
			deleted = " deleted by " + s.deletedBy
		}
		say("message channel-%d %s %d %d %s %d %sgroup-%d %s %s%d%s", i, ownerWord(s.owner), s.number, s.follows, s.state, s.version, body,
			s.by.group, s.by.name, root, l.replies(n, func(owner int) bool { return owner == s.owner }), deleted)
		for _, group := range l.groups() {
			if apart := l.replies(n, func(owner int) bool { return owner == group }); apart > 0 && s.owner == everyone {
				say("replies apart channel-%d %d group-%d %d", i, s.number, group, apart)
			}
		}
	}
	for user, at := range l.users {
		say("took part channel-%d group-%d %s %d %d", i, user.group, user.name, at.follows, at.private)
	}
}

// TestThatOrder does two things of which both orders give these answers, and one these tables: a reaction and its taking
// back, and a deletion by the author and one by an admin.
func TestThatOrder(t *testing.T) {
	t.Parallel()
	ben := person{0, "ben"}
	in := newInstallation(t)
	p := in.open(t)
	defer p.stop()
	for name, ops := range map[string][2]operation{
		"reactions": {{do: react, by: ana}, {do: retake, by: ana}},
		"deletions": {{do: erase, by: ben}, {do: erase, by: ana}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &story{world: newWorld(t, in, p, 3), process: p, model: newModel(), did: make(map[string]int)}
			for _, op := range []operation{
				{do: create, by: ana, target: 1, name: "launch"}, {do: accept, by: targetAna}, {do: post, by: ben, name: "one", message: -1},
			} {
				s.run(t, op)
			}
			before, got := s.model.clone(), [2]answer{}
			for i, op := range ops {
				want := s.model.apply(op)
				var err error
				if got[i], err = s.world.do(t.Context(), p.Service, s.model, op); err != nil || !s.model.takes(want, got[i]) {
					t.Fatalf("%v: %+v, want %+v: %v", op, got[i], want, err)
				}
			}
			orders := before.orders(ops, got)
			if len(orders) != 2 {
				t.Fatalf("%d orders give these answers", len(orders))
			}
			for range orders {
				slices.Reverse(orders)
				if diff := cmp.Diff(s.model.view(1), s.world.that(t, orders).view(1)); diff != "" {
					t.Errorf("another order is shown (-want +got):\n%s", diff)
				}
			}
			s.world.compare(t, s.model)
		})
	}
	in.check(t, p)
}
