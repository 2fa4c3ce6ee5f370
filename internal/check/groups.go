package check

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"linkspan/shardrouter"
)

var (
	groupInbox  = Invariant{"group-inbox", "A registered group has its inbox log on its slot's cluster."}
	groupPolicy = Invariant{"group-policy", "The copy of a group's sharing policy is as main has it."}
	groupBlock  = Invariant{"group-block", "A group blocks those on its slot's cluster whom it blocks in main, and no others."}
)

// policyFields are the fields of a policy p that main and the copies have alike.
const policyFields = `jsonb_build_object('version', p.version, 'enabled', p.sharing_enabled, 'who', p.who_may_accept)::text`

type policyRow struct {
	Group  uuid.UUID `bun:"group_id"`
	Fields string    `bun:"fields"`
}

// blockFields are the fields of what a group thinks of another, b, that main and the copies have alike while it blocks it.
const blockFields = `jsonb_build_object('version', b.version)::text`

type blockRow struct {
	Group  uuid.UUID `bun:"group_id"`
	Other  uuid.UUID `bun:"other_group_id"`
	Fields string    `bun:"fields"`
}

type groupRow struct {
	ID   uuid.UUID `bun:"group_id"`
	Slot int16     `bun:"slot"`
}

// groups compares every group of main with its slot.
func (c *checker) groups(ctx context.Context) error {
	total, err := c.count(ctx, `SELECT count(*) FROM linkspan_main.groups`)
	if err != nil {
		return err
	}
	return c.walk(ctx, "groups", total, &c.report.Groups, func(tx bun.Tx, behind uuid.UUID) (p page, err error) {
		rows, err := query[groupRow](ctx, tx, `
			SELECT group_id, slot FROM linkspan_main.groups WHERE group_id > ? ORDER BY group_id LIMIT ?`, behind, channelBatch)
		if err != nil || len(rows) == 0 {
			return p, err
		}
		p.objects, p.last = len(rows), rows[len(rows)-1].ID
		ids := make([]uuid.UUID, len(rows))
		for i, row := range rows {
			ids[i] = row.ID
			if slot := shardrouter.SlotOf(row.ID); int16(slot) != row.Slot {
				c.breach(Breach{groupSlot.Name, shardrouter.MainName, "group " + row.ID.String(),
					fmt.Sprintf("slot %d, and the hash of its id is %d", row.Slot, slot)})
			}
		}
		p.destinations, err = wantedInboxes(ctx, tx, ids)
		return p, err
	}, func(tx bun.Tx, again []uuid.UUID) ([]*destination, error) {
		return wantedInboxes(ctx, tx, again)
	})
}

func wantedInboxes(ctx context.Context, tx bun.Tx, groups []uuid.UUID) ([]*destination, error) {
	found, err := destinations(ctx, tx, groups)
	if err != nil {
		return nil, err
	}
	for _, d := range found {
		d.want.add(inboxKind, d.stream.Destination.String(), "{}")
	}
	policies, err := query[policyRow](ctx, tx, `
		SELECT p.group_id, `+policyFields+` AS fields FROM linkspan_main.sharing_policy AS p WHERE p.group_id IN (?)`, bun.List(groups))
	if err != nil {
		return nil, err
	}
	where := wantedBy(found)
	for _, row := range policies {
		where.at(row.Group, row.Group).want.add(policyKind, row.Group.String(), row.Fields)
	}
	blocks, err := query[blockRow](ctx, tx, `
		SELECT b.group_id, b.other_group_id, `+blockFields+` AS fields FROM linkspan_main.stance AS b WHERE b.group_id IN (?) AND b.blocked`,
		bun.List(groups))
	for _, row := range blocks {
		where.at(row.Group, row.Group).want.add(blockKind, row.Group.String()+" "+row.Other.String(), row.Fields)
	}
	return found, err
}

// count runs a query for a number on main.
func (c *checker) count(ctx context.Context, text string) (n int64, err error) {
	err = c.router.Main().ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
		return conn.QueryRow(ctx, text).Scan(&n)
	})
	return n, failed(shardrouter.MainName, "counting", err)
}

// inFlight asks main for how long the oldest open step has been on its way.
func (c *checker) inFlight(ctx context.Context) error {
	err := c.router.Main().ReadPgx(ctx, func(ctx context.Context, conn shardrouter.Conn) error {
		return conn.QueryRow(ctx, `
			SELECT COALESCE(extract(epoch FROM now() - min(created_at)), 0)::float8 FROM linkspan_main.outbox_step`,
		).Scan(&c.report.OldestInFlightSeconds)
	})
	return failed(shardrouter.MainName, "open steps", err)
}
