package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"linkspan/shardrouter"
)

// strayBatch is how many rows of a shard are looked for in main at a time.
const strayBatch = 2000

// strayRow is a row of a shard, by what main must know of it.
type strayRow struct {
	Slot   int16     `bun:"slot"`
	A      uuid.UUID `bun:"a"`
	B      uuid.UUID `bun:"b"`
	Number int64     `bun:"number"`
}

// strayTable is a table of the shards. Main writes first, and never deletes what a shard may know of: so what was read
// from a shard must be in main a moment later.
type strayTable struct {
	invariant Invariant
	object    string // names a and b
	detail    string
	count     string
	page      string // of slot, a, b, number, behind the three arguments
	known     string // what main has for a row k (a, b, number)
}

var strayTables = []strayTable{
	{stray, "channel %s", "main knows no such channel",
		`SELECT count(*) FROM linkspan_shard.channel`, `
		SELECT slot, channel_id AS a, channel_id AS b FROM linkspan_shard.channel
		WHERE (slot, channel_id, channel_id) > (?, ?::uuid, ?::uuid) ORDER BY slot, channel_id LIMIT ?`,
		`linkspan_main.channel WHERE channel_id = k.a`},
	{stray, "channel %s, side of group %s", "main knows no such link",
		`SELECT count(*) FROM linkspan_shard.channel_side`, `
		SELECT slot, channel_id AS a, group_id AS b FROM linkspan_shard.channel_side
		WHERE (slot, channel_id, group_id) > (?, ?::uuid, ?::uuid) ORDER BY slot, channel_id, group_id LIMIT ?`,
		`linkspan_main.shard_referential WHERE channel_id = k.a AND group_id = k.b`},
	{stray, "channel in the list of group %s: %s", "main knows no such link",
		`SELECT count(*) FROM linkspan_shard.group_channel`, `
		SELECT slot, group_id AS a, channel_id AS b FROM linkspan_shard.group_channel
		WHERE (slot, group_id, channel_id) > (?, ?::uuid, ?::uuid) ORDER BY slot, group_id, channel_id LIMIT ?`,
		`linkspan_main.shard_referential WHERE channel_id = k.b AND group_id = k.a`},
	{stray, "invitation in the list of group %s: %s", "main knows no such invitation of the group",
		`SELECT count(*) FROM linkspan_shard.group_invitation`, `
		SELECT slot, group_id AS a, invitation_id AS b FROM linkspan_shard.group_invitation
		WHERE (slot, group_id, invitation_id) > (?, ?::uuid, ?::uuid) ORDER BY slot, group_id, invitation_id LIMIT ?`,
		`linkspan_main.invitation WHERE invitation_id = k.b AND k.a IN (from_group_id, to_group_id)`},
	{stray, "inbox of group %s", "main knows no such group, or gives it another slot",
		`SELECT count(*) FROM linkspan_shard.inbox_log`, `
		SELECT slot, group_id AS a, group_id AS b, slot AS number FROM linkspan_shard.inbox_log
		WHERE (slot, group_id, group_id) > (?, ?::uuid, ?::uuid) ORDER BY slot, group_id LIMIT ?`,
		`linkspan_main.groups WHERE group_id = k.a AND slot = k.number`},
	{stepReached, "steps of %s to %s", "more steps than main has decided, or of a stream that it does not know",
		`SELECT count(*) FROM linkspan_shard.applied_step`, `
		SELECT slot, subject AS a, destination AS b, number FROM linkspan_shard.applied_step
		WHERE (slot, subject, destination) > (?, ?::uuid, ?::uuid) ORDER BY slot, subject, destination LIMIT ?`,
		`linkspan_main.outbox_stream WHERE subject = k.a AND destination = k.b AND tail >= k.number`},
}

// strays looks in main for what a shard holds, a batch after the other.
func (c *checker) strays(ctx context.Context, database *shardrouter.Database) error {
	const part = "rows"
	var done, total int64
	for _, table := range strayTables {
		var n int64
		err := database.ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
			return conn.QueryRow(ctx, table.count).Scan(&n)
		})
		if err != nil {
			return failed(database.Name(), part, err)
		}
		total += n
	}
	for _, table := range strayTables {
		last := strayRow{Slot: -1}
		for {
			c.tell(Progress{Cluster: database.Name(), Part: part, Done: done, Total: max(total, done+1)})
			var rows []strayRow
			err := database.Read(ctx, func(ctx context.Context, db bun.IDB) error {
				rows = nil
				return db.NewRaw(table.page, last.Slot, last.A, last.B, strayBatch).Scan(ctx, &rows)
			})
			if err != nil {
				return failed(database.Name(), part, err)
			}
			if len(rows) == 0 {
				break
			}
			last = rows[len(rows)-1]
			done += int64(len(rows))
			if err := c.missing(ctx, database.Name(), table, rows); err != nil {
				return failed(shardrouter.MainName, part, err)
			}
		}
	}
	c.tell(Progress{Cluster: database.Name(), Part: part, Done: done, Total: done})
	return nil
}

// missing tells of those of the rows that main does not know.
func (c *checker) missing(ctx context.Context, cluster string, table strayTable, rows []strayRow) error {
	values := make([]bun.TupleValues, len(rows))
	for i, row := range rows {
		values[i] = bun.Tuple([]any{row.A, row.B, row.Number})
	}
	var unknown []strayRow
	err := c.router.Main().Read(ctx, func(ctx context.Context, db bun.IDB) error {
		unknown = nil
		return db.NewRaw(`
			SELECT k.a, k.b, k.number
			FROM (SELECT a::uuid AS a, b::uuid AS b, number FROM (VALUES ?) AS v (a, b, number)) AS k
			WHERE NOT EXISTS (SELECT 1 FROM `+table.known+`)`, bun.List(values)).Scan(ctx, &unknown)
	})
	for _, row := range unknown {
		c.breach(Breach{table.invariant.Name, cluster, object(table.object, row), table.detail})
	}
	return err
}

func object(format string, row strayRow) string {
	if strings.Count(format, "%s") == 1 {
		return fmt.Sprintf(format, row.A)
	}
	return fmt.Sprintf(format, row.A, row.B)
}
