package store_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"linkspan/internal/channel"
	"linkspan/internal/store/storetest"
	"linkspan/shardrouter"
)

// Who sees few of a group's many channels reads only those, in the order of all, and page by page.
func TestListOfFewOfManyChannels(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.Config(t, 0))
	const many, every = 2000, 400 // of those that every so many's is for all, and the next for ben
	ben := w.user(w.acme, "ben").ID
	database, _ := w.router.Cluster(w.router.ClusterOf(shardrouter.SlotOf(w.acme.ID.Bytes())))
	run := func(text string, args ...any) {
		t.Helper()
		if _, err := database.Pool().Exec(t.Context(), text, args...); err != nil {
			t.Fatal(err)
		}
	}
	run(`INSERT INTO linkspan_shard.group_channel (slot, group_id, channel_id, position, members_only)
		SELECT l.slot, l.group_id, gen_random_uuid(), n, n % $2 <> 0 FROM linkspan_shard.inbox_log AS l, generate_series(1, $3) AS n WHERE l.group_id = $1`,
		w.acme.ID, every, many)
	run(`INSERT INTO linkspan_shard.listed_member (slot, group_id, channel_id, user_id)
		SELECT slot, group_id, channel_id, CASE WHEN position % $3 = 1 THEN $2 ELSE gen_random_uuid() END FROM linkspan_shard.group_channel
		WHERE group_id = $1 AND members_only`, w.acme.ID, ben, every)
	for range 30 { // other groups have lists as long
		run(`INSERT INTO linkspan_shard.group_channel (slot, group_id, channel_id, position, members_only)
			SELECT c.slot, g.id, gen_random_uuid(), c.position, c.members_only FROM linkspan_shard.group_channel AS c, (SELECT gen_random_uuid() AS id) AS g WHERE c.group_id = $1`,
			w.acme.ID)
	}
	var want []int64
	for n := int64(many); n > 0; n-- {
		if n%every == 0 || n%every == 1 {
			want = append(want, n)
		}
	}
	ranges := []channel.Range{{Limit: 3}, {Limit: 3, Backward: true}, {Limit: 50}}
	for n, r := range slices.Concat(ranges, ranges) {
		if n == len(ranges) { // the second time Postgres knows how much there is
			run(`ANALYZE linkspan_shard.group_channel, linkspan_shard.listed_member`)
		}
		var got []int64
		for page, more := r, true; more; {
			plan, err := w.ChannelsRead(t.Context(), as(ben), page)
			w.must(err)
			if n := rowsRead(t, plan); n > 4*len(want) {
				t.Errorf("%+v reads %d rows, and there are %d to be seen:\n%s", page, n, len(want), plan)
			}
			rows, err := w.ListChannels(t.Context(), as(ben), page)
			w.must(err)
			var positions []int64
			for _, row := range rows.Rows {
				positions = append(positions, row.Position)
			}
			if r.Backward {
				got, more = slices.Concat(positions, got), rows.MoreBefore
				page.Before = got[0]
			} else {
				got, more = append(got, positions...), rows.MoreBehind
				page.After = got[len(got)-1]
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v lists %v, want %v", r, got, want)
		}
	}
	between, err := w.ListChannels(t.Context(), as(ben), channel.Range{Limit: 50, After: want[1], Before: want[4]})
	if w.must(err); len(between.Rows) != 2 || between.Rows[0].Position != want[2] || between.Rows[1].Position != want[3] {
		t.Errorf("between two of %v are %+v", want, between.Rows)
	}
	for name, reader := range map[string]channel.Reader{
		"an admin": {User: ben, As: ben, Admin: true}, "anyone": anyOf(w.acme.ID), "another": as(w.user(w.acme, "cid").ID),
	} {
		rows, err := w.ListChannels(t.Context(), reader, channel.Range{Limit: many})
		w.must(err)
		if n := map[bool]int{true: many, false: many / every}[reader.Admin]; len(rows.Rows) != n {
			t.Errorf("%s is shown %d channels, want %d", name, len(rows.Rows), n)
		}
	}
}

// rowsRead is how many rows a plan has read of tables.
func rowsRead(t *testing.T, plan string) int {
	t.Helper()
	type node struct {
		Rows    float64 `json:"Actual Rows"`
		Removed float64 `json:"Rows Removed by Filter"`
		Loops   float64 `json:"Actual Loops"`
		Table   string  `json:"Relation Name"`
		Plans   []json.RawMessage
	}
	var explained []struct{ Plan json.RawMessage }
	if err := json.Unmarshal([]byte(plan), &explained); err != nil || len(explained) != 1 {
		t.Fatal(fmt.Errorf("%w: %s", err, plan))
	}
	read := 0.0
	for next := []json.RawMessage{explained[0].Plan}; len(next) > 0; next = next[1:] {
		var n node
		if err := json.Unmarshal(next[0], &n); err != nil {
			t.Fatal(err)
		}
		if n.Table != "" {
			read += (n.Rows + n.Removed) * n.Loops
		}
		next = append(next, n.Plans...)
	}
	return int(read)
}
