package migrations_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"linkspan/migrations"
)

// TestReactionsAreCounted has messages whose reactions were written before they were counted.
func TestReactionsAreCounted(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	if err := migrations.Up(t.Context(), db, migrations.Shard, nil); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Down(t.Context(), db, migrations.Shard, 6); err != nil {
		t.Fatal(err)
	}
	const channel = `1, '01890000-0000-8001-8000-000000000001'::uuid`
	_, err := db.ExecContext(t.Context(), `
		INSERT INTO linkspan_shard.message (slot, channel_id, owner_group_id, number, follows, body, author_group_id, author_id, author_name)
		SELECT `+channel+`, owner::uuid, number, number, 'said', gen_random_uuid(), gen_random_uuid(), 'ana'
		FROM unnest(ARRAY['00000000-0000-0000-0000-000000000000', '01890000-0000-7001-8000-000000000002']) AS owner, generate_series(1, 2) AS number;
		INSERT INTO linkspan_shard.reaction (slot, channel_id, owner_group_id, number, emoji, group_id, user_id)
		SELECT `+channel+`, '00000000-0000-0000-0000-000000000000'::uuid, 2, emoji, gen_random_uuid(), gen_random_uuid()
		FROM unnest(ARRAY['a', 'b']) AS emoji, generate_series(1, 2)
		UNION ALL SELECT `+channel+`, '01890000-0000-7001-8000-000000000002'::uuid, 1, 'a', gen_random_uuid(), gen_random_uuid()`)
	if err != nil {
		t.Fatal(err)
	}
	if err := migrations.Up(t.Context(), db, migrations.Shard, nil); err != nil {
		t.Fatal(err)
	}
	rows, err := db.QueryContext(t.Context(), `SELECT reaction_count FROM linkspan_shard.message ORDER BY owner_group_id, number`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var counts []int
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		counts = append(counts, n)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{0, 4, 1, 0}, counts); diff != "" {
		t.Errorf("the counts of reactions (-want +got):\n%s", diff)
	}
}
