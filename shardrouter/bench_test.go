package shardrouter

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
)

func BenchmarkLookup(b *testing.B) {
	table := newSlotTable(map[string]*Database{"a": nil})
	for slot := range Slot(Slots) {
		table.learn([]claim{{slot, "a", 1}})
	}
	var last string
	b.RunParallel(func(pb *testing.PB) {
		var slot Slot
		var name string
		for pb.Next() {
			slot = (slot + 2477) % Slots
			name = table.at(slot).cluster.name
		}
		last = name
	})
	_ = last
}

func BenchmarkSlotOf(b *testing.B) {
	id := [16]byte{7}
	for b.Loop() {
		id[0] += byte(SlotOf(id))
	}
}

// The overhead of the router over pgx: the same statement, on the same database.
func BenchmarkRead(b *testing.B) {
	r, _ := newRouter(b, "a")
	slot := slotOn(b, r, "a", 0)
	if err := noteWays[0].write(b.Context(), r, slot, 1, "hello"); err != nil {
		b.Fatal(err)
	}
	const query = `SELECT n.body FROM ` + OwnedFirst + ` LEFT JOIN linkspan_shard.note AS n ON n.slot = owned.slot AND n.id = $2`
	for _, way := range []struct {
		name string
		run  func(ctx context.Context) error
	}{
		{"pgx", func(ctx context.Context) error {
			var body string
			return r.shards["a"].pool.QueryRow(ctx, query, pgx.QueryExecModeCacheStatement, slot, 1).Scan(&body)
		}},
		{"ReadPgx", func(ctx context.Context) error {
			_, err := noteWays[2].read(ctx, r, slot, 1)
			return err
		}},
		{"bun", func(ctx context.Context) error {
			var body string
			return r.shards["a"].bun.QueryRowContext(ctx, selectNote, slot, 1).Scan(&body)
		}},
		{"Read", func(ctx context.Context) error {
			_, err := noteWays[0].read(ctx, r, slot, 1)
			return err
		}},
		{"Snapshot", func(ctx context.Context) error {
			_, err := noteWays[1].read(ctx, r, slot, 1)
			return err
		}},
	} {
		b.Run(way.name, func(b *testing.B) { loop(b, way.run) })
	}
}

// What the router itself costs: the watch, the contexts, the bookkeeping.
func BenchmarkEmptyRead(b *testing.B) {
	r, _ := newRouter(b, "a")
	slot := slotOn(b, r, "a", 0)
	loop(b, func(ctx context.Context) error {
		return r.Read(ctx, slot, func(context.Context, bun.IDB) error { return nil })
	})
}

func BenchmarkWrite(b *testing.B) {
	r, _ := newRouter(b, "a")
	slot := slotOn(b, r, "a", 0)
	const query = `INSERT INTO linkspan_shard.note (slot, id, body) SELECT slot, $2, $3 FROM ` + OwnedFirst + `
		ON CONFLICT (slot, id) DO UPDATE SET body = excluded.body`
	for _, way := range []struct {
		name string
		run  func(ctx context.Context) error
	}{
		{"pgx", func(ctx context.Context) error {
			return pgx.BeginTxFunc(ctx, r.shards["a"].pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, query, pgx.QueryExecModeCacheStatement, slot, 1, "x")
				return err
			})
		}},
		{"WritePgx", func(ctx context.Context) error { return noteWays[2].write(ctx, r, slot, 1, "x") }},
		{"bun", func(ctx context.Context) error {
			return r.shards["a"].bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error { return writeNote(slot, 1, "x")(ctx, tx) })
		}},
		{"Write", func(ctx context.Context) error { return noteWays[0].write(ctx, r, slot, 1, "x") }},
	} {
		b.Run(way.name, func(b *testing.B) { loop(b, way.run) })
	}
}

func loop(b *testing.B, run func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(b.Context()) // as a request's is
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		if err := run(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
