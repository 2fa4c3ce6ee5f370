package proof_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"linkspan/internal/channel"
)

// mainFacts and shardFacts say as lines of text what the tables hold about the groups $1; ids are put into words after.
const (
	mainFacts = `
		SELECT concat_ws(' ', 'main: channel', channel_id, state, 'of', initiator_group_id, 'offered to ' || offered_group_id)
		FROM linkspan_main.channel WHERE initiator_group_id = ANY ($1)
		UNION ALL SELECT concat_ws(' ', 'main: link', channel_id, group_id, role, state, version, invitation_id, name, CASE WHEN may_invite THEN 'may-invite' END)
		FROM linkspan_main.shard_referential WHERE group_id = ANY ($1)
		UNION ALL SELECT concat_ws(' ', 'main: invitation', invitation_id, 'from', from_group_id, 'to', to_group_id, channel_id, state, version, resolver_name,
			CASE WHEN awaits_from THEN 'awaits-from' END, CASE WHEN awaits_to THEN 'awaits-to' END)
		FROM linkspan_main.invitation WHERE from_group_id = ANY ($1) OR to_group_id = ANY ($1)
		UNION ALL SELECT concat('main: history of ', x.invitation_id, ': ', string_agg(x.deed || ' ' || x.state, ', ' ORDER BY x.version))
		FROM linkspan_main.transition AS x JOIN linkspan_main.invitation AS i USING (invitation_id)
		WHERE i.from_group_id = ANY ($1) OR i.to_group_id = ANY ($1) GROUP BY x.invitation_id
		UNION ALL SELECT concat_ws(' ', 'main: policy of', group_id, CASE WHEN outgoing_approval THEN 'outgoing' END,
			CASE WHEN incoming_approval THEN 'incoming' END, CASE WHEN who_may_accept = 'MEMBERS' THEN 'members-accept' END)
		FROM linkspan_main.sharing_policy
		WHERE group_id = ANY ($1) AND (outgoing_approval OR incoming_approval OR who_may_accept = 'MEMBERS')
		UNION ALL SELECT concat_ws(' ', 'main:', group_id, CASE WHEN trusted THEN 'trusts' END, CASE WHEN blocked THEN 'blocks' END, other_group_id)
		FROM linkspan_main.stance WHERE group_id = ANY ($1) AND (trusted OR blocked)`
	shardFacts = `
		SELECT concat_ws(' ', 'channel shard', channel_id, state, 'of', initiator_group_id, 'offered to ' || offered_group_id)
		FROM linkspan_shard.channel WHERE initiator_group_id = ANY ($1)
		UNION ALL SELECT concat_ws(' ', 'side', s.channel_id, s.group_id, s.role, s.state, s.version, s.name, 'until ' || s.unlinked_after,
			CASE WHEN s.may_invite THEN 'may-invite' END)
		FROM linkspan_shard.channel_side AS s JOIN linkspan_shard.channel AS c USING (slot, channel_id)
		WHERE c.initiator_group_id = ANY ($1)
		UNION ALL SELECT concat_ws(' ', 'channel log', e.channel_id, e.number, e.kind, e.about_group_id, e.message_number)
		FROM linkspan_shard.channel_event AS e JOIN linkspan_shard.channel AS c USING (slot, channel_id)
		WHERE c.initiator_group_id = ANY ($1)
		UNION ALL SELECT concat_ws(' ', 'list of', i.group_id, i.direction, i.invitation_id, i.state, i.version, i.resolver_name,
			CASE WHEN i.awaits_from THEN 'awaits-from' END, CASE WHEN i.awaits_to THEN 'awaits-to' END,
			CASE WHEN i.position IS DISTINCT FROM (SELECT min(e.number) FROM linkspan_shard.inbox_event AS e
				WHERE e.slot = i.slot AND e.group_id = i.group_id AND e.invitation_id = i.invitation_id) THEN 'at a wrong position' END)
		FROM linkspan_shard.group_invitation AS i
		WHERE i.group_id = ANY ($1)
		UNION ALL SELECT concat_ws(' ', 'list of', l.group_id, l.channel_id,
			CASE WHEN e.channel_id IS DISTINCT FROM l.channel_id THEN 'at a wrong position' END)
		FROM linkspan_shard.group_channel AS l LEFT JOIN linkspan_shard.inbox_event AS e
			ON e.slot = l.slot AND e.group_id = l.group_id AND e.number = l.position
		WHERE l.group_id = ANY ($1)
		UNION ALL SELECT concat_ws(' ', 'inbox of', group_id, invitation_id, invitation_version, kind)
		FROM linkspan_shard.inbox_event WHERE group_id = ANY ($1)
		UNION ALL SELECT concat_ws(' ', 'inbox of', l.group_id, 'has', l.head, count(e.number), COALESCE(max(e.number), 0))
		FROM linkspan_shard.inbox_log AS l LEFT JOIN linkspan_shard.inbox_event AS e USING (slot, group_id)
		WHERE l.group_id = ANY ($1) GROUP BY l.group_id, l.head
		UNION ALL SELECT concat_ws(' ', 'inbox of', a.group_id, a.invitation_id, 'is out of order at', b.number)
		FROM linkspan_shard.inbox_event AS a JOIN linkspan_shard.inbox_event AS b USING (slot, group_id, invitation_id)
		WHERE a.group_id = ANY ($1) AND a.number < b.number AND (a.invitation_version > b.invitation_version
			OR a.invitation_version = b.invitation_version AND b.kind <> 'INVITATION_RECEIVED')`
)

// facts reads the tables of all clusters.
func (w *world) facts(t rapid.TB, m *model) []string {
	t.Helper()
	var all []string
	read := func(pool *pgxpool.Pool, query string) {
		rows, err := pool.Query(context.Background(), query, w.groupIDs())
		if err != nil {
			t.Fatal(err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	read(w.main, mainFacts)
	for _, shard := range w.shards {
		read(shard, shardFacts+conversationFacts)
	}
	words := w.words(m)
	for i := range all {
		all[i] = words.Replace(all[i])
	}
	slices.Sort(all)
	return all
}

// words puts the model's words in the place of ids.
func (w *world) words(m *model) *strings.Replacer {
	var pairs []string
	for i, group := range w.groups {
		pairs = append(pairs, group.ID.UUID().String(), fmt.Sprintf("group-%d", i))
	}
	for i := range m.lives {
		pairs = append(pairs, m.lives[i].channel.UUID().String(), fmt.Sprintf("channel-%d", i))
		for n, in := range m.lives[i].invitations {
			pairs = append(pairs, in.id.UUID().String(), fmt.Sprintf("invitation-%d.%d", i, n))
		}
	}
	return strings.NewReplacer(pairs...)
}

// facts is what the tables should hold.
func (m *model) facts(groups int) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, strings.TrimSpace(fmt.Sprintf(format, args...))) }
	events := make([]int, groups)
	for i := range m.lives {
		l := &m.lives[i]
		l.facts(i, say)
		for _, h := range l.told {
			events[h.group]++
		}
	}
	for group, p := range m.policies {
		if p != (policy{}) {
			say("main: policy of group-%d %s", group, p)
		}
	}
	for between, stance := range m.stances {
		switch {
		case stance.trusted:
			say("main: group-%d trusts group-%d", between[0], between[1])
		case stance.blocked:
			say("main: group-%d blocks group-%d", between[0], between[1])
		}
	}
	for _, group := range m.blocked {
		say("inbox of group-%d 0 %s", group, channel.EventGroupBlocked)
		events[group]++
	}
	for group, n := range events {
		say("inbox of group-%d has %d %d %d", group, n, n, n)
	}
	slices.Sort(all)
	return all
}

// compare waits until all tables are as the model has them.
func (w *world) compare(t rapid.TB, m *model) {
	t.Helper()
	want := m.facts(len(w.groups))
	eventually(t, func() string { return cmp.Diff(want, w.facts(t, m)) })
}

// that returns the model, of those that are alike in all answers, that the tables are as. Answers do not tell the order of a
// message for everyone and one for a group, which are numbered apart, that of a reaction and its taking back, of which
// one happens in either order and two in one, that of two deletions, of which the first counts, nor what a group last thought of another or said about sharing.
func (w *world) that(t rapid.TB, models []*model) *model {
	t.Helper()
	alike := func(m *model) bool { return slices.Equal(m.facts(len(w.groups)), models[0].facts(len(w.groups))) }
	if !slices.ContainsFunc(models, func(m *model) bool { return !alike(m) }) {
		return models[0]
	}
	w.delivered(t)
	var differences []string
	for _, m := range models {
		difference := cmp.Diff(m.facts(len(w.groups)), w.facts(t, m))
		if difference == "" {
			return m
		}
		differences = append(differences, difference)
	}
	t.Fatalf("the tables are those of neither order (-want +got):\n%s", strings.Join(differences, "\n"))
	return nil
}
